"""Reading cubins, listings and PTX: what is found, and what is refused."""

import re

import planted
import pytest

from spikecuda.errors import SpikecudaValueError
from spikecuda.inspection import ptx, sass, strides
from spikecuda.inspection.flow import Edge, Graph
from spikecuda.inspection.origins import accesses
from spikecuda.inspection.pipes import pipe
from spikecuda.kernels.compile import elf
from spikecuda.kernels.compile.cuda import assemble

LISTING = """
.text.other:
        /*0000*/                   NOP ;
.text.k:
        /*0000*/                   IMAD.MOV.U32 R1, RZ, RZ, c[0x0][0x28] ;
        /*0010*/              @!P0 BRA `(.L_x_0) ;
.L_x_1:
        /*0020*/                   LDG.E.64 R2, desc[UR4][R2.64+0x8] ;
        /*0030*/              @!PT BRA `(.L_x_2) ;
        /*0040*/                   CALL.REL.NOINC `($slow) ;
        /*0050*/               @P2 BRA P1, `(.L_x_1) ;
.L_x_0:
        /*0060*/               @P0 EXIT ;
        /*0070*/                   STG.E [R2.64], R4.reuse ;
        /*0080*/                   EXIT ;
.L_x_2:
        /*0090*/                   BRA `(.L_x_2);
$slow:
        /*00a0*/                   RET.REL.NODEC R8 `(k) ;
"""


def test_listing():
    code = sass.parse(LISTING, "k")
    assert [i.opcode for i in code.instructions] == [
        "IMAD", "BRA", "LDG", "BRA", "CALL", "BRA", "EXIT", "STG", "EXIT", "BRA", "RET",
    ]  # fmt: skip
    load, store = code.instructions[2], code.instructions[7]
    assert load.modifiers == ("E", "64")
    assert load.operands == ("R2", "desc[UR4][R2.64+0x8]")
    assert store.operands == ("[R2.64]", "R4")
    assert str(code.instructions[1]) == "0010: @!P0 BRA `(.L_x_0)"
    assert code.blocks == [(0, 2), (2, 4), (4, 5), (5, 6), (6, 7), (7, 9), (9, 10), (10, 11)]
    # What is never taken is no edge, and a subroutine returns to what follows its call.
    assert code.graph.successors[:6] == [[1, 4], [2], [3], [1, 4], [5], []]
    assert code.graph.reachable == {0, 1, 2, 3, 4, 5}
    (loop,) = code.graph.loops
    assert (loop.header, loop.body, loop.latches) == (1, {1, 2, 3}, {3})
    assert code.callees(2) == ["$slow"]


def test_listing_without_the_kernel_or_with_computed_jumps_is_refused():
    with pytest.raises(sass.InspectionError, match="no kernel 'q'"):
        sass.parse(LISTING, "q")
    with pytest.raises(sass.InspectionError, match="BRX"):
        sass.parse(LISTING.replace("@P0 EXIT", "BRX R2"), "k")


def test_unknown_opcode_is_refused():
    code = sass.parse(LISTING.replace("LDG.E.64", "FROB.E.64"), "k")
    with pytest.raises(sass.InspectionError, match="opcode FROB is in no pipe"):
        pipe(code.instructions[2])


def test_origin_of_an_address():
    text = """
.text.k:
        /*0000*/                   IMAD.WIDE.U32 R2, R6, 0x4, c[0x0][0x180] ;
        /*0010*/              @!P0 IMAD.WIDE.U32 R2, R6, 0x4, c[0x0][0x188] ;
        /*0020*/              @!P0 STG.E [R2.64], R4 ;
        /*0030*/                   STG.E [R2.64], R4 ;
        /*0040*/                   ISETP.NE.AND P0, PT, R4, RZ, PT ;
        /*0050*/              @!P0 STG.E [R2.64], R4 ;
        /*0060*/                   LDG.E.64 R2, [R2.64] ;
        /*0070*/                   LDG.E R5, [R2.64] ;
        /*0080*/                   EXIT ;
"""
    found = accesses(sass.parse(text, "k"), {0x180: "v", 0x184: "v", 0x188: "w", 0x18C: "w"})
    assert [sorted(a.arrays) for a in found] == [
        ["w"],  # the guard is the same
        ["v", "w"],
        ["v", "w"],  # the guard has changed since
        ["v", "w"],
        [],  # a pointer that was loaded from memory is nobody's
    ]
    assert [(a.kind, a.bytes) for a in found[-2:]] == [("load", 8), ("load", 4)]


def test_graph_of_a_loop_in_a_loop():
    ways = [[1], [2], [3], [2, 4], [1, 5], []]
    graph = Graph([[Edge(to, "next") for to in out] for out in ways])
    assert [(x.header, set(x.body)) for x in graph.loops] == [(1, {1, 2, 3, 4}), (2, {2, 3})]
    assert graph.dominators[5] == {0, 1, 2, 3, 4, 5}
    assert graph.postdominators[1] == {1, 2, 3, 4, 5}
    assert graph.looping() == {1, 2, 3, 4}
    assert graph.irreducible() == set()


def test_graph_entered_in_two_places_is_irreducible():
    ways = [[1, 2], [2], [1, 3], []]
    graph = Graph([[Edge(to, "next") for to in out] for out in ways])
    assert graph.loops == []
    assert graph.irreducible() == {1, 2}
    assert graph.between(0) == {1}


def test_blocks_between_a_branch_and_its_join():
    ways = [[1, 2], [3], [3], [4], []]
    graph = Graph([[Edge(to, "next") for to in out] for out in ways])
    assert graph.between(0) == {1, 2}
    assert graph.between(1) == set()


@pytest.mark.parametrize("cc", [(7, 5), (12, 0)], ids=["sm75", "sm120"])
def test_facts_of_a_cubin_are_the_assembler_s(cc):
    subject = planted.build(planted.float64_literal, cc)
    # This kernel's PTX assembles to the same code as its LTO IR, so the reports can be compared.
    cubin, resources = assemble(subject.ptx, cc)
    found = elf.facts(cubin, subject.entry)
    assert (found.registers, found.frame) == (resources.registers, resources.stack)
    assert found.shared == resources.shared == 0
    # Arrays are seven words of 8 bytes; scalars are aligned to their size.
    assert found.offsets[:9] == (0, 8, 16, 24, 32, 40, 48, 56, 60)
    assert found.offsets[9] == 64
    assert len(found.offsets) == 7 + 2 + 7 + 2


def test_cubin_without_the_kernel_is_refused():
    subject = planted.build(planted.float64_literal, (9, 0))
    with pytest.raises(SpikecudaValueError, match="no kernel 'q'"):
        elf.facts(subject.cubin, "q")
    with pytest.raises(SpikecudaValueError, match="ELF64"):
        elf.facts(b"MZ" + subject.cubin, subject.entry)


def strides_of(body):
    text = f""".visible .entry k(
	.param .u64 k_param_0,
	.param .u32 k_param_1
)
{{
	.reg .b32 %r<20>;
	ld.param.u64 %rd1, [k_param_0];
	ld.param.u32 %r1, [k_param_1];
	mov.u32 %r2, %tid.x;
	mov.u32 %r3, %ctaid.x;
	mov.u32 %r4, %ntid.x;
	mad.lo.s32 %r5, %r3, %r4, %r2;
{body}
	ret;
}}
"""
    return [a.stride for a in strides.accesses(ptx.parse(text))]


@pytest.mark.parametrize(
    ("stride", "body"),
    [
        (4, "mul.wide.u32 %rd2, %r5, 4; add.s64 %rd3, %rd1, %rd2; ld.global.f32 %f1, [%rd3];"),
        (8, "shl.b64 %rd2, %r5, 3; add.s64 %rd3, %rd1, %rd2; ld.global.f64 %f1, [%rd3+8];"),
        (-2, "mul.wide.s32 %rd2, %r5, 2; sub.s64 %rd3, %rd1, %rd2; ld.global.u16 %r9, [%rd3];"),
        (0, "mul.wide.u32 %rd2, %r1, 4; add.s64 %rd3, %rd1, %rd2; ld.global.f32 %f1, [%rd3];"),
        # An offset of any size that all lanes share changes nothing.
        (4, "add.s32 %r6, %r5, %r1; mad.wide.u32 %rd3, %r6, 4, %rd1; st.global.f32 [%rd3], %f1;"),
        # A number times a number that is not known at compile time.
        (None, "mul.lo.s32 %r6, %r5, %r1; mad.wide.u32 %rd3, %r6, 4, %rd1;"
         "st.global.f32 [%rd3], %f1;"),
        # The index within a warp and the lane are not affine in the thread.
        (None, "and.b32 %r6, %r5, 31; mad.wide.u32 %rd3, %r6, 4, %rd1; st.global.f32 [%rd3], %f1;"),
        # A mask that clears low bits only rounds down; this one clears high bits too.
        (None, "shr.u32 %r6, %r5, 3; and.b32 %r7, %r6, 16777212; mad.wide.u32 %rd3, %r7, 1, %rd1;"
         "st.global.u32 [%rd3], %r1;"),
    ],
)  # fmt: skip
def test_stride_of_an_address(stride, body):
    assert strides_of(body) == [stride]


def test_word_of_a_warp_has_a_stride_of_an_eighth_of_a_byte():
    (byte,) = strides_of(
        "shr.u32 %r6, %r5, 5; mad.wide.u32 %rd3, %r6, 4, %rd1; st.global.u32 [%rd3], %r1;"
    )
    (masked,) = strides_of(
        "shr.u32 %r6, %r5, 3; and.b32 %r7, %r6, 536870908; cvt.u64.u32 %rd2, %r7;"
        "add.s64 %rd3, %rd1, %rd2; st.global.u32 [%rd3], %r1;"
    )
    assert byte == masked == 1 / 8


def test_clamped_index_keeps_its_stride_and_a_choice_of_two_does_not():
    clamp = "setp.lt.u32 %p1, %r5, %r1; add.s32 %r6, %r1, -1; selp.b32 %r7, {}, {}, %p1;"
    end = "mad.wide.u32 %rd3, %r7, 4, %rd1; st.global.f32 [%rd3], %f1;"
    assert strides_of(clamp.format("%r5", "%r6") + end) == [4]
    assert strides_of(clamp.format("%r1", "%r6") + end) == [None]


def test_values_that_diverged_lanes_bring_together_are_unknown():
    body = """
	mov.u32 %r6, 0;
	setp.lt.u32 %p1, {0}, 16;
	@%p1 bra $L1;
	mov.u32 %r6, 7;
$L1:
	mad.wide.u32 %rd3, %r6, 4, %rd1; st.global.f32 [%rd3], %f1;
"""
    assert strides_of(body.format("%r2")) == [None]
    # The same way for all lanes: the same value for all lanes.
    assert strides_of(body.format("%r1")) == [0]


def test_index_that_grows_in_a_loop_keeps_its_stride():
    body = """
	mov.u32 %r6, %r5;
	mov.u32 %r7, 0;
$L1:
	mad.wide.u32 %rd3, %r6, 4, %rd1; st.global.f32 [%rd3], %f1;
	add.s32 %r6, %r6, {0};
	add.s32 %r7, %r7, 1;
	setp.lt.u32 %p1, %r7, %r1;
	@%p1 bra $L1;
"""
    assert strides_of(body.format("%r1")) == [4]
    assert strides_of(body.format("%r5")) == [None]


def test_ptx_that_is_not_understood_is_refused():
    with pytest.raises(sass.InspectionError, match=re.escape("no .entry")):
        ptx.parse(".version 8.0")
    with pytest.raises(sass.InspectionError, match="call"):
        strides_of("call f, (%r1);")
    with pytest.raises(sass.InspectionError, match=re.escape("is no PTX instruction")):
        strides_of("+++;")

"""Conformance of loads, stores, state spaces, atomics and calls."""

from __future__ import annotations

import numpy as np
import pytest

from spikecuda import emu

from . import reference as ref
from .ptxlib import float_bits, float_edges, module, random_floats

MODES = ("fast", "check", "race")


def launch(body, *arrays, parameters=None, extra="", mode="check", grid=1, block=1, shared=0):
    """Run a body whose parameters ``p0``, ``p1``... are addresses of arrays."""
    parameters = parameters or ", ".join(f".param .u64 p{k}" for k in range(len(arrays)))
    loads = "\n".join(
        f"  .reg .b64 %a{k};\n  ld.param.u64 %a{k}, [p{k}];" for k in range(len(arrays))
    )
    device = emu.Device(mode=mode)
    held = [device.to_device(a) for a in arrays]
    kernel = emu.PTXKernel(module(f"{loads}\n{body}\n  ret;", parameters, extra), device=device)
    kernel.launch(grid, block, tuple(a.pointer for a in held), shared=shared)
    for array, copy in zip(arrays, held, strict=True):
        array[...] = copy.copy_to_host()


REGISTERS = """
  .reg .pred %p<8>;
  .reg .b16 %h<16>;
  .reg .b32 %r<32>;
  .reg .b64 %d<32>;
"""


@pytest.mark.parametrize("mode", MODES)
def test_loads_extend_by_their_type_and_stores_truncate(mode):
    source = np.array([0x80, 0xFF, 0x7F, 1, 0xFE, 0xFF, 0xFF, 0x8F], np.uint8)
    out = np.zeros(8, np.uint64)
    body = (
        REGISTERS
        + """
  ld.global.u8 %d0, [%a0];    st.global.u64 [%a1], %d0;
  ld.global.s8 %d0, [%a0];    st.global.u64 [%a1+8], %d0;
  ld.global.b8 %h0, [%a0+1];  cvt.u64.u16 %d0, %h0;  st.global.u64 [%a1+16], %d0;
  ld.global.s16 %r0, [%a0+6]; cvt.u64.u32 %d0, %r0;  st.global.u64 [%a1+24], %d0;
  ld.global.u16 %d0, [%a0+6]; st.global.u64 [%a1+32], %d0;
  ld.global.s32 %d0, [%a0+4]; st.global.u64 [%a1+40], %d0;
  ld.global.nc.b32 %d0, [%a0+4]; st.global.u64 [%a1+48], %d0;
  mov.u64 %d1, 0x123456789ABCDEF0;
  st.global.u32 [%a1+56], %d1;
  st.global.u8 [%a1+60], %d1;
"""
    )
    launch(body, source, out, mode=mode)
    assert [hex(v) for v in out] == [
        hex(0x80), hex(2**64 - 0x80), hex(0xFF), hex(0xFFFF8FFF), hex(0x8FFF),
        hex(0xFFFFFFFF8FFFFFFE), hex(0x8FFFFFFE), hex(0xF0_9ABCDEF0),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", [8, 16, 32, 64])
@pytest.mark.parametrize("lanes", [2, 4])
def test_vectors_keep_their_order(mode, width, lanes):
    kind = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}[width]
    source = np.arange(1, lanes + 1).astype(kind)
    out = np.zeros(lanes, kind)
    letter = {8: "h", 16: "h", 32: "r", 64: "d"}[width]
    names = [f"%{letter}{k}" for k in range(lanes)]
    body = REGISTERS + (
        f"  ld.global.v{lanes}.b{width} {{{', '.join(names)}}}, [%a0];\n"
        f"  st.global.v{lanes}.b{width} [%a1], {{{', '.join(names[::-1])}}};"
    )
    launch(body, source, out, mode=mode)
    assert np.array_equal(out, source[::-1])


@pytest.mark.parametrize("line", ["ld.volatile.global.u32", "ld.relaxed.gpu.global.u32",
                                  "ld.acquire.sys.global.u32", "ld.global.cg.u32",
                                  "ld.global.cv.u32",
                                  "ld.weak.global.L1::no_allocate.L2::128B.u32", "ld.u32",
                                  "ld.global.ca.u32", "ldu.global.u32"])  # fmt: skip
def test_orderings_and_hints_load_the_same(line):
    out = np.array([7, 0], np.uint32)
    launch(f"{REGISTERS} {line} %r0, [%a0]; st.release.gpu.global.u32 [%a0+4], %r0;", out)
    assert out[1] == 7


def test_eight_words_at_once():
    source = np.arange(8, dtype=np.uint32)
    out = np.zeros(8, np.uint32)
    names = ", ".join(f"%r{k}" for k in range(8))
    back = ", ".join(f"%r{k}" for k in range(7, -1, -1))
    body = f"  ld.global.v8.b32 {{{names}}}, [%a0];\n  st.global.v8.f32 [%a1], {{{back}}};"
    launch(REGISTERS + body, source, out)
    assert np.array_equal(out, source[::-1])


def test_misaligned_vector_is_a_fault():
    with pytest.raises(emu.MemoryFault, match="not aligned to 8 bytes"):
        launch(f"{REGISTERS} ld.global.v2.u32 {{%r0, %r1}}, [%a0+4];", np.zeros(4, np.uint32))


def test_vector_that_runs_over_the_end():
    for line in ("ld.global.v2.u32 {%r0, %r1}, [%a0+8];", "st.global.v2.u32 [%a0+8], {%r0, %r1};"):
        launch(f"{REGISTERS} {line}", np.zeros(4, np.uint32))
        with pytest.raises(emu.MemoryFault, match="outside all"):
            launch(f"{REGISTERS} {line}", np.zeros(3, np.uint32))


SPACES = """
  .shared .align 8 .b8 one[16];
  .shared .align 4 .b32 two[2];
  .local .align 8 .b8 mine[16];
"""


@pytest.mark.parametrize("mode", MODES)
def test_shared_local_and_generic_addresses(mode):
    out = np.zeros(8, np.uint32)
    body = (
        REGISTERS
        + SPACES
        + """
  mov.u64 %d0, one;
  mov.u32 %r0, 11;
  st.shared.u32 [%d0+4], %r0;
  mov.u32 %r9, two;
  st.shared.u32 [%r9+4], 22;
  st.shared.u32 [two], 23;
  cvta.shared.u64 %d1, %d0;
  ld.u32 %r1, [%d1+4];
  st.global.u32 [%a0], %r1;
  ld.shared.u32 %r1, [two+4];
  st.global.u32 [%a0+4], %r1;
  mov.u64 %d2, mine;
  st.local.u32 [%d2+8], 33;
  cvta.local.u64 %d3, %d2;
  ld.u32 %r2, [%d3+8];
  st.global.u32 [%a0+8], %r2;
  cvta.to.local.u64 %d4, %d3;
  ld.local.u32 %r2, [%d4+8];
  st.global.u32 [%a0+12], %r2;
  cvta.to.shared.u64 %d5, %d1;
  sub.u64 %d5, %d5, %d0;
  st.global.u32 [%a0+16], %d5;
  isspacep.shared %p0, %d1;
  isspacep.local %p1, %d1;
  isspacep.local %p2, %d3;
  isspacep.global %p3, %a0;
  isspacep.global %p4, %d3;
  selp.u32 %r3, 1, 0, %p0;
  selp.u32 %r4, 2, 0, %p1;
  or.b32 %r3, %r3, %r4;
  selp.u32 %r4, 4, 0, %p2;
  or.b32 %r3, %r3, %r4;
  selp.u32 %r4, 8, 0, %p3;
  or.b32 %r3, %r3, %r4;
  selp.u32 %r4, 16, 0, %p4;
  or.b32 %r3, %r3, %r4;
  st.global.u32 [%a0+20], %r3;
"""
    )
    launch(body, out, mode=mode)
    assert out[:6].tolist() == [11, 22, 33, 33, 0, 1 + 4 + 8]


@pytest.mark.parametrize("mode", MODES)
def test_constants_and_module_variables(mode):
    extra = """
.const .align 4 .b8 table[8] = {1, 2, 3, 4, 0xFF, 0, 0, 128};
.const .align 4 .f32 halves[2] = {0f3F000000, 0.25};
.global .align 4 .u32 counter = 5;
.visible .global .align 8 .b8 zeros[16];
"""
    out = np.zeros(6, np.uint32)
    body = (
        REGISTERS
        + """
  mov.u64 %d0, table;
  ld.const.u32 %r0, [%d0+4];
  st.global.u32 [%a0], %r0;
  ld.const.b32 %r0, [halves+4];
  st.global.u32 [%a0+4], %r0;
  atom.global.add.u32 %r1, [counter], 3;
  st.global.u32 [%a0+8], %r1;
  ld.global.u32 %r1, [counter];
  st.global.u32 [%a0+12], %r1;
  mov.u64 %d1, zeros;
  cvta.global.u64 %d2, %d1;
  ld.u32 %r2, [%d2+12];
  st.global.u32 [%a0+16], %r2;
"""
    )
    launch(body, out, extra=extra, mode=mode)
    assert out[:5].tolist() == [0x800000FF, float_bits(0.25), 5, 8, 0]


def test_a_constant_cannot_be_written():
    extra = ".const .align 4 .b8 table[8] = {1};"
    with pytest.raises(emu.MemoryFault, match="read-only"):
        launch(f"{REGISTERS} mov.u64 %d0, table; st.u32 [%d0], 1;", np.zeros(1), extra=extra)


def test_dynamic_shared_memory_follows_the_static():
    extra = ".extern .shared .align 16 .b8 dynamic[];"
    out = np.zeros(3, np.uint32)
    body = (
        REGISTERS
        + SPACES
        + """
  mov.u32 %r0, %dynamic_smem_size;
  st.global.u32 [%a0], %r0;
  mov.u64 %d0, dynamic;
  st.shared.u32 [%d0+60], 9;
  ld.shared.u32 %r1, [dynamic+60];
  st.global.u32 [%a0+4], %r1;
"""
    )
    launch(body, out, extra=extra, shared=64)
    assert out[:2].tolist() == [64, 9]


@pytest.mark.parametrize("mode", ["fast", "check"])
def test_calls_pass_parameters_and_keep_registers_apart(mode):
    extra = """
.func (.param .b32 result) twice(.param .b32 value, .param .align 8 .b8 pair[16])
{
  .reg .b32 %r<4>;
  .reg .pred %p<2>;
  ld.param.b32 %r0, [value];
  ld.param.b32 %r1, [pair+8];
  setp.gt.u32 %p0, %r0, 100;
  @%p0 bra BIG;
  add.u32 %r0, %r0, %r1;
  st.param.b32 [result], %r0;
  ret;
BIG:
  st.param.b32 [result], 0;
  ret;
}
"""
    out = np.zeros(3, np.uint32)
    call = """
  {{
  .param .b32 p0;
  .param .align 8 .b8 p1[16];
  .param .b32 back;
  st.param.b32 [p0], {};
  st.param.b32 [p1+8], 30;
  call.uni (back), twice, (p0, p1);
  ld.param.b32 %r1, [back];
  }}
  st.global.u32 [%a0+{}], %r1;
"""
    body = REGISTERS + "  mov.u32 %r0, 77;\n" + call.format(12, 0) + call.format(101, 4)
    body += "  st.global.u32 [%a0+8], %r0;"
    launch(body, out, extra=extra, mode=mode, parameters=".param .u64 p0")
    assert out.tolist() == [42, 0, 77]


def test_exit_ends_the_thread_from_within_a_call_and_ret_does_not():
    body = (
        REGISTERS
        + """
  mov.u32 %r0, %tid.x;
  mul.wide.u32 %d0, %r0, 4;
  add.s64 %d0, %d0, %a0;
  call.uni leave, ();
  st.global.u32 [%d0], 7;
"""
    )
    for last, expected in (("exit", [7, 0, 7]), ("ret", [7, 7, 7])):
        extra = f"""
.func leave()
{{
  .reg .b32 %t;
  .reg .pred %p;
  mov.u32 %t, %tid.x;
  setp.eq.u32 %p, %t, 1;
  @%p {last};
  ret;
}}
"""
        out = np.zeros(3, np.uint32)
        launch(body, out, extra=extra, block=3)
        assert out.tolist() == expected


def test_recursion_and_unknown_functions_are_refused():
    extra = ".func loop() { call.uni loop, (); ret; }\n.extern .func outside();"
    for name, what in (("loop", "recursive"), ("outside", "no body")):
        with pytest.raises(emu.UnsupportedPTXError, match=what):
            launch(f"  call.uni {name}, ();", np.zeros(1), extra=extra)


# -- atomics ----------------------------------------------------------------------------------


def atomic(operation, kind, old, *values, space="global", returns=True):
    """One atomic operation on a fresh cell; returns (what it gave back, what is left)."""
    width = {"f16x2": 32}.get(kind) or int(kind[1:])
    numpy_kind = {16: np.uint16, 32: np.uint32, 64: np.uint64}[width]
    letter = {16: "h", 32: "r", 64: "d"}[width]
    cell = np.array([old & ((1 << width) - 1), 0], numpy_kind)
    body = [REGISTERS, "  .shared .align 8 .b8 cell[8];"]
    body += [
        f"  mov.b{width} %{letter}{k + 2}, 0x{v & ((1 << width) - 1):x};"
        for k, v in enumerate(values)
    ]
    place = "%a0"
    if space == "shared":
        body += [
            f"  ld.global.b{width} %{letter}1, [%a0];",
            f"  st.shared.b{width} [cell], %{letter}1;",
        ]
        place = "cell"
    given = ", ".join(f"%{letter}{k + 2}" for k in range(len(values)))
    suffix = {"f16": "add.noftz.f16", "f16x2": "add.noftz.f16x2"}.get(kind, f"{operation}.{kind}")
    if returns:
        body.append(f"  atom.{space}.{suffix} %{letter}0, [{place}], {given};")
        body.append(f"  st.global.b{width} [%a0+{width // 8}], %{letter}0;")
    else:
        body.append(f"  red.{space}.{suffix} [{place}], {given};")
    if space == "shared":
        body += [
            f"  ld.shared.b{width} %{letter}1, [cell];",
            f"  st.global.b{width} [%a0], %{letter}1;",
        ]
    launch("\n".join(body), cell)
    return int(cell[1]), int(cell[0])


INTEGER_CASES = [
    ("add", "u32", 0xFFFFFFFF, (2,), 1),
    ("add", "s32", 0x7FFFFFFF, (1,), 0x80000000),
    ("add", "u64", 2**64 - 1, (2,), 1),
    ("min", "s32", 5, (-7,), 0xFFFFFFF9),
    ("min", "u32", 5, (-7,), 5),
    ("max", "s32", 5, (-7,), 5),
    ("max", "u32", 5, (-7,), 0xFFFFFFF9),
    ("min", "s64", 5, (-7,), 2**64 - 7),
    ("max", "u64", 5, (-7,), 2**64 - 7),
    ("and", "b32", 0xF0F0, (0xFF00,), 0xF000),
    ("or", "b32", 0xF0F0, (0xFF00,), 0xFFF0),
    ("xor", "b64", 0xF0F0, (0xFF00,), 0x0FF0),
    ("exch", "b32", 1, (2,), 2),
    ("exch", "b64", 1, (2**63,), 2**63),
    ("cas", "b32", 1, (1, 9), 9),
    ("cas", "b32", 1, (2, 9), 1),
    ("cas", "b64", 1, (1, 2**40), 2**40),
    ("cas", "b16", 1, (1, 7), 7),
    ("inc", "u32", 4, (5,), 5),
    ("inc", "u32", 5, (5,), 0),
    ("inc", "u32", 9, (5,), 0),
    ("dec", "u32", 4, (5,), 3),
    ("dec", "u32", 0, (5,), 5),
    ("dec", "u32", 9, (5,), 5),
]


@pytest.mark.parametrize("space", ["global", "shared"])
@pytest.mark.parametrize(("operation", "kind", "old", "values", "left"), INTEGER_CASES)
def test_integer_atomics(operation, kind, old, values, left, space):
    mask = (1 << int(kind[1:])) - 1
    got = atomic(operation, kind, old, *values, space=space)
    assert got == (old & mask, left)
    if operation not in ("exch", "cas"):
        assert atomic(operation, kind, old, *values, space=space, returns=False)[1] == left


@pytest.mark.parametrize("space", ["global", "shared"])
def test_float_atomics_flush_in_global_memory_only(space):
    cases = [(0x3F800000, 0x3F800000), (1, 1), (0x00800000, 0x80800001), (0x7F800000, 0xFF800000)]
    for old, value in cases:
        a, b = ref.decode(old, "f32"), ref.decode(value, "f32")
        if space == "global":
            a, b = ref.flush(a, "f32"), ref.flush(b, "f32")
        expected = ref.encode(ref.add(a, b), "f32")
        if space == "global":
            expected = ref.flush_bits(expected, "f32")
        assert atomic("add", "f32", old, value, space=space) == (old, expected)


def test_float_atomics_through_generic_addresses_know_where_they_are():
    out = np.array([1, 0, 0], np.uint32)  # a subnormal
    body = (
        REGISTERS
        + """
  .shared .align 8 .b8 cell[8];
  st.shared.u32 [cell], 1;
  mov.u64 %d0, cell;
  cvta.shared.u64 %d0, %d0;
  mov.b32 %r1, 1;
  atom.add.f32 %r2, [%a0], %r1;
  atom.add.f32 %r2, [%d0], %r1;
  ld.u32 %r3, [%d0];
  st.u32 [%a0+4], %r3;
  atom.shared::cta.add.u32 %r4, [cell], 5;
  ld.shared::cta.u32 %r5, [cell];
  st.u32 [%a0+8], %r5;
"""
    )
    for mode in MODES:
        out[:] = 1, 0, 0
        launch(body, out, mode=mode)
        assert out.tolist() == [0, 2, 7]


def test_double_and_half_atomics():
    one, tiny = float_bits(1.0, "f64"), 1
    assert atomic("add", "f64", tiny, tiny) == (1, 2)  # subnormals are kept
    assert atomic("add", "f64", one, one)[1] == float_bits(2.0, "f64")
    assert atomic("add", "f16", 0x3C00, 1) == (0x3C00, 0x3C00)
    assert atomic("add", "f16", 1, 1) == (1, 2)
    assert atomic("add", "f16x2", 0x3C00_0001, 0x3C00_0001) == (0x3C000001, 0x40000002)


def test_orders_and_scopes_of_atomics():
    out = np.zeros(2, np.uint32)
    body = (
        REGISTERS
        + """
  atom.relaxed.gpu.global.add.u32 %r0, [%a0], 1;
  atom.acq_rel.sys.add.u32 %r0, [%a0], 1;
  red.release.cta.global.add.u32 [%a0], 1;
  atom.global.cta.add.u32 %r0, [%a0], 1;
  membar.gl; membar.cta; membar.sys; fence.acq_rel.gpu; fence.sc.sys;
  prefetch.global.L2 [%a0];
  prefetchu.L1 [%a0];
  nanosleep.u32 10;
"""
    )
    launch(body, out)
    assert out[0] == 4


def test_wide_random_float_atomics_match_their_definition():
    olds = float_edges("f32")[::4] + random_floats("f32", 6, 1)
    for old, value in zip(olds, olds[::-1], strict=True):
        x, y = ref.decode(old, "f32"), ref.decode(value, "f32")
        expected = ref.encode(ref.add(x, y), "f32")
        assert atomic("add", "f32", old, value, space="shared")[1] == expected


@pytest.mark.parametrize(
    "line",
    [
        "atom.global.add.b32 %r0, [%a0], 1;",
        "atom.global.add.f16 %h0, [%a0], %h1;",
        "atom.global.and.u32 %r0, [%a0], 1;",
        "atom.local.add.u32 %r0, [%a0], 1;",
        "red.global.cas.b32 [%a0], 1, 2;",
        "atom.global.exch.b128 %d0, [%a0], %d1;",
        "ld.global.v2.u32 %r0, [%a0];",
        "ld.global.v3.u32 {%r0, %r1, %r2}, [%a0];",
        "ld.global.f16x2 %r0, [%a0];",
        "ld.shared::cluster.u32 %r0, [%a0];",
        "st.const.u32 [%a0], %r0;",
        "ld.param.u32 %r0, [p0+8];",
        "st.param.u64 [p0], %d0;",
        "cp.async.ca.shared.global [%a0], [%a0], 4;",
        "tex.1d.v4.f32.s32 {%r0, %r1, %r2, %r3}, [%a0, {%r4}];",
        "mov.u32 %r0, %clock;",
        "mov.u32 %r0, %smid;",
        "ld.relaxed.global.u32 %r0, [%a0];",
        "wgmma.fence.sync.aligned;",
        "trap.x;",
    ],
)
def test_what_is_not_understood_is_refused(line):
    with pytest.raises((emu.UnsupportedPTXError, emu.PTXSyntaxError), match="PTX line"):
        launch(f"{REGISTERS}\n  {line}", np.zeros(2, np.uint64))


def test_trap_ends_the_launch():
    with pytest.raises(emu.KernelFault, match="trap"):
        launch("  trap;", np.zeros(1), mode="fast")

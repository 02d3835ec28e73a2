"""Conformance of votes, shuffles, match, redux, barriers and the special registers."""

from __future__ import annotations

import numpy as np
import pytest

from spikecuda import emu

from .ptxlib import module, random_bits

FULL = 0xFFFFFFFF


def warp(lines, values, *, outputs=1, mode="fast", block=32, seed=None, grid=1, before=""):
    """Run lines in which ``v`` is the lane's value; ``o0``, ``o1``... are its results."""
    values = np.asarray(values, np.uint64)
    out = [np.zeros(max(block * grid, len(values)), np.uint32) for _ in range(outputs)]
    text = f"""
  .reg .b64 %base, %off, v64;
  .reg .b32 %t, %nt, %ct, %i, v, {", ".join(f"o{k}" for k in range(max(outputs, 1)))}, x, y, z;
  .reg .pred p, q, s;
{before}
  mov.u32 %t, %tid.x;
  mov.u32 %nt, %ntid.x;
  mov.u32 %ct, %ctaid.x;
  mad.lo.u32 %i, %nt, %ct, %t;
  ld.param.u64 %base, [values];
  mul.wide.u32 %off, %i, 8;
  add.s64 %base, %base, %off;
  ld.global.u64 v64, [%base];
  cvt.u32.u64 v, v64;
  setp.ne.u32 p, v, 0;
{lines}
DONE:
"""
    for k in range(outputs):
        text += f"""
  ld.param.u64 %base, [out{k}];
  mul.wide.u32 %off, %i, 4;
  add.s64 %base, %base, %off;
  st.global.u32 [%base], o{k};
"""
    parameters = [".param .u64 values", *(f".param .u64 out{k}" for k in range(outputs))]
    device = emu.Device(mode=mode, seed=seed)
    held = device.to_device(values)
    results = [device.to_device(o) for o in out]
    kernel = emu.PTXKernel(module(text + "  ret;", ", ".join(parameters)), device=device)
    kernel.launch(grid, block, (held.pointer, *(r.pointer for r in results)))
    return [r.copy_to_host().tolist()[: block * grid] for r in results]


def bits_of(values):
    return sum((v != 0) << lane for lane, v in enumerate(values))


PATTERNS = [[0] * 32, [1] * 32, [k % 2 for k in range(32)], [0] * 31 + [1], [1] + [0] * 31]


@pytest.mark.parametrize("mode", ["fast", "check"])
@pytest.mark.parametrize("seed", [None, 3])
def test_votes(mode, seed):
    for values in PATTERNS:
        bits = bits_of(values)
        lines = """
  vote.sync.ballot.b32 o0, p, -1;
  vote.sync.any.pred q, p, -1;
  selp.u32 o1, 1, 0, q;
  vote.sync.all.pred q, p, -1;
  selp.u32 o2, 1, 0, q;
  vote.sync.uni.pred q, p, -1;
  selp.u32 o3, 1, 0, q;
  vote.sync.ballot.b32 o4, !p, 0xffffffff;
"""
        got = warp(lines, values, outputs=5, mode=mode, seed=seed)
        assert got[0] == [bits] * 32
        assert got[1] == [int(bits != 0)] * 32
        assert got[2] == [int(bits == FULL)] * 32
        assert got[3] == [int(bits in (0, FULL))] * 32
        assert got[4] == [bits ^ FULL] * 32


def test_votes_of_a_part_of_the_warp():
    values = [k % 3 for k in range(32)]
    lines = """
  setp.lt.u32 q, %t, 20;
  @q bra LOW;
  vote.sync.ballot.b32 o0, p, 0xfff00000;
  bra.uni DONE;
LOW:
  vote.sync.ballot.b32 o0, p, 0x000fffff;
"""
    (got,) = warp(lines, values)
    bits = bits_of(values)
    assert got == [bits & 0xFFFFF] * 20 + [bits & 0xFFF00000] * 12


def test_votes_in_a_warp_that_is_not_full():
    values = [1, 0, 1, 1, 0] * 10
    (got,) = warp("vote.sync.ballot.b32 o0, p, -1;", values, block=50)
    assert got[0] == bits_of(values[:32])
    assert got[32] == bits_of(values[32:])


def shuffled(values, mode, b, c):
    """What the PTX manual's text says of one shuffle, for each lane."""
    results, inside = [], []
    for lane in range(32):
        segment, clamp = c >> 8 & 31, c & 31
        last = lane & segment | clamp & ~segment
        j = {
            "up": lane - b, "down": lane + b, "bfly": lane ^ b,
            "idx": lane & segment | b & ~segment & 31,
        }[mode]  # fmt: skip
        fits = j >= last if mode == "up" else j <= last
        results.append(values[j if fits else lane])
        inside.append(int(fits))
    return results, inside


@pytest.mark.parametrize("mode", ["up", "down", "bfly", "idx"])
def test_shuffles(mode):
    values = random_bits(32, 32, 6)
    for width in (32, 16, 8, 4):
        segment = 32 - width
        c = segment << 8 | (0 if mode == "up" else 31)
        distances = (0, 1, 2, 3, 5, width - 1, 16, 31)
        lines = "\n".join(
            f"shfl.sync.{mode}.b32 o{2 * k}|q, v, {b}, {c}, -1; selp.u32 o{2 * k + 1}, 1, 0, q;"
            for k, b in enumerate(distances)
        )
        got = warp(lines, values, outputs=2 * len(distances), seed=width)
        for k, b in enumerate(distances):
            expected, inside = shuffled(values, mode, b, c)
            assert got[2 * k] == expected, (mode, width, b)
            assert got[2 * k + 1] == inside, (mode, width, b)


def test_shuffle_with_a_lane_of_its_own():
    values = random_bits(32, 32, 7)
    (got,) = warp("shfl.sync.idx.b32 o0, v, v, 31, -1;", values)
    assert got == [values[v & 31] for v in values]


def test_match():
    values = [k % 5 for k in range(32)]
    (got,) = warp("match.any.sync.b32 o0, v, -1;", values)
    assert got == [sum((w == v) << k for k, w in enumerate(values)) for v in values]
    for values, same in (([9] * 32, True), ([9] * 31 + [8], False)):
        got = warp("match.all.sync.b32 o0|q, v, -1; selp.u32 o1, 1, 0, q;", values, outputs=2)
        assert got == [[FULL if same else 0] * 32, [int(same)] * 32]
    values = [(k % 3) << 33 for k in range(32)]
    (got,) = warp("match.any.sync.b64 o0, v64, -1;", values)
    assert got == [sum((w == v) << k for k, w in enumerate(values)) for v in values]


def test_redux():
    values = random_bits(32, 32, 8)
    signed = [v - 2**32 if v >> 31 else v for v in values]
    both = 0
    for v in values:
        both ^= v
    expected = {
        "add.u32": sum(values) & FULL,
        "add.s32": sum(values) & FULL,
        "min.u32": min(values),
        "max.u32": max(values),
        "min.s32": min(signed) & FULL,
        "max.s32": max(signed) & FULL,
        "and.b32": int(np.bitwise_and.reduce(np.array(values, np.uint32))),
        "or.b32": int(np.bitwise_or.reduce(np.array(values, np.uint32))),
        "xor.b32": both,
    }
    for name, value in expected.items():
        assert warp(f"redux.sync.{name} o0, v, -1;", values) == [[value] * 32], name


def test_activemask_tells_the_lanes_that_came_together():
    lines = """
  setp.lt.u32 q, %t, 8;
  @q bra LOW;
  activemask.b32 o0;
  bra.uni DONE;
LOW:
  activemask.b32 o0;
"""
    (got,) = warp(lines, [0] * 32)
    assert got == [0xFF] * 8 + [0xFFFFFF00] * 24


@pytest.mark.parametrize("mode", ["fast", "check", "race"])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_block_barriers_order_shared_memory(mode, seed):
    before = "  .shared .align 4 .b8 tile[512];"
    lines = """
  shl.b32 x, %t, 2;
  st.shared.u32 [x], v;
  bar.sync 0;
  xor.b32 x, x, 508;
  ld.shared.u32 o0, [x];
  barrier.sync.aligned 1;
  mov.u32 o1, v;
"""
    values = random_bits(32, 256, 9)
    got = warp(lines, values, outputs=2, block=128, grid=2, seed=seed, mode=mode, before=before)
    assert got[0] == values[:128][::-1] + values[128:][::-1]
    assert got[1] == values


def test_barriers_that_reduce():
    values = [k % 3 for k in range(96)]
    lines = """
  bar.red.popc.u32 o0, 0, p;
  bar.red.and.pred q, 0, p;
  selp.u32 o1, 1, 0, q;
  barrier.cta.red.or.aligned.pred q, 0, !p;
  selp.u32 o2, 1, 0, q;
"""
    got = warp(lines, values, outputs=3, block=96)
    assert got == [[64] * 96, [0] * 96, [1] * 96]


def test_barriers_for_a_part_of_the_block():
    """Two pairs of warps meet at barriers of their own, then all at barrier 0."""
    lines = """
  setp.lt.u32 q, %t, 64;
  @q bra LOW;
  bar.sync 2, 64;
  bar.sync 0;
  mov.u32 o0, 2;
  bra.uni DONE;
LOW:
  bar.sync 1, 64;
  bar.sync 0;
  mov.u32 o0, 1;
"""
    (got,) = warp(lines, [0] * 128, block=128)
    assert got == [1] * 64 + [2] * 64
    with pytest.raises(emu.LaunchError, match="race mode cannot follow"):
        warp(lines, [0] * 128, block=128, mode="race")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("bar.sync 0, 33;", "multiple of 32"),
        ("bar.sync 16;", "barrier"),
        ("setp.lt.u32 q, %t, 32; @q bar.sync 1; @!q bar.sync 2;", "cannot meet"),
        ("setp.lt.u32 q, %t, 5;\n @q bar.sync 0;\n @!q bar.sync 0;", "cannot meet"),
    ],
)
def test_barriers_that_cannot_open(lines, message):
    with pytest.raises(emu.DivergentBarrier, match=message):
        warp(lines, [0] * 64, block=64)


def test_a_lane_outside_its_own_mask():
    with pytest.raises(emu.UndefinedResult, match="not in the mask"):
        warp("vote.sync.ballot.b32 o0, p, 0xfffffffe;", [0] * 32)


def test_special_registers_in_three_dimensions():
    names = ["%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x",
             "%ctaid.y", "%ctaid.z", "%nctaid.x", "%nctaid.y", "%nctaid.z", "%laneid",
             "%warpid", "%nwarpid", "%lanemask_eq", "%lanemask_lt", "%lanemask_le",
             "%lanemask_gt", "%lanemask_ge", "WARP_SZ"]  # fmt: skip
    grid, block = (2, 3, 2), (5, 4, 3)
    count = 12 * 60
    text = """
  .reg .b32 %r<20>;
  .reg .b64 %d<4>;
  ld.param.u64 %d0, [out];
  mov.u32 %r0, %ctaid.z;
  mad.lo.u32 %r0, %r0, 3, 0;
  mov.u32 %r1, %ctaid.y;
  add.u32 %r0, %r0, %r1;
  mov.u32 %r1, %ctaid.x;
  mad.lo.u32 %r0, %r0, 2, %r1;
  mov.u32 %r1, %tid.z;
  mad.lo.u32 %r0, %r0, 3, %r1;
  mov.u32 %r1, %tid.y;
  mad.lo.u32 %r0, %r0, 4, %r1;
  mov.u32 %r1, %tid.x;
  mad.lo.u32 %r0, %r0, 5, %r1;
"""
    text += f"  mul.lo.u32 %r0, %r0, {4 * len(names)};\n  cvt.u64.u32 %d1, %r0;\n"
    text += "  add.u64 %d0, %d0, %d1;\n"
    for k, name in enumerate(names):
        text += f"  mov.u32 %r2, {name};\n  st.global.u32 [%d0+{4 * k}], %r2;\n"
    for sync in ("", "  bar.sync 0;\n"):
        for seed in (None, 5):
            out = np.zeros((count, len(names)), np.uint32)
            device = emu.Device(seed=seed)
            kernel = emu.PTXKernel(module(text + sync + "  ret;", ".param .u64 out"), device=device)
            kernel[grid, block](out.ctypes.data)
            for index in range(count):
                lane_block, rest = divmod(index, 60)
                x, y, z = rest % 5, rest // 5 % 4, rest // 20
                bx, by, bz = lane_block % 2, lane_block // 2 % 3, lane_block // 6
                lane, warp_number = rest % 32, rest // 32
                below = (1 << lane) - 1
                expected = [x, y, z, *block, bx, by, bz, *grid, lane, warp_number, 2, 1 << lane,
                            below, below | 1 << lane, FULL ^ below ^ 1 << lane, FULL ^ below,
                            32]  # fmt: skip
                assert out[index].tolist() == expected, index


@pytest.mark.parametrize(
    "line",
    [
        "vote.ballot.b32 o0, p;",
        "vote.sync.ballot.pred q, p, -1;",
        "shfl.up.b32 o0, v, 1, 0;",
        "shfl.sync.up.b64 v64, v64, 1, 0, -1;",
        "redux.sync.add.f32 o0, v, -1;",
        "redux.sync.and.u32 o0, v, -1;",
        "match.any.sync.b32 o0|q, v, -1;",
        "bar.arrive 0, 64;",
        "bar.red.popc.pred q, 0, p;",
        "barrier.cluster.arrive;",
        "elect.sync o0|q, -1;",
    ],
)
def test_what_is_not_understood_is_refused(line):
    with pytest.raises(emu.UnsupportedPTXError, match="PTX line"):
        warp(line, [0] * 32)

"""Conformance of ``cvt`` and of moves: all roundings, clamping, NaN, packed halves."""

from __future__ import annotations

from fractions import Fraction

import pytest

from spikecuda import emu

from . import reference as ref
from .ptxlib import compare, evaluate, float_edges, integer_edges, random_bits, random_floats

FLOATS = ("f16", "f32", "f64")
INTEGERS = ("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64")


def floats(fmt):
    """Edges, random bits, and numbers around the borders of each integer type, and halves."""
    near = []
    for width in (7, 8, 15, 16, 31, 32, 63, 64):
        for offset in (-1, Fraction(-1, 2), 0, Fraction(1, 2), 1):
            for sign in (1, -1):
                value = sign * (Fraction(2) ** width + offset)
                near.append(ref.encode((int(value < 0), value), fmt, "rz"))
    for halves in range(-9, 10):
        near.append(ref.encode(ref.exact(Fraction(halves, 2)), fmt))
    return float_edges(fmt) + near + random_floats(fmt, 100, 1)


def check(line, inputs, width, expected):
    (got,) = evaluate(line, inputs, [width])
    compare(got, expected, width, [v for _, v in inputs], line)


@pytest.mark.parametrize("target", INTEGERS)
@pytest.mark.parametrize("source", FLOATS)
def test_float_to_integer_rounds_then_clamps(source, target):
    values = floats(source)
    width = int(target[1:])
    register = max(width, 16)
    low = -(1 << (width - 1)) if target[0] == "s" else 0
    high = (1 << (width - (target[0] == "s"))) - 1
    nan = 1 << (width - 1) if source == "f64" or width == 64 else 0
    if target[0] == "s" and nan:
        nan -= 1 << width
    for how in ("rni", "rzi", "rmi", "rpi"):
        expected = [ref.to_integer(ref.decode(v, source), how, low, high, nan) for v in values]
        line = f"cvt.{how}.{target}.{source} d0, a;"
        check(line, [(ref.WIDTH[source], values)], register, expected)


@pytest.mark.parametrize("target", FLOATS)
@pytest.mark.parametrize("source", INTEGERS)
def test_integer_to_float_in_all_roundings(source, target):
    width = int(source[1:])
    values = integer_edges(width) + random_bits(width, 100, 2)
    values += [(1 << k) + d for k in range(10, width - 1, 3) for d in (-1, 1)]
    numbers = [ref.signed(v, width) if source[0] == "s" else v for v in values]
    for mode in ref.MODES:
        line = f"cvt.{mode}.{target}.{source} d0, a;"
        expected = [ref.encode(ref.exact(n), target, mode) for n in numbers]
        check(line, [(max(width, 16), values)], ref.WIDTH[target], expected)


@pytest.mark.parametrize(("source", "target"), [("f64", "f32"), ("f32", "f16"), ("f64", "f16")])
@pytest.mark.parametrize("mode", ref.MODES)
def test_narrowing_in_all_roundings(source, target, mode):
    values = floats(source)
    # ties of the narrow format, and their neighbours in the wide one
    for bits in float_edges(target)[:24] + random_floats(target, 100, 3):
        for neighbour in (bits, bits ^ 1):
            a, b = ref.decode(bits, target), ref.decode(neighbour, target)
            if a is not None and b is not None and "inf" not in (a[1], b[1]):
                middle = ref.encode(ref.exact((a[1] + b[1]) / 2), source, "rz")
                values += [middle, middle + 1, max(0, middle - 1)]
    expected = [ref.encode(ref.decode(v, source), target, mode) for v in values]
    line = f"cvt.{mode}.{target}.{source} d0, a;"
    check(line, [(ref.WIDTH[source], values)], ref.WIDTH[target], expected)


@pytest.mark.parametrize(("source", "target"), [("f32", "f64"), ("f16", "f32"), ("f16", "f64")])
def test_widening_is_exact(source, target):
    values = [v for v in floats(source) if target != "f64" or not ref.is_nan(v, source)]
    expected = [ref.encode(ref.decode(v, source), target) for v in values]
    line = f"cvt.{target}.{source} d0, a;"
    check(line, [(ref.WIDTH[source], values)], ref.WIDTH[target], expected)


@pytest.mark.parametrize("fmt", FLOATS)
@pytest.mark.parametrize("how", ["rni", "rzi", "rmi", "rpi"])
def test_rounding_to_integral_values(fmt, how):
    values = [v for v in floats(fmt) if fmt != "f64" or not ref.is_nan(v, fmt)]
    expected = [ref.encode(ref.to_integral(ref.decode(v, fmt), how), fmt) for v in values]
    check(f"cvt.{how}.{fmt}.{fmt} d0, a;", [(ref.WIDTH[fmt], values)], ref.WIDTH[fmt], expected)


def test_flushing_and_saturating_conversions():
    values = floats("f32")
    flushed = [ref.flush_bits(v, "f32") for v in values]
    decoded = [ref.decode(v, "f32") for v in flushed]
    inputs = [(32, values)]
    check("cvt.ftz.f32.f32 d0, a;", inputs, 32, [ref.encode(v, "f32") for v in decoded])
    expected = [ref.to_integer(v, "rpi", -(2**31), 2**31 - 1, 0) for v in decoded]
    check("cvt.rpi.ftz.s32.f32 d0, a;", inputs, 32, expected)
    unit = [ref.encode(ref.saturate(ref.decode(v, "f32")), "f32") for v in values]
    check("cvt.sat.f32.f32 d0, a;", inputs, 32, unit)
    numbers = [v for v in values if not ref.is_nan(v, "f32")]
    expected = [ref.encode(ref.decode(ref.flush_bits(v, "f32"), "f32"), "f64") for v in numbers]
    check("cvt.ftz.f64.f32 d0, a;", [(32, numbers)], 64, expected)
    doubles = floats("f64")
    rounded = [ref.encode(ref.decode(v, "f64"), "f32") for v in doubles]
    expected = [ref.flush_bits(v, "f32") for v in rounded]
    check("cvt.rn.ftz.f32.f64 d0, a;", [(64, doubles)], 32, expected)


@pytest.mark.parametrize("source", INTEGERS)
def test_integer_to_integer_truncates_extends_and_clamps(source):
    width = int(source[1:])
    values = integer_edges(width) + random_bits(width, 30, 4)
    numbers = [ref.signed(v, width) if source[0] == "s" else v for v in values]
    for target in INTEGERS:
        size = int(target[1:])
        low = -(1 << (size - 1)) if target[0] == "s" else 0
        high = (1 << (size - (target[0] == "s"))) - 1
        register = max(size, 16)
        wrapped = [
            ref.signed(n, size) if target[0] == "s" else n & ((1 << size) - 1) for n in numbers
        ]
        inputs = [(max(width, 16), values)]
        check(f"cvt.{target}.{source} d0, a;", inputs, register, wrapped)
        clamped = [min(max(n, low), high) for n in numbers]
        check(f"cvt.sat.{target}.{source} d0, a;", inputs, register, clamped)


def test_small_results_fill_a_wider_register():
    check("cvt.s16.s8 d0, a;", [(16, [0x80])], 16, [0xFF80])
    (got,) = evaluate(
        "cvt.s8.s32 w, a; mov.b32 d0, w;", [(32, [0x180])], [32], declare="  .reg .b32 w;"
    )
    assert got == [0xFFFFFF80]
    (got,) = evaluate(
        "cvt.u8.s32 w, a; mov.b32 d0, w;", [(32, [0x180])], [32], declare="  .reg .b32 w;"
    )
    assert got == [0x80]


def test_packing_two_singles_into_halves():
    a, b = floats("f32"), floats("f32")[::-1]
    for mode in ("rn", "rz"):
        expected = [
            ref.encode(ref.decode(x, "f32"), "f16", mode) << 16
            | ref.encode(ref.decode(y, "f32"), "f16", mode)
            for x, y in zip(a, b, strict=True)
        ]
        check(f"cvt.{mode}.f16x2.f32 d0, a, b;", [(32, a), (32, b)], 32, expected)


def test_half_relu_conversion():
    values = floats("f32")
    expected = []
    for v in values:
        bits = ref.encode(ref.decode(v, "f32"), "f16")
        negative = bits >> 15 and not ref.is_nan(bits, "f16")
        expected.append(0 if negative else bits)
    check("cvt.rn.relu.f16.f32 d0, a;", [(32, values)], 16, expected)


def test_moves_keep_bits_and_split_vectors():
    value = 0x0123456789ABCDEF
    nan = 0x7F800001
    assert evaluate("mov.f32 d0, a;", [(32, [nan])], [32]) == [[nan]]
    got = evaluate("mov.b64 {d0, d1}, a;", [(64, [value])], [32, 32])
    assert got == [[0x89ABCDEF], [0x01234567]]
    got = evaluate("mov.b64 d0, {a, b};", [(32, [0x89ABCDEF]), (32, [0x01234567])], [64])
    assert got == [[value]]
    got = evaluate("mov.b32 {_, d0}, a;", [(32, [0xABCD1234])], [16])
    assert got == [[0xABCD]]
    got = evaluate("mov.b64 {d0, d1, d2, d3}, a;", [(64, [value])], [16] * 4)
    assert got == [[0xCDEF], [0x89AB], [0x4567], [0x0123]]
    got = evaluate("mov.b32 d0, 0f3F800000; mov.f64 d1, 0d3FF0000000000000;", [(32, [0])], [32, 64])
    assert got == [[0x3F800000], [0x3FF0000000000000]]


@pytest.mark.parametrize(
    "line",
    [
        "cvt.f32.f64 d0, c;",
        "cvt.s32.f32 d0, a;",
        "cvt.f32.s32 d0, a;",
        "cvt.rn.bf16.f32 d2, a;",
        "cvt.rna.tf32.f32 d0, a;",
        "cvt.rzi.f64.f32 d1, a;",
        "cvt.ftz.s32.s32 d0, a;",
        "mov.b128 d1, c;",
        "mov.b64 d0, c;",
    ],
)
def test_what_is_not_understood_is_refused(line):
    with pytest.raises(emu.UnsupportedPTXError, match="PTX line"):
        evaluate(line, [(32, [0]), (32, [0]), (64, [0])], [32, 64, 16])

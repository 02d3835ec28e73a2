"""Conformance of the floating-point instructions: bits against exact rational arithmetic."""

from __future__ import annotations

import pytest

from . import reference as ref
from .ptxlib import compare, crossed, evaluate, float_edges, random_floats

WIDTH = ref.WIDTH


def operands(fmt, arity, count=60, sparse=False):
    """Edges crossed with each other, then random numbers; ``sparse`` takes fewer edges."""
    edges = float_edges(fmt)
    if arity == 3:
        edges = edges[::3] + edges[-4:-1]
    elif sparse and arity == 2:
        edges = edges[::2] + edges[1:8:2]
    extra = [random_floats(fmt, count, seed) for seed in range(arity)]
    return crossed(edges, arity, extra)


def check(line, fmt, values, expected):
    """Compare bits; of doubles, any NaN will do (their payloads have a test of their own)."""
    width = WIDTH[fmt]
    (got,) = evaluate(line, [(width, v) for v in values], [width])
    if fmt == "f64":
        nan = ref.CANONICAL["f64"]
        got = [nan if ref.is_nan(g, fmt) else g for g in got]
        expected = [nan if ref.is_nan(x, fmt) else x for x in expected]
    compare(got, expected, width, values, line)


def cases():
    for name in ("add", "sub", "mul", "fma", "div", "sqrt", "rcp"):
        for fmt in ("f32", "f64"):
            for mode in ref.MODES:
                yield name, fmt, mode, False
        yield name, "f32", "rn", True
        yield name, "f32", "rm", True
    for name in ("add", "sub", "mul", "fma"):
        yield name, "f16", "rn", False


@pytest.mark.parametrize(("name", "fmt", "mode", "ftz"), list(cases()))
def test_arithmetic_is_exact_then_rounded_once(name, fmt, mode, ftz):
    arity = {"fma": 3, "sqrt": 1, "rcp": 1}.get(name, 2)
    values = operands(fmt, arity, sparse=mode != "rn" or ftz)
    one = (0, 1)

    def result(*bits):
        x = [ref.decode(b, fmt) for b in bits]
        if ftz:
            x = [ref.flush(v, fmt) for v in x]
        exact = {
            "add": lambda: ref.add(x[0], x[1], mode),
            "sub": lambda: ref.add(x[0], ref.negate(x[1]), mode),
            "mul": lambda: ref.multiply(x[0], x[1]),
            "fma": lambda: ref.fma(x[0], x[1], x[2], mode),
            "div": lambda: ref.divide(x[0], x[1]),
            "rcp": lambda: ref.divide(one, x[0]),
            "sqrt": lambda: ref.square_root(x[0]),
        }[name]()
        rounded = ref.encode(exact, fmt, mode)
        return ref.flush_bits(rounded, fmt) if ftz else rounded

    line = f"{name}.{mode}{'.ftz' if ftz else ''}.{fmt} d0, {', '.join('abc'[:arity])};"
    check(line, fmt, values, [result(*row) for row in zip(*values, strict=True)])


@pytest.mark.parametrize("name", ["add", "mul", "fma"])
@pytest.mark.parametrize("fmt", ["f32", "f16"])
def test_saturation_clamps_to_the_unit_interval_and_turns_nan_into_zero(name, fmt):
    arity = 3 if name == "fma" else 2
    values = operands(fmt, arity, 100)

    def result(*bits):
        x = [ref.decode(b, fmt) for b in bits]
        exact = {"add": ref.add, "mul": ref.multiply, "fma": ref.fma}[name](*x)
        return ref.encode(ref.saturate(ref.decode(ref.encode(exact, fmt), fmt)), fmt)

    line = f"{name}.rn.sat.{fmt} d0, {', '.join('abc'[:arity])};"
    check(line, fmt, values, [result(*row) for row in zip(*values, strict=True)])


def test_a_product_and_a_sum_are_never_fused():
    values = operands("f32", 3, 500)
    line = "mul.f32 d0, a, b; add.f32 d0, d0, c;"

    def result(a, b, c):
        a, b, c = (ref.decode(v, "f32") for v in (a, b, c))
        product = ref.decode(ref.encode(ref.multiply(a, b), "f32"), "f32")
        return ref.encode(ref.add(product, c), "f32")

    expected = [result(*row) for row in zip(*values, strict=True)]
    check(line, "f32", values, expected)
    fused = [
        ref.encode(ref.fma(*(ref.decode(v, "f32") for v in row)), "f32")
        for row in zip(*values, strict=True)
    ]
    assert fused != expected  # the operands tell the two apart


@pytest.mark.parametrize(
    ("fmt", "nan"), [("f16", ""), ("f32", ""), ("f64", ""), ("f16", ".NaN"), ("f32", ".NaN")]
)
@pytest.mark.parametrize("name", ["min", "max"])
def test_min_and_max_order_zeros_and_treat_nan_as_said(name, fmt, nan):
    values = operands(fmt, 2)
    expected = [
        ref.encode(ref.minimum(ref.decode(a, fmt), ref.decode(b, fmt), name, bool(nan)), fmt)
        for a, b in zip(*values, strict=True)
    ]
    check(f"{name}{nan}.{fmt} d0, a, b;", fmt, values, expected)


def test_three_operand_min():
    values = operands("f32", 3, 100)
    expected = []
    for a, b, c in zip(*values, strict=True):
        x = [ref.decode(v, "f32") for v in (a, b, c)]
        expected.append(ref.encode(ref.minimum(ref.minimum(x[0], x[1]), x[2]), "f32"))
    check("min.f32 d0, a, b, c;", "f32", values, expected)


@pytest.mark.parametrize("fmt", ["f16", "f32", "f64"])
def test_neg_and_abs_change_the_sign_bit_only(fmt):
    top = 1 << (WIDTH[fmt] - 1)
    (values,) = operands(fmt, 1)
    check_bits(f"neg.{fmt} d0, a;", fmt, [values], [v ^ top for v in values])
    check_bits(f"abs.{fmt} d0, a;", fmt, [values], [v & ~top for v in values])


def check_bits(line, fmt, values, expected):
    width = WIDTH[fmt]
    (got,) = evaluate(line, [(width, v) for v in values], [width])
    compare(got, expected, width, values, line)


def test_neg_flushes():
    (values,) = operands("f32", 1)
    expected = [ref.flush_bits(v, "f32") ^ 0x80000000 for v in values]
    check_bits("neg.ftz.f32 d0, a;", "f32", [values], expected)


def test_other_operations_flush_their_operands_too():
    a, b = operands("f32", 2)
    x, y = ([ref.flush_bits(v, "f32") for v in values] for values in (a, b))
    for name in ("min", "max"):
        for nan in ("", ".NaN"):
            expected = [
                ref.encode(
                    ref.minimum(ref.decode(p, "f32"), ref.decode(q, "f32"), name, bool(nan)), "f32"
                )
                for p, q in zip(x, y, strict=True)
            ]
            check_bits(f"{name}{nan}.ftz.f32 d0, a, b;".replace(f"{nan}.ftz", f".ftz{nan}"),
                       "f32", [a, b], expected)  # fmt: skip
    check_bits("abs.ftz.f32 d0, a;", "f32", [a], [v & 0x7FFFFFFF for v in x])
    for how in ("lt", "eq", "geu", "nan"):
        line = f"setp.{how}.ftz.f32 d0, a, b;"
        (got,) = evaluate(line, [(32, a), (32, b)], [1])
        (plain,) = evaluate(line.replace(".ftz", ""), [(32, x), (32, y)], [1])
        compare(got, plain, 1, [a, b], line)
    (got,) = evaluate("set.eq.ftz.u32.f32 d0, a, b;", [(32, [1, 1]), (32, [0, 2**23])], [32])
    assert got == [0xFFFFFFFF, 0]


def test_packed_and_loose_forms():
    """``.rn`` may be left out, and each packed operation is its scalar one on both halves."""
    values = operands("f16", 2, 60)
    pairs = [[v << 16 | w for v, w in zip(x, y, strict=True)] for x, y in (values, values[::-1])]
    for name in ("add", "sub", "mul", "min", "max"):
        (low,) = evaluate(f"{name}.f16 d0, a, b;", [(16, v) for v in values[::-1]], [16])
        (high,) = evaluate(f"{name}.f16 d0, a, b;", [(16, v) for v in values], [16])
        swapped = [[v << 16 | w for v, w in zip(values[0], values[1], strict=True)],
                   [v << 16 | w for v, w in zip(values[1], values[0], strict=True)]]  # fmt: skip
        expected = [h << 16 | x for h, x in zip(high, low, strict=True)]
        check_bits(f"{name}.f16x2 d0, a, b;", "f32", swapped, expected)
    line = "setp.lt.f16x2 d0|d1, a, b;"
    got = evaluate(line, [(32, pairs[0]), (32, pairs[1])], [1, 1])
    for index, shift in ((0, 0), (1, 16)):
        halves = [[v >> shift & 0xFFFF for v in p] for p in pairs]
        (scalar,) = evaluate("setp.lt.f16 d0, a, b;", [(16, v) for v in halves], [1])
        compare(got[index], scalar, 1, pairs, line)
    (got,) = evaluate("neg.f16x2 d0, a; abs.f16x2 d1, a;", [(32, pairs[0])], [32, 32])[:1]
    assert got == [v ^ 0x80008000 for v in pairs[0]]


@pytest.mark.parametrize("fmt", ["f32", "f64"])
def test_copysign_takes_the_sign_of_the_first_operand(fmt):
    top = 1 << (WIDTH[fmt] - 1)
    values = operands(fmt, 2)
    expected = [a & top | b & ~top for a, b in zip(*values, strict=True)]
    check_bits(f"copysign.{fmt} d0, a, b;", fmt, values, expected)


@pytest.mark.parametrize("fmt", ["f32", "f64"])
def test_testp(fmt):
    (values,) = operands(fmt, 1)
    exponent_bits, _ = ref.FORMATS[fmt]
    smallest = 2 ** (2 - (1 << (exponent_bits - 1)))

    def classify(bits):
        x = ref.decode(bits, fmt)
        number = x is not None
        finite = number and x[1] != "inf"
        return {
            "notanumber": not number,
            "number": number,
            "infinite": number and not finite,
            "finite": finite,
            "normal": finite and abs(x[1]) >= ref.Fraction(smallest),
            "subnormal": finite and 0 < abs(x[1]) < ref.Fraction(smallest),
        }

    for what in classify(0):
        (got,) = evaluate(f"testp.{what}.{fmt} d0, a;", [(WIDTH[fmt], values)], [1])
        compare(got, [int(classify(v)[what]) for v in values], 1, [values], what)


def test_packed_halves_work_on_each_half():
    values = operands("f16", 2)
    low, high = values, [values[1], values[0]]
    packed = [
        [h << 16 | x for x, h in zip(a, b, strict=True)] for a, b in zip(low, high, strict=True)
    ]

    def add(a, b):
        return ref.encode(ref.add(ref.decode(a, "f16"), ref.decode(b, "f16")), "f16")

    expected = [
        add(a >> 16, b >> 16) << 16 | add(a & 0xFFFF, b & 0xFFFF)
        for a, b in zip(*packed, strict=True)
    ]
    check_bits("add.rn.f16x2 d0, a, b;", "f32", packed, expected)

    def fma(a, b, c):
        return ref.encode(ref.fma(*(ref.decode(v, "f16") for v in (a, b, c))), "f16")

    third = packed[1][::-1]
    expected = [
        fma(a >> 16, b >> 16, c >> 16) << 16 | fma(a & 0xFFFF, b & 0xFFFF, c & 0xFFFF)
        for a, b, c in zip(*packed, third, strict=True)
    ]
    check_bits("fma.rn.f16x2 d0, a, b, c;", "f32", [*packed, third], expected)


def test_half_fma_near_ties():
    """Products that end in half a unit of the sum's last place, with the tail just off it."""
    values = [[], [], []]
    for k in range(1, 2048, 13):
        for c in (0x7BFF, 0x7800 + k // 4, 0x0001 + k % 7, 0x8001, 0x3C00 + k % 1024, 0xFBFF):
            for a, b in ((0x3C00 | k % 1024, 0x3C01), (0x4C00, 0x3C00), (0x2801 + k, 0x1001)):
                for column, bits in zip(values, (a, b, c), strict=True):
                    column.append(bits)
    expected = [
        ref.encode(ref.fma(*(ref.decode(v, "f16") for v in row)), "f16")
        for row in zip(*values, strict=True)
    ]
    check("fma.rn.f16 d0, a, b, c;", "f16", values, expected)


def test_half_fma_relu():
    values = operands("f16", 3, 200)
    expected = []
    for row in zip(*values, strict=True):
        bits = ref.encode(ref.fma(*(ref.decode(v, "f16") for v in row)), "f16")
        negative = bits >> 15 and not ref.is_nan(bits, "f16")
        expected.append(0 if negative else bits)
    check("fma.rn.relu.f16 d0, a, b, c;", "f16", values, expected)


def test_mixed_precision_adds_halves_to_a_single():
    halves = operands("f16", 1, 400)[0]
    singles = random_floats("f32", len(halves), 9)
    line = "add.rn.f32.f16 d0, a, b;"
    (got,) = evaluate(line, [(16, halves), (32, singles)], [32])
    expected = [
        ref.encode(ref.add(ref.decode(a, "f16"), ref.decode(b, "f32")), "f32")
        for a, b in zip(halves, singles, strict=True)
    ]
    compare(got, expected, 32, [halves, singles], line)
    line = "fma.rn.f32.f16 d0, a, b, c;"
    other = halves[::-1]
    (got,) = evaluate(line, [(16, halves), (16, other), (32, singles)], [32])
    expected = [
        ref.encode(ref.fma(ref.decode(a, "f16"), ref.decode(b, "f16"), ref.decode(c, "f32")), "f32")
        for a, b, c in zip(halves, other, singles, strict=True)
    ]
    compare(got, expected, 32, [halves, other, singles], line)


@pytest.mark.parametrize("fmt", ["f16", "f32", "f64"])
@pytest.mark.parametrize(
    "how",
    ["eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"],
)
def test_comparisons_and_their_unordered_forms(how, fmt):
    values = operands(fmt, 2, 100)

    def truth(a, b):
        x, y = ref.decode(a, fmt), ref.decode(b, fmt)
        if x is None or y is None:
            return how == "nan" or (len(how) == 3 and how.endswith("u"))
        if how in ("num", "nan"):
            return how == "num"

        def order(v):
            return (-1 if v[0] else 1, 0) if v[1] == "inf" else (0, v[1])

        p, q = order(x), order(y)
        return {
            "eq": p == q, "ne": p != q, "lt": p < q, "le": p <= q, "gt": p > q, "ge": p >= q,
        }[how[:2]]  # fmt: skip

    line = f"setp.{how}.{fmt} d0|d1, a, b;"
    width = WIDTH[fmt]
    got = evaluate(line, [(width, v) for v in values], [1, 1])
    expected = [int(truth(a, b)) for a, b in zip(*values, strict=True)]
    compare(got[0], expected, 1, values, line)
    compare(got[1], [1 - x for x in expected], 1, values, line + " (complement)")


def test_double_nan_payloads_pass_through():
    nan = 0x7FF8000000012345
    one = 0x3FF0000000000000
    (got,) = evaluate("add.rn.f64 d0, a, b;", [(64, [nan, one]), (64, [one, nan])], [64])
    assert got == [nan, nan]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("add.rn.ftz.f64 d0, a, a;", "ftz"),
        ("add.rn.ftz.f16 d1, b, b;", "ftz"),
        ("add.rn.sat.f64 d0, a, a;", "add"),
        ("mul.rn.bf16 d1, b, b;", "bf16"),
        ("fma.f64 d0, a, a, a;", "fma"),
        ("min.xorsign.abs.f32 d2, c, c;", "xorsign"),
        ("add.rz.f16 d1, b, b;", "rz"),
        ("add.rn.f32 d2, c, 1;", "integer 1 as .f32"),
        ("add.s32 d2, c, 0f3F800000;", "float literal as .s32"),
        ("mov.f32 d2, 1;", "integer 1 as .f32"),
        ("tanh.f32 d2, c;", "tanh"),
        ("sqrt.f32 d2, c;", "sqrt"),
    ],
)
def test_what_is_not_understood_is_refused(line, word):
    from spikecuda import emu

    with pytest.raises(emu.UnsupportedPTXError, match=word) as caught:
        evaluate(line, [(64, [0]), (16, [0]), (32, [0])], [64, 16, 32])
    assert "PTX line" in str(caught.value)

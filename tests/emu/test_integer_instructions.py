"""Conformance of the integer and bit instructions: against Python's unbounded integers."""

from __future__ import annotations

import random

import pytest

from spikecuda import emu

from .ptxlib import compare, crossed, evaluate, float_bits, integer_edges, random_bits
from .reference import signed


def operands(width, arity, count=80):
    edges = integer_edges(width)
    if arity == 3:
        edges = edges[::2]
    return crossed(edges, arity, [random_bits(width, count, seed) for seed in range(arity)])


def number(bits, kind):
    """Operand bits as the number that the type says they are."""
    width = int(kind[1:])
    return signed(bits, width) if kind[0] == "s" else bits


def check(line, inputs, width, expected):
    (got,) = evaluate(line, inputs, [width])
    compare(got, expected, width, [values for _, values in inputs], line)


KINDS = ["u16", "s16", "u32", "s32", "u64", "s64"]


@pytest.mark.parametrize("kind", KINDS)
def test_arithmetic_wraps(kind):
    width = int(kind[1:])
    values = operands(width, 2)
    pairs = [(number(a, kind), number(b, kind)) for a, b in zip(*values, strict=True)]
    inputs = [(width, v) for v in values]
    check(f"add.{kind} d0, a, b;", inputs, width, [a + b for a, b in pairs])
    check(f"sub.{kind} d0, a, b;", inputs, width, [a - b for a, b in pairs])
    check(f"mul.lo.{kind} d0, a, b;", inputs, width, [a * b for a, b in pairs])
    check(f"mul.hi.{kind} d0, a, b;", inputs, width, [a * b >> width for a, b in pairs])
    check(f"min.{kind} d0, a, b;", inputs, width, [min(p) for p in pairs])
    check(f"max.{kind} d0, a, b;", inputs, width, [max(p) for p in pairs])
    if width < 64:
        check(f"mul.wide.{kind} d0, a, b;", inputs, 2 * width, [a * b for a, b in pairs])


@pytest.mark.parametrize("kind", KINDS)
def test_multiply_add_and_absolute_difference(kind):
    width = int(kind[1:])
    values = operands(width, 3)
    inputs = [(width, v) for v in values]
    rows = [tuple(number(v, kind) for v in row) for row in zip(*values, strict=True)]
    check(f"mad.lo.{kind} d0, a, b, c;", inputs, width, [a * b + c for a, b, c in rows])
    check(f"mad.hi.{kind} d0, a, b, c;", inputs, width, [(a * b >> width) + c for a, b, c in rows])
    check(f"sad.{kind} d0, a, b, c;", inputs, width, [c + abs(a - b) for a, b, c in rows])
    if width < 64:
        wide = random_bits(2 * width, len(rows), 5)
        expected = [a * b + c for (a, b, _), c in zip(rows, wide, strict=True)]
        inputs = [(width, values[0]), (width, values[1]), (2 * width, wide)]
        check(f"mad.wide.{kind} d0, a, b, c;", inputs, 2 * width, expected)


def clamp(value, low=-(2**31), high=2**31 - 1):
    return min(max(value, low), high)


def test_saturating_arithmetic():
    values = operands(32, 3)
    rows = [tuple(signed(v, 32) for v in row) for row in zip(*values, strict=True)]
    inputs = [(32, v) for v in values]
    check("add.sat.s32 d0, a, b;", inputs, 32, [clamp(a + b) for a, b, _ in rows])
    check("sub.sat.s32 d0, a, b;", inputs, 32, [clamp(a - b) for a, b, _ in rows])
    check("mad.hi.sat.s32 d0, a, b, c;", inputs, 32, [clamp((a * b >> 32) + c) for a, b, c in rows])
    expected = [max(0, min(a, b)) for a, b, _ in rows]
    check("min.relu.s32 d0, a, b;", inputs, 32, expected)


@pytest.mark.parametrize("width", [32, 64])
def test_carries_chain_into_wider_numbers(width):
    low, high = operands(width, 2), operands(width, 2)
    high = [high[1][::-1], high[0][::-1]]
    wide = [[h << width | x for x, h in zip(low[k], high[k], strict=True)] for k in (0, 1)]
    inputs = [(width, v) for v in (low[0], high[0], low[1], high[1])]
    for name, extended, sign in (("add", "addc", 1), ("sub", "subc", -1)):
        line = f"{name}.cc.u{width} d0, a, c; {extended}.u{width} d1, b, e;"
        got = evaluate(line, inputs, [width, width])
        totals = [x + sign * y for x, y in zip(*wide, strict=True)]
        compare(got[0], totals, width, low, line)
        compare(got[1], [t >> width for t in totals], width, high, line)


def test_carry_out_of_an_extended_operation():
    ones = [0xFFFFFFFF] * 2
    line = "add.cc.u32 d0, a, b; addc.cc.u32 d1, a, b; addc.u32 d2, 0, 0;"
    got = evaluate(line, [(32, ones), (32, [1, 0])], [32, 32, 32])
    # first row: -1 + 1 carries, -1 + 1 + 1 carries; second: -1 + 0 does not, -1 + 0 does not
    assert got == [[0, 0xFFFFFFFF], [1, 0xFFFFFFFF], [1, 0]]


def test_multiply_add_with_carry():
    values = operands(32, 3)
    other = random_bits(32, len(values[0]), 11)
    inputs = [(32, v) for v in (*values, other)]
    line = "mad.lo.cc.u32 d0, a, b, c; madc.hi.u32 d1, a, b, e;"
    got = evaluate(line, inputs, [32, 32])
    totals = [a * b + (e << 32 | c) for a, b, c, e in zip(*values, other, strict=True)]
    compare(got[0], totals, 32, values, line)
    compare(got[1], [t >> 32 for t in totals], 32, values, line)


@pytest.mark.parametrize("kind", ["u32", "s32"])
def test_24_bit_products(kind):
    values = operands(32, 3)
    rows = []
    for row in zip(*values, strict=True):
        a, b = ((signed(v, 24) if kind[0] == "s" else v & 0xFFFFFF) for v in row[:2])
        rows.append((a * b, row[2]))
    inputs = [(32, v) for v in values]
    check(f"mul24.lo.{kind} d0, a, b;", inputs, 32, [p for p, _ in rows])
    check(f"mul24.hi.{kind} d0, a, b;", inputs, 32, [p >> 16 for p, _ in rows])
    check(f"mad24.lo.{kind} d0, a, b, c;", inputs, 32, [p + c for p, c in rows])
    check(f"mad24.hi.{kind} d0, a, b, c;", inputs, 32, [(p >> 16) + c for p, c in rows])


@pytest.mark.parametrize("kind", KINDS)
def test_division_truncates_and_the_smallest_integer_wraps(kind):
    width = int(kind[1:])
    values = operands(width, 2)
    kept = [row for row in zip(*values, strict=True) if row[1] != 0]
    values = [list(v) for v in zip(*kept, strict=True)]
    quotients, remainders = [], []
    for row in kept:
        a, b = (number(v, kind) for v in row)
        q = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        quotients.append(q)
        remainders.append(a - q * b)
    inputs = [(width, v) for v in values]
    check(f"div.{kind} d0, a, b;", inputs, width, quotients)
    check(f"rem.{kind} d0, a, b;", inputs, width, remainders)


def test_division_by_zero_gives_all_ones_in_fast_mode():
    got = evaluate("div.s32 d0, a, 0; rem.u32 d1, a, 0;", [(32, [7, 0])], [32, 32])
    assert got == [[0xFFFFFFFF, 0xFFFFFFFF], [7, 0]]


@pytest.mark.parametrize("width", [16, 32, 64])
def test_logic(width):
    a, b = operands(width, 2)
    inputs = [(width, a), (width, b)]
    check(f"and.b{width} d0, a, b;", inputs, width, [x & y for x, y in zip(a, b, strict=True)])
    check(f"or.b{width} d0, a, b;", inputs, width, [x | y for x, y in zip(a, b, strict=True)])
    check(f"xor.b{width} d0, a, b;", inputs, width, [x ^ y for x, y in zip(a, b, strict=True)])
    check(f"not.b{width} d0, a;", inputs, width, [~x for x in a])
    check(f"cnot.b{width} d0, a;", inputs, width, [int(x == 0) for x in a])


def test_logic_on_predicates():
    a, b = [0, 0, 1, 1], [0, 1, 0, 1]
    inputs = [(1, a), (1, b)]
    check("and.pred d0, a, b;", inputs, 1, [0, 0, 0, 1])
    check("or.pred d0, a, b;", inputs, 1, [0, 1, 1, 1])
    check("xor.pred d0, a, b;", inputs, 1, [0, 1, 1, 0])
    check("not.pred d0, a;", inputs, 1, [1, 1, 0, 0])
    check("mov.pred d0, a;", inputs, 1, a)


def test_lop3_for_tables_of_all_kinds():
    bits = (0xF0F0F0F0, 0xCCCCCCCC, 0xAAAAAAAA)  # at bit k: the three bits of k % 8
    tables = list(range(0, 256, 5))
    lines = "\n".join(f"lop3.b32 d{i}, a, b, c, {t};" for i, t in enumerate(tables))
    got = evaluate(lines, [(32, [v]) for v in bits], [32] * len(tables))
    for table, result in zip(tables, got, strict=True):
        # with these inputs bit k of the result is bit k % 8 of the table
        assert result[0] == table * 0x01010101, f"table {table}"


@pytest.mark.parametrize("width", [16, 32, 64])
def test_shifts_beyond_the_width(width):
    values = integer_edges(width) + random_bits(width, 20, 3)
    counts = [0, 1, 5, width - 1, width, width + 1, 2 * width, 255, 2**31, 2**32 - 1]
    a, n = crossed(values, 1, [[]])[0], counts
    rows = [(x, c) for x in a for c in n]
    inputs = [(width, [x for x, _ in rows]), (32, [c for _, c in rows])]
    check(f"shl.b{width} d0, a, b;", inputs, width, [x << c if c < width else 0 for x, c in rows])
    check(f"shr.u{width} d0, a, b;", inputs, width, [x >> c if c < width else 0 for x, c in rows])
    check(f"shr.b{width} d0, a, b;", inputs, width, [x >> c if c < width else 0 for x, c in rows])
    expected = [signed(x, width) >> min(c, width) for x, c in rows]
    check(f"shr.s{width} d0, a, b;", inputs, width, expected)


@pytest.mark.parametrize("mode", ["wrap", "clamp"])
def test_funnel_shifts(mode):
    values = operands(32, 2, 50)
    counts = [0, 1, 31, 32, 33, 63, 64, 2**32 - 1]
    rows = [(a, b, n) for a, b in zip(*values, strict=True) for n in counts]
    left, right = [], []
    for a, b, n in rows:
        n = n & 31 if mode == "wrap" else min(n, 32)
        both = b << 32 | a
        left.append(both << n >> 32)
        right.append(both >> n)
    inputs = [(32, list(v)) for v in zip(*rows, strict=True)]
    check(f"shf.l.{mode}.b32 d0, a, b, c;", inputs, 32, left)
    check(f"shf.r.{mode}.b32 d0, a, b, c;", inputs, 32, right)


@pytest.mark.parametrize("width", [16, 32, 64])
def test_neg_and_abs_of_the_smallest_integer_stay(width):
    (values,) = operands(width, 1)
    inputs = [(width, values)]
    check(f"neg.s{width} d0, a;", inputs, width, [-v for v in values])
    check(f"abs.s{width} d0, a;", inputs, width, [abs(signed(v, width)) for v in values])


@pytest.mark.parametrize("width", [32, 64])
def test_bit_counts(width):
    (values,) = operands(width, 1)
    inputs = [(width, values)]
    check(f"popc.b{width} d0, a;", inputs, 32, [v.bit_count() for v in values])
    check(f"clz.b{width} d0, a;", inputs, 32, [width - v.bit_length() for v in values])
    reversed_bits = [int(f"{v:0{width}b}"[::-1], 2) for v in values]
    check(f"brev.b{width} d0, a;", inputs, width, reversed_bits)
    for kind in ("u", "s"):
        found = []
        for v in values:
            if kind == "s" and v >> (width - 1):
                v = ~v & ((1 << width) - 1)
            found.append(v.bit_length() - 1)
        line = f"bfind.{kind}{width} d0, a;"
        check(line, inputs, 32, found)
        shift = [-1 if f < 0 else width - 1 - f for f in found]
        check(f"bfind.shiftamt.{kind}{width} d0, a;", inputs, 32, shift)


FIELDS = [0, 1, 4, 8, 31, 32, 33, 40, 63, 64, 65, 255, 256, 257]


@pytest.mark.parametrize("kind", ["u32", "s32", "u64", "s64"])
def test_bit_field_extract(kind):
    width = int(kind[1:])
    values = integer_edges(width) + random_bits(width, 10, 7)
    rows = [(v, p, n) for v in values for p in FIELDS for n in FIELDS]
    expected = []
    for value, position, length in rows:
        position, length = position & 255, length & 255
        if kind[0] == "u" or length == 0:
            fill = 0
        else:
            fill = value >> min(position + length - 1, width - 1) & 1
        result = 0
        for i in range(width):
            inside = i < length and position + i < width
            result |= ((value >> (position + i)) & 1 if inside else fill) << i
        expected.append(result)
    inputs = [(w, list(v)) for w, v in zip((width, 32, 32), zip(*rows, strict=True), strict=True)]
    check(f"bfe.{kind} d0, a, b, c;", inputs, width, expected)


@pytest.mark.parametrize("width", [32, 64])
def test_bit_field_insert(width):
    values = [*random_bits(width, 6, 8), 0, (1 << width) - 1]
    rows = [(a, values[-1 - k], p, n) for k, a in enumerate(values) for p in FIELDS for n in FIELDS]
    expected = []
    for a, b, position, length in rows:
        position, length = position & 255, length & 255
        for i in range(length):
            if position + i < width:
                place = 1 << (position + i)
                b = b & ~place | (a >> i & 1) << (position + i)
        expected.append(b)
    widths = (width, width, 32, 32)
    inputs = [(w, list(v)) for w, v in zip(widths, zip(*rows, strict=True), strict=True)]
    check(f"bfi.b{width} d0, a, b, c, e;", inputs, width, expected)


@pytest.mark.parametrize("mode", ["", "f4e", "b4e", "rc8", "ecl", "ecr", "rc16"])
def test_permute_bytes(mode):
    source = random.Random(4)
    rows = [tuple(source.getrandbits(32) for _ in range(3)) for _ in range(300)]
    rows += [(0x03828100, 0x87068504, c) for c in (*range(16), 0xFEDC, 0xBA98, 0x7654, 0x3210)]
    tables = {  # bytes of the result, highest first, for the two low bits of the control
        "f4e": ["3210", "4321", "5432", "6543"],
        "b4e": ["5670", "6701", "7012", "0123"],
        "rc8": ["0000", "1111", "2222", "3333"],
        "ecl": ["3210", "3211", "3222", "3333"],
        "ecr": ["0000", "1110", "2210", "3210"],
        "rc16": ["1010", "3232", "1010", "3232"],
    }
    expected = []
    for a, b, control in rows:
        data = (b << 32 | a).to_bytes(8, "little")
        result = []
        for index in range(4):
            if mode:
                result.append(data[int(tables[mode][control & 3][3 - index])])
            else:
                pick = control >> (4 * index) & 15
                byte = data[pick & 7]
                result.append((0xFF if byte & 0x80 else 0) if pick & 8 else byte)
        expected.append(int.from_bytes(bytes(result), "little"))
    inputs = [(32, list(v)) for v in zip(*rows, strict=True)]
    check(f"prmt.b32{'.' + mode if mode else ''} d0, a, b, c;", inputs, 32, expected)


@pytest.mark.parametrize("mode", ["wrap", "clamp"])
def test_masks_and_sign_extension(mode):
    positions = [0, 1, 5, 31, 32, 33, 64, 2**32 - 1]
    rows = [(p, n) for p in positions for n in positions]
    inputs = [(32, [p for p, _ in rows]), (32, [n for _, n in rows])]
    expected = []
    for p, n in rows:
        if mode == "wrap":
            p, n = p & 31, n & 31
        ones = (1 << min(n, 32)) - 1
        expected.append(ones << p if p < 32 else 0)
    check(f"bmsk.{mode}.b32 d0, a, b;", inputs, 32, expected)
    values = integer_edges(32)
    rows = [(v, n) for v in values for n in positions]
    inputs = [(32, [v for v, _ in rows]), (32, [n for _, n in rows])]
    for kind in ("u32", "s32"):
        expected = []
        for v, n in rows:
            n = n & 31 if mode == "wrap" else min(n, 32)
            low = v & ((1 << n) - 1)
            if kind == "s32" and n and low >> (n - 1):
                low -= 1 << n
            expected.append(low)
        check(f"szext.{mode}.{kind} d0, a, b;", inputs, 32, expected)


def test_dot_products():
    a, b, c = operands(32, 3)
    inputs = [(32, a), (32, b), (32, c)]

    def parts(value, kind, size):
        pieces = [value >> shift & ((1 << size) - 1) for shift in range(0, 32, size)]
        return [signed(p, size) if kind[0] == "s" else p for p in pieces]

    for first in ("u32", "s32"):
        for second in ("u32", "s32"):
            rows = list(zip(a, b, c, strict=True))
            expected = [
                z + sum(p * q for p, q in zip(parts(x, first, 8), parts(y, second, 8), strict=True))
                for x, y, z in rows
            ]
            check(f"dp4a.{first}.{second} d0, a, b, c;", inputs, 32, expected)
            for half, start in (("lo", 0), ("hi", 2)):
                expected = [
                    z
                    + sum(
                        p * q
                        for p, q in zip(
                            parts(x, first, 16), parts(y, second, 8)[start : start + 2], strict=True
                        )
                    )
                    for x, y, z in rows
                ]
                check(f"dp2a.{half}.{first}.{second} d0, a, b, c;", inputs, 32, expected)


COMPARE = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


@pytest.mark.parametrize("kind", KINDS)
def test_comparisons(kind):
    width = int(kind[1:])
    values = operands(width, 2, 50)
    third = [k & 1 for k in range(len(values[0]))]
    inputs = [(width, values[0]), (width, values[1]), (1, third)]
    pairs = [(number(a, kind), number(b, kind)) for a, b in zip(*values, strict=True)]
    names = {"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"} if kind[0] == "u" else {}
    for name in (*COMPARE, *names):
        truth = [int(COMPARE[names.get(name, name)](a, b)) for a, b in pairs]
        line = f"setp.{name}.{kind} d0|d1, a, b;"
        got = evaluate(line, inputs, [1, 1])
        compare(got[0], truth, 1, values, line)
        compare(got[1], [1 - t for t in truth], 1, values, line)
    for combine in ("and", "or", "xor"):
        line = f"setp.lt.{combine}.{kind} d0|d1, a, b, !c;"
        got = evaluate(line, inputs, [1, 1])
        for k, (a, b) in enumerate(pairs):
            test, other = a < b, not third[k]
            both = {
                "and": lambda x, y: x and y, "or": lambda x, y: x or y, "xor": lambda x, y: x != y,
            }[combine]  # fmt: skip
            assert got[0][k] == int(both(test, other)), (line, a, b)
            assert got[1][k] == int(both(not test, other)), (line, a, b)


def test_untyped_comparisons_know_equality_only():
    check("setp.eq.b32 d0, a, b;", [(32, [1, 2]), (32, [1, 3])], 1, [1, 0])
    with pytest.raises(emu.UnsupportedPTXError, match="setp"):
        evaluate("setp.lt.b32 d0, a, b;", [(32, [1]), (32, [1])], [1])


def test_set_writes_ones_or_one():
    a, b = [1, 2, 0xFFFFFFFF], [2, 2, 1]
    inputs = [(32, a), (32, b)]
    check("set.lt.u32.s32 d0, a, b;", inputs, 32, [-1, 0, -1])
    check("set.lt.f32.u32 d0, a, b;", inputs, 32, [float_bits(1.0), 0, 0])
    check("set.ge.and.s32.u32 d0, a, b, c;", [*inputs, (1, [1, 1, 0])], 32, [0, -1, 0])
    one, nan = float_bits(1.0), 0x7FC00000
    check("set.gtu.u32.f32 d0, a, b;", [(32, [one, nan]), (32, [one, one])], 32, [0, -1])


def test_selections():
    a, b = [10, 20], [30, 40]
    for width in (16, 32, 64):
        inputs = [(width, a), (width, b), (1, [1, 0])]
        check(f"selp.b{width} d0, a, b, c;", inputs, width, [10, 40])
    third = [float_bits(x) for x in (0.0, -0.0, -1.0, 1e-45, -1e-45)] + [0x7FC00000]
    inputs = [(32, [1] * 6), (32, [2] * 6), (32, third)]
    check("slct.b32.f32 d0, a, b, c;", inputs, 32, [1, 1, 2, 1, 2, 2])
    check("slct.ftz.b32.f32 d0, a, b, c;", inputs, 32, [1, 1, 2, 1, 1, 2])
    inputs = [(32, [1] * 3), (32, [2] * 3), (32, [0, 0x80000000, 5])]
    check("slct.u32.s32 d0, a, b, c;", inputs, 32, [1, 2, 1])


@pytest.mark.parametrize(
    "line",
    [
        "add.sat.u32 d0, a, b;",
        "mul.u32 d0, a, b;",
        "mul.wide.u64 d1, c, c;",
        "and.u32 d0, a, b;",
        "shl.u32 d0, a, b;",
        "fns.b32 d0, a, b, 1;",
        "add.u16x2 d0, a, b;",
        "lop3.and.b32 d0|p, a, b, a, 3, p;",
        "vadd.u32.u32.u32 d0, a, b;",
        "add.u32 d1, a, b;",
        "add.u32 d0, a;",
        "popc.b16 d0, a;",
        "prmt.b32.xyz d0, a, b, a;",
    ],
)
def test_what_is_not_understood_is_refused(line):
    with pytest.raises(emu.UnsupportedPTXError, match="PTX line"):
        evaluate(line, [(32, [0]), (32, [0]), (64, [0])], [32, 64], declare="  .reg .pred p;")

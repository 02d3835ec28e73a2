"""Integer and bit instructions."""

from __future__ import annotations

from ..syntax import Integer, Operand, Pair
from ..types import B32, PRED, S32, TYPES, U32, Type, bits_type
from . import context as c
from .emitter import Emitter, Modifiers, instruction


def carry_slot(e: Emitter) -> str:
    """The stack slot of the carry flag."""
    if not e.carry:
        e.carry = "%CC"
        e.allocas += ["%CC = alloca i1", "store i1 false, ptr %CC"]
    return e.carry


def add_sub(e: Emitter, m: Modifiers, opcode: str) -> None:
    """``add``/``sub`` on integers, with ``.sat`` (s32) and ``.cc``."""
    kind = m.type("bus")
    saturate, carry = m.flag("sat"), m.flag("cc")
    d, a, b = m.done(3)
    if (saturate and kind is not S32) or (carry and kind.width < 32) or (saturate and carry):
        raise m.refuse()
    x, y = e.get(a, kind, m), e.get(b, kind, m)
    if saturate:
        result = e.call("i32", f"llvm.s{opcode}.sat.i32", f"i32 {x}", f"i32 {y}")
    elif carry:
        result = with_carry(e, opcode, kind, x, y, "false", True)
    else:
        result = e.value(f"{opcode} {kind.bits} {x}, {y}")
    e.put(d, result, kind, m)


def with_carry(
    e: Emitter, opcode: str, kind: Type, x: str, y: str, carry_in: str, keep: bool
) -> str:
    """``x +- y +- carry`` in one more bit; the top bit is the carry (add) or the borrow (sub)."""
    wide = f"i{kind.width + 1}"
    a, b = (e.value(f"zext {kind.bits} {v} to {wide}") for v in (x, y))
    cin = e.value(f"zext i1 {carry_in} to {wide}")
    total = e.value(f"{opcode} {wide} {e.value(f'{opcode} {wide} {a}, {b}')}, {cin}")
    if keep:
        top = e.value(f"lshr {wide} {total}, {kind.width}")
        e.do(f"store i1 {e.value(f'trunc {wide} {top} to i1')}, ptr {carry_slot(e)}")
    return e.value(f"trunc {wide} {total} to {kind.bits}")


@instruction("addc", "subc")
def _extended(e: Emitter, m: Modifiers) -> None:
    kind = m.type("us", (32, 64))
    keep = m.flag("cc")
    d, a, b = m.done(3)
    x, y = e.get(a, kind, m), e.get(b, kind, m)
    cin = e.value(f"load i1, ptr {carry_slot(e)}")
    e.put(d, with_carry(e, m.item.opcode[:3], kind, x, y, cin, keep), kind, m)


def product(e: Emitter, kind: Type, x: str, y: str, part: str) -> tuple[str, Type]:
    """The low, high or whole product of two integers."""
    if part == "lo":
        return e.value(f"mul {kind.bits} {x}, {y}"), kind
    double = 2 * kind.width
    extend = "sext" if kind.signed else "zext"
    a, b = (e.value(f"{extend} {kind.bits} {v} to i{double}") for v in (x, y))
    whole = e.value(f"mul i{double} {a}, {b}")
    if part == "wide":
        return whole, TYPES[f"{kind.kind}{double}"]
    high = e.value(f"lshr i{double} {whole}, {kind.width}")
    return e.value(f"trunc i{double} {high} to {kind.bits}"), kind


def multiply(e: Emitter, m: Modifiers) -> None:
    """``mul`` and ``mad`` on integers."""
    kind = m.type("us")
    part = m.choose("lo", "hi", "wide")
    saturate = m.flag("sat")
    if (part == "wide" and kind.width == 64) or (
        saturate and not (kind is S32 and part == "hi" and m.item.opcode == "mad")
    ):
        raise m.refuse()
    keep = m.item.opcode == "mad" and m.flag("cc")
    operands = m.done(3 if m.item.opcode == "mul" else 4)
    x, y = e.get(operands[1], kind, m), e.get(operands[2], kind, m)
    result, kind = product(e, kind, x, y, part)
    if m.item.opcode == "mad":
        z = e.get(operands[3], kind, m)
        if saturate:
            result = e.call("i32", "llvm.sadd.sat.i32", f"i32 {result}", f"i32 {z}")
        elif keep:
            result = with_carry(e, "add", kind, result, z, "false", True)
        else:
            result = e.value(f"add {kind.bits} {result}, {z}")
    e.put(operands[0], result, kind, m)


@instruction("madc")
def _madc(e: Emitter, m: Modifiers) -> None:
    kind = m.type("us", (32, 64))
    part = m.choose("lo", "hi")
    keep = m.flag("cc")
    d, a, b, third = m.done(4)
    result, _ = product(e, kind, e.get(a, kind, m), e.get(b, kind, m), part)
    cin = e.value(f"load i1, ptr {carry_slot(e)}")
    e.put(d, with_carry(e, "add", kind, result, e.get(third, kind, m), cin, keep), kind, m)


@instruction("mul24", "mad24")
def _mul24(e: Emitter, m: Modifiers) -> None:
    kind = m.type("us", (32,))
    part = m.choose("lo", "hi")
    operands = m.done(3 if m.item.opcode == "mul24" else 4)
    how = "ashr" if kind.signed else "lshr"
    extend = "sext" if kind.signed else "zext"
    wide = []
    for operand in operands[1:3]:
        top = e.value(f"shl i32 {e.get(operand, kind, m)}, 8")
        wide.append(e.value(f"{extend} i32 {e.value(f'{how} i32 {top}, 8')} to i64"))
    whole = e.value(f"mul i64 {wide[0]}, {wide[1]}")
    if part == "hi":
        whole = e.value(f"lshr i64 {whole}, 16")
    result = e.value(f"trunc i64 {whole} to i32")
    if len(operands) == 4:
        result = e.value(f"add i32 {result}, {e.get(operands[3], kind, m)}")
    e.put(operands[0], result, kind, m)


@instruction("sad")
def _sad(e: Emitter, m: Modifiers) -> None:
    kind = m.type("us")
    d, a, b, third = m.done(4)
    x, y = e.get(a, kind, m), e.get(b, kind, m)
    larger = e.value(f"icmp {'sgt' if kind.signed else 'ugt'} {kind.bits} {x}, {y}")
    up, down = e.value(f"sub {kind.bits} {x}, {y}"), e.value(f"sub {kind.bits} {y}, {x}")
    size = e.value(f"select i1 {larger}, {kind.bits} {up}, {kind.bits} {down}")
    e.put(d, e.value(f"add {kind.bits} {e.get(third, kind, m)}, {size}"), kind, m)


def divide(e: Emitter, m: Modifiers) -> None:
    """``div``/``rem`` on integers; x / 0 is a fault when checking, else all ones (rem: x)."""
    kind = m.type("us")
    d, a, b = m.done(3)
    x, y = e.get(a, kind, m), e.get(b, kind, m)
    zero = e.value(f"icmp eq {kind.bits} {y}, 0")
    if e.checked:
        e.fault(zero, c.FAULT_DIVISION, m.item.line)
    sign = "s" if kind.signed else "u"
    safe = e.value(f"select i1 {zero}, {kind.bits} 1, {kind.bits} {y}")
    remainder = m.item.opcode == "rem"
    wraps = ""
    if kind.signed:  # the smallest integer over -1 wraps, where LLVM has no defined result
        wraps = e.value(f"icmp eq {kind.bits} {y}, -1")
        safe = e.value(f"select i1 {wraps}, {kind.bits} 1, {kind.bits} {safe}")
    result = e.value(f"{sign}{m.item.opcode} {kind.bits} {x}, {safe}")
    if wraps and not remainder:
        negative = e.value(f"sub {kind.bits} 0, {x}")
        result = e.value(f"select i1 {wraps}, {kind.bits} {negative}, {kind.bits} {result}")
    otherwise = x if remainder else "-1"
    result = e.value(f"select i1 {zero}, {kind.bits} {otherwise}, {kind.bits} {result}")
    e.put(d, result, kind, m)


@instruction("rem")
def _rem(e: Emitter, m: Modifiers) -> None:
    divide(e, m)


def extreme(e: Emitter, m: Modifiers) -> None:
    """``min``/``max`` on integers."""
    kind = m.type("us")
    relu = m.flag("relu")
    if relu and kind is not S32:
        raise m.refuse()
    d, a, b = m.done(3)
    name = f"llvm.{'s' if kind.signed else 'u'}{m.item.opcode}.{kind.bits}"
    x, y = e.get(a, kind, m), e.get(b, kind, m)
    result = e.call(kind.bits, name, f"{kind.bits} {x}", f"{kind.bits} {y}")
    if relu:
        result = e.call("i32", "llvm.smax.i32", f"i32 {result}", "i32 0")
    e.put(d, result, kind, m)


@instruction("and", "or", "xor")
def _logic(e: Emitter, m: Modifiers) -> None:
    kind = PRED if m.flag("pred") else m.type("b")
    d, a, b = m.done(3)
    x, y = e.get(a, kind, m), e.get(b, kind, m)
    e.put(d, e.value(f"{m.item.opcode} {kind.bits} {x}, {y}"), kind, m)


@instruction("not")
def _not(e: Emitter, m: Modifiers) -> None:
    kind = PRED if m.flag("pred") else m.type("b")
    d, a = m.done(2)
    e.put(d, e.value(f"xor {kind.bits} {e.get(a, kind, m)}, -1"), kind, m)


@instruction("cnot")
def _cnot(e: Emitter, m: Modifiers) -> None:
    kind = m.type("b")
    d, a = m.done(2)
    zero = e.value(f"icmp eq {kind.bits} {e.get(a, kind, m)}, 0")
    e.put(d, e.value(f"zext i1 {zero} to {kind.bits}"), kind, m)


@instruction("lop3")
def _lop3(e: Emitter, m: Modifiers) -> None:
    if m.type("b", (32,)) is not B32:
        raise m.refuse()
    d, a, b, third, table = m.done(5)
    if not isinstance(table, Integer) or not 0 <= table.value <= 255:
        raise m.refuse("the table must be a number of 8 bits")
    inputs = [e.get(operand, B32, m) for operand in (a, b, third)]
    inverted = [e.value(f"xor i32 {value}, -1") for value in inputs]
    result = "0"
    for index in range(8):
        if table.value >> index & 1:
            pick = [(inputs if index >> (2 - k) & 1 else inverted)[k] for k in range(3)]
            term = e.value(f"and i32 {e.value(f'and i32 {pick[0]}, {pick[1]}')}, {pick[2]}")
            result = e.value(f"or i32 {result}, {term}")
    e.put(d, result, B32, m)


def shifted(e: Emitter, how: str, width: int, value: str, amount: str) -> str:
    """Shift an integer by an ``i32`` amount; what is shifted beyond the width is gone."""
    inside = e.value(f"icmp ult i32 {amount}, {width}")
    most = width - 1 if how == "ashr" else 0
    small = e.value(f"select i1 {inside}, i32 {amount}, i32 {most}")
    result = e.value(f"{how} i{width} {value}, {e.resize(small, 32, width)}")
    if how == "ashr":
        return result
    return e.value(f"select i1 {inside}, i{width} {result}, i{width} 0")


@instruction("shl", "shr")
def _shift(e: Emitter, m: Modifiers) -> None:
    kind = m.type("b" if m.item.opcode == "shl" else "bus")
    d, a, b = m.done(3)
    how = "shl" if m.item.opcode == "shl" else ("ashr" if kind.signed else "lshr")
    x, n = e.get(a, kind, m), e.get(b, U32, m)
    e.put(d, shifted(e, how, kind.width, x, n), kind, m)


@instruction("shf")
def _funnel(e: Emitter, m: Modifiers) -> None:
    m.type("b", (32,))
    direction = m.choose("l", "r")
    wrap = m.choose("wrap", "clamp") == "wrap"
    d, a, b, amount = m.done(4)
    low = e.resize(e.get(a, B32, m), 32, 64)
    high = e.value(f"shl i64 {e.resize(e.get(b, B32, m), 32, 64)}, 32")
    both = e.value(f"or i64 {high}, {low}")
    n = e.get(amount, U32, m)
    n = (
        e.value(f"and i32 {n}, 31")
        if wrap
        else e.call("i32", "llvm.umin.i32", f"i32 {n}", "i32 32")
    )
    n = e.resize(n, 32, 64)
    if direction == "l":
        both = e.value(f"lshr i64 {e.value(f'shl i64 {both}, {n}')}, 32")
    else:
        both = e.value(f"lshr i64 {both}, {n}")
    e.put(d, e.resize(both, 64, 32), B32, m)


def neg_abs(e: Emitter, m: Modifiers) -> None:
    """``neg``/``abs`` on integers; the smallest integer stays itself."""
    kind = m.type("s")
    d, a = m.done(2)
    x = e.get(a, kind, m)
    if m.item.opcode == "neg":
        result = e.value(f"sub {kind.bits} 0, {x}")
    else:
        result = e.call(kind.bits, f"llvm.abs.{kind.bits}", f"{kind.bits} {x}", "i1 false")
    e.put(d, result, kind, m)


@instruction("popc", "clz")
def _count(e: Emitter, m: Modifiers) -> None:
    kind = m.type("b", (32, 64))
    d, a = m.done(2)
    x = e.get(a, kind, m)
    if m.item.opcode == "popc":
        result = e.call(kind.bits, f"llvm.ctpop.{kind.bits}", f"{kind.bits} {x}")
    else:
        result = e.call(kind.bits, f"llvm.ctlz.{kind.bits}", f"{kind.bits} {x}", "i1 false")
    e.put(d, e.resize(result, kind.width, 32), U32, m)


@instruction("brev")
def _reverse(e: Emitter, m: Modifiers) -> None:
    kind = m.type("b", (32, 64))
    d, a = m.done(2)
    x = e.get(a, kind, m)
    e.put(d, e.call(kind.bits, f"llvm.bitreverse.{kind.bits}", f"{kind.bits} {x}"), kind, m)


@instruction("bfind")
def _find(e: Emitter, m: Modifiers) -> None:
    kind = m.type("us", (32, 64))
    from_top = m.flag("shiftamt")
    d, a = m.done(2)
    x = e.get(a, kind, m)
    if kind.signed:
        negative = e.value(f"ashr {kind.bits} {x}, {kind.width - 1}")
        x = e.value(f"xor {kind.bits} {x}, {negative}")
    zeros = e.call(kind.bits, f"llvm.ctlz.{kind.bits}", f"{kind.bits} {x}", "i1 false")
    zeros = e.resize(zeros, kind.width, 32)
    where = zeros if from_top else e.value(f"sub i32 {kind.width - 1}, {zeros}")
    none = e.value(f"icmp eq {kind.bits} {x}, 0")
    e.put(d, e.value(f"select i1 {none}, i32 -1, i32 {where}"), U32, m)


def field_mask(e: Emitter, width: int, length: str) -> str:
    """``length`` low ones, all ones where the length reaches the width."""
    return e.value(f"xor i{width} {shifted(e, 'shl', width, '-1', length)}, -1")


@instruction("bfe")
def _extract(e: Emitter, m: Modifiers) -> None:
    kind = m.type("us", (32, 64))
    d, a, b, third = m.done(4)
    bits, width = kind.bits, kind.width
    x = e.get(a, kind, m)
    position = e.value(f"and i32 {e.get(b, U32, m)}, 255")
    length = e.value(f"and i32 {e.get(third, U32, m)}, 255")
    field = shifted(e, "lshr", width, x, position)
    result = e.value(f"and {bits} {field}, {field_mask(e, width, length)}")
    if kind.signed:  # fill with the field's top bit, or with a's where the field runs past it
        last = e.value(f"sub i32 {e.value(f'add i32 {position}, {length}')}, 1")
        last = e.call("i32", "llvm.umin.i32", f"i32 {last}", f"i32 {width - 1}")
        sign = e.value(f"trunc {bits} {shifted(e, 'lshr', width, x, last)} to i1")
        some = e.value(f"icmp ne i32 {length}, 0")
        sign = e.value(f"and i1 {sign}, {some}")
        room = e.call("i32", "llvm.usub.sat.i32", f"i32 {width}", f"i32 {position}")
        taken = e.call("i32", "llvm.umin.i32", f"i32 {length}", f"i32 {room}")
        fill = e.value(f"xor {bits} {field_mask(e, width, taken)}, -1")
        fill = e.value(f"select i1 {sign}, {bits} {fill}, {bits} 0")
        result = e.value(f"or {bits} {result}, {fill}")
    e.put(d, result, kind, m)


@instruction("bfi")
def _insert(e: Emitter, m: Modifiers) -> None:
    kind = m.type("b", (32, 64))
    d, a, b, third, fourth = m.done(5)
    bits, width = kind.bits, kind.width
    x, y = e.get(a, kind, m), e.get(b, kind, m)
    position = e.value(f"and i32 {e.get(third, U32, m)}, 255")
    length = e.value(f"and i32 {e.get(fourth, U32, m)}, 255")
    mask = shifted(e, "shl", width, field_mask(e, width, length), position)
    new = e.value(f"and {bits} {shifted(e, 'shl', width, x, position)}, {mask}")
    old = e.value(f"and {bits} {y}, {e.value(f'xor {bits} {mask}, -1')}")
    e.put(d, e.value(f"or {bits} {new}, {old}"), kind, m)


@instruction("bmsk")
def _bmsk(e: Emitter, m: Modifiers) -> None:
    m.type("b", (32,))
    wrap = m.choose("wrap", "clamp") == "wrap"
    d, a, b = m.done(3)
    position, length = e.get(a, U32, m), e.get(b, U32, m)
    if wrap:
        position = e.value(f"and i32 {position}, 31")
        length = e.value(f"and i32 {length}, 31")
    mask = field_mask(e, 32, length)
    e.put(d, shifted(e, "shl", 32, mask, position), B32, m)


@instruction("szext")
def _szext(e: Emitter, m: Modifiers) -> None:
    kind = m.type("us", (32,))
    wrap = m.choose("wrap", "clamp") == "wrap"
    d, a, b = m.done(3)
    x, n = e.get(a, kind, m), e.get(b, U32, m)
    if wrap:
        n = e.value(f"and i32 {n}, 31")
    low = e.value(f"and i32 {x}, {field_mask(e, 32, n)}")
    if kind.signed:
        top = e.value(f"sub i32 {n}, 1")
        sign = e.value(f"trunc i32 {shifted(e, 'lshr', 32, x, top)} to i1")
        fill = shifted(e, "shl", 32, "-1", n)
        fill = e.value(f"select i1 {sign}, i32 {fill}, i32 0")
        low = e.value(f"or i32 {low}, {fill}")
    e.put(d, low, kind, m)


@instruction("prmt")
def _permute(e: Emitter, m: Modifiers) -> None:
    mode = m.choose("f4e", "b4e", "rc8", "ecl", "ecr", "rc16", default="")
    m.type("b", (32,))
    d, a, b, selector = m.done(4)
    high = e.value(f"shl i64 {e.resize(e.get(b, B32, m), 32, 64)}, 32")
    both = e.value(f"or i64 {high}, {e.resize(e.get(a, B32, m), 32, 64)}")
    control = e.get(selector, B32, m)
    low2 = e.value(f"and i32 {control}, 3")
    result = "0"
    for index in range(4):
        if mode == "":
            pick = e.value(f"lshr i32 {control}, {4 * index}")
        elif mode == "f4e":
            pick = e.value(f"add i32 {low2}, {index}")
        elif mode == "b4e":
            pick = e.value(f"sub i32 {low2}, {index}")
        elif mode == "rc8":
            pick = low2
        elif mode in ("ecl", "ecr"):
            name = "llvm.umax.i32" if mode == "ecl" else "llvm.umin.i32"
            pick = e.call("i32", name, f"i32 {low2}", f"i32 {index}")
        else:
            half = e.value(f"shl i32 {e.value(f'and i32 {low2}, 1')}, 1")
            pick = e.value(f"add i32 {half}, {index & 1}")
        place = e.value(f"shl i32 {e.value(f'and i32 {pick}, 7')}, 3")
        byte = e.value(f"lshr i64 {both}, {e.resize(place, 32, 64)}")
        byte = e.value(f"trunc i64 {byte} to i8")
        if mode == "":
            repeat = e.value(f"trunc i32 {e.value(f'lshr i32 {pick}, 3')} to i1")
            sign = e.value(f"ashr i8 {byte}, 7")
            byte = e.value(f"select i1 {repeat}, i8 {sign}, i8 {byte}")
        moved = e.value(f"shl i32 {e.value(f'zext i8 {byte} to i32')}, {8 * index}")
        result = e.value(f"or i32 {result}, {moved}")
    e.put(d, result, B32, m)


@instruction("dp4a", "dp2a")
def _dot(e: Emitter, m: Modifiers) -> None:
    second = m.type("us", (32,))
    first = m.type("us", (32,))
    high = m.item.opcode == "dp2a" and m.choose("lo", "hi") == "hi"
    d, a, b, third = m.done(4)
    x, y, total = e.get(a, first, m), e.get(b, second, m), e.get(third, B32, m)
    parts = 4 if m.item.opcode == "dp4a" else 2
    for index in range(parts):
        size = 32 // parts
        factors = []
        for kind, value, width, at in (
            (first, x, size, size * index),
            (second, y, 8, 8 * (index + (2 if high else 0))),
        ):
            piece = e.value(f"trunc i32 {e.value(f'lshr i32 {value}, {at}')} to i{width}")
            factors.append(e.resize(piece, width, 32, kind.signed))
        term = e.value(f"mul i32 {factors[0]}, {factors[1]}")
        total = e.value(f"add i32 {total}, {term}")
    e.put(d, total, B32, m)


@instruction("selp")
def _select(e: Emitter, m: Modifiers) -> None:
    kind = bits_type(m.type("busf").width)
    d, a, b, p = m.done(4)
    x, y = e.get(a, kind, m), e.get(b, kind, m)
    e.put(d, e.value(f"select i1 {e.bits(p, 1, m)}, {kind.bits} {x}, {kind.bits} {y}"), kind, m)


@instruction("slct")
def _slct(e: Emitter, m: Modifiers) -> None:
    test = m.type("sf", (32,))
    kind = bits_type(m.type("busf").width)
    flush = m.flag("ftz")
    d, a, b, third = m.done(4)
    x, y = e.get(a, kind, m), e.get(b, kind, m)
    value = e.get(third, test, m)
    if test.is_float:
        value = e.flush(value, test) if flush else value
        which = e.value(f"fcmp oge float {value}, 0.0")
    else:
        which = e.value(f"icmp sge i32 {value}, 0")
    e.put(d, e.value(f"select i1 {which}, {kind.bits} {x}, {kind.bits} {y}"), kind, m)


_UNSIGNED_NAMES = {"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"}
_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs")
_FLOAT_COMPARISONS = ("equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan")


def comparison(e: Emitter, m: Modifiers, kind: Type, how: str, x: str, y: str) -> str:
    """One comparison as ``i1`` (or ``<2 x i1>``); unordered forms end in ``u``."""
    if kind.is_float:
        if how in _UNSIGNED_NAMES:
            raise m.refuse()
        name = {"num": "ord", "nan": "uno"}.get(how)
        name = name or ("u" + how[:2] if len(how) == 3 else "o" + how)
        return e.value(f"fcmp {name} {kind.llvm} {x}, {y}")
    if how in _FLOAT_COMPARISONS:
        raise m.refuse()
    if how in _UNSIGNED_NAMES:
        if kind.kind != "u":
            raise m.refuse()
        how = _UNSIGNED_NAMES[how]
    if how not in ("eq", "ne"):
        if kind.kind == "b":
            raise m.refuse()
        how = ("s" if kind.signed else "u") + how
    return e.value(f"icmp {how} {kind.bits} {x}, {y}")


def compared(e: Emitter, m: Modifiers, kind: Type, a: Operand, b: Operand) -> tuple[str, str]:
    """The comparison named by the modifiers, and the name of the Boolean that follows it."""
    how = m.choose(*_COMPARISONS, *_FLOAT_COMPARISONS)
    combine = m.choose("and", "or", "xor", default="")
    flush = m.flag("ftz")
    x, y = e.get(a, kind, m), e.get(b, kind, m)
    if flush:
        if kind.name != "f32":
            raise m.refuse()
        x, y = e.flush(x, kind), e.flush(y, kind)
    return comparison(e, m, kind, how, x, y), combine


@instruction("setp")
def _setp(e: Emitter, m: Modifiers) -> None:
    kind = m.type("busf")
    operands = m.item.operands
    if len(operands) not in (3, 4):
        raise m.refuse()
    result, combine = compared(e, m, kind, operands[1], operands[2])
    m.done(4 if combine else 3)
    both = operands[0] if isinstance(operands[0], Pair) else None
    first = both.first if both else operands[0]
    if kind.lanes == 2:
        if both is None:
            raise m.refuse("needs p|q")
        pair = [e.value(f"extractelement <2 x i1> {result}, i32 {k}") for k in (0, 1)]
    else:
        pair = [result]
        if both:
            pair.append(e.value(f"xor i1 {result}, true"))
    if combine:
        other = e.bits(operands[3], 1, m)
        pair = [e.value(f"{combine} i1 {value}, {other}") for value in pair]
    e.put_bits(first, pair[0], 1, m)
    if both:
        e.put_bits(both.second, pair[1], 1, m)


@instruction("set")
def _set(e: Emitter, m: Modifiers) -> None:
    kind = m.type("busf")
    out = m.type("usf", (16, 32))
    if kind.lanes == 2 or out.lanes == 2 or out.name in ("u16", "s16"):
        raise m.refuse()
    operands = m.item.operands
    if len(operands) not in (3, 4):
        raise m.refuse()
    result, combine = compared(e, m, kind, operands[1], operands[2])
    m.done(4 if combine else 3)
    if combine:
        result = e.value(f"{combine} i1 {result}, {e.bits(operands[3], 1, m)}")
    one = {"f32": str(0x3F800000), "f16": str(0x3C00)}.get(out.name, "-1")
    bits = e.value(f"select i1 {result}, {out.bits} {one}, {out.bits} 0")
    e.put_bits(operands[0], bits, out.width, m)

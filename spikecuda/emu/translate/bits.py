"""Logic, shifts, bit fields, counts and permutations."""

from __future__ import annotations

from ..syntax import Integer
from ..types import B32, PRED, U32
from .emitter import Emitter, instruction
from .modifiers import Modifiers


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

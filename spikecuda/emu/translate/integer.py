"""Integer arithmetic."""

from __future__ import annotations

from ..types import B32, S32, TYPES, Type
from . import context as c
from .emitter import Emitter, instruction
from .modifiers import Modifiers


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

"""Comparisons and selections."""

from __future__ import annotations

from ..syntax import Operand, Pair
from ..types import Type, bits_type
from .emitter import Emitter, instruction
from .modifiers import Modifiers


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

"""Loads, stores and prefetches."""

from __future__ import annotations

from ..syntax import Address, Operand, Symbol, Vector
from ..types import Type
from . import context as c
from .emitter import Emitter, instruction
from .modifiers import Modifiers

SPACES = {
    "": c.SPACE_GENERIC,
    "global": c.SPACE_GLOBAL,
    "shared": c.SPACE_SHARED,
    "shared::cta": c.SPACE_SHARED,
    "local": c.SPACE_LOCAL,
    "const": c.SPACE_CONST,
}
# Promises about ordering: threads take turns on one CPU thread and see each store at once.
ORDERINGS = ("weak", "volatile", "relaxed", "acquire", "release", "mmio")
_SCOPES = ("cta", "cluster", "gpu", "sys")
_CACHE = ("ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc")
_HINTS = (
    "L1::evict_normal",
    "L1::evict_unchanged",
    "L1::evict_first",
    "L1::evict_last",
    "L1::no_allocate",
    "L2::evict_first",
    "L2::evict_last",
    "L2::evict_normal",
    "L2::64B",
    "L2::128B",
    "L2::256B",
)


def take_space(m: Modifiers) -> str:
    """Consume the state space; none means generic addresses."""
    names = [n for n in SPACES if n]
    return m.choose(*names, "param", "param::entry", "param::func", default="")


def pointer(e: Emitter, m: Modifiers, operand: Operand, space: str, size: int, flags: int) -> str:
    """The host pointer of an access, checked where the mode asks for it."""
    address = e.address(operand, m)
    if space.startswith("shared"):
        address = e.value(f"add i64 {address}, {e.context(c.SHARED)}")
    elif space == "local":
        address = e.value(f"add i64 {address}, %local")
    if e.checked:
        good = e.call(
            "i32",
            "emu_access",
            "ptr %ctx",
            f"i64 {address}",
            f"i64 {size}",
            f"i64 {flags | SPACES[space]}",
            f"i64 {m.item.line}",
            "i64 %lin64",
            "i64 %cta",
            "i64 %local",
        )
        e.stop_if(e.value(f"icmp eq i32 {good}, 0"))
    return e.value(f"inttoptr i64 {address} to ptr")


def promises(m: Modifiers) -> bool:
    """Consume cache operators, hints, ordering and scope; says whether a load must be repeated."""
    ordering = m.choose(*ORDERINGS, default="weak")
    if ordering in ("relaxed", "acquire", "release", "mmio"):
        m.choose(*_SCOPES, default="sys" if ordering == "mmio" else None)
    for name in _CACHE + _HINTS:
        m.flag(name)
    return ordering != "weak"


@instruction("ld", "ldu", "st")
def _access(e: Emitter, m: Modifiers) -> None:
    store = m.item.opcode == "st"
    kind = m.type("busf", (8, 16, 32, 64))
    lanes = int(m.choose("v2", "v4", "v8", default="v1")[1:])
    space = take_space(m)
    volatile = promises(m)
    if kind.lanes == 2 or lanes * kind.width > 256 or (store and space == "const"):
        raise m.refuse()
    first, second = m.done(2)
    place, data = (first, second) if store else (second, first)
    items = data.items if isinstance(data, Vector) else (data,)
    if len(items) != lanes:
        raise m.refuse(f"{len(items)} registers for {lanes} elements")
    if space.startswith("param"):
        _parameter(e, m, place, items, kind, store)
        return
    size = kind.bytes * lanes
    where = pointer(e, m, place, space, size, c.WRITE if store else c.READ)
    how = "volatile " if volatile else ""
    whole = kind.bits if lanes == 1 else f"<{lanes} x {kind.bits}>"
    if store:
        values = [e.bits(item, kind.width, m, wide=True) for item in items]
        result = values[0]
        if lanes > 1:
            result = "poison"
            for index, value in enumerate(values):
                result = e.value(
                    f"insertelement {whole} {result}, {kind.bits} {value}, i32 {index}"
                )
        e.do(f"store {how}{whole} {result}, ptr {where}, align 1")
        return
    loaded = e.value(f"load {how}{whole}, ptr {where}, align 1")
    for index, item in enumerate(items):
        value = loaded
        if lanes > 1:
            value = e.value(f"extractelement {whole} {loaded}, i32 {index}")
        e.put_bits(item, value, kind.width, m, extend="sign" if kind.signed else "zero")


def _parameter(
    e: Emitter, m: Modifiers, place: Operand, items: tuple[Operand, ...], kind: Type, store: bool
) -> None:
    """Parameters: those of the kernel are read-only bytes, those of a call live on the stack."""
    if not isinstance(place, Address) or not isinstance(place.base, Symbol):
        raise m.refuse("a parameter's address must be its name plus a number")
    known = e.inline.symbols.get(place.base.name)
    if known is None:
        raise m.refuse(f"no parameter {place.base.name} here")
    variable, base = known
    if place.offset < 0 or place.offset + kind.bytes * len(items) > variable.size:
        raise m.refuse(f"bytes outside the parameter {variable.name} of {variable.size} bytes")
    constant = base == "%params"
    if constant and store:
        raise m.refuse("a kernel's parameters are read-only")
    offset = place.offset + (e.parameter_offsets[variable.name][0] if constant else 0)
    for index, item in enumerate(items):
        at = e.value(f"getelementptr i8, ptr {base}, i64 {offset + index * kind.bytes}")
        if store:
            value = e.bits(item, kind.width, m, wide=True)
            e.do(f"store {kind.bits} {value}, ptr {at}, align 1")
        else:
            tail = ", !invariant.load !0" if constant else ""
            value = e.value(f"load {kind.bits}, ptr {at}, align 1{tail}")
            e.put_bits(item, value, kind.width, m, extend="sign" if kind.signed else "zero")


@instruction("prefetch", "prefetchu")
def _prefetch(e: Emitter, m: Modifiers) -> None:
    m.choose("global", "local", default="")
    m.choose("L1", "L2", "L2::evict_last", "L2::evict_normal")
    (place,) = m.done(1)
    e.address(place, m)  # a hint: nothing to do, but its operand must make sense

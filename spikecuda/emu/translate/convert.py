"""``cvt`` and the moves between registers, vectors and address spaces."""

from __future__ import annotations

from ..syntax import Address, Operand, Symbol, Vector
from ..types import F16, F32, F64, Type
from . import context as c
from .emitter import Emitter, instruction
from .float import relu, saturate
from .modifiers import Modifiers
from .softfloat import from_integer, narrow

_TO_INTEGRAL = {"rni": "roundeven", "rzi": "trunc", "rmi": "floor", "rpi": "ceil"}
_ROUND = ("rn", "rz", "rm", "rp")


@instruction("cvt")
def _cvt(e: Emitter, m: Modifiers) -> None:
    source = m.type("usf", (8, 16, 32, 64))
    if source.lanes == 2:
        raise m.refuse()
    target = m.type("usf", (8, 16, 32, 64))
    if target.lanes == 2:
        _pack(e, m, source)
    elif source.is_float and target.is_float:
        _float_to_float(e, m, source, target)
    elif source.is_float:
        _float_to_integer(e, m, source, target)
    elif target.is_float:
        _integer_to_float(e, m, source, target)
    else:
        _integer_to_integer(e, m, source, target)


def _pack(e: Emitter, m: Modifiers, source: Type) -> None:
    """``cvt.f16x2.f32 d, a, b``: a becomes the upper half of d."""
    rounding = m.choose("rn", "rz")
    rectify = m.flag("relu")
    if source is not F32:
        raise m.refuse()
    d, a, b = m.done(3)
    halves = []
    for operand in (b, a):
        value = narrowed(e, e.get(operand, F32, m), F32, F16, rounding)
        if rectify:
            value = relu(e, F16, value)
        halves.append(e.canonical(e.cast(value, "half", "i16"), F16))
    low, high = (e.resize(half, 16, 32) for half in halves)
    e.put_bits(d, e.value(f"or i32 {e.value(f'shl i32 {high}, 16')}, {low}"), 32, m)


def narrowed(e: Emitter, value: str, source: Type, target: Type, rounding: str) -> str:
    """A float as a narrower type."""
    if rounding == "rn" and (source, target) != (F64, F16):
        return e.value(f"fptrunc {source.llvm} {value} to {target.llvm}")
    name, text = narrow(source.llvm, target.llvm, rounding)
    return e.helper(name, text, target.llvm, f"{source.llvm} {value}")


def _float_to_float(e: Emitter, m: Modifiers, source: Type, target: Type) -> None:
    integral = m.choose(*_TO_INTEGRAL, default="")
    narrows = target.width < source.width
    rounding = m.choose(*_ROUND) if narrows else ""
    ftz, sat, rectify = m.flag("ftz"), m.flag("sat"), m.flag("relu")
    if (
        (integral and source is not target)
        or (ftz and F32 not in (source, target))
        or (rectify and not (target is F16 and source is F32))
    ):
        raise m.refuse()
    d, a = m.done(2)
    value = e.get(a, source, m, wide=True)
    if ftz and source is F32:
        value = e.flush(value, F32)
    if integral:
        value = to_integral(e, value, source, integral)
    elif narrows:
        value = narrowed(e, value, source, target, rounding)
    elif target is not source:
        value = e.value(f"fpext {source.llvm} {value} to {target.llvm}")
    if ftz and target is F32:
        value = e.flush(value, F32)
    if sat:
        value = saturate(e, target, value)
    if rectify:
        value = relu(e, target, value)
    bits = e.canonical(e.cast(value, target.llvm, target.bits), target)
    e.put_bits(d, bits, target.width, m, extend="zero")


def to_integral(e: Emitter, value: str, kind: Type, how: str) -> str:
    """Round to an integral value of the same type; halves go through float, which is exact."""
    if kind is F16:
        wide = e.value(f"fpext half {value} to float")
        wide = e.call("float", f"llvm.{_TO_INTEGRAL[how]}.f32", f"float {wide}")
        return e.value(f"fptrunc float {wide} to half")
    name = f"llvm.{_TO_INTEGRAL[how]}.{kind.intrinsic}"
    return e.call(kind.llvm, name, f"{kind.llvm} {value}")


def _float_to_integer(e: Emitter, m: Modifiers, source: Type, target: Type) -> None:
    """Rounds, then clamps to the target's range; NaN gives 0, or the top bit (see below)."""
    how = m.choose(*_TO_INTEGRAL)
    ftz = m.flag("ftz")
    m.flag("sat")  # conversions to integers always clamp
    if ftz and source is not F32:
        raise m.refuse()
    d, a = m.done(2)
    value = e.get(a, source, m, wide=True)
    kind = source
    if ftz:
        value = e.flush(value, F32)
    if source is F16:
        value, kind = e.value(f"fpext half {value} to float"), F32
    value = to_integral(e, value, kind, how)
    name = f"llvm.fpto{target.kind}i.sat.{target.bits}.{kind.intrinsic}"
    result = e.call(target.bits, name, f"{kind.llvm} {value}")
    if source is F64 or target.width == 64:
        nan = e.value(f"fcmp uno {kind.llvm} {value}, {value}")
        top = 1 << (target.width - 1)
        result = e.value(f"select i1 {nan}, {target.bits} {top}, {target.bits} {result}")
    extend = "sign" if target.signed else "zero"
    e.put_bits(d, result, target.width, m, extend=extend)


def _integer_to_float(e: Emitter, m: Modifiers, source: Type, target: Type) -> None:
    rounding = m.choose(*_ROUND)
    sat = m.flag("sat")
    d, a = m.done(2)
    value = e.get(a, source, m, wide=True)
    value = e.resize(value, source.width, 64, source.signed)
    signed = source.signed or source.width < 64
    middle = "double" if target is F16 else target.llvm
    if rounding == "rn" or target is F16:
        # A half needs no exact double: integers beyond 2**53 are far beyond the largest half.
        result = e.value(f"{'s' if signed else 'u'}itofp i64 {value} to {middle}")
    else:
        name, text = from_integer(64, signed, target.llvm, rounding)
        result = e.helper(name, text, target.llvm, f"i64 {value}")
    if target is F16:
        result = narrowed(e, result, F64, F16, rounding)
    if sat:
        result = saturate(e, target, result)
    bits = e.cast(result, target.llvm, target.bits)
    e.put_bits(d, bits, target.width, m, extend="zero")


def _integer_to_integer(e: Emitter, m: Modifiers, source: Type, target: Type) -> None:
    sat = m.flag("sat")
    d, a = m.done(2)
    value = e.get(a, source, m, wide=True)
    if sat:  # clamp in 65 bits, which hold every source and every target
        wide = e.value(f"{'s' if source.signed else 'z'}ext {source.bits} {value} to i65")
        low = -(1 << (target.width - 1)) if target.signed else 0
        high = (1 << (target.width - (1 if target.signed else 0))) - 1
        wide = e.call("i65", "llvm.smax.i65", f"i65 {wide}", f"i65 {low}")
        wide = e.call("i65", "llvm.smin.i65", f"i65 {wide}", f"i65 {high}")
        result = e.value(f"trunc i65 {wide} to {target.bits}")
    else:
        result = e.resize(value, source.width, target.width, source.signed)
    extend = "sign" if target.signed else "zero"
    e.put_bits(d, result, target.width, m, extend=extend)


@instruction("mov")
def _mov(e: Emitter, m: Modifiers) -> None:
    if m.flag("pred"):
        d, a = m.done(2)
        e.put_bits(d, e.bits(a, 1, m), 1, m)
        return
    if m.left == ["b128"]:
        raise m.refuse()
    kind = m.type("busf", (8, 16, 32, 64))
    d, a = m.done(2)
    if isinstance(d, Vector):
        unpack(e, m, d.items, e.bits(a, kind.width, m), kind.width)
    elif isinstance(a, Vector):
        width = kind.width // len(a.items)
        result = "0"
        for index, item in enumerate(a.items):
            part = e.resize(e.bits(item, width, m), width, kind.width)
            part = e.value(f"shl {kind.bits} {part}, {index * width}")
            result = e.value(f"or {kind.bits} {result}, {part}")
        e.put_bits(d, result, kind.width, m)
    else:
        e.check_literal(a, kind, m)
        e.put_bits(d, e.bits(a, kind.width, m), kind.width, m)


def unpack(e: Emitter, m: Modifiers, items: tuple[Operand, ...], value: str, width: int) -> None:
    """Write the parts of a value to several registers, the lowest first."""
    each = width // len(items)
    for index, item in enumerate(items):
        part = e.value(f"lshr i{width} {value}, {index * each}")
        e.put_bits(item, e.resize(part, width, each), each, m)


_WINDOWS = {"shared": c.SHARED, "local": c.LOCAL}


@instruction("cvta")
def _cvta(e: Emitter, m: Modifiers) -> None:
    """Between a state space and the generic one; only shared and local addresses differ."""
    kind = m.type("u", (32, 64))
    to = m.flag("to")
    space = m.choose("global", "shared", "shared::cta", "local", "const", "param").split("::")[0]
    d, a = m.done(2)
    if kind.width != 64 or space == "param":
        raise m.refuse()
    if isinstance(a, Address):
        raise m.refuse()
    value = e.symbol(a.name, m) if isinstance(a, Symbol) else e.bits(a, 64, m)
    if space in _WINDOWS:
        base = e.context(c.SHARED) if space == "shared" else "%local"
        value = e.value(f"{'sub' if to else 'add'} i64 {value}, {base}")
    e.put_bits(d, value, 64, m)


@instruction("isspacep")
def _isspacep(e: Emitter, m: Modifiers) -> None:
    space = m.choose("global", "shared", "shared::cta", "local", "const").split("::")[0]
    if space == "const":
        raise m.refuse("constant and global memory are one window here")
    d, a = m.done(2)
    value = e.bits(a, 64, m)
    shared, local = in_window(e, value, "shared"), in_window(e, value, "local")
    if space == "shared":
        result = shared
    elif space == "local":
        result = local
    else:
        result = e.value(f"xor i1 {e.value(f'or i1 {shared}, {local}')}, true")
    e.put_bits(d, result, 1, m)


def in_window(e: Emitter, address: str, space: str) -> str:
    """Whether a generic address lies in this block's shared or this thread's local memory."""
    base = e.context(c.SHARED) if space == "shared" else "%local"
    size = e.context(c.SHARED_BYTES) if space == "shared" else "%local_bytes"
    offset = e.value(f"sub i64 {address}, {base}")
    return e.value(f"icmp ult i64 {offset}, {size}")

"""``atom``, ``red`` and the fences.

Threads take turns on one CPU thread, so that reading, computing and writing back is indivisible.
"""

from __future__ import annotations

from ..types import F16, F32, TYPES, Type
from . import context as c
from .convert import in_window
from .emitter import Emitter, instruction
from .memory import pointer, take_space
from .modifiers import Modifiers

_OPERATIONS = ("add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec")
_ALLOWED = {
    "add": ("u32", "s32", "u64", "s64", "f32", "f64", "f16", "f16x2"),
    "min": ("u32", "s32", "u64", "s64"),
    "max": ("u32", "s32", "u64", "s64"),
    "and": ("b32", "b64"),
    "or": ("b32", "b64"),
    "xor": ("b32", "b64"),
    "exch": ("b32", "b64"),
    "cas": ("b16", "b32", "b64"),
    "inc": ("u32",),
    "dec": ("u32",),
}


@instruction("atom", "red")
def _atomic(e: Emitter, m: Modifiers) -> None:
    returns = m.item.opcode == "atom"
    kind = TYPES.get(m.left.pop() if m.left else "")
    operation = m.choose(*_OPERATIONS)
    if kind is None or kind.name not in _ALLOWED[operation]:
        raise m.refuse()
    if not returns and operation in ("exch", "cas"):
        raise m.refuse()
    space = take_space(m)
    m.choose("relaxed", "acquire", "release", "acq_rel", default="relaxed")
    m.choose("cta", "cluster", "gpu", "sys", default="gpu")
    halves = kind in (F16, TYPES["f16x2"])
    if m.flag("noftz") != halves or space not in ("", "global", "shared", "shared::cta"):
        raise m.refuse()
    count = 1 + (2 if operation == "cas" else 1)
    operands = m.done(count + returns)
    if returns:
        target, place, *values = operands
    else:
        target, (place, *values) = None, operands
    where = pointer(e, m, place, space, kind.bytes, c.READ | c.WRITE | c.ATOMIC)
    bits = e.value(f"load {kind.bits}, ptr {where}, align 1")
    old = e.cast(bits, kind.bits, kind.llvm) if kind.is_float else bits
    given = [e.get(value, kind, m) for value in values]
    new = _combined(e, operation, kind, old, given, space, where)
    if kind.is_float:
        new = e.canonical(e.cast(new, kind.llvm, kind.bits), kind)
    e.do(f"store {kind.bits} {new}, ptr {where}, align 1")
    if target is not None:
        e.put_bits(target, bits, kind.width, m)


def _combined(
    e: Emitter, operation: str, kind: Type, old: str, given: list[str], space: str, where: str
) -> str:
    """The value that an atomic operation leaves in memory."""
    bits = kind.bits
    if operation == "exch":
        return given[0]
    if operation == "cas":
        same = e.value(f"icmp eq {bits} {old}, {given[0]}")
        return e.value(f"select i1 {same}, {bits} {given[1]}, {bits} {old}")
    if operation == "inc":
        wraps = e.value(f"icmp uge i32 {old}, {given[0]}")
        return e.value(f"select i1 {wraps}, i32 0, i32 {e.value(f'add i32 {old}, 1')}")
    if operation == "dec":
        zero = e.value(f"icmp eq i32 {old}, 0")
        above = e.value(f"icmp ugt i32 {old}, {given[0]}")
        wraps = e.value(f"or i1 {zero}, {above}")
        return e.value(f"select i1 {wraps}, i32 {given[0]}, i32 {e.value(f'sub i32 {old}, 1')}")
    if operation in ("min", "max"):
        name = f"llvm.{'s' if kind.signed else 'u'}{operation}.{bits}"
        return e.call(bits, name, f"{bits} {old}", f"{bits} {given[0]}")
    if operation in ("and", "or", "xor"):
        return e.value(f"{operation} {bits} {old}, {given[0]}")
    if kind is F32:
        return _add_single(e, old, given[0], space, where)
    if kind.is_float:
        return e.value(f"fadd {kind.llvm} {old}, {given[0]}")
    return e.value(f"add {bits} {old}, {given[0]}")


def _add_single(e: Emitter, old: str, value: str, space: str, where: str) -> str:
    """Single precision flushes subnormals in global memory, and not in shared memory."""
    kept = e.value(f"fadd float {old}, {value}")
    if space.startswith("shared"):
        return kept
    flushed = e.flush(e.value(f"fadd float {e.flush(old, F32)}, {e.flush(value, F32)}"), F32)
    if space == "global":
        return flushed
    address = e.value(f"ptrtoint ptr {where} to i64")
    return e.value(f"select i1 {in_window(e, address, 'shared')}, float {kept}, float {flushed}")


@instruction("membar", "fence")
def _fence(e: Emitter, m: Modifiers) -> None:
    if m.item.opcode == "membar":
        m.choose("cta", "gl", "sys")
    else:
        m.choose("sc", "acq_rel", "acquire", "release", default="acq_rel")
        m.choose("cta", "cluster", "gpu", "sys")
    m.done(0)
    e.do("fence seq_cst")

"""Barriers and the operations of a warp: the thread writes its request and is suspended."""

from __future__ import annotations

from ..syntax import Pair
from ..types import B32, PRED, TYPES, U32
from . import context as c
from .emitter import Emitter, instruction
from .modifiers import Modifiers

SUSPENDING = ("bar", "barrier", "vote", "shfl", "match", "redux", "activemask")


@instruction("bar", "barrier")
def _bar(e: Emitter, m: Modifiers) -> None:
    if m.flag("warp"):
        if m.item.opcode != "bar":
            raise m.refuse()
        m.choose("sync")
        (mask,) = m.done(1)
        e.suspend(c.SYNCWARP, m, mask=e.get(mask, U32, m))
        return
    m.flag("cta")
    aligned = m.flag("aligned") or m.item.opcode == "bar"
    together = c.BARRIER_ALIGNED if aligned else 0
    kind = m.choose("sync", "red")
    if kind == "sync":
        operands = m.done((1, 2))
        number = e.get(operands[0], U32, m)
        count = e.get(operands[1], U32, m) if len(operands) == 2 else "0"
        e.suspend(c.BARRIER, m, mode=str(c.BARRIER_PLAIN | together), b=number, c=count)
        return
    reduction = m.choose("popc", "and", "or")
    expected = U32 if reduction == "popc" else PRED
    if (m.left.pop() if m.left else "") != expected.name:
        raise m.refuse()
    operands = m.done((3, 4))
    count = e.get(operands[2], U32, m) if len(operands) == 4 else "0"
    predicate = e.resize(e.bits(operands[-1], 1, m), 1, 32)
    mode = {"popc": c.BARRIER_POPC, "and": c.BARRIER_AND, "or": c.BARRIER_OR}[reduction]
    number = e.get(operands[1], U32, m)
    e.suspend(c.BARRIER, m, mode=str(mode | together), value=predicate, b=number, c=count)
    result = e.result(c.VALUE)
    if expected is PRED:
        e.put_bits(operands[0], e.value(f"icmp ne i32 {result}, 0"), 1, m)
    else:
        e.put(operands[0], result, U32, m)


@instruction("vote")
def _vote(e: Emitter, m: Modifiers) -> None:
    if not m.flag("sync"):
        raise m.refuse("votes without .sync were removed from PTX")
    mode = m.choose("ballot", "all", "any", "uni")
    if (m.left.pop() if m.left else "") != ("b32" if mode == "ballot" else "pred"):
        raise m.refuse()
    d, a, mask = m.done(3)
    codes = {"ballot": c.VOTE_BALLOT, "all": c.VOTE_ALL, "any": c.VOTE_ANY, "uni": c.VOTE_UNI}
    value = e.resize(e.bits(a, 1, m), 1, 32)
    e.suspend(c.VOTE, m, mask=e.get(mask, U32, m), mode=str(codes[mode]), value=value)
    result = e.result(c.VALUE)
    if mode == "ballot":
        e.put(d, result, B32, m)
    else:
        e.put_bits(d, e.value(f"icmp ne i32 {result}, 0"), 1, m)


@instruction("shfl")
def _shuffle(e: Emitter, m: Modifiers) -> None:
    if not m.flag("sync"):
        raise m.refuse("shuffles without .sync were removed from PTX")
    mode = m.choose("up", "down", "bfly", "idx")
    m.type("b", (32,))
    d, a, b, third, mask = m.done(5)
    codes = {
        "up": c.SHUFFLE_UP,
        "down": c.SHUFFLE_DOWN,
        "bfly": c.SHUFFLE_BFLY,
        "idx": c.SHUFFLE_IDX,
    }
    e.suspend(
        c.SHUFFLE,
        m,
        mask=e.get(mask, U32, m),
        mode=str(codes[mode]),
        value=e.get(a, B32, m),
        b=e.get(b, U32, m),
        c=e.get(third, U32, m),
    )
    target = d.first if isinstance(d, Pair) else d
    e.put(target, e.result(c.VALUE), B32, m)
    if isinstance(d, Pair):
        e.put_bits(d.second, e.value(f"icmp ne i32 {e.result(c.VALUE_HIGH)}, 0"), 1, m)


@instruction("match")
def _match(e: Emitter, m: Modifiers) -> None:
    every = m.choose("any", "all") == "all"
    m.choose("sync")
    kind = m.type("b", (32, 64))
    d, a, mask = m.done(3)
    value = e.get(a, kind, m)
    low = e.resize(value, kind.width, 32)
    high = "0"
    if kind.width == 64:
        high = e.resize(e.value(f"lshr i64 {value}, 32"), 64, 32)
    mode = (1 if every else 0) | (2 if kind.width == 64 else 0)
    e.suspend(c.MATCH, m, mask=e.get(mask, U32, m), mode=str(mode), value=low, high=high)
    if isinstance(d, Pair) and not every:
        raise m.refuse("match.any has no predicate")
    target = d.first if isinstance(d, Pair) else d
    e.put(target, e.result(c.VALUE), B32, m)
    if isinstance(d, Pair):
        e.put_bits(d.second, e.value(f"icmp ne i32 {e.result(c.VALUE_HIGH)}, 0"), 1, m)


@instruction("redux")
def _redux(e: Emitter, m: Modifiers) -> None:
    m.choose("sync")
    operation = m.choose("add", "min", "max", "and", "or", "xor")
    kind = TYPES.get(m.left.pop() if m.left else "")
    bitwise = operation in ("and", "or", "xor")
    if kind is None or kind.name not in (("b32",) if bitwise else ("u32", "s32")):
        raise m.refuse()
    d, a, mask = m.done(3)
    codes = {
        "add": c.REDUCE_ADD,
        "min": c.REDUCE_MIN_S if kind.signed else c.REDUCE_MIN_U,
        "max": c.REDUCE_MAX_S if kind.signed else c.REDUCE_MAX_U,
        "and": c.REDUCE_AND,
        "or": c.REDUCE_OR,
        "xor": c.REDUCE_XOR,
    }
    value = e.get(a, kind, m)
    mask_value = e.get(mask, U32, m)
    e.suspend(c.REDUCE, m, mask=mask_value, mode=str(codes[operation]), value=value)
    e.put(d, e.result(c.VALUE), kind, m)


@instruction("activemask")
def _activemask(e: Emitter, m: Modifiers) -> None:
    """The lanes that happen to run together: here, those that arrive at it (see the scheduler)."""
    m.type("b", (32,))
    (d,) = m.done(1)
    e.suspend(c.ACTIVEMASK, m)
    e.put(d, e.result(c.VALUE), B32, m)

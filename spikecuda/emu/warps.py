"""One warp: its lanes run until each has ended or waits for something outside its warp.

All state is passed as addresses and 64-bit integers, which keeps Numba's compile time short.
"""

# mypy: ignore-errors
# (Numba code: intrinsics and their types are beyond mypy.)

from __future__ import annotations

from numpy import int64

from .native import compiled, field, peek, peek32, poke, poke32, resume, set_field
from .translate.context import (
    ACTIVEMASK,
    ARG_B,
    ARG_C,
    EXITED,
    FAULT,
    FAULT_BLOCK,
    FAULT_LINE,
    FAULT_NOT_IN_MASK,
    FAULT_OTHER,
    FAULT_OTHER_LINE,
    FAULT_SHUFFLE_SOURCE,
    FAULT_THREAD,
    FAULT_WARP_STUCK,
    KIND,
    LINE,
    MASK,
    MATCH,
    MODE,
    REDUCE_ADD,
    REDUCE_AND,
    REDUCE_MAX_S,
    REDUCE_MAX_U,
    REDUCE_MIN_S,
    REDUCE_MIN_U,
    REDUCE_OR,
    SHUFFLE,
    SHUFFLE_BFLY,
    SHUFFLE_DOWN,
    SHUFFLE_UP,
    SYNCWARP,
    VALUE,
    VALUE_HIGH,
    VOTE,
    VOTE_ALL,
    VOTE_ANY,
    VOTE_BALLOT,
)

FULL = 0xFFFFFFFF
SCRATCH_WORDS = 64


@compiled()
def fault(
    ctx: int, code: int, block: int, thread: int, line: int, other: int, other_line: int
) -> None:
    """Note a fault that the scheduler found."""
    poke(ctx, FAULT, code)
    poke(ctx, FAULT_BLOCK, block)
    poke(ctx, FAULT_THREAD, thread)
    poke(ctx, FAULT_LINE, line)
    poke(ctx, FAULT_OTHER, other)
    poke(ctx, FAULT_OTHER_LINE, other_line)


@compiled()
def vote(rec: int, s0: int, group: int, mode: int) -> None:
    """``vote.sync``: one result for all lanes of the group."""
    bits = int64(0)
    for lane in range(32):
        if (group >> lane) & 1:
            bits |= (field(rec, s0 + lane, VALUE) & 1) << lane
    if mode == VOTE_BALLOT:
        result = bits
    elif mode == VOTE_ALL:
        result = int64(bits == group)
    elif mode == VOTE_ANY:
        result = int64(bits != 0)
    else:
        result = int64(bits == 0 or bits == group)
    for lane in range(32):
        if (group >> lane) & 1:
            set_field(rec, s0 + lane, VALUE, result)


@compiled()
def shuffle(
    rec: int, s0: int, lin0: int, group: int, mode: int, ctx: int, block: int, scratch: int
) -> None:
    """``shfl.sync``: the value of another lane of the group."""
    for lane in range(32):
        if (group >> lane) & 1:
            poke(scratch, lane, field(rec, s0 + lane, VALUE))
    for lane in range(32):
        if not (group >> lane) & 1:
            continue
        b = field(rec, s0 + lane, ARG_B) & 31
        control = field(rec, s0 + lane, ARG_C)
        segment = (control >> 8) & 31
        last = (lane & segment) | (control & 31 & ~segment)
        if mode == SHUFFLE_UP:
            source = lane - b
            inside = source >= last
        elif mode == SHUFFLE_DOWN:
            source = lane + b
            inside = source <= last
        elif mode == SHUFFLE_BFLY:
            source = lane ^ b
            inside = source <= last
        else:
            source = (lane & segment) | (b & ~segment)
            inside = source <= last
        if not inside:
            source = int64(lane)
        elif not (group >> source) & 1:
            line = field(rec, s0 + lane, LINE)
            fault(ctx, int64(FAULT_SHUFFLE_SOURCE), block, lin0 + lane, line, source, int64(0))
            return
        set_field(rec, s0 + lane, VALUE, peek(scratch, source))
        set_field(rec, s0 + lane, VALUE_HIGH, int64(inside))


@compiled()
def match(rec: int, s0: int, group: int, mode: int, scratch: int) -> None:
    """``match.sync``: which lanes of the group hold the same value."""
    for lane in range(32):
        if (group >> lane) & 1:
            high = field(rec, s0 + lane, VALUE_HIGH) if mode & 2 else int64(0)
            poke(scratch, lane, (high << 32) | field(rec, s0 + lane, VALUE))
    for lane in range(32):
        if not (group >> lane) & 1:
            continue
        same = int64(0)
        for j in range(32):
            if (group >> j) & 1 and peek(scratch, j) == peek(scratch, lane):
                same |= int64(1) << j
        every = same == group
        if mode & 1 and not every:
            same = int64(0)
        set_field(rec, s0 + lane, VALUE, same)
        set_field(rec, s0 + lane, VALUE_HIGH, int64(every))


@compiled()
def reduce(rec: int, s0: int, group: int, mode: int) -> None:
    """``redux.sync``: one integer reduction over the group."""
    total = int64(0)
    first = True
    for lane in range(32):
        if not (group >> lane) & 1:
            continue
        value = field(rec, s0 + lane, VALUE)
        if mode in (REDUCE_MIN_S, REDUCE_MAX_S):
            value = (value ^ 0x80000000) - 0x80000000
        if first:
            total = value
            first = False
        elif mode == REDUCE_ADD:
            total = total + value
        elif mode in (REDUCE_MIN_U, REDUCE_MIN_S):
            total = min(total, value)
        elif mode in (REDUCE_MAX_U, REDUCE_MAX_S):
            total = max(total, value)
        elif mode == REDUCE_AND:
            total = total & value
        elif mode == REDUCE_OR:
            total = total | value
        else:
            total = total ^ value
    for lane in range(32):
        if (group >> lane) & 1:
            set_field(rec, s0 + lane, VALUE, total)


@compiled()
def join_clocks(clocks: int, lin0: int, group: int) -> None:
    """Race mode: after ``bar.warp.sync`` each lane knows what the others did before it."""
    for column in range(32):
        most = int64(0)
        for lane in range(32):
            if (group >> lane) & 1:
                most = max(most, peek32(clocks, (lin0 + lane) * 32 + column))
        for lane in range(32):
            if (group >> lane) & 1:
                poke32(clocks, (lin0 + lane) * 32 + column, most)
    for lane in range(32):
        if (group >> lane) & 1:
            own = (lin0 + lane) * 32 + lane
            poke32(clocks, own, peek32(clocks, own) + 1)


@compiled()
def ready_group(rec: int, s0: int, lin0: int, count: int, ctx: int, block: int) -> int:
    """The lanes of a warp operation that can be completed now, or 0."""
    alive = int64(0)
    for lane in range(count):
        if field(rec, s0 + lane, KIND) != EXITED:
            alive |= int64(1) << lane
    for lane in range(count):
        kind = field(rec, s0 + lane, KIND)
        if kind < SYNCWARP or kind == ACTIVEMASK:
            continue
        mask = field(rec, s0 + lane, MASK)
        mode = field(rec, s0 + lane, MODE)
        if not (mask >> lane) & 1:
            line = field(rec, s0 + lane, LINE)
            fault(ctx, int64(FAULT_NOT_IN_MASK), block, lin0 + lane, line, mask, int64(0))
            return int64(0)
        need = mask & alive
        ready = True
        for j in range(count):
            if (need >> j) & 1 and (
                field(rec, s0 + j, KIND) != kind
                or field(rec, s0 + j, MASK) != mask
                or field(rec, s0 + j, MODE) != mode
            ):
                ready = False
                break
        if ready:
            return need
    return int64(0)


@compiled()
def together(rec: int, s0: int, count: int) -> int:
    """The lanes that wait at the same ``activemask`` as the first that does, or 0."""
    group = int64(0)
    line = int64(0)
    for lane in range(count):
        if field(rec, s0 + lane, KIND) == ACTIVEMASK:
            if group == 0:
                line = field(rec, s0 + lane, LINE)
            if field(rec, s0 + lane, LINE) == line:
                group |= int64(1) << lane
    for lane in range(count):
        if (group >> lane) & 1:
            set_field(rec, s0 + lane, VALUE, group)
    return group


@compiled()
def run_warp(
    rec: int,
    handles: int,
    s0: int,
    lin0: int,
    count: int,
    ctx: int,
    block: int,
    twist: int,
    clocks: int,
    scratch: int,
) -> bool:
    """Run a warp as far as it gets; returns whether any lane moved.

    Args:
        rec, handles: addresses of the records and handles.
        s0, lin0: the first lane's slot in them, and its number in the block.
        count: lanes of the warp, 32 or fewer in a block's last one.
        ctx, block: address of the launch context, number of the block.
        twist: exchanges lanes in the order of resuming (lane XOR twist).
        clocks: address of race mode's clocks, or 0.
        scratch: address of 64 words.
    """
    full = (int64(1) << count) - 1
    moved = False
    while True:
        kind = field(rec, s0, KIND)
        mode = field(rec, s0, MODE)
        group = int64(0)
        if count == 32 and kind >= SYNCWARP and kind != ACTIVEMASK:
            group = full  # the usual case: the whole warp waits for one operation
            for lane in range(32):
                if (
                    field(rec, s0 + lane, KIND) != kind
                    or field(rec, s0 + lane, MASK) != FULL
                    or field(rec, s0 + lane, MODE) != mode
                ):
                    group = int64(0)
                    break
        if group == 0:
            group = ready_group(rec, s0, lin0, count, ctx, block)
            if peek(ctx, FAULT) != 0:
                return moved
            if group == 0:
                group = together(rec, s0, count)
                if group == 0:
                    return moved
            first = int64(0)
            while not (group >> first) & 1:
                first += 1
            kind = field(rec, s0 + first, KIND)
            mode = field(rec, s0 + first, MODE)
        moved = True
        if kind == VOTE:
            vote(rec, s0, group, mode)
        elif kind == SHUFFLE:
            shuffle(rec, s0, lin0, group, mode, ctx, block, scratch)
            if peek(ctx, FAULT) != 0:
                return moved
        elif kind == MATCH:
            match(rec, s0, group, mode, scratch)
        elif kind == SYNCWARP:
            if clocks != 0:
                join_clocks(clocks, lin0, group)
        elif kind != ACTIVEMASK:
            reduce(rec, s0, group, mode)
        for step in range(32):
            lane = step ^ twist
            if (group >> lane) & 1:
                resume(peek(handles, s0 + lane))
                if peek(ctx, FAULT) != 0:
                    return moved


@compiled()
def report_stuck(rec: int, s0: int, lin0: int, count: int, ctx: int, block: int) -> None:
    """Note as a fault the first lane that waits for lanes which will not come."""
    for lane in range(count):
        kind = field(rec, s0 + lane, KIND)
        if kind < SYNCWARP:
            continue
        missing = int64(0)
        other_line = int64(0)
        mask = field(rec, s0 + lane, MASK)
        for j in range(count):
            theirs = field(rec, s0 + j, KIND)
            absent = theirs != kind or field(rec, s0 + j, MASK) != mask
            if (mask >> j) & 1 and theirs != EXITED and absent:
                missing |= int64(1) << j
                other_line = field(rec, s0 + j, LINE)
        line = field(rec, s0 + lane, LINE)
        fault(ctx, int64(FAULT_WARP_STUCK), block, lin0 + lane, line, missing, other_line)
        return

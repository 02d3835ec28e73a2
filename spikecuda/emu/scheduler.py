"""Runs the threads of a grid: blocks one after another, warps and lanes in turns.

A thread that reaches a barrier or a warp operation writes its request into its record and hands
over.  A warp operation is done once every living lane of its mask waits for the same one; a
barrier once all threads of the block wait for it.  What can never be done is a fault.
"""

# mypy: ignore-errors
# (Numba code: intrinsics and their types are beyond mypy.)

from __future__ import annotations

from numpy import int64

from .native import compiled, field, peek, peek8, poke, poke8, poke32, resume, run_range, set_field
from .translate.context import (
    ARG_B,
    ARG_C,
    BARRIER,
    BARRIER_ALIGNED,
    BARRIER_AND,
    BARRIER_OR,
    BARRIER_POPC,
    EPOCH,
    EXITED,
    FAULT,
    FAULT_BARRIER_COUNT,
    FAULT_BARRIER_DIFFERS,
    FAULT_BARRIER_EXITED,
    KIND,
    LINE,
    MODE,
    NCTAID,
    RUNNING,
    SHARED_BYTES,
    SHARED_RACE,
    SHARED_WRITTEN,
    THREADS,
    VALUE,
)
from .warps import fault, report_stuck, run_warp

_RACE_WORDS = 6


@compiled()
def _differs(rec: int, ctx: int, block: int, thread: int, other: int) -> None:
    fault(
        ctx,
        int64(FAULT_BARRIER_DIFFERS),
        block,
        thread,
        field(rec, thread, LINE),
        other,
        field(rec, other, LINE),
    )


@compiled()
def _arrived(rec: int, n: int, ctx: int, block: int, t: int) -> tuple[int, int]:
    """Threads that wait at the barrier of thread ``t``, and those with a true predicate.

    Their requests must agree; of an aligned barrier, also the instruction of the lanes of a warp.
    """
    number, count, mode = field(rec, t, ARG_B), field(rec, t, ARG_C), field(rec, t, MODE)
    waiting = int64(0)
    true = int64(0)
    for u in range(n):
        if field(rec, u, KIND) != BARRIER or field(rec, u, ARG_B) != number:
            continue
        waiting += 1
        true += field(rec, u, VALUE) & 1
        if field(rec, u, ARG_C) != count or field(rec, u, MODE) != mode:
            _differs(rec, ctx, block, u, t)
            return waiting, true
        base = u - u % 32
        apart = field(rec, base, LINE) != field(rec, u, LINE)
        if apart and mode & BARRIER_ALIGNED and field(rec, base, KIND) == BARRIER:
            _differs(rec, ctx, block, u, base)
            return waiting, true
    return waiting, true


@compiled()
def _release(rec: int, n: int, ctx: int, block: int) -> bool:
    """Open the barriers that all their threads have reached; returns whether one was opened."""
    opened = False
    exited = int64(0)
    gone = int64(-1)
    for t in range(n):
        if field(rec, t, KIND) == EXITED:
            exited += 1
            if gone < 0:
                gone = t
    seen = int64(0)  # barriers that were looked at, by number
    for t in range(n):
        if field(rec, t, KIND) != BARRIER:
            continue
        number, count, mode = field(rec, t, ARG_B), field(rec, t, ARG_C), field(rec, t, MODE)
        line = field(rec, t, LINE)
        if (seen >> (number & 15)) & 1:
            continue
        seen |= int64(1) << (number & 15)
        if number > 15 or count % 32 != 0 or count > (n + 31) // 32 * 32:
            fault(ctx, int64(FAULT_BARRIER_COUNT), block, t, line, count, number)
            return opened
        waiting, true = _arrived(rec, n, ctx, block, t)
        if peek(ctx, FAULT) != 0:
            return opened
        if waiting == (n if count == 0 else count):
            reduction = mode & 3
            result = int64(0)
            if reduction == BARRIER_POPC:
                result = true
            elif reduction == BARRIER_AND:
                result = int64(true == waiting)
            elif reduction == BARRIER_OR:
                result = int64(true > 0)
            for u in range(n):
                if field(rec, u, KIND) == BARRIER and field(rec, u, ARG_B) == number:
                    set_field(rec, u, KIND, RUNNING)
                    set_field(rec, u, VALUE, result)
            poke(ctx, EPOCH, peek(ctx, EPOCH) + 1)
            opened = True
        elif count == 0 and exited > 0 and waiting + exited == n:
            fault(ctx, int64(FAULT_BARRIER_EXITED), block, t, line, gone, exited)
            return opened
    return opened


@compiled()
def _begin_block(ctx: int, clocks: int, template: int) -> None:
    """Checked modes: nothing in shared memory is written yet, and no thread knows another."""
    size = peek(ctx, SHARED_BYTES)
    if template != 0:
        written = peek(ctx, SHARED_WRITTEN)
        for k in range(size):
            poke8(written + k, peek8(template + k))
    if clocks != 0:
        poke(ctx, EPOCH, peek(ctx, EPOCH) + 1)
        for t in range(peek(ctx, THREADS)):
            for lane in range(32):
                poke32(clocks, t * 32 + lane, int64(lane == t % 32))
        race = peek(ctx, SHARED_RACE)
        for k in range(size * _RACE_WORDS):
            poke(race, k, 0)


@compiled()
def _run_block(
    rec: int,
    handles: int,
    n: int,
    ctx: int,
    block: int,
    warps: int,
    twist: int,
    clocks: int,
    scratch: int,
) -> None:
    """Run a block whose threads have all been started and may wait for each other."""
    warp_count = (n + 31) // 32
    while True:
        moved = False
        for w in range(warp_count):
            first = (peek(warps, w) if warps != 0 else int64(w)) * 32
            count = min(int64(32), n - first)
            for step in range(32):  # those that a barrier has released
                lane = step ^ twist
                if lane < count and field(rec, first + lane, KIND) == RUNNING:
                    resume(peek(handles, first + lane))
                    moved = True
                    if peek(ctx, FAULT) != 0:
                        return
            if run_warp(rec, handles, first, first, count, ctx, block, twist, clocks, scratch):
                moved = True
            if peek(ctx, FAULT) != 0:
                return
        living = False
        for t in range(n):
            if field(rec, t, KIND) != EXITED:
                living = True
                break
        if not living:
            return
        if _release(rec, n, ctx, block):
            moved = True
        if peek(ctx, FAULT) != 0:
            return
        if not moved:
            _report_block(rec, n, ctx, block)
            return


@compiled()
def _report_block(rec: int, n: int, ctx: int, block: int) -> None:
    """Note why nothing moves: a warp operation, or barriers that no one else will reach."""
    for w in range((n + 31) // 32):
        first = int64(w * 32)
        report_stuck(rec, first, first, min(int64(32), n - first), ctx, block)
        if peek(ctx, FAULT) != 0:
            return
    for t in range(n):
        if field(rec, t, KIND) == BARRIER:
            other = int64(t)
            for u in range(n):
                if field(rec, u, KIND) != BARRIER or field(rec, u, ARG_B) != field(rec, t, ARG_B):
                    other = int64(u)
            _differs(rec, ctx, block, int64(t), other)
            return


@compiled(entry=True)
def run_grid(
    function: int,
    params: int,
    ctx: int,
    blocks: int,
    warps: int,
    twist: int,
    kind: int,
    rec: int,
    handles: int,
    clocks: int,
    template: int,
    scratch: int,
) -> None:
    """Run a launch.  All arguments are numbers or addresses.

    Args:
        function: the kernel's code.
        params: its parameters.
        ctx: the launch context.
        blocks: numbers of the blocks in the order in which they run, or 0 for the natural one.
        warps: the same for the warps of a block.
        twist: 0 to 31, exchanges lanes of a warp in the order of resuming.
        kind: 0 no thread waits, 1 threads wait within their warp, 2 within their block.
        rec, handles: records and coroutine handles of the threads (of a warp where kind is 1).
        clocks: race mode: what each thread knows of its warp; otherwise 0.
        template: checked modes: the map of shared memory at the start of a block; otherwise 0.
        scratch: 64 words.
    """
    nx, ny, nz = peek(ctx, NCTAID), peek(ctx, NCTAID + 1), peek(ctx, NCTAID + 2)
    n = peek(ctx, THREADS)
    for index in range(nx * ny * nz):
        block = peek(blocks, index) if blocks != 0 else int64(index)
        x, y, z = block % nx, block // nx % ny, block // (nx * ny)
        if template != 0:
            _begin_block(ctx, clocks, template)
        if kind == 0 and warps == 0:
            run_range(function, params, ctx, x, y, z, 0, n, 0)
            if peek(ctx, FAULT) != 0:
                return
            continue
        for w in range((n + 31) // 32):
            first = (peek(warps, w) if warps != 0 else int64(w)) * 32
            last = min(first + 32, n)
            base = first if kind == 1 else int64(0)
            run_range(function, params, ctx, x, y, z, first, last, base)
            if peek(ctx, FAULT) != 0:
                return
            if kind == 1:
                slot = int64(0)
                run_warp(
                    rec, handles, slot, first, last - first, ctx, block, twist, clocks, scratch
                )
                if peek(ctx, FAULT) == 0:
                    report_stuck(rec, slot, first, last - first, ctx, block)
                if peek(ctx, FAULT) != 0:
                    return
        if kind == 2:
            _run_block(rec, handles, n, ctx, block, warps, twist, clocks, scratch)
            if peek(ctx, FAULT) != 0:
                return

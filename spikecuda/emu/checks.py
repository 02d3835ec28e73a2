"""The check of one memory access, called from the code of a checked kernel.

Maps: one byte says of each byte of memory whether it was written (0 no, 1 yes, 2 belongs to no
variable).  In race mode six words per byte say who touched it: the last writer and two readers,
each as (thread + 1, line, atomic) and (epoch, clock).  Two accesses are ordered if one thread made
both, if a barrier of their block lies between (their epochs differ), or if a ``bar.warp.sync`` of
their warp does (the later thread's clocks say so).  Of the readers since the last write, the two
that are furthest apart are kept: a later writer then conflicts with one of them, or with none.
Launches are told apart by their epochs, and count as ordered here; what a launch touched is noted
in a map of its own, for the check between streams (``history``).
"""

# mypy: ignore-errors
# (Numba code: intrinsics and their types are beyond mypy.)

from __future__ import annotations

from functools import cache
from typing import Any

import llvmlite.binding as llvm
from numba import types
from numpy import int64

from .native import callback, compiled, peek, peek8, peek32, poke, poke8
from .translate.context import (
    ATOMIC,
    CLOCKS,
    EPOCH,
    FAULT,
    FAULT_ADDRESS,
    FAULT_ALIGN,
    FAULT_BLOCK,
    FAULT_BOUNDS,
    FAULT_LINE,
    FAULT_OTHER,
    FAULT_OTHER_LINE,
    FAULT_RACE,
    FAULT_READ_ONLY,
    FAULT_REDZONE,
    FAULT_SIZE,
    FAULT_THREAD,
    FAULT_UNINITIALISED,
    FIRST_EPOCH,
    LAST_REGION,
    LOCAL_BYTES,
    LOCAL_WRITTEN,
    READ,
    REGION_COUNT,
    REGIONS,
    SHARED,
    SHARED_BYTES,
    SHARED_RACE,
    SHARED_WRITTEN,
    SPACE_GENERIC,
    SPACE_LOCAL,
    SPACE_MASK,
    SPACE_SHARED,
    THREADS,
    WRITE,
)

RACE_WORDS = 6
REGION_WORDS = 6
_LINE_BITS, _CLOCK_BITS = 22, 24


@compiled()
def _fault(
    ctx: int, code: int, block: int, thread: int, line: int, address: int, size: int
) -> None:
    poke(ctx, FAULT, code)
    poke(ctx, FAULT_BLOCK, block)
    poke(ctx, FAULT_THREAD, thread)
    poke(ctx, FAULT_LINE, line)
    poke(ctx, FAULT_ADDRESS, address)
    poke(ctx, FAULT_SIZE, size)


@compiled()
def _ordered(ctx: int, who: int, when: int, thread: int, block: int) -> bool:
    """Whether an earlier access happened before what this thread does now."""
    threads = peek(ctx, THREADS)
    earlier = (who >> (_LINE_BITS + 1)) - 1
    if earlier == block * threads + thread:
        return True
    epoch = when >> _CLOCK_BITS
    if epoch < peek(ctx, FIRST_EPOCH):
        return True
    if earlier // threads != block:
        return False
    if epoch < peek(ctx, EPOCH):
        return True
    other = earlier % threads
    if other // 32 != thread // 32:
        return False
    known = peek32(peek(ctx, CLOCKS), thread * 32 + other % 32)
    return known >= (when & ((1 << _CLOCK_BITS) - 1))


@compiled()
def _distance(threads: int, a: int, b: int) -> int:
    """0 for lanes of one warp, 1 for warps of one block, 2 for blocks."""
    a, b = (a >> (_LINE_BITS + 1)) - 1, (b >> (_LINE_BITS + 1)) - 1
    if a // threads != b // threads:
        return 2
    return 0 if a % threads // 32 == b % threads // 32 else 1


@compiled()
def _race(ctx: int, entry: int, flags: int, line: int, thread: int, block: int) -> int:
    """Update the record of one byte; returns the (thread + 1, line) word of a rival, or 0."""
    threads = peek(ctx, THREADS)
    atomic = _atomic(flags)
    me = ((block * threads + thread + 1) << (_LINE_BITS + 1)) | (line << 1) | atomic
    clock = peek32(peek(ctx, CLOCKS), thread * 32 + thread % 32)
    now = (peek(ctx, EPOCH) << _CLOCK_BITS) | clock
    writer = peek(entry, 0)
    rival = writer != 0 and not (atomic and writer & 1)
    if rival and not _ordered(ctx, writer, peek(entry, 1), thread, block):
        return writer
    first, second = peek(entry, 2), peek(entry, 4)
    if flags & WRITE:
        for k in (2, 4):
            reader = peek(entry, k)
            if reader != 0 and not _ordered(ctx, reader, peek(entry, k + 1), thread, block):
                return reader
        poke(entry, 0, me)
        poke(entry, 1, now)
        if not atomic:
            poke(entry, 2, 0)
            poke(entry, 4, 0)
        return 0
    if first == 0 or _ordered(ctx, first, peek(entry, 3), thread, block):
        poke(entry, 2, me)
        poke(entry, 3, now)
        if second != 0 and _ordered(ctx, second, peek(entry, 5), thread, block):
            poke(entry, 4, 0)
    elif (
        second == 0
        or _ordered(ctx, second, peek(entry, 5), thread, block)
        or _distance(threads, first, me) > _distance(threads, first, second)
    ):
        poke(entry, 4, me)
        poke(entry, 5, now)
    return 0


@compiled()
def _atomic(flags: int) -> int:
    return int64(1) if flags & ATOMIC else int64(0)


@compiled()
def _manner(flags: int) -> int:
    """Return how an access touches its bytes: an atomic operation is no read and no write."""
    return int64(ATOMIC) if flags & ATOMIC else int64(flags & (READ | WRITE))


@compiled()
def _find(ctx: int, address: int) -> int:
    """Number of the region that holds an address, or -1 (regions are sorted and apart)."""
    regions, low = peek(ctx, REGIONS), 0
    high = peek(ctx, REGION_COUNT)
    last = peek(ctx, LAST_REGION)
    if last < high and peek(regions, last * REGION_WORDS) <= address < peek(
        regions, last * REGION_WORDS + 1
    ):
        return last
    while low < high:
        middle = (low + high) // 2
        if address < peek(regions, middle * REGION_WORDS):
            high = middle
        elif address >= peek(regions, middle * REGION_WORDS + 1):
            low = middle + 1
        else:
            poke(ctx, LAST_REGION, middle)
            return middle
    return -1


def access(
    ctx: int, address: int, size: int, flags: int, line: int, thread: int, block: int, local: int
) -> int:
    """Check one access; returns 1, or 0 after noting a fault."""
    space = flags & SPACE_MASK
    if address % size != 0:
        _fault(ctx, int64(FAULT_ALIGN), block, thread, line, address, size)
        return 0
    written, race, touched = int64(0), int64(0), int64(0)
    found = False
    if space in (SPACE_SHARED, SPACE_GENERIC):
        offset = address - peek(ctx, SHARED)
        if offset >= 0 and offset + size <= peek(ctx, SHARED_BYTES):
            found = True
            written = peek(ctx, SHARED_WRITTEN) + offset
            race = peek(ctx, SHARED_RACE)
            if race != 0:
                race += offset * RACE_WORDS * 8
    if not found and space in (SPACE_LOCAL, SPACE_GENERIC):
        offset = address - local
        if offset >= 0 and offset + size <= peek(ctx, LOCAL_BYTES):
            found = True
            written = peek(ctx, LOCAL_WRITTEN) + thread * peek(ctx, LOCAL_BYTES) + offset
    if not found and space != SPACE_SHARED and space != SPACE_LOCAL:
        region = _find(ctx, address)
        if region >= 0:
            row = peek(ctx, REGIONS) + region * REGION_WORDS * 8
            if address + size <= peek(row, 1):
                found = True
                offset = address - peek(row, 0)
                written, race = peek(row, 2), peek(row, 3)
                if written != 0:
                    written += offset
                if race != 0:
                    race += offset * RACE_WORDS * 8
                    touched = peek(row, 5) + offset
                if flags & WRITE and peek(row, 4) != 0:
                    _fault(ctx, int64(FAULT_READ_ONLY), block, thread, line, address, size)
                    return 0
    if not found:
        _fault(ctx, int64(FAULT_BOUNDS), block, thread, line, address, size)
        return 0
    if written != 0:
        for k in range(size):
            state = peek8(written + k)
            if state == 2:
                _fault(ctx, int64(FAULT_REDZONE), block, thread, line, address, size)
                return 0
            if state == 0 and flags & READ:
                _fault(ctx, int64(FAULT_UNINITIALISED), block, thread, line, address + k, size)
                return 0
        if flags & WRITE:
            for k in range(size):
                poke8(written + k, 1)
    if touched != 0:
        for k in range(size):
            poke8(touched + k, peek8(touched + k) | _manner(flags))
    if race != 0:
        for k in range(size):
            rival = _race(ctx, race + k * RACE_WORDS * 8, flags, line, thread, block)
            if rival != 0:
                _fault(ctx, int64(FAULT_RACE), block, thread, line, address + k, size)
                poke(ctx, FAULT_OTHER, (rival >> (_LINE_BITS + 1)) - 1)
                poke(ctx, FAULT_OTHER_LINE, (rival >> 1) & ((1 << _LINE_BITS) - 1))
                return 0
    return 1


@cache
def _compiled_access() -> Any:
    return callback(types.int32(*[types.int64] * 8), access)


def register() -> None:
    """Make the check callable from compiled kernels under its name."""
    llvm.add_symbol("emu_access", _compiled_access().address)

"""A fault code in the launch context to the exception that tells the user what happened."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arguments import Packer
from .errors import (
    DataRace,
    DivergentBarrier,
    KernelFault,
    MemoryFault,
    UndefinedResult,
    UninitialisedRead,
)
from .memory import Region, extent
from .translate import context as c
from .workspace import Workspace


def _place(number: int, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    nx, ny, _ = shape
    return number % nx, number // nx % ny, number // (nx * ny)


def raise_fault(
    ctx: np.ndarray, kernel: str, source: Callable[[int], str], near: Callable[[int], str]
) -> None:
    """Raise the fault that a launch ended with.

    Args:
        ctx: the launch context.
        kernel: the kernel's name.
        source: gives the text of a line of the PTX.
        near: says in words what lies at or next to an address.
    """
    word = [int(v) for v in ctx]
    block_shape = (word[c.NTID], word[c.NTID + 1], word[c.NTID + 2])
    grid_shape = (word[c.NCTAID], word[c.NCTAID + 1], word[c.NCTAID + 2])
    code, line, size, address = (
        word[c.FAULT],
        word[c.FAULT_LINE],
        word[c.FAULT_SIZE],
        word[c.FAULT_ADDRESS],
    )
    other, other_line = word[c.FAULT_OTHER], word[c.FAULT_OTHER_LINE]
    problem, remedy, kind = "", "", KernelFault
    at: int | None = None
    if code in (c.FAULT_BOUNDS, c.FAULT_ALIGN, c.FAULT_READ_ONLY, c.FAULT_REDZONE):
        kind, at = MemoryFault, address
        what, remedy = {
            c.FAULT_BOUNDS: (
                "is outside all registered memory",
                "check the index against the size",
            ),
            c.FAULT_ALIGN: (f"is not aligned to {size} bytes", "align vector loads and stores"),
            c.FAULT_READ_ONLY: ("is read-only", "pass a writable array"),
            c.FAULT_REDZONE: (
                "lies behind a shared variable",
                "check the index against the variable's size",
            ),
        }[code]
        problem = f"the access of {size} bytes at 0x{address:x} {what}; {near(address)}"
    elif code == c.FAULT_UNINITIALISED:
        kind, at = UninitialisedRead, address
        problem = f"the byte at 0x{address:x} is read and was never written; {near(address)}"
        remedy = "write it first, or fill the allocation"
    elif code == c.FAULT_RACE:
        kind, at = DataRace, address
        threads = block_shape[0] * block_shape[1] * block_shape[2]
        rival = _place(other % threads, block_shape)
        rival_block = _place(other // threads, grid_shape)
        problem = (
            f"two threads touch the byte at 0x{address:x} without synchronisation and one writes:"
            f" this one, and block {rival_block}, thread {rival}, PTX line {other_line}:"
            f" {source(other_line).strip()}; {near(address)}"
        )
        remedy = "put a barrier between the two, or use an atomic operation in both"
    elif code == c.FAULT_BARRIER_EXITED:
        kind = DivergentBarrier
        problem = (
            f"a barrier waits for {other_line} threads that have ended,"
            f" the first being {_place(other, block_shape)}"
        )
        remedy = "let every thread of the block reach each barrier; return only after the last"
    elif code == c.FAULT_BARRIER_DIFFERS:
        kind = DivergentBarrier
        problem = (
            "threads of one block wait at barriers that cannot meet: this one, and thread"
            f" {_place(other, block_shape)} at PTX line {other_line}: {source(other_line).strip()}"
        )
        remedy = "let every thread of the block reach the same barrier"
    elif code == c.FAULT_BARRIER_COUNT:
        kind = DivergentBarrier
        problem = (
            f"a barrier for {other} threads can't open: it must be a multiple of 32 in the block"
        )
        remedy = "name a multiple of 32 that is not larger than the block"
    elif code == c.FAULT_WARP_STUCK:
        kind = DivergentBarrier
        problem = (
            f"a warp operation waits for the lanes 0x{other:08x} of its mask, which will not come"
        )
        if other_line:
            problem += f" (one waits at PTX line {other_line}: {source(other_line).strip()})"
        remedy = "let all lanes of the mask reach the same operation with the same mask"
    elif code == c.FAULT_NOT_IN_MASK:
        kind = UndefinedResult
        problem = f"the lane is not in the mask 0x{other:08x} of its warp operation"
        remedy = "include the lane that executes the operation"
    elif code == c.FAULT_SHUFFLE_SOURCE:
        kind = UndefinedResult
        problem = f"the shuffle reads lane {other}, which does not take part"
        remedy = "read from lanes of the mask that exist; use blocks of a multiple of 32 threads"
    elif code == c.FAULT_DIVISION:
        kind, problem = UndefinedResult, "an integer is divided by zero"
        remedy = "test the divisor"
    elif code == c.FAULT_FUEL:
        problem = "the launch took more backward branches than its limit: an endless loop?"
        remedy = "raise the device's max_branches if the kernel is right"
    elif code == c.FAULT_TRAP:
        problem = "the kernel executed a trap"
    raise kind(
        problem,
        kernel=kernel,
        block=_place(word[c.FAULT_BLOCK], grid_shape),
        thread=_place(word[c.FAULT_THREAD], block_shape),
        line=line,
        source=source(line),
        address=at,
        remedy=remedy,
    )


def neighbour(regions: list[Region], packer: Packer, w: Workspace) -> Callable[[int], str]:
    """Words for what an address belongs to, or what lies next to it."""

    def near(address: int) -> str:
        pieces = []
        for number, array in enumerate(packer.keep, 1):
            low, high = extent(array)
            pieces.append(
                (low, high, f"array {number} of the arguments, {array.dtype}{array.shape}")
            )
        pieces += [(r.base, r.end, "an allocation") for r in regions]
        base = w.shared.ctypes.data
        pieces.append((base, base + len(w.written), "the block's shared memory"))
        for low, high, what in pieces:
            if low <= address < high:
                return f"it is byte {address - low} of {what} ({high - low} bytes)"
        if not pieces:
            return "no memory is registered"

        def gap(piece: tuple[int, int, str]) -> int:
            return piece[0] - address if address < piece[0] else address - piece[1] + 1

        low, high, what = min(pieces, key=gap)
        if address < low:
            return f"the nearest is {low - address} bytes further: {what} ({high - low} bytes)"
        return f"it is {address - high} bytes behind the end of {what} ({high - low} bytes)"

    return near

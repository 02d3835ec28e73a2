"""Launch geometry of a CUDA kernel, computed from the device, the kernel and the size."""

import functools
import math
from dataclasses import dataclass

from spikecuda.devices.grid import grid
from spikecuda.errors import SpikecudaValueError

WARP = 32
BLOCKS = (32, 64, 128, 256, 512, 1024)
DEFAULT = 128
# Warps that keep a multiprocessor's four schedulers busy while each waits four cycles for a
# result (CUDA C++ Programming Guide 13, section "Multiprocessor Level"): fewer take as long.
BUSY_WARPS = 16
# Another block than the default must be better by this much.
WORTH = 0.98


@dataclass(frozen=True)
class Geometry:
    """How a launch is cut into blocks.

    Attributes:
        block: threads per block.
        blocks: of the launch.
        waves: rounds in which the GPU takes them.
        tail: part of the last round's places that stays empty, 0 to 1.
        occupancy: warps of a full multiprocessor, of those that it can hold.
        cost: time of the multiprocessor that has most to do, in warps that issue one at a time.
    """

    block: int
    blocks: int
    waves: int
    tail: float
    occupancy: float
    cost: int


@functools.lru_cache(maxsize=4096)
def geometry(
    cc: tuple[int, int],
    multiprocessors: int,
    registers: int,
    neurons: int,
    shared: int = 0,
    block: int | None = None,
    prefer: int = 0,
) -> Geometry:
    """Return the geometry for a launch.

    Args:
        cc: compute capability.
        multiprocessors: of the GPU.
        registers: of the kernel, per thread.
        neurons: in the launch, one thread each.
        shared: bytes of shared memory per block.
        block: threads per block; None chooses: the cost, waves and tail decide, and
            128 threads where nothing is better by a fiftieth.
        prefer: threads per block to take if they fit, such as those that were tuned; 0 has none.

    Raises:
        SpikecudaValueError: no such block, or one whose registers or shared memory do not fit.
    """
    if neurons < 1 or multiprocessors < 1:
        raise SpikecudaValueError(
            f"neurons and multiprocessors must be >= 1 (got {neurons}, {multiprocessors})"
        )
    if block is not None:
        found = _cut(cc, multiprocessors, registers, neurons, shared, block)
        if found is None:
            raise SpikecudaValueError(
                f"block must fit in a multiprocessor (got {block} threads with {registers} "
                f"registers each and {shared} bytes of shared memory); use fewer threads"
            )
        return found
    cuts = [_cut(cc, multiprocessors, registers, neurons, shared, b) for b in BLOCKS]
    legal = [cut for cut in cuts if cut is not None]
    if not legal:
        raise SpikecudaValueError(
            f"shared must fit in a multiprocessor (got {shared} bytes); use less"
        )
    for cut in legal:
        if cut.block == prefer:
            return cut
    best = min(legal, key=lambda cut: (cut.cost, abs(math.log2(cut.block / DEFAULT))))
    for cut in legal:
        if cut.block == DEFAULT and WORTH * cut.cost <= best.cost:
            return cut
    return best


def _cut(
    cc: tuple[int, int], multiprocessors: int, registers: int, neurons: int, shared: int, block: int
) -> Geometry | None:
    """Return the geometry with a given block, or None if it does not fit."""
    from spikecuda.devices.occupancy import occupancy

    blocks = grid(neurons, block)
    held = occupancy(cc, registers, block, shared)
    if not held.blocks:
        return None
    places = held.blocks * multiprocessors
    waves = -(-blocks // places)
    # A multiprocessor takes its blocks in rounds; a round with few warps waits for results.
    mine = -(-blocks // multiprocessors)
    rounds, rest = divmod(mine, held.blocks)
    warps = block // WARP
    cost = rounds * max(BUSY_WARPS, held.warps)
    cost += max(BUSY_WARPS, rest * warps) if rest else 0
    return Geometry(block, blocks, waves, waves - blocks / places, held.fraction, cost)

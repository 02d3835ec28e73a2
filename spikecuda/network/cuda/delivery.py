"""How a row table is delivered: which kernel, and how its warps share the work."""

from dataclasses import dataclass

from spikecuda.kernels.routines import RoutineSpec, deliver_rows, deliver_short, deliver_tiles
from spikecuda.network.cuda.row_tables import RowTable

WARP = 32
# Rows shorter than this are delivered by a thread each.
SHORT_ROW = 12
# A warp that shares a row with others should find this many synapses to do.
PIECE_SYNAPSES = 128
# A block that sums a tile of cells should find this many spikes to do.
TILE_SPIKES = 32


@dataclass(frozen=True)
class Delivery:
    """A choice.

    Attributes:
        routine: the kernel.
        blocks: to launch.
        options: scalar arguments, by name.
    """

    routine: RoutineSpec
    blocks: int
    options: dict[str, int]


def choose(
    row_table: RowTable,
    window: int,
    spikes: float,
    most: int,
    resident: int,
    block: int,
    given: bool = False,
) -> Delivery:
    """Return how to deliver a row table.

    Args:
        row_table: the rows.
        window: steps of a window.
        spikes: expected in a window.
        most: the most spikes that a window can have.
        resident: threads that the device can hold at once.
        block: threads of a block.
        given: whether given spikes are delivered, not those of the network.

    With many spikes each warp takes a row of its own (pre-span); with few, warps share rows
    (post-span), or most of the device would be idle while a few warps wait for memory.
    """
    if row_table.tiles:
        blocks = row_table.tiles * window
        shared = min(resident // block // blocks, round(spikes / window / TILE_SPIKES))
        parts = max(1, shared)
        options = {
            "delay": row_table.delay,
            "tiles": row_table.tiles,
            "steps": window,
            "parts": parts,
        }
        return Delivery(deliver_tiles(row_table.weights), blocks * parts, options)
    rows = max(1, int((row_table.lengths > 0).sum()))
    most_blocks = max(1, resident // block)
    if row_table.synapses < SHORT_ROW * rows:
        blocks = min(most_blocks, -(-most // block))
        routine = deliver_short(row_table.weights, given, row_table.replicas)
        return Delivery(routine, blocks, {})
    warps = most_blocks * (block // WARP)
    segment = row_table.synapses / max(1, row_table.segments)
    wanted = max(1, round(warps / max(spikes, 1.0)))
    population = 1
    while population < WARP and (
        population * segment < PIECE_SYNAPSES or population * wanted < row_table.longest
    ):
        population *= 2
    # Items are counted in 32 bits.
    pieces = min(wanted, -(-row_table.longest // population), (2**32 - 1) // most)
    blocks = min(most_blocks, -(-pieces * most * WARP // block))
    routine = deliver_rows(row_table.weights, given, row_table.replicas)
    return Delivery(routine, blocks, {"pieces": pieces, "group": population})

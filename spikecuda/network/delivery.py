"""How a sheet of rows is delivered: which kernel, and how its warps share the work."""

from dataclasses import dataclass

from spikecuda.kernels.routines import RoutineSpec, deliver_rows, deliver_short
from spikecuda.network.sheets import Sheet

WARP = 32
# Rows shorter than this are delivered by a thread each.
SHORT_ROW = 12
# A warp that shares a row with others should find this many synapses to do.
PIECE_SYNAPSES = 128


@dataclass(frozen=True)
class Delivery:
    """A choice.

    Attributes:
        routine: the kernel.
        threads: to launch.
        pieces: warps that share a row: 1 is pre-span, more are post-span.
        group: segments that a warp takes at a time, a power of two up to 32.
    """

    routine: RoutineSpec
    threads: int
    pieces: int = 1
    group: int = WARP


def choose(sheet: Sheet, spikes: float, most: int, resident: int) -> Delivery:
    """Return how to deliver a sheet.

    Args:
        sheet: the rows.
        spikes: expected in a window.
        most: the most spikes that a window can have.
        resident: threads that the device can hold at once.

    With many spikes each warp takes a row of its own; with few, warps share rows, or most of the
    device would be idle while a few warps wait for memory.
    """
    rows = max(1, int((sheet.lengths > 0).sum()))
    mean = sheet.synapses / rows
    if mean < SHORT_ROW:
        threads = min(resident, _warps(most) * WARP)
        return Delivery(deliver_short(sheet.weights), threads)
    warps = resident // WARP
    segment = sheet.synapses / max(1, sheet.segments)
    wanted = max(1, round(warps / max(spikes, 1.0)))
    group = 1
    while group < WARP and (group * segment < PIECE_SYNAPSES or group * wanted < sheet.longest):
        group *= 2
    # Items are counted in 32 bits.
    pieces = min(wanted, -(-sheet.longest // group), (2**32 - 1) // most)
    threads = min(warps, pieces * most) * WARP
    return Delivery(deliver_rows(sheet.weights), threads, pieces, group)


def _warps(threads: int) -> int:
    return max(1, -(-threads // WARP))

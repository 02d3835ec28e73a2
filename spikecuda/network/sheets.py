"""Rows as a device wants them: all of a neuron's synapses in one place.

The builder stores rows bundle by bundle.  A sheet joins the rows of all bundles whose weights are
stored alike, by the number that a neuron has in the whole network, so that one launch delivers
them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spikecuda.errors import SpikecudaError
from spikecuda.kernels.network import layout
from spikecuda.kernels.routines import CONSTANT, NARROW, WIDE
from spikecuda.network.blocks import MAX_BLOCK, Share
from spikecuda.network.build import Bundle, Rows, Wiring

KINDS = {layout.CONSTANT: CONSTANT, layout.NARROW: NARROW, layout.WIDE: WIDE}
# Longer segments are divided, so that several warps can share them.
PIECE = 256
MAX_SYNAPSES, MAX_BUNDLES = 2**32 - 1, 2**16


@dataclass(frozen=True, eq=False)
class Sheet:
    """Joined rows; the arrays are what ``kernels/routines`` describes.

    Attributes:
        weights: how weights are stored: ``routines.CONSTANT``, ``NARROW`` or ``WIDE``.
        arrays: by argument name, without the underscore.
        lengths: int64, synapses of each number's row.
        segments: how many there are.
        longest: the most segments of a row.
    """

    weights: str
    arrays: dict[str, np.ndarray]
    lengths: np.ndarray
    segments: int
    longest: int

    @property
    def synapses(self) -> int:
        """How many there are."""
        return int(self.lengths.sum())

    def without_arrays(self) -> "Sheet":
        """Return what is known of the rows, once they are on a device."""
        return replace(self, arrays={})


def join(wiring: Wiring, share: Share, first: Mapping[int, int], numbers: int) -> list[Sheet]:
    """Return the rows into a partition as sheets.

    Args:
        wiring: the built network.
        share: the partition; its blocks are pages.
        first: number of the first neuron of each population.
        numbers: one more than the largest number.
    """
    sheets = []
    for kind, weights in KINDS.items():
        pairs = [
            (bundle, b) for bundle in wiring.bundles if bundle.kind == kind for b in share.blocks
            if bundle.blocks[b].targets.size
        ]  # fmt: skip
        group: list[tuple[Bundle, int]] = []
        total = 0
        for bundle, b in pairs:
            size = bundle.blocks[b].targets.size
            if total + size > MAX_SYNAPSES or len(group) == MAX_BUNDLES:
                sheets.append(_join(group, weights, share, first, numbers))
                group, total = [], 0
            group.append((bundle, b))
            total += size
        if group:
            sheets.append(_join(group, weights, share, first, numbers))
    return sheets


def _join(
    group: Sequence[tuple[Bundle, int]],
    weights: str,
    share: Share,
    first: Mapping[int, int],
    numbers: int,
) -> Sheet:
    from spikecuda.kernels.render import load_host

    loops = load_host("network_sheets")
    segments, lengths = np.zeros(numbers, np.int64), np.zeros(numbers, np.int64)
    for bundle, b in group:
        rows = bundle.blocks[b]
        loops.count_segments(rows.rows, rows.starts, PIECE, first[bundle.source], segments, lengths)
    ends, places = np.cumsum(segments), np.cumsum(lengths)
    if ends[-1] > MAX_SYNAPSES:
        raise SpikecudaError(
            f"a sheet of rows has at most {MAX_SYNAPSES:,} segments (got {ends[-1]:,}); use more "
            "devices"
        )
    result: dict[str, np.ndarray] = {
        "rows": np.concatenate([[0], ends]).astype(np.uint32),
        "starts": np.empty(int(ends[-1]) + 1, np.uint32),
        "info": np.empty(int(ends[-1]), np.uint32),
        "bases": np.array(
            [bundle.port * share.size + (b - share.blocks.start) * MAX_BLOCK for bundle, b in group]
        ).astype(np.int32),
        "targets": np.empty(int(places[-1]), np.uint16),
    }
    width = np.dtype(np.int32 if weights == CONSTANT else weights)
    own = np.empty(0 if weights == CONSTANT else int(places[-1]), width)
    segment, synapse = ends - segments, places - lengths
    for number, (bundle, b) in enumerate(group):
        rows = bundle.blocks[b]
        loops.join_rows(
            rows.rows, rows.starts, rows.delays, rows.targets, _weights(rows, width), PIECE,
            first[bundle.source], number, segment, synapse, result["starts"], result["info"],
            result["targets"], own,
        )  # fmt: skip
    result["starts"][-1] = places[-1]
    if weights == CONSTANT:
        result["values"] = np.array([bundle.weight for bundle, _ in group], np.int32)
    else:
        result["weights"] = own
    return Sheet(weights, result, lengths, int(ends[-1]), int(segments.max()))


def _weights(rows: Rows, width: np.dtype) -> np.ndarray:
    return np.empty(0, width) if rows.weights is None else rows.weights

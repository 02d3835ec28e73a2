"""The rows of synapses as they are stored, in a file beside what they are drawn from.

They are for neurons that are split into the same blocks, over as many processes, as those that
were saved: then nothing is drawn.  For another split they are left aside, and the rows are drawn
from their rule and seed.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from spikecuda.common.npz import FormatError, Streamed
from spikecuda.errors import SpikecudaError
from spikecuda.kernels.network import layout
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.learned import segment_sources
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.store import Bundle, Rows, Wiring
from spikecuda.saving.save_file import Saved

# Arrays of a file by name.
State = dict[str, np.ndarray | Streamed]
# What the names of rows begin with.
ROWS = "rows/"
PARTS = (("targets", "u2"), ("starts", "u4"), ("delays", "u2"), ("rows", "u4"))


class _Part(NamedTuple):
    """An array of a process' rows: its name in the file, where it is, its type and size."""

    name: str
    place: tuple[int, int, str]
    kind: str
    size: int


def require_dense(wiring: Wiring, peers: Peers | None) -> None:
    """Raise SpikecudaError if a process has rows that a file does not hold."""
    short = np.array([sum(bundle.short for bundle in wiring.bundles)], np.int64)
    if peers is not None:
        short = peers.sums(short)
    if short[0]:
        raise SpikecudaError(
            "rows must be False for a network with short rows, which processes that are one of "
            f"many have (got True, and {int(short[0])} bundles of them); load draws them again"
        )


def rows_tree(wiring: Wiring, peers: Peers | None, state: State) -> dict[str, Any]:
    """Return the rows of all synapses, of all processes, as a tree; arrays go to ``state``.

    Weights that learn are left out, which are as of now elsewhere.
    """
    rank = 0 if peers is None else peers.rank
    own = _Part(f"rows/{rank}/starts", (-1, -1, ""), "<i4", wiring.blocks.starts.size)
    parts = [own]
    for number, bundle in enumerate(wiring.bundles):
        for b, rows in enumerate(bundle.blocks):
            names = [name for name, _ in PARTS]
            if rows.weights is not None and bundle.kind != layout.PLASTIC:
                names.append("weights")
            for name in names:
                array = getattr(rows, name)
                at = f"rows/{rank}/{number}/{b}/{name}"
                parts.append(_Part(at, (number, b, name), array.dtype.str, array.size))
    kinds = [[b.kind, int(b.weight), b.least, b.most] for b in wiring.bundles]
    every = [(kinds, parts)] if peers is None else peers.each((kinds, parts))
    for r, (_, listed) in enumerate(every):
        for part in map(_Part._make, listed):
            mine = _array(wiring, part.place) if r == rank else None
            if peers is None:
                assert mine is not None
                state[part.name] = mine
            else:
                made = functools.partial(_sent, peers, r, part, mine)
                state[part.name] = Streamed(np.dtype(part.kind), part.size, made)
    return {
        "processes": [kinds for kinds, _ in every], "shortest": wiring.shortest,
        "longest": wiring.longest, "synapses": wiring.synapses, "horizon": wiring.horizon,
    }  # fmt: skip


def _array(wiring: Wiring, place: tuple[int, int, str]) -> np.ndarray:
    number, b, name = place
    if number < 0:
        return wiring.blocks.starts.reshape(-1)
    array: np.ndarray = getattr(wiring.bundles[number].blocks[b], name)
    return array


def _sent(peers: Peers, owner: int, part: _Part, mine: np.ndarray | None) -> Iterator[np.ndarray]:
    """Yield in rank 0 an array that its owner sends; all processes go through it together."""
    array = np.empty(0, part.kind) if mine is None else np.ascontiguousarray(mine)
    found = peers.gathered(array, part.name)
    if found:
        yield found[owner]


class SavedRows:
    """Rows of a file, as a builder takes them.

    Args:
        tree: of ``rows_tree``.
        saved: the file.
        blocks: the split of the neurons of this process.

    Attributes:
        number: of the process of the file whose neurons were split so; -1: there is none.
        shortest, longest, synapses, horizon: of the wiring that they were of.
    """

    def __init__(self, tree: dict[str, Any], saved: Saved, blocks: Blocks) -> None:
        self._saved, self._blocks = saved, blocks
        self.shortest, self.longest = int(tree["shortest"]), int(tree["longest"])
        self.synapses, self.horizon = int(tree["synapses"]), int(tree["horizon"])
        processes, starts = tree["processes"], blocks.starts.reshape(-1)
        self.number = next(
            (n for n in range(len(processes))
             if np.array_equal(saved.take(f"rows/{n}/starts", "i4", 1), starts)), -1,
        )  # fmt: skip
        self._bundles = processes[self.number]

    def fill(self, number: int, bundle: Bundle) -> None:
        """Give a bundle, by its number, its rows."""
        kind, weight, least, most = self._bundles[number]
        if kind not in {bundle.kind, layout.WIDE}:
            raise FormatError(f"bundle {number} has rows of kind {kind}")
        bundle.kind, bundle.weight = int(kind), int(weight)
        bundle.least, bundle.most = int(least), int(most)
        sources = bundle.projections[0].source.population.size
        for b in range(self._blocks.count):
            bundle.blocks.append(self._rows(number, b, bundle, sources))

    def _rows(self, number: int, b: int, bundle: Bundle, sources: int) -> Rows:
        key = f"rows/{self.number}/{number}/{b}/"
        # Large arrays stay in the file until this process takes its own.
        found = {name: np.array(self._saved.take(key + name, kind, 1)) for name, kind in PARTS}
        size, segments = found["targets"].size, found["starts"].size - 1
        ends, rows = found["starts"], found["rows"]
        whole = rows.size == sources + 1 and found["delays"].size == segments + 1
        whole = whole and int(ends[-1]) == size and int(rows[-1]) == segments
        if not whole or (ends[1:] < ends[:-1]).any() or (rows[1:] < rows[:-1]).any():
            raise FormatError(f"array {key + 'rows'!r} does not fit the others")
        # Loops go through a row up to its last segment, and rings have room for the longest delay.
        delays, last = found["delays"][:-1], np.zeros(segments, bool)
        last[rows[1:][rows[1:] > rows[:-1]].astype(np.int64) - 1] = True
        steps = delays & layout.DELAY
        inside = not segments or (int(steps.min()) >= 1 and int(steps.max()) <= self.longest)
        if not inside or not np.array_equal((delays & layout.LAST) > 0, last):
            raise FormatError(f"array {key + 'delays'!r} does not fit the others")
        if size and int(found["targets"].max()) >= int(self._blocks.sizes[b]):
            raise FormatError(f"array {key + 'targets'!r} has targets that do not exist")
        made = Rows(found["targets"], None, ends, found["delays"], rows)
        if bundle.ruled:
            made.sources = segment_sources(made)
        if bundle.kind == layout.PLASTIC:
            p = bundle.projections[0]
            assert p.plasticity is not None
            real = p.target.population.neurons.precision.real
            made.weights = np.zeros(size, real)
            made.variables = {name: np.zeros(size, real) for name in p.plasticity.variables}
        elif bundle.width:
            kept = self._saved.take(f"{key}weights", f"i{bundle.width}", 1, size)
            made.weights = np.array(kept)
        return made

"""The rows of synapses as they are stored, in a file beside what they are drawn from.

They are for neurons that are split into the same blocks as those that were saved: then nothing is
drawn.  For another split they are left aside, and the rows are drawn from their rule and seed.
"""

from typing import Any

import numpy as np

from spikecuda.common.npz import FormatError
from spikecuda.kernels.network import layout
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.learned import segment_sources
from spikecuda.network.synapses.store import Bundle, Rows, Wiring
from spikecuda.saving.save_file import Saved

PARTS = (("targets", "u2"), ("starts", "u4"), ("delays", "u2"), ("rows", "u4"))


def rows_tree(wiring: Wiring, state: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the rows of all synapses as a tree; their arrays go to ``state``.

    Weights that learn are left out, which are as of now elsewhere.
    """
    state["rows/blocks"] = wiring.blocks.starts
    trees = []
    for number, bundle in enumerate(wiring.bundles):
        for b, rows in enumerate(bundle.blocks):
            for name, _ in PARTS:
                state[f"rows/{number}/{b}/{name}"] = getattr(rows, name)
            if rows.weights is not None and bundle.kind != layout.PLASTIC:
                state[f"rows/{number}/{b}/weights"] = rows.weights
        trees.append([bundle.kind, int(bundle.weight), bundle.least, bundle.most])
    return {
        "bundles": trees, "shortest": wiring.shortest, "longest": wiring.longest,
        "synapses": wiring.synapses, "horizon": wiring.horizon,
    }  # fmt: skip


class SavedRows:
    """Rows of a file, as a builder takes them.

    Args:
        tree: of ``rows_tree``.
        saved: the file.
        blocks: the split of the neurons.

    Attributes:
        shortest, longest, synapses, horizon: of the wiring that they were of.
    """

    def __init__(self, tree: dict[str, Any], saved: Saved, blocks: Blocks) -> None:
        self._bundles, self._saved, self._blocks = tree["bundles"], saved, blocks
        self.shortest, self.longest = int(tree["shortest"]), int(tree["longest"])
        self.synapses, self.horizon = int(tree["synapses"]), int(tree["horizon"])

    @property
    def fit(self) -> bool:
        """Whether the neurons are split as they were."""
        return np.array_equal(self._saved.take("rows/blocks", "i4", 2), self._blocks.starts)

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
        key = f"rows/{number}/{b}/"
        found = {name: self._saved.take(key + name, kind, 1) for name, kind in PARTS}
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
            made.weights = self._saved.take(f"{key}weights", f"i{bundle.width}", 1, size)
        return made

"""Some of a projection's synapses that learn: where they are stored, and what they have now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.access import bundle_of
from spikecuda.network.synapses.store import Bundle, Rows, Wiring

# Returns what rows have as of now, by block: see ``Engine.learned``.
LearnedRows = Callable[[Bundle, tuple[int, int]], Sequence[dict[str, np.ndarray]]]
# Rows that are read one by one rather than all from the first to the last.
SINGLE_ROWS = 4096


@dataclass(frozen=True, eq=False)
class _Run:
    """Rows that are read together.

    Attributes:
        rows: the first source, and the end.
        columns: by block: which of the chosen synapses are in them.
        places: by block: where those are in what is read.
    """

    rows: tuple[int, int]
    columns: list[np.ndarray]
    places: list[np.ndarray]


class ChosenSynapses:
    """Synapses of a projection that learns, in the order of ``Projection.connections``.

    Args:
        projection: whose.
        wiring: that holds it.
        which: a slice, ascending numbers, or None for all, within that order.

    Attributes:
        source, target: int32 (synapses,), numbers within the populations.
    """

    def __init__(
        self, projection: Projection, wiring: Wiring, which: slice | np.ndarray | None
    ) -> None:
        self._bundle = bundle = bundle_of(projection, wiring)
        self.projection = projection
        sizes = sum(np.diff(rows.starts[rows.rows].astype(np.int64)) for rows in bundle.blocks)
        ends = np.append(0, np.cumsum(sizes))
        numbers = chosen_numbers(which, int(ends[-1]))
        row = np.searchsorted(ends, numbers, side="right") - 1
        block, place, target = (np.empty(numbers.size, np.int64) for _ in range(3))
        needed, first = np.unique(row, return_index=True)
        last = np.searchsorted(row, needed, side="right")
        number = projection.target.population.number
        shift = wiring.blocks.starts[number, :-1] - wiring.blocks.offsets[number]
        for r, a, z in zip(needed.tolist(), first.tolist(), last.tolist(), strict=True):
            listed = _row(bundle.blocks, r, shift)
            mine = numbers[a:z] - ends[r]
            block[a:z], place[a:z], target[a:z] = (values[mine] for values in listed)
        self.source, self.target = row.astype(np.int32), target.astype(np.int32)
        self._runs = [
            self._run(rows, row, block, place) for rows in _together(needed)
        ]  # fmt: skip

    @property
    def real(self) -> np.dtype[Any]:
        """The type of weights and variables."""
        return np.dtype(self.projection.target.population.neurons.precision.real)

    def read(self, learned: LearnedRows, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Return weights ("weight", with their sign) and variables as of now, in new arrays."""
        rule = self.projection.plasticity
        assert rule is not None
        keys = {name: "w" if name == "weight" else name for name in names}
        result = {name: np.empty(self.source.size, self.real) for name in names}
        for run in self._runs:
            now = learned(self._bundle, run.rows)
            for values, columns, places in zip(now, run.columns, run.places, strict=True):
                for name, key in keys.items():
                    result[name][columns] = values[key][places]
        if "weight" in result and rule.sign < 0:
            result["weight"] = -result["weight"]
        return result

    def _run(self, rows: tuple[int, int], row: Any, block: Any, place: Any) -> _Run:
        """Return what is read together of some rows."""
        a, z = np.searchsorted(row, rows)
        columns, places = [], []
        for b, stored in enumerate(self._bundle.blocks):
            mine = a + np.flatnonzero(block[a:z] == b)
            columns.append(mine)
            places.append(place[mine] - stored.synapses(*rows)[0])
        return _Run(rows, columns, places)


def chosen_numbers(which: slice | np.ndarray | None, count: int) -> np.ndarray:
    """Return the numbers of some of so many synapses, int64, ascending."""
    if which is None or isinstance(which, slice):
        return np.arange(*(which or slice(None)).indices(count))
    return np.asarray(which)


def _row(blocks: Sequence[Rows], row: int, shift: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return block, place and target of a source's synapses, sorted by delay, then target."""
    found = []
    for b, rows in enumerate(blocks):
        first, last = int(rows.rows[row]), int(rows.rows[row + 1])
        starts = rows.starts[first : last + 1].astype(np.int64)
        place = np.arange(starts[0], starts[-1])
        delay = np.repeat(rows.delays[first:last] & layout.DELAY, np.diff(starts))
        found.append((np.full(place.size, b), place, rows.targets[place] + shift[b], delay))
    block, place, target, delay = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.lexsort((target, delay))
    return block[order], place[order], target[order]


def _together(rows: np.ndarray) -> list[tuple[int, int]]:
    """Return ranges of ascending rows that are read together, first and end."""
    if rows.size > SINGLE_ROWS:
        return [(int(rows[0]), int(rows[-1]) + 1)]
    edges = np.flatnonzero(np.diff(rows) > 1) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(rows, edges) if part.size]

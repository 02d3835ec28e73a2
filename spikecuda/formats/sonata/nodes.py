"""Populations of nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from spikecuda.common.hdf5 import reading_hdf5
from spikecuda.errors import SpikecudaValueError
from spikecuda.formats.sonata.elements import Elements, read_elements
from spikecuda.formats.sonata.type_table import read_types

EXTRA = "sonata"


@dataclass(eq=False)
class Nodes:
    """A population of nodes.

    Attributes:
        elements: their types and properties; a row for each.
        ids: of each row, int64 (rows,).
    """

    elements: Elements
    ids: np.ndarray

    @property
    def name(self) -> str:
        """Name of the population."""
        return self.elements.name

    @property
    def size(self) -> int:
        """Number of nodes."""
        return self.elements.size

    @cached_property
    def virtual(self) -> np.ndarray:
        """Whether each node only sends given spikes, a mask (rows,)."""
        return np.equal(self.elements.texts("model_type"), "virtual")

    @cached_property
    def positions(self) -> np.ndarray | None:
        """Coordinates of the nodes, float64 (rows, axes), if all have them; usually in µm."""
        for names in (("x", "y", "z"), ("positions_0", "positions_1", "positions_2")):
            known = [name for name in names if self.elements.has(name)]
            columns = [self.elements.numbers(name) for name in known]
            if columns and known == list(names[: len(known)]) and np.isfinite(columns).all():
                return np.stack(columns, axis=1)
        return None

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self.ids, kind="stable")

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """Return the row of each of some ids, int64; -1: there is none."""
        if not self.size:
            return np.full(ids.shape, -1)
        ordered = self.ids[self._order]
        at = np.minimum(np.searchsorted(ordered, ids), self.size - 1)
        return np.where(ordered[at] == ids, self._order[at], -1)


def read_nodes(files: Sequence[tuple[Path, Path | None]]) -> dict[str, Nodes]:
    """Read the populations of all files of nodes, by name.

    Raises:
        SpikecudaValueError: what is wrong, with the file and the row.
    """
    result: dict[str, Nodes] = {}
    for path, types_path in files:
        with reading_hdf5(path, "SONATA nodes", EXTRA) as file:
            for name in file.names("/nodes"):
                if name in result:
                    raise SpikecudaValueError(
                        f"{path}: each population must come once (got {name!r} again, first in "
                        f"{result[name].elements.path})"
                    )
                elements = read_elements(file, "node", name, read_types(types_path, "node", name))
                ids = np.arange(elements.size)
                if f"/nodes/{name}/node_id" in file:
                    ids = file.array(f"/nodes/{name}/node_id", "iu", 1, elements.size)
                    ids = ids.astype(np.int64)
                _require_distinct(elements, ids)
                result[name] = Nodes(elements, ids)
    return result


def _require_distinct(elements: Elements, ids: np.ndarray) -> None:
    """Raise unless all ids are >= 0 and different."""
    if not ids.size:
        return
    order = np.argsort(ids, kind="stable")
    again = np.flatnonzero(np.diff(ids[order]) == 0)
    if again.size:
        row = int(order[again[0] + 1])
        raise SpikecudaValueError(
            f"{elements.where(row)}: each node_id must come once (got {ids[row]} again)"
        )
    if ids[order[0]] < 0:
        row = int(order[0])
        raise SpikecudaValueError(f"{elements.where(row)}: node_id must be >= 0 (got {ids[row]})")

"""Which neurons can be near each other: positions of two views, and cells that bound the search."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.network.model.population import View
from spikecuda.space.masks import EVERYWHERE_MASK, Mask
from spikecuda.space.profiles import Level, Profile
from spikecuda.space.vectors import norm, three

# Cells across a window, and choices in a cell, that a search is quickest with, about.
ACROSS, FULL = 16, 2
# Pairs that a mean is estimated from: so many rows, and of each so many choices.
ROWS, CHOICES = 256, 1024
# Cells of a table of rows: at most two to this.
TABLE = 22


@dataclass(frozen=True, eq=False)
class Near:
    """The geometry of a projection.

    A row is a source and its choices are targets; where rows are columns, it is the other way.

    Attributes:
        rows, choices: float64 (neurons, 3), coordinates; axes that there are not are 0.
        period: (3,), the length of each periodic axis, 0 of others.
        sign: 1.0 where rows are sources, -1.0 where they are targets.
        mask: of displacements from source to target.
        middle: (3,), of the mask, seen from the source; on periodic axes within half a period.
        around: (3,), the period of axes along which the mask goes over an edge, 0 of others.
        chance: profile of the probability, or of the rates of choices.
        low, high: (3,), bounds of the displacement from a row's neuron to a choice, on a periodic
            axis of one of its images.
        origin, per: (3,), of the cells: the first corner, and cells in a unit of length.
        cells: cells along each axis.
        order: int32, the choices in the order of their cells.
        first: int32, the first of each cell, and the end.
        axes: of the space.
        kept: what is made of it once.
    """

    rows: np.ndarray
    choices: np.ndarray
    period: np.ndarray
    sign: float
    mask: Mask
    middle: np.ndarray
    around: np.ndarray
    chance: Profile
    low: np.ndarray
    high: np.ndarray
    origin: np.ndarray
    per: np.ndarray
    cells: tuple[int, int, int]
    order: np.ndarray
    first: np.ndarray
    axes: int
    kept: dict[Any, Any] = field(default_factory=dict, compare=False)

    @property
    def nbytes(self) -> int:
        """Bytes of the positions, those of choices twice, and of the cells."""
        return self.choices.nbytes + self.sent_bytes

    @property
    def sent_bytes(self) -> int:
        """Bytes of what a device needs to draw rows, whatever part of the targets it has."""
        arrays = (self.rows, self.choices, self.order, self.first)
        return sum(a.nbytes for a in arrays)

    def farthest(self) -> float:
        """Return a distance that no pair exceeds."""
        both = np.stack([self.rows.min(0), self.choices.min(0), self.rows.max(0),
                         self.choices.max(0)])  # fmt: skip
        span = np.where(self.period > 0, 0.5 * self.period, np.ptp(both, axis=0))
        window = np.maximum(np.abs(self.low), np.abs(self.high))
        return norm(np.minimum(span, window)) * (1.0 + 1e-9)

    def most(self) -> int:
        """Return the most choices that a row's window can meet, a multiple of four."""
        if "most" not in self.kept:
            counts = np.diff(self.first).reshape(self.cells[::-1])
            found = _most_together(counts, self._spans(), self.period[::-1] > 0)
            self.kept["most"] = -(-found // 4) * 4
        return int(self.kept["most"])

    def most_rows(self) -> int:
        """Return the most rows of whose windows one choice can be a part."""
        if "most_rows" not in self.kept:
            low, high = self.rows.min(0), self.rows.max(0)
            origin = np.where(self.period > 0, self.origin, low)
            size = np.where(self.period > 0, self.period, (high - low) * (1.0 + 1e-9) + 1e-300)
            # Cells as large as those of the choices, or larger ones where rows go further.
            most = int(2.0 ** (TABLE / self.axes))
            cells = np.clip(np.ceil(size * self.per), 1, most).astype(np.int64)
            per, (nx, ny, nz) = cells / size, cells.tolist()
            keys = _keys(self.rows, origin, per, (nx, ny, nz), self.period)
            counts = np.bincount(keys, minlength=nx * ny * nz).reshape(nz, ny, nx)
            width = ((self.high - self.low) * per).tolist()
            spans = tuple(_span(x, n) for x, n in zip(width, (nx, ny, nz), strict=True))[::-1]
            self.kept["most_rows"] = _most_together(counts, spans, self.period[::-1] > 0)
        return int(self.kept["most_rows"])

    def row_order(self) -> np.ndarray:
        """Return the rows in the order of their cells, int32."""
        keys = _keys(self.rows, self.origin, self.per, self.cells, self.period)
        return np.argsort(keys, kind="stable").astype(np.int32)

    def mean(self) -> float:
        """Return the mean number of choices of a row that are connected by their chances, about.

        From evenly chosen rows, and where these have many choices evenly chosen ones.
        """
        if "mean" not in self.kept:
            found = []
            for row, some, near in self.samples(ROWS, CHOICES):
                chances = np.clip(self.values(self.chance, row, some), 0.0, 1.0)
                found.append(float(np.nan_to_num(chances).sum()) * near / max(some.size, 1))
            self.kept["mean"] = sum(found) / len(found)
        return float(self.kept["mean"])

    def least_sum(self) -> float:
        """Return the smallest sum of a row's chances, about; see ``mean``."""
        if "least_sum" not in self.kept:
            found = []
            for row, some, near in self.samples(ROWS, CHOICES):
                chances = np.maximum(np.nan_to_num(self.values(self.chance, row, some)), 0.0)
                found.append(float(chances.sum()) * near / max(some.size, 1))
            self.kept["least_sum"] = min(found)
        return float(self.kept["least_sum"])

    def samples(self, rows: int, choices: int) -> Iterator[tuple[int, np.ndarray, int]]:
        """Yield evenly chosen rows, of each evenly chosen choices, and how many it has in all.

        Args:
            rows: the most rows; ``choices``: of each, about the most choices.
        """
        chosen = np.unique(np.linspace(0, len(self.rows) - 1, rows).astype(np.int64))
        for row in chosen.tolist():
            near = self.covered(row)
            yield row, near[:: max(1, near.size // choices)], near.size

    def displacements(self, row: int, choices: np.ndarray) -> np.ndarray:
        """Return the displacements from source to target of a row's pairs: (choices, 3)."""
        return self.sign * _shortest(self.choices[choices] - self.rows[row], self.period)

    def values(self, profile: Profile, row: int, choices: np.ndarray) -> np.ndarray:
        """Return a profile's values for a row's pairs."""
        d = self.displacements(row, choices)
        return np.asarray(profile.values(np.sqrt((d * d).sum(1)), *d.T))

    def covered(self, row: int) -> np.ndarray:
        """Return the choices of a row that the mask covers and that are not too far away."""
        runs = [self.order[a:z] for a, z in self._runs(self.rows[row])]
        found = np.concatenate([*runs, np.empty(0, np.int32)])
        d = self.displacements(row, found)
        # Of the images along a periodic axis the one that is nearest to the middle of the window.
        ring = self.period > 0
        middle = 0.5 * (np.where(ring, self.low, 0.0) + np.where(ring, self.high, 0.0))
        away = _shortest(self.sign * d - middle, self.period)
        inside = ((away >= self.low - middle) & (away <= self.high - middle)).all(axis=1)
        return found[inside & self.mask.covers(_shortest(d - self.middle, self.around))]

    def _spans(self) -> tuple[int, ...]:
        """Return how many cells along each axis a window can meet, the last axis first."""
        width = (self.high - self.low) * self.per
        return tuple(_span(x, n) for x, n in zip(width, self.cells, strict=True))[::-1]

    def _runs(self, at: np.ndarray) -> Iterator[tuple[int, int]]:
        """Yield ranges of the sorted choices that are in cells of the window around a point."""
        axes = []
        for i, n in enumerate(self.cells):
            first = (at[i] - self.origin[i] + self.low[i]) * self.per[i] - 1e-6
            last = (at[i] - self.origin[i] + self.high[i]) * self.per[i] + 1e-6
            if self.period[i] > 0:
                whole = last - first >= n - 1
                found = range(n) if whole else range(math.floor(first), math.floor(last) + 1)
                axes.append([c % n for c in found])
            else:
                begin, end = (min(max(x, 0.0), n - 1.0) for x in (first, last))
                axes.append(list(range(math.floor(begin), math.floor(end) + 1)))
        for z in axes[2]:
            for y in axes[1]:
                line = (z * self.cells[1] + y) * self.cells[0]
                for x in axes[0]:
                    yield int(self.first[line + x]), int(self.first[line + x + 1])


def _shortest(delta: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Return displacements, (pairs, 3), along periodic axes the shortest ones."""
    half = 0.5 * period
    wrapped = np.where(delta > half, delta - period, delta)
    wrapped = np.where(wrapped < -half, wrapped + period, wrapped)
    return np.asarray(np.where(period > 0, wrapped, delta))


def _span(width: float, cells: int) -> int:
    """Return how many cells a window of so many cells' width can meet."""
    return int(min(math.ceil(min(float(width), 2.0**40) + 1e-5) + 1, cells))


def _most_together(counts: np.ndarray, spans: tuple[int, ...], wraps: np.ndarray) -> int:
    """Return the largest sum of a window of so many cells along each axis."""
    sums = counts.astype(np.int64)
    for axis, (span, wrap) in enumerate(zip(spans, wraps, strict=True)):
        n = sums.shape[axis]
        if span >= n:
            sums = sums.sum(axis=axis, keepdims=True)
            continue
        if wrap:
            sums = np.concatenate([sums, sums.take(range(span - 1), axis=axis)], axis=axis)
        total = np.cumsum(sums, axis=axis)
        zero = np.zeros_like(total.take([0], axis=axis))
        total = np.concatenate([zero, total], axis=axis)
        ends = range(span, total.shape[axis])
        sums = total.take(ends, axis=axis) - total.take(range(len(ends)), axis=axis)
    return int(sums.max(initial=0))


def make_near(
    source: View,
    target: View,
    mask: Mask | None = None,
    chance: Profile | None = None,
    *,
    columns: bool = False,
    least: float = 0.0,
) -> Near:
    """Return the geometry of a projection.

    Args:
        source, target: the views; their populations have positions in the same space.
        mask: of displacements from source to target; None: all.
        chance: profile; None: 1.
        columns: whether rows are targets.
        least: chances up to this one are as good as none.

    Raises:
        SpikecudaValueError: a population has no positions, or they are in different spaces.
    """
    near, far = (view.population.placed for view in (source, target))
    if near.axes != far.axes or near.period != far.period:
        raise SpikecudaValueError(
            f"positions of {source.population.name} and {target.population.name} must have the "
            f"same axes and periods (got {near.axes} and {far.axes} axes, periods {near.period} "
            f"and {far.period}, where 0 is not periodic); give both the same extent and periodic"
        )
    mask, chance = mask or EVERYWHERE_MASK, chance or Level(1.0)
    mask.check(near.axes)
    points = [_points(view) for view in (source, target)]
    period = three(near.period)
    middle = _within(mask.middle, period)
    points[1] = points[1] + _apart(source, target, period)
    around = _around(mask, middle, period)
    low, high = _window(mask, middle, around, chance.vanishes(least) * (1.0 + 1e-6), period)
    low[near.axes :] = high[near.axes :] = 0.0
    if columns:
        points, low, high = points[::-1], -high, -low
    rows, choices = points
    origin, per, cells = _cells(choices, period, low, high, near.axes)
    key = _keys(choices, origin, per, cells, period)
    order = np.argsort(key, kind="stable").astype(np.int32)
    first = np.zeros(int(np.prod(cells)) + 1, np.int32)
    np.cumsum(np.bincount(key, minlength=first.size - 1), out=first[1:])
    return Near(
        rows, choices, period, -1.0 if columns else 1.0, mask, middle, around, chance, low, high,
        origin, per, cells, order, first, near.axes,
    )  # fmt: skip


def _within(vector: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Return a displacement, along periodic axes its image within half a period."""
    length = np.where(period > 0, period, 1.0)
    return np.where(period > 0, vector - length * np.rint(vector / length), vector)


def _apart(source: View, target: View, period: np.ndarray) -> np.ndarray:
    """Return whole periods, (3,), that bring the middles of two extents as near as can be."""
    centers = [three(getattr(v.population.placed.arrangement, "center", None) or ())
               for v in (source, target)]  # fmt: skip
    away = centers[0] - centers[1]
    return np.where(period > 0, away - _within(away, period), 0.0)


def _around(mask: Mask, middle: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Return the periods of axes along which a mask goes over an edge, 0 of others: (3,).

    One around the source reaches as far on both sides, and asks about the nearest image anyway.
    """
    low, high = (bound + middle for bound in mask.reach())
    beyond = np.maximum(-low, high) >= 0.5 * period * (1.0 - 1e-9)
    return np.where((middle != 0.0) & beyond, period, 0.0)


def _window(
    mask: Mask, middle: np.ndarray, around: np.ndarray, reach: float, period: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return bounds, (3,) each, of the displacements that a mask covers and are not too far.

    Where a mask goes over the edge of a periodic axis, they are those of the mask.

    Args:
        mask, middle, around: see ``Near``.
        reach: a distance beyond which no chance is left.
        period: (3,), of each periodic axis; 0 for others.
    """
    low, high = (bound + middle for bound in mask.reach())
    half = np.where(period > 0, 0.5 * period * (1.0 + 1e-9), np.inf)
    over = (around > 0) & (high - low < period)
    near, far = np.maximum(low, -reach), np.minimum(high, reach)
    near, far = np.clip(near, -half, half), np.clip(np.maximum(near, far), -half, half)
    # Around an edge, nothing but the mask bounds the search.
    whole = (around > 0) & ~over
    near, far = np.where(whole, -half, near), np.where(whole, half, far)
    return np.where(over, low, near), np.where(over, high, far)


def _points(view: View) -> np.ndarray:
    """Return the coordinates of a view, float64 (neurons, 3)."""
    found = view.population.placed.coordinates[view.ids]
    return np.pad(found, [(0, 0), (0, 3 - found.shape[1])])


def _cells(
    points: np.ndarray, period: np.ndarray, low: np.ndarray, high: np.ndarray, axes: int
) -> tuple[np.ndarray, np.ndarray, tuple[int, int, int]]:
    """Return origin, cells in a unit of length, and cells along each axis."""
    begin, end = points.min(0), points.max(0)
    # A periodic axis begins anywhere; its points are within one period of the first of them.
    size = np.where(period > 0, period, (end - begin) * (1.0 + 1e-9))
    size = np.where(size > 0, size, 1.0)
    most = max(1.0, len(points) / FULL) ** (1.0 / axes)
    cells = []
    for i in range(3):
        wanted = ACROSS * size[i] / max(high[i] - low[i], size[i] / 2**20) if i < axes else 1.0
        cells.append(int(min(max(wanted, 1.0), max(most, 1.0), 2**20)))
    return begin, np.array(cells) / size, (cells[0], cells[1], cells[2])


def _keys(
    points: np.ndarray,
    origin: np.ndarray,
    per: np.ndarray,
    cells: tuple[int, int, int],
    period: np.ndarray,
) -> np.ndarray:
    """Return the number of each point's cell; of points beyond all cells one at their edge."""
    # Downwards: points of a periodic axis can be before its origin.
    at = np.floor(np.clip((points - origin) * per, -(2.0**30), 2.0**30)).astype(np.int64)
    at = np.where(period > 0, at % cells, np.clip(at, 0, np.array(cells) - 1))
    return np.asarray((at[:, 2] * cells[1] + at[:, 1]) * cells[0] + at[:, 0])

"""Where the neurons of a population are."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.common.arrays import take_reals
from spikecuda.common.seed import as_seed
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.space.vectors import AXES, FARTHEST, as_center, as_extent, as_periodic

# Tells the random numbers of positions from others of the same seed.
STREAM = 0x706F736974696F6E
# Extents that a center may be away: 2^-22 of an extent is left of float64.
FURTHEST = 1e9


@dataclass(frozen=True, eq=False)
class Placed:
    """The neurons of a population in space.

    Attributes:
        coordinates: float64 (neurons, axes), read-only.
        period: the length of each periodic axis, 0 for others.
        arrangement: what it came from.
    """

    coordinates: np.ndarray
    period: tuple[float, ...]
    arrangement: "Arrangement"

    @property
    def axes(self) -> int:
        """Number of axes."""
        return int(self.coordinates.shape[1])


class Arrangement(ABC):
    """Base class: how the neurons of a population are arranged."""

    @abstractmethod
    def place(self, count: int, identity: int) -> Placed:
        """Return where ``count`` neurons are.

        Args:
            count: of neurons.
            identity: tells a population from others of the network.
        """


@dataclass(frozen=True, eq=False)
class Grid(Arrangement):
    """A regular grid; neurons are in the middles of its cells.

    The last axis is counted first: in two dimensions neuron ``i * shape[1] + j`` is in cell
    ``(i, j)``, and coordinates ascend, as those of PyNN's Grid2D do.  (NEST counts the same way,
    but its second coordinate descends.)

    Args:
        shape: cells along each of 1 to 3 axes; their product is the number of neurons.
        extent: lengths of the axes; None: 1 each.
        center: middle of the grid; None: the origin.
        periodic: whether opposite edges adjoin, for all axes or for each.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """

    shape: tuple[int, ...]
    extent: tuple[float, ...] | None = None
    center: tuple[float, ...] | None = None
    periodic: bool | tuple[bool, ...] = False

    def __post_init__(self) -> None:
        if isinstance(self.shape, str) or not isinstance(self.shape, Sequence | np.ndarray):
            raise SpikecudaTypeError(
                f"shape must be the cells along 1 to 3 axes, such as (100, 100) (got "
                f"{shown(self.shape)})"
            )
        shape = tuple(as_count(f"shape[{i}]", n, 1, 2**31) for i, n in enumerate(self.shape))
        if not 1 <= len(shape) <= AXES:
            raise SpikecudaValueError(f"shape must have 1 to {AXES} axes (got {len(shape)})")
        object.__setattr__(self, "shape", shape)
        extent = (1.0,) * len(shape) if self.extent is None else self.extent
        _take_space(self, extent, len(shape))

    def place(self, count: int, identity: int) -> Placed:
        """Return where the neurons are."""
        if count != int(np.prod(self.shape, dtype=object)):
            raise SpikecudaValueError(
                f"the grid must have a cell for each of the {count:,} neurons (got shape "
                f"{self.shape}); change n or shape"
            )
        assert self.extent is not None and self.center is not None
        lines = [
            center + length * ((np.arange(n) + 0.5) / n - 0.5)
            for n, length, center in zip(self.shape, self.extent, self.center, strict=True)
        ]
        points = np.stack([x.ravel() for x in np.meshgrid(*lines, indexing="ij")], axis=1)
        return _placed(self, points)


@dataclass(frozen=True, eq=False)
class Scattered(Arrangement):
    """Points drawn uniformly from a line, rectangle or box.

    They are the same whatever the seed of the network is; populations have different ones.

    Args:
        extent: lengths of the 1 to 3 axes.
        center: middle; None: the origin.
        periodic: whether opposite edges adjoin, for all axes or for each.
        seed: integer in [0, 2^64); another one draws other points.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """

    extent: tuple[float, ...]
    center: tuple[float, ...] | None = None
    periodic: bool | tuple[bool, ...] = False
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", as_seed(self.seed))
        _take_space(self, self.extent)

    def place(self, count: int, identity: int) -> Placed:
        """Return where the neurons are."""
        assert self.center is not None
        random = _uniform(count, len(self.extent), self.seed, identity)
        return _placed(self, np.array(self.center) + np.array(self.extent) * (random - 0.5))


@dataclass(frozen=True, eq=False)
class Layered(Arrangement):
    """Layers above each other: points drawn uniformly from each, neurons in the layers' order.

    The last axis is the depth, which is not periodic; 1 or 2 axes before it span the layers.

    Args:
        depths: the layers' bounds along the last axis, one more than layers, ascending.
        counts: neurons of each layer; their sum is the number of neurons.
        extent: lengths of the axes that span a layer, 1 or 2.
        center: middle of a layer; None: the origin.
        periodic: whether opposite edges adjoin, for both axes or for each.
        seed: as for ``Scattered``.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """

    depths: tuple[float, ...]
    counts: tuple[int, ...]
    extent: tuple[float, ...]
    center: tuple[float, ...] | None = None
    periodic: bool | tuple[bool, ...] = False
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", as_seed(self.seed))
        depths = take_reals("depths", self.depths, "the layers' bounds")
        if isinstance(self.counts, str) or not isinstance(self.counts, Sequence | np.ndarray):
            raise SpikecudaTypeError(
                f"counts must be the neurons of each layer (got {shown(self.counts)})"
            )
        counts = tuple(
            as_count(f"counts[{i}]", n, 0, 2**31) for i, n in enumerate(self.counts)
        )  # fmt: skip
        if depths.shape != (len(counts) + 1,) or not counts or not (np.diff(depths) > 0).all():
            raise SpikecudaValueError(
                f"depths must ascend, and be one more than the {len(counts)} counts (got "
                f"{shown(self.depths)})"
            )
        if not (np.abs(depths) < FARTHEST).all():
            raise SpikecudaValueError(f"depths must be below {FARTHEST:g} (got {depths})")
        object.__setattr__(self, "depths", tuple(depths.tolist()))
        object.__setattr__(self, "counts", counts)
        _take_space(self, self.extent)
        if len(self.extent) == AXES:
            raise SpikecudaValueError(
                f"extent must have 1 or 2 lengths, for depths is the last axis (got {self.extent})"
            )

    def place(self, count: int, identity: int) -> Placed:
        """Return where the neurons are."""
        if count != sum(self.counts):
            raise SpikecudaValueError(
                f"counts must add up to the {count:,} neurons (got {self.counts}, which are "
                f"{sum(self.counts):,}); change n or counts"
            )
        assert self.center is not None
        random = _uniform(count, len(self.extent) + 1, self.seed, identity)
        flat = np.array(self.center) + np.array(self.extent) * (random[:, :-1] - 0.5)
        bounds = np.array(self.depths)
        layer = np.repeat(np.arange(len(self.counts)), self.counts)
        depth = bounds[layer] + np.diff(bounds)[layer] * random[:, -1]
        return _placed(self, np.column_stack([flat, depth]))


@dataclass(frozen=True, eq=False)
class At(Arrangement):
    """Points that are given.

    Args:
        coordinates: numbers (neurons, axes), 1 to 3 axes.
        extent: lengths of the axes, needed where one is periodic; None: as far as the points go.
        center: middle of the extent; None: the origin.
        periodic: whether opposite edges adjoin, for all axes or for each.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used, or a point is outside
            of a periodic axis.
    """

    coordinates: Any
    extent: tuple[float, ...] | None = None
    center: tuple[float, ...] | None = None
    periodic: bool | tuple[bool, ...] = False

    def __post_init__(self) -> None:
        points = take_reals("coordinates", self.coordinates, "numbers (neurons, axes)")
        if points.ndim != 2 or not 1 <= points.shape[1] <= AXES:
            raise SpikecudaValueError(
                f"coordinates must have the shape (neurons, axes), with 1 to {AXES} axes (got "
                f"{points.shape})"
            )
        if not (np.abs(points) < FARTHEST).all():  # false for NaN, too
            bad = int(np.argmin((np.abs(points) < FARTHEST).all(axis=1)))
            raise SpikecudaValueError(
                f"coordinates must be numbers below {FARTHEST:g} (got {points[bad]} of neuron "
                f"{bad:,})"
            )
        object.__setattr__(self, "coordinates", points)
        axes = points.shape[1]
        flags = as_periodic(self.periodic, axes)
        if self.extent is None:
            if any(flags) or self.center is not None:
                raise SpikecudaValueError(
                    "extent must be given where an axis is periodic, or with a center (got None)"
                )
            object.__setattr__(self, "periodic", flags)
            return
        _take_space(self, self.extent, axes)
        assert self.center is not None
        # Points at an edge are rounded, and so are those that are far from the origin.
        room = 0.5e-9 * np.array(self.extent) + 1e-15 * np.abs(self.center)
        away = np.abs(points - np.array(self.center)) > 0.5 * np.array(self.extent) + room
        if away.any():
            bad = int(np.argmax(away.any(axis=1)))
            raise SpikecudaValueError(
                f"coordinates must be within extent {self.extent} around {self.center} (got "
                f"{points[bad]} of neuron {bad:,})"
            )

    def place(self, count: int, identity: int) -> Placed:
        """Return where the neurons are."""
        if count != len(self.coordinates):
            raise SpikecudaValueError(
                f"coordinates must have a row for each of the {count:,} neurons (got "
                f"{len(self.coordinates):,})"
            )
        return _placed(self, np.array(self.coordinates))


def as_arrangement(value: object) -> Arrangement:
    """Return an arrangement from itself, or from an array of coordinates."""
    if isinstance(value, Arrangement):
        return value
    if isinstance(value, type) or callable(value):
        raise SpikecudaTypeError(
            "positions must be a Grid, Scattered, Layered or At, or an array (neurons, axes) (got "
            f"{shown(value)})"
        )
    return At(value)


def _take_space(made: Any, extent: object, axes: int | None = None) -> None:
    """Settle extent, center and periodic of an arrangement."""
    lengths = as_extent("extent", extent, axes)
    object.__setattr__(made, "extent", lengths)
    object.__setattr__(made, "center", as_center(made.center, len(lengths)))
    object.__setattr__(made, "periodic", as_periodic(made.periodic, len(lengths)))
    for x, length in zip(made.center, lengths, strict=True):
        if abs(x) > FURTHEST * length:
            raise SpikecudaValueError(
                f"center must be within {FURTHEST:g} extents of the origin, where coordinates can "
                f"be told apart (got {made.center} and extent {lengths}); use a nearer one"
            )


def _placed(made: Any, points: np.ndarray) -> Placed:
    points = np.ascontiguousarray(points, np.float64)
    points.flags.writeable = False
    lengths = made.extent or (0.0,) * points.shape[1]
    period = [x if flag else 0.0 for x, flag in zip(lengths, made.periodic, strict=True)]
    return Placed(points, (*period, *[0.0] * (points.shape[1] - len(period))), made)


def _uniform(count: int, axes: int, seed: int, identity: int) -> np.ndarray:
    """Return uniform numbers in [0, 1) with 53 bits (count, axes)."""
    # Words, not numbers: NumPy promises that they stay the same.
    source = np.random.Philox(key=np.array([seed, STREAM ^ identity], np.uint64))
    words = source.random_raw(count * axes).reshape(count, axes)
    return (words >> np.uint64(11)) * 2.0**-53

"""Masks: which displacements from a source to a target can have a synapse.

A boundary belongs to the mask, within a part in 10^9 of its size: so that rounding does not decide
about the points of a grid.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spikecuda.common.arguments import as_positive, as_real
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.kernels.network.field import BLOCK, OVAL, RING
from spikecuda.space.vectors import as_vector, three

ROOM = 1e-9


class Mask(ABC):
    """Base class of masks.

    Attributes:
        kind: of ``kernels/network/field``.
        offset: where its middle is, seen from the source.
    """

    kind: ClassVar[int]
    offset: tuple[float, ...] | None

    @abstractmethod
    def numbers(self) -> tuple[float, ...]:
        """Return up to six numbers, as ``kernels/network/space`` takes them."""

    @abstractmethod
    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of the displacements from its middle that it covers: (3,) each."""

    @abstractmethod
    def _holds(self, d: np.ndarray) -> np.ndarray:
        """Tell of displacements from its middle, (pairs, 3), which it covers."""

    def covers(self, away: np.ndarray) -> np.ndarray:
        """Tell of displacements from its middle, (pairs, 3), which it covers."""
        return self._holds(away)

    def check(self, axes: int) -> None:
        """Raise unless it can be used in a space of so many axes."""
        if len(self.offset or ()) > axes:
            raise SpikecudaValueError(
                f"offset must have at most {axes} coordinates, as the positions have (got "
                f"{self.offset})"
            )

    @property
    def middle(self) -> np.ndarray:
        """Where its middle is, seen from the source: (3,)."""
        return three(self.offset or ())


def _square(radius: float) -> float:
    """Return the square of a radius and its room, infinite for a very large one."""
    most = radius * (1.0 + ROOM)
    return most * most


def _take_offset(mask: Mask) -> None:
    if mask.offset is not None:
        object.__setattr__(mask, "offset", as_vector("offset", mask.offset))


@dataclass(frozen=True, eq=False)
class Disc(Mask):
    """All within a distance: a disc; in three dimensions a ball, in one an interval.

    Args:
        radius: > 0.
        offset: its middle seen from the source; None: the source.
    """

    radius: float
    offset: tuple[float, ...] | None = None
    kind = RING

    def __post_init__(self) -> None:
        object.__setattr__(self, "radius", as_positive("radius", self.radius, ""))
        _take_offset(self)

    def numbers(self) -> tuple[float, ...]:
        """Return the square of the radius, and of none."""
        return _square(self.radius), -1.0

    def _holds(self, d: np.ndarray) -> np.ndarray:
        return np.asarray((d * d).sum(1) <= self.numbers()[0])

    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of the displacements."""
        far = np.full(3, self.radius * (1.0 + 2.0 * ROOM))
        return -far, far


@dataclass(frozen=True, eq=False)
class Annulus(Mask):
    """All beyond an inner distance and within an outer one, as NEST's doughnut.

    Args:
        inner: >= 0; who is so far away is not in the mask.
        outer: > inner; who is so far away is.
        offset: its middle seen from the source; None: the source.
    """

    inner: float
    outer: float
    offset: tuple[float, ...] | None = None
    kind = RING

    def __post_init__(self) -> None:
        for name in ("inner", "outer"):
            object.__setattr__(self, name, as_real(name, getattr(self, name)))
        if not 0.0 <= self.inner < self.outer < math.inf:
            raise SpikecudaValueError(
                f"inner must be >= 0 and outer larger (got {self.inner!r} and {self.outer!r})"
            )
        _take_offset(self)

    def numbers(self) -> tuple[float, ...]:
        """Return the squares of the radii."""
        return _square(self.outer), _square(self.inner)

    def _holds(self, d: np.ndarray) -> np.ndarray:
        outer, inner = self.numbers()
        square = (d * d).sum(1)
        return np.asarray((square > inner) & (square <= outer))

    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of the displacements."""
        far = np.full(3, self.outer * (1.0 + 2.0 * ROOM))
        return -far, far


@dataclass(frozen=True, eq=False)
class Box(Mask):
    """A rectangle, box or interval, its sides along the axes.

    Args:
        lower, upper: two opposite corners, seen from the source; lower < upper on each axis.
        offset: is added to both; None: nothing.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    offset: tuple[float, ...] | None = None
    kind = BLOCK

    def __post_init__(self) -> None:
        lower, upper = as_vector("lower", self.lower), as_vector("upper", self.upper)
        if len(lower) != len(upper) or not all(a < b for a, b in zip(lower, upper, strict=True)):
            raise SpikecudaValueError(
                f"lower must be below upper on each axis (got {lower} and {upper})"
            )
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)
        _take_offset(self)

    def check(self, axes: int) -> None:
        """Raise unless it has as many axes."""
        super().check(axes)
        if len(self.lower) != axes:
            raise SpikecudaValueError(
                f"lower and upper must have {axes} coordinates, as the positions have (got "
                f"{self.lower})"
            )

    def numbers(self) -> tuple[float, ...]:
        """Return the corners."""
        low, high = self.reach()
        return (*low.tolist(), *high.tolist())

    def _holds(self, d: np.ndarray) -> np.ndarray:
        low, high = self.reach()
        return np.asarray(((d >= low) & (d <= high)).all(axis=1))

    @property
    def middle(self) -> np.ndarray:
        """Where its middle is, seen from the source: (3,)."""
        return three(self.offset or ()) + 0.5 * (three(self.lower) + three(self.upper))

    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of the displacements."""
        far = (0.5 + ROOM) * (three(self.upper) - three(self.lower))
        far[len(self.lower) :] = ROOM
        return -far, far


@dataclass(frozen=True, eq=False)
class Ellipse(Mask):
    """An ellipse; in three dimensions an ellipsoid, in one an interval.

    Args:
        major, minor: lengths of its axes from end to end, > 0, as in NEST.
        angle: from the first coordinate to the major axis, in degrees, anticlockwise.
        polar: length of the third axis, needed in three dimensions.
        offset: its middle seen from the source; None: the source.
    """

    major: float
    minor: float
    angle: float = 0.0
    polar: float | None = None
    offset: tuple[float, ...] | None = None
    kind = OVAL

    def __post_init__(self) -> None:
        for name in ("major", "minor"):
            object.__setattr__(self, name, as_positive(name, getattr(self, name), ""))
        if self.polar is not None:
            object.__setattr__(self, "polar", as_positive("polar", self.polar, ""))
        object.__setattr__(self, "angle", as_real("angle", self.angle, "degrees"))
        if not math.isfinite(self.angle):
            raise SpikecudaValueError(f"angle must be finite degrees (got {self.angle!r})")
        _take_offset(self)

    def check(self, axes: int) -> None:
        """Raise unless it has a third axis where positions do."""
        super().check(axes)
        if (self.polar is None) == (axes == 3):
            raise SpikecudaValueError(
                f"polar must be given in three dimensions, and only there (got {self.polar!r} in "
                f"{axes})"
            )

    def numbers(self) -> tuple[float, ...]:
        """Return cosine and sine, inverses of the half axes, and the bound of the sum."""
        turn = math.radians(self.angle)
        third = 0.0 if self.polar is None else 2.0 / self.polar
        cosine, sine = math.cos(turn), math.sin(turn)
        return cosine, sine, 2.0 / self.major, 2.0 / self.minor, third, 1.0 + 2.0 * ROOM

    def _holds(self, d: np.ndarray) -> np.ndarray:
        cosine, sine, a, b, c, most = self.numbers()
        u, v = (d[:, 0] * cosine + d[:, 1] * sine) * a, (d[:, 1] * cosine - d[:, 0] * sine) * b
        return np.asarray(u * u + v * v + (d[:, 2] * c) ** 2 <= most)

    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of the displacements."""
        turn = math.radians(self.angle)
        cosine, sine = math.cos(turn), math.sin(turn)
        far = 0.5 * np.array([
            math.hypot(self.major * cosine, self.minor * sine),
            math.hypot(self.major * sine, self.minor * cosine), self.polar or 0.0,
        ]) * (1.0 + 4.0 * ROOM)  # fmt: skip
        return -far, far


@dataclass(frozen=True, eq=False)
class _Everywhere(Mask):
    """No mask."""

    offset: tuple[float, ...] | None = None
    kind = RING

    def numbers(self) -> tuple[float, ...]:
        """Return that it has no end."""
        return math.inf, -1.0

    def _holds(self, d: np.ndarray) -> np.ndarray:
        return np.ones(len(d), np.bool_)

    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Return no bounds."""
        return np.full(3, -math.inf), np.full(3, math.inf)


EVERYWHERE_MASK = _Everywhere()


def as_mask(value: object) -> Mask | None:
    """Return a mask from itself; None for none."""
    if value is None or isinstance(value, Mask):
        return value
    raise SpikecudaTypeError(
        f"mask must be a Disc, Annulus, Box or Ellipse, or None (got {shown(value)})"
    )

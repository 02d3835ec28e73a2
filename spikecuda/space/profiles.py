"""Profiles: a probability, weight or delay that follows from the distance between two neurons."""

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from spikecuda.common.arguments import as_positive, as_real
from spikecuda.errors import ModelError, SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.kernels.language.check import REAL, Checker, Source, read
from spikecuda.kernels.language.rewrite import rewrite
from spikecuda.kernels.network.field import CONSTANT, EXPONENTIAL, GAUSSIAN, LINEAR, OWN

# What a function of a profile may ask for.
TAKES = ("distance", "dx", "dy", "dz")


class Profile(ABC):
    """Base class of profiles; values beyond ``low`` and ``high`` are set to the bound.

    Attributes:
        kind: of ``kernels/network/field``.
        low, high: bounds of its values.
    """

    kind: ClassVar[int]
    low: float
    high: float

    @abstractmethod
    def numbers(self) -> tuple[float, float, float]:
        """Return the three numbers that ``kernels/network/space`` takes."""

    @abstractmethod
    def unbounded(self, distance: np.ndarray, dx: Any, dy: Any, dz: Any) -> np.ndarray:
        """Return values without the bounds."""

    def values(self, distance: np.ndarray, dx: Any = 0.0, dy: Any = 0.0, dz: Any = 0.0) -> Any:
        """Return its values, float64, one for each distance.

        Args:
            distance: between source and target.
            dx, dy, dz: displacement from source to target, for functions that take it.
        """
        with np.errstate(under="ignore"):
            found = self.unbounded(np.asarray(distance, np.float64), dx, dy, dz)
        return np.minimum(np.maximum(found, self.low), self.high)

    def extremes(self, far: float) -> list[float]:
        """Return distances up to ``far`` among which are those of its least and largest value."""
        return [0.0, far]

    def range(self, far: float) -> tuple[float, float]:
        """Return its least and largest value for distances up to ``far``."""
        found = self.values(np.array(self.extremes(far)))
        return float(found.min()), float(found.max())

    def vanishes(self, least: float) -> float:
        """Return the distance beyond which no value is above ``least``; infinite if none is."""
        return math.inf


def _take(profile: Any, *names: str) -> None:
    """Make fields finite numbers, and check the bounds."""
    for name in (*names, "low", "high"):
        object.__setattr__(profile, name, as_real(name, getattr(profile, name)))
    for name in names:
        if not math.isfinite(getattr(profile, name)):
            raise SpikecudaValueError(f"{name} must be finite (got {getattr(profile, name)!r})")
    if not profile.low <= profile.high:
        raise SpikecudaValueError(f"low must be <= high (got {profile.low!r} and {profile.high!r})")


def _require_size(name: str, value: float) -> None:
    """Raise for a length whose square, or the inverse of it, has no float64."""
    if not 1e-150 <= value <= 1e150:
        raise SpikecudaValueError(f"{name} must be from 1e-150 to 1e150 (got {value!r})")


@dataclass(frozen=True, eq=False)
class Level(Profile):
    """The same value at every distance; a plain number means this."""

    value: float
    low: float = -math.inf
    high: float = math.inf
    kind = CONSTANT

    def __post_init__(self) -> None:
        _take(self, "value")

    def numbers(self) -> tuple[float, float, float]:
        """Return the value."""
        return self.value, 0.0, 0.0

    def unbounded(self, distance: np.ndarray, dx: Any, dy: Any, dz: Any) -> np.ndarray:
        """Return the value for each."""
        return np.full(distance.shape, self.value)


@dataclass(frozen=True, eq=False)
class Gaussian(Profile):
    """``peak exp(-(distance - mean)^2 / (2 std^2))``, as ``gaussian`` in NEST.

    Args:
        std: standard deviation, > 0, in the unit of length.
        peak: value at the mean.
        mean: distance of the peak.
        low, high: bounds of the value.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """

    std: float
    peak: float = 1.0
    mean: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    kind = GAUSSIAN

    def __post_init__(self) -> None:
        object.__setattr__(self, "std", as_positive("std", self.std, ""))
        _take(self, "peak", "mean")
        _require_size("std", self.std)

    def numbers(self) -> tuple[float, float, float]:
        """Return peak, factor and mean."""
        return self.peak, -0.5 / self.std**2, self.mean

    def unbounded(self, distance: np.ndarray, dx: Any, dy: Any, dz: Any) -> np.ndarray:
        """Return the values."""
        return np.asarray(self.peak * np.exp(-0.5 / self.std**2 * (distance - self.mean) ** 2))

    def extremes(self, far: float) -> list[float]:
        """Return the ends and the peak."""
        return [0.0, far, min(max(self.mean, 0.0), far)]

    def vanishes(self, least: float) -> float:
        """Return the distance beyond which no value is above ``least``."""
        if max(self.peak, self.low) <= least or self.high <= least:
            return 0.0
        if least <= 0.0 or self.low > least:
            return math.inf
        return max(self.mean + self.std * math.sqrt(2.0 * math.log(self.peak / least)), 0.0)


@dataclass(frozen=True, eq=False)
class Exponential(Profile):
    """``peak exp(-distance / scale)``, as ``exponential`` in NEST.

    Args:
        scale: > 0, in the unit of length.
        peak: value at distance 0.
        low, high: bounds of the value.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """

    scale: float
    peak: float = 1.0
    low: float = -math.inf
    high: float = math.inf
    kind = EXPONENTIAL

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", as_positive("scale", self.scale, ""))
        _take(self, "peak")
        _require_size("scale", self.scale)

    def numbers(self) -> tuple[float, float, float]:
        """Return peak and factor."""
        return self.peak, -1.0 / self.scale, 0.0

    def unbounded(self, distance: np.ndarray, dx: Any, dy: Any, dz: Any) -> np.ndarray:
        """Return the values."""
        return np.asarray(self.peak * np.exp(-1.0 / self.scale * distance))

    def vanishes(self, least: float) -> float:
        """Return the distance beyond which no value is above ``least``."""
        if max(self.peak, self.low) <= least or self.high <= least:
            return 0.0
        if least <= 0.0 or self.low > least:
            return math.inf
        return self.scale * math.log(self.peak / least)


@dataclass(frozen=True, eq=False)
class Linear(Profile):
    """``intercept + slope distance``: a delay of conduction is ``Linear(0.5, 1.0 / velocity)``.

    Args:
        intercept: value at distance 0.
        slope: change over a unit of length.
        low, high: bounds of the value.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """

    intercept: float
    slope: float
    low: float = -math.inf
    high: float = math.inf
    kind = LINEAR

    def __post_init__(self) -> None:
        _take(self, "intercept", "slope")

    def numbers(self) -> tuple[float, float, float]:
        """Return intercept and slope."""
        return self.intercept, self.slope, 0.0

    def unbounded(self, distance: np.ndarray, dx: Any, dy: Any, dz: Any) -> np.ndarray:
        """Return the values."""
        return np.asarray(self.intercept + self.slope * distance)

    def vanishes(self, least: float) -> float:
        """Return the distance beyond which no value is above ``least``."""
        if self.low > least:
            return math.inf
        if self.high <= least:
            return 0.0
        if self.slope < 0.0:
            return max((self.intercept - least) / -self.slope, 0.0)
        return 0.0 if self.slope == 0.0 and self.intercept <= least else math.inf


@dataclass(frozen=True, eq=False)
class DistanceFunction(Profile):
    """A function of the user's own, in the language of models.

    Args:
        function: a plain function of ``distance``, ``dx``, ``dy`` and ``dz``, or some of them: the
            distance, and the displacement from source to target.  It may call ``cos`` and ``sin``.
        low, high: bounds of the value; of a weight or delay they must be given.
        params: numbers for other arguments that the function has, by name.

    Attributes:
        source: its parsed source.

    Raises:
        ModelError: the function cannot be a kernel; the message has the line.
        SpikecudaValueError: it returns NaN or infinity at one of a few distances.
    """

    # A file that has it has its place and a hash of its source.
    function: Callable[..., Any] = field(metadata={"by_source": True})
    low: float = -math.inf
    high: float = math.inf
    params: Mapping[str, float] = field(default_factory=dict)
    source: Source = field(init=False, repr=False)
    kind = OWN

    def __post_init__(self) -> None:
        _take(self)
        if not inspect.isfunction(self.function):
            raise SpikecudaTypeError(
                f"function must be a plain function, def f(distance): ... (got "
                f"{shown(self.function)})"
            )
        source = read(self.function, "DistanceFunction")
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "params", _numbers(self.params, source))
        if Checker(source, angles=True).check() != (REAL,):
            raise ModelError(f"{source.name} must return one number (got something else)")
        for distance in (0.0, 1e-3, 0.1, 1.0, 10.0, 1e3):
            value = self.unbounded(np.array([distance]), distance, 0.0, 0.0)
            if not np.isfinite(value).all():
                raise SpikecudaValueError(
                    f"{source.name} must return a finite number (got {value[0]!r} at distance "
                    f"{distance:g}); use select() where it has none"
                )

    def text(self, name: str) -> str:
        """Return its kernel source, called by a name."""
        return rewrite(self.source, name)

    @property
    def takes(self) -> tuple[str, ...]:
        """What a kernel calls it with: names of ``TAKES``, and numbers."""
        given = {name: f"real({value!r})" for name, value in self.params.items()}
        return tuple(given.get(name, name) for name in self.source.arguments)

    def numbers(self) -> tuple[float, float, float]:
        """Return nothing."""
        return 0.0, 0.0, 0.0

    def unbounded(self, distance: np.ndarray, dx: Any, dy: Any, dz: Any) -> np.ndarray:
        """Return what the function returns for each."""
        constants = [np.float64(x) for x in self.params.values()]
        arrays = np.broadcast_arrays(distance, dx, dy, dz, *constants)
        every = dict(zip((*TAKES, *self.params), arrays, strict=True))
        given = [every[name].ravel().tolist() for name in self.source.arguments]
        found = [self._call(numbers) for numbers in zip(*given, strict=True)]
        return np.array(found, np.float64).reshape(distance.shape)

    def _call(self, numbers: tuple[float, ...]) -> float:
        """Return what the function returns; a quotient by 0 is infinite or NaN, as in kernels."""
        try:
            return float(self.function(*numbers))
        except ZeroDivisionError:
            pass
        with np.errstate(all="ignore"):
            try:
                return float(self.function(*map(np.float64, numbers)))
            except ZeroDivisionError:
                return math.nan

    def range(self, far: float) -> tuple[float, float]:
        """Return the bounds that were given."""
        return self.low, self.high


def _numbers(params: Any, source: Source) -> Mapping[str, float]:
    """Return numbers for all arguments of a function that are not about the pair."""
    if not isinstance(params, Mapping):
        raise SpikecudaTypeError(
            f"params must be a mapping of names to numbers (got {shown(params)})"
        )
    wanted = [name for name in source.arguments if name not in TAKES]
    if len(wanted) == len(source.arguments) or set(wanted) != set(params):
        raise ModelError(
            f"{source.name} may take {', '.join(TAKES)}, at least one of them, and what params has "
            f"(got {', '.join(source.arguments) or 'nothing'}, and params for "
            f"{', '.join(map(str, params)) or 'nothing'}); give params a number for each other "
            "argument"
        )
    numbers = {name: as_real(f"params[{name!r}]", params[name]) for name in wanted}
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise SpikecudaValueError(f"params[{name!r}] must be finite (got {value!r})")
    return MappingProxyType(numbers)


def as_profile(what: str, value: object) -> Profile:
    """Return a profile from itself, a number, or a function."""
    if isinstance(value, Profile):
        return value
    if inspect.isfunction(value):
        return DistanceFunction(value)
    if isinstance(value, bool) or not isinstance(value, int | float | np.generic):
        raise SpikecudaTypeError(
            f"{what} must be a number, a profile such as Gaussian(std=0.1), or a function of the "
            f"distance (got {shown(value)})"
        )
    number = as_real(what, value)
    if not math.isfinite(number):
        raise SpikecudaValueError(f"{what} must be finite (got {number!r})")
    return Level(number)

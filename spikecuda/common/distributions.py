"""Distributions that initial values and parameters can be drawn from.

A draw is a pure function of (seed, name, neuron), so it does not depend on how a population is
split over devices.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from spikecuda.common.arguments import as_flag, as_real
from spikecuda.common.host_memory import host_array
from spikecuda.errors import SpikecudaValueError

# Of so many draws one is good, but for once in 10^8 cases; the rest is clipped.
REDRAWS = 2000


class Distribution(ABC):
    """Base class: a distribution of one number per neuron."""

    @abstractmethod
    def draw(self, count: int, stream: int, seed: int, identity: int = 0) -> np.ndarray:
        """Return ``count`` float64 numbers for the neurons from ``identity`` on."""


def _numbers(made: Distribution, *names: str) -> None:
    """Make fields Python's floats; raise unless they are real numbers."""
    for name in names:
        object.__setattr__(made, name, as_real(name, getattr(made, name)))


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise SpikecudaValueError(message)


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal distribution.

    Args:
        mean, std: mean and standard deviation, in the unit of the drawn quantity; std >= 0.
        low, high: bounds, low <= high.  Values beyond are set to the bound.
        redraw: whether values beyond the bounds are drawn again instead.
    """

    mean: float
    std: float
    low: float = -math.inf
    high: float = math.inf
    redraw: bool = False

    def __post_init__(self) -> None:
        _numbers(self, "mean", "std", "low", "high")
        object.__setattr__(self, "redraw", as_flag("redraw", self.redraw))
        _require(math.isfinite(self.mean), f"mean must be finite (got {self.mean!r})")
        _require(0 <= self.std < math.inf, f"std must be >= 0 (got {self.std!r})")
        _require(self.low <= self.high, f"low must be <= high (got {self.low!r}, {self.high!r})")
        if as_flag("redraw", self.redraw):
            # At least one draw in a hundred must be good.
            low, high = ((b - self.mean) / (self.std or 1e-300) for b in (self.low, self.high))
            part = 0.5 * (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)))
            _require(
                part > 0.01,
                f"redraw needs low to high to hold 1 % of the distribution (got {part:.2g}); clip "
                "instead",
            )

    def draw(self, count: int, stream: int, seed: int, identity: int = 0) -> np.ndarray:
        """Return ``count`` float64 numbers for the neurons from ``identity`` on."""
        values = _standard("draw_normal", count, stream, seed, identity)
        values *= self.std
        values += self.mean
        attempt = 0
        while self.redraw and attempt < REDRAWS:
            bad = (values < self.low) | (values > self.high)
            if not bad.any():
                break
            attempt += 1
            again = _standard("draw_normal", count, stream + (attempt << 16), seed, identity)
            values[bad] = again[bad] * self.std + self.mean
        return np.clip(values, self.low, self.high, out=values)


@dataclass(frozen=True)
class LogNormal(Distribution):
    """Lognormal distribution.

    Args:
        mean, std: mean (> 0) and standard deviation (>= 0) of the drawn values, not of their
            logarithms.
    """

    mean: float
    std: float

    def __post_init__(self) -> None:
        _numbers(self, "mean", "std")
        _require(0 < self.mean < math.inf, f"mean must be > 0 (got {self.mean!r})")
        _require(0 <= self.std < math.inf, f"std must be >= 0 (got {self.std!r})")

    def draw(self, count: int, stream: int, seed: int, identity: int = 0) -> np.ndarray:
        """Return ``count`` float64 numbers for the neurons from ``identity`` on."""
        variance = math.log1p((self.std / self.mean) ** 2)
        values = _standard("draw_normal", count, stream, seed, identity)
        values *= math.sqrt(variance)
        values += math.log(self.mean) - 0.5 * variance
        return np.exp(values, out=values)


@dataclass(frozen=True)
class Uniform(Distribution):
    """Uniform distribution on [low, high).

    Args:
        low, high: bounds, both finite, low <= high.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _numbers(self, "low", "high")
        _require(
            math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high,
            f"low must be <= high, both finite (got {self.low!r}, {self.high!r})",
        )

    def draw(self, count: int, stream: int, seed: int, identity: int = 0) -> np.ndarray:
        """Return ``count`` float64 numbers for the neurons from ``identity`` on."""
        values = _standard("draw_uniform", count, stream, seed, identity)
        values *= self.high - self.low
        values += self.low
        return values


def _standard(name: str, count: int, stream: int, seed: int, identity: int) -> np.ndarray:
    from spikecuda.common.seed import keys
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    values = host_array(count, f"a draw of {count:,} numbers")
    key0, key1 = keys(seed)
    getattr(load_cpu_loop("draw"), name)(np.uint32(identity), np.uint32(stream), key0, key1, values)
    return values

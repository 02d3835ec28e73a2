"""Weights and delays of a projection: numbers, distributions, or what the distance decides."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arrays import take_reals
from spikecuda.common.distributions import Distribution, LogNormal, Normal, Uniform
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.kernels.network.rules import ALL_TO_ALL, ONE_TO_ONE, PROBABILITY
from spikecuda.network.model.near import Near, make_near
from spikecuda.network.model.population import View
from spikecuda.network.model.rule import Rule
from spikecuda.space.profiles import Profile

# The largest number that the generator's normal variates reach.
FARTHEST = 6.67


@dataclass(frozen=True, eq=False)
class Values:
    """Weights or delays of a projection, as the kernels draw them.

    Attributes:
        kind: "FIXED", "CLIPPED", "REDRAWN", "LOGNORMAL", "UNIFORM", "GIVEN" or "PROFILE".
        a, b, low, high: its numbers; see ``kernels/network/draw``.
        least, most: bounds of what can come out.
        given: one number for each synapse, for "GIVEN".
        profile: what the distance decides, for "PROFILE".
    """

    kind: str
    a: float = 0.0
    b: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    least: float = 0.0
    most: float = 0.0
    given: np.ndarray | None = None
    profile: Profile | None = None

    @property
    def largest(self) -> float:
        """The largest magnitude that can come out."""
        return max(abs(self.least), abs(self.most))

    @property
    def exact(self) -> bool:
        """Whether they were given, and none is drawn or follows from a distance."""
        return self.kind in ("FIXED", "GIVEN")

    @property
    def stated(self) -> np.ndarray:
        """The numbers that were given, if none are drawn."""
        return np.array([self.a]) if self.given is None else self.given

    @property
    def typical(self) -> float:
        """The size that numbers have, about.

        Of drawn ones their root mean square (normal, within its bounds; uniform) or their median
        (lognormal, whose mean can be far above most of them).
        """
        if self.kind == "LOGNORMAL":
            return math.exp(self.a)
        if self.kind == "UNIFORM":
            # Scaled by a power of two, so that no square vanishes or overflows.
            exponent = math.frexp(self.largest)[1]
            low, high = math.ldexp(self.least, -exponent), math.ldexp(self.most, -exponent)
            return math.ldexp(math.sqrt((low * low + low * high + high * high) / 3.0), exponent)
        if self.kind in ("CLIPPED", "REDRAWN"):
            closest = 0.0
            if self.least > 0 or self.most < 0:
                closest = min(abs(self.least), abs(self.most))
            return min(max(math.hypot(self.a, self.b), closest), self.largest)
        return self.largest


def as_values(what: str, value: Any, rule: Rule, near: Near | None = None) -> Values:
    """Return weights or delays from a number, a distribution, a profile, or an array.

    Args:
        what: the argument's name.
        value: what the user gave; an array goes with ``Pairs``.
        rule: of the projection.
        near: its geometry, where there is a profile.
    """
    if isinstance(value, Profile):
        assert near is not None
        low, high = value.range(near.farthest())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise SpikecudaValueError(
                f"{what} by distance must have finite bounds (got {low:g} to {high:g}); give "
                f"{type(value).__name__} low= and high="
            )
        return Values("PROFILE", least=low, most=high, profile=value)
    if isinstance(value, Normal):
        far = FARTHEST * value.std
        low, high = max(value.low, value.mean - far), min(value.high, value.mean + far)
        kind = "REDRAWN" if value.redraw else "CLIPPED"
        if kind == "CLIPPED":
            low, high = min(low, value.high), max(high, value.low)
        return Values(kind, value.mean, value.std, value.low, value.high, low, high)
    if isinstance(value, LogNormal):
        variance = math.log1p((value.std / value.mean) ** 2)
        mu, sigma = math.log(value.mean) - 0.5 * variance, math.sqrt(variance)
        far = FARTHEST * sigma
        return Values("LOGNORMAL", mu, sigma, least=math.exp(mu - far), most=math.exp(mu + far))
    if isinstance(value, Uniform):
        width = value.high - value.low
        return Values("UNIFORM", value.low, width, least=value.low, most=value.high)
    if isinstance(value, Distribution):
        raise SpikecudaTypeError(
            f"{what} can be Normal, LogNormal or Uniform (got {type(value).__name__})"
        )
    array = take_reals(what, value, "a number, a distribution, or one number per pair")
    if array.size and not np.isfinite(array).all():
        raise SpikecudaValueError(f"{what} must be finite (got NaN or infinity); replace it")
    if array.ndim == 0:
        number = float(array)
        return Values("FIXED", number, least=number, most=number)
    if rule.listed is None:
        raise SpikecudaTypeError(
            f"{what} as an array goes with Pairs, whose synapses are in a known order (got "
            f"{type(rule).__name__}); give a number or a distribution"
        )
    pairs = rule.listed[0].size
    if array.shape != (pairs,):
        raise SpikecudaValueError(
            f"{what} must have one number for each of the {pairs:,} pairs (got shape {array.shape})"
        )
    least, most = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    return Values("GIVEN", least=least, most=most, given=array)


def as_near(source: View, target: View, rule: Rule, *values: Any) -> Near | None:
    """Return the geometry of a projection; None if nothing goes by its distances."""
    if rule.near is not None:
        near: Near = rule.near
        return near
    if not any(isinstance(v, Profile) for v in values):
        return None
    if rule.code not in (ALL_TO_ALL, ONE_TO_ONE, PROBABILITY):
        raise SpikecudaTypeError(
            "a weight or delay by distance goes with AllToAll, OneToOne, FixedProbability and the "
            f"rules by distance (got {type(rule).__name__}); use DistanceInDegree, "
            "DistanceOutDegree or DistanceProbability, or with Pairs an array"
        )
    return make_near(source, target)

"""Connection rules that go by the distance between two neurons."""

import copy
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.kernels.network.rules import (
    COLUMNS,
    DRAW_CHOSEN_NEAR,
    DRAW_NEAR,
    NEAR,
    NEAR_IN,
    NEAR_OUT,
)
from spikecuda.kernels.routines import NEAR as NEAR_WALK
from spikecuda.network.model.near import Near, make_near
from spikecuda.network.model.population import View
from spikecuda.network.model.rule import Rule, most_of
from spikecuda.space.masks import as_mask
from spikecuda.space.profiles import Level, as_profile

# What is at most this likely is never drawn: random words are multiples of 2^-32.
UNLIKELY = 2.0**-33
# The most synapses of a pair, whose random words have numbers.
MOST_AGAIN = 2**17


class Spatial:
    """What rules by distance have in common.

    Attributes:
        near: the geometry, once the rule is bound to two views.
        _again: whether a pair may then have several synapses.
    """

    near: Near | None = None
    mask: Any
    _again = False

    def _take(self) -> None:
        object.__setattr__(self, "mask", as_mask(self.mask))

    def _bound(self, near: Near, again: bool) -> Self:
        made = copy.copy(self)
        object.__setattr__(made, "near", near)
        object.__setattr__(made, "_again", again)
        return made

    @property
    def _known(self) -> Near:
        if self.near is None:
            raise SpikecudaTypeError(
                f"{type(self).__name__} must be connected first (got no positions): "
                "net.connect(..., rule=...)"
            )
        return self.near


@dataclass(frozen=True, eq=False)
class DistanceProbability(Spatial, Rule):
    """Connects each pair independently, with a probability that depends on its distance.

    Args:
        p: probability: a number, a profile such as ``Gaussian(std=0.1)``, or a function of the
            distance in the language of models.  Values of a profile or function below 0 are 0,
            and above 1 they are 1.
        mask: which targets a source can have, such as ``Disc(0.3)``; None: all.

    A pair has one synapse at most.  A probability of at most 2^-33 is 0, so a ``Gaussian`` ends
    after about 6.8 standard deviations.  A mask makes building faster.

    Source: NEST's pairwise_bernoulli with a distance-dependent p.
    """

    p: Any
    mask: Any = None
    code, draws, walks = NEAR, DRAW_NEAR, (NEAR_WALK, NEAR_WALK)

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", as_profile("p", self.p))
        if isinstance(self.p, Level) and not 0.0 <= self.p.value <= 1.0:
            raise SpikecudaValueError(f"p must be from 0 to 1 (got {self.p.value:g})")
        self._take()

    def bind(self, source: View, target: View, multapses: bool) -> Self:
        """Return the rule for two views."""
        return self._bound(make_near(source, target, self.mask, self.p, least=UNLIKELY), multapses)

    def expected(self, sources: int, targets: int) -> float:
        """Return the mean number of synapses, about; 0 only where there cannot be any."""
        near = self._known
        possible = self.p.range(near.farthest())[1] > UNLIKELY
        # The rows that the mean is estimated from may have none where others have some.
        return (sources * near.mean() or 1.0) if possible else 0.0

    def count(self, sources: np.ndarray, targets: np.ndarray, apart: bool) -> int | None:
        """Return None: it is drawn."""
        return None

    def longest_row(self, choices: int, degrees: np.ndarray) -> int:
        """Return the most targets that are looked at."""
        return self._known.most()

    def most_indegree(self, sources: int, targets: int, own: bool) -> float:
        """Return a bound of a target's synapses."""
        near = self._known
        most = min(float(sources), float(near.most_rows()))
        chance = min(max(self.p.range(near.farthest())[1], 0.0), 1.0)
        return min(most, most_of(most * chance)) if math.isfinite(chance) else most


@dataclass(frozen=True, eq=False)
class _Chosen(Spatial):
    """What rules of degrees have in common.

    Attributes:
        side: what is chosen.
    """

    degree: int
    p: Any = 1.0
    mask: Any = None
    side: ClassVar[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "degree", as_count("degree", self.degree, 0, 2**31 - 8))
        object.__setattr__(self, "p", as_profile("p", self.p))
        self._take()

    @property
    def each(self) -> int:
        """Synapses of each neuron that has the degree."""
        return self.degree

    def longest_row(self, choices: int, degrees: np.ndarray) -> int:
        """Return the most neurons that are looked at."""
        return max(self._known.most(), -(-self.degree // 4) * 4)

    def _require(self, choice: int, multapses: bool) -> None:
        """Raise unless so many partners can be there."""
        if multapses and self.degree > MOST_AGAIN:
            raise SpikecudaValueError(
                f"degree must be <= {MOST_AGAIN:,} with multapses=True (got {self.degree:,}); use "
                "a smaller degree, or multapses=False"
            )
        if self.degree > (MOST_AGAIN if multapses and choice else choice):
            raise SpikecudaValueError(
                f"degree must be <= {choice:,}, the number of {self.side} that a neuron can have "
                f"(got {self.degree:,}); use a smaller degree or a larger view"
            )


@dataclass(frozen=True, eq=False)
class DistanceInDegree(_Chosen, Rule):
    """Gives every target the same number of synapses, from sources chosen by distance.

    They are chosen one after the other, with chances in proportion to ``p``; with
    ``multapses=False`` none of them twice.

    Args:
        degree: synapses of each target, >= 0; with multapses at most 131,072.
        p: relative chance: a number, a profile or a function; see ``DistanceProbability``.
        mask: which targets a source can have; None: all.

    Source: Efraimidis & Spirakis (2006) Inf Process Lett 97:181.
    """

    code, order, draws, walks, side = NEAR_IN, COLUMNS, DRAW_CHOSEN_NEAR, None, "sources"

    def bind(self, source: View, target: View, multapses: bool) -> Self:
        """Return the rule for two views."""
        return self._bound(make_near(source, target, self.mask, self.p, columns=True), multapses)

    def expected(self, sources: int, targets: int) -> float:
        """Return the number of synapses."""
        return float(targets * self.degree)

    def count(self, sources: np.ndarray, targets: np.ndarray, apart: bool) -> int | None:
        """Return the number of synapses."""
        return targets.size * self.degree

    def most_indegree(self, sources: int, targets: int, own: bool) -> float:
        """Return a target's synapses."""
        return float(self.degree)

    def check(self, sources: int, targets: int, multapses: bool, own: bool) -> None:
        """Raise with multapses, or if there are not enough sources."""
        self._require(sources - own, multapses)


@dataclass(frozen=True, eq=False)
class DistanceOutDegree(_Chosen, Rule):
    """Gives every source the same number of synapses, to targets chosen by distance.

    They are chosen one after the other, with chances in proportion to ``p``; with
    ``multapses=False`` none of them twice.

    Args:
        degree: synapses of each source, >= 0; with multapses at most 131,072.
        p: relative chance: a number, a profile or a function; see ``DistanceProbability``.
        mask: which targets a source can have; None: all.

    Source: Efraimidis & Spirakis (2006) Inf Process Lett 97:181.
    """

    code, draws, walks, side = NEAR_OUT, DRAW_CHOSEN_NEAR, None, "targets"

    def bind(self, source: View, target: View, multapses: bool) -> Self:
        """Return the rule for two views."""
        return self._bound(make_near(source, target, self.mask, self.p), multapses)

    def expected(self, sources: int, targets: int) -> float:
        """Return the number of synapses."""
        return float(sources * self.degree)

    def count(self, sources: np.ndarray, targets: np.ndarray, apart: bool) -> int | None:
        """Return the number of synapses."""
        return sources.size * self.degree

    def most_indegree(self, sources: int, targets: int, own: bool) -> float:
        """Return a bound of a target's synapses.

        With multapses it follows from the smallest sum of chances of a source, which is estimated;
        twice as many are allowed for.
        """
        near = self._known
        most = min(float(sources), float(near.most_rows()))
        if not self._again:
            return most
        total, most = near.least_sum(), most * self.degree
        share = 2.0 * self.p.range(near.farthest())[1] / total if total > 0 else 1.0
        return min(most, most_of(most * share)) if share < 1.0 else most

    def check(self, sources: int, targets: int, multapses: bool, own: bool) -> None:
        """Raise with multapses, or if there are not enough targets."""
        self._require(targets - own, multapses)


def require_degrees(rule: Rule, name: str, found: np.ndarray) -> None:
    """Raise if a neuron had fewer partners than its degree.

    Args:
        rule: of a projection.
        name: the projection's.
        found: synapses of each neuron of the view that has the degree.
    """
    if isinstance(rule, _Chosen) and (found < rule.each).any():
        few = int(np.argmin(found))
        side = "source" if isinstance(rule, DistanceOutDegree) else "target"
        raise SpikecudaValueError(
            f"degree of {name} must be <= {found[few]:,}, the partners with a chance above 0 that "
            f"{side} {few:,} of the view has (got {rule.each:,}), and {(found < rule.each).sum():,}"
            " neurons have too few; use a larger mask, or positions that are periodic"
        )

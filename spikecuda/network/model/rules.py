"""Connection rules: which pairs of neurons have a synapse."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count, as_real
from spikecuda.common.arrays import WHOLE, view_array, whole_numbers
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest
from spikecuda.kernels.network.rules import (
    ALL_TO_ALL,
    COLUMNS,
    DRAW_CHOSEN,
    DRAW_RANGE,
    DRAW_SCATTERED,
    EXPLICIT,
    IN_DEGREE,
    LISTED,
    ONE_TO_ONE,
    OUT_DEGREE,
    PROBABILITY,
)
from spikecuda.kernels.routines import DEGREE, RANGE, SUBSET
from spikecuda.kernels.routines import PROBABILITY as GAPS
from spikecuda.network.model.rule import Rule, most_of

MAX_SYNAPSES = 2**40


@dataclass(frozen=True, eq=False)
class AllToAll(Rule):
    """Connects every source neuron to every target neuron."""

    code, draws, walks = ALL_TO_ALL, DRAW_RANGE, (RANGE, RANGE)

    def expected(self, sources: int, targets: int) -> float:
        """Return the number of synapses."""
        return float(sources * targets)

    def count(self, sources: np.ndarray, targets: np.ndarray, apart: bool) -> int | None:
        """Return the number of synapses."""
        common = np.intersect1d(sources, targets, assume_unique=True).size if apart else 0
        return sources.size * targets.size - common

    def most_indegree(self, sources: int, targets: int, own: bool) -> float:
        """Return a target's synapses."""
        return float(sources)


@dataclass(frozen=True, eq=False)
class OneToOne(Rule):
    """Connects each source to the target of the same number; both views have the same size."""

    code, draws, walks, single = ONE_TO_ONE, DRAW_RANGE, (RANGE, RANGE), True

    def expected(self, sources: int, targets: int) -> float:
        """Return the number of synapses."""
        return float(sources)

    def count(self, sources: np.ndarray, targets: np.ndarray, apart: bool) -> int | None:
        """Return the number of synapses."""
        return int(np.count_nonzero(sources != targets)) if apart else sources.size

    def longest_row(self, choices: int, degrees: np.ndarray) -> int:
        """Return the most synapses that a source can have."""
        return 1

    def most_indegree(self, sources: int, targets: int, own: bool) -> float:
        """Return a target's synapses."""
        return 1.0

    def check(self, sources: int, targets: int, multapses: bool, own: bool) -> None:
        """Raise unless both sides are of one size."""
        if sources != targets:
            raise SpikecudaValueError(
                f"one-to-one needs as many sources as targets (got {sources:,} and {targets:,})"
            )


@dataclass(frozen=True, eq=False)
class FixedProbability(Rule):
    """Connects each pair with probability ``p``, independently, and at most once.

    Args:
        p: probability, 0 to 1.

    Source: Erdos & Renyi (1959) Publ Math Debrecen 6:290.
    """

    p: float
    code, draws, walks = PROBABILITY, DRAW_SCATTERED, (GAPS, GAPS)

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", as_real("p", self.p))
        if not 0.0 <= self.p <= 1.0:
            raise SpikecudaValueError(f"p must be from 0 to 1 (got {self.p!r})")

    @property
    def inverse_log(self) -> float:
        """1 / log(1 - p), what a geometric distance is drawn with."""
        if self.p == 0.0:
            return -math.inf
        return -0.0 if self.p == 1.0 else 1.0 / math.log1p(-self.p)

    def expected(self, sources: int, targets: int) -> float:
        """Return the mean number of synapses."""
        return float(sources) * targets * self.p

    def count(self, sources: np.ndarray, targets: np.ndarray, apart: bool) -> int | None:
        """Return the number of synapses for p = 0 and p = 1; between them it is drawn."""
        if 0.0 < self.p < 1.0:
            return None
        return AllToAll().count(sources, targets, apart) if self.p else 0

    def most_indegree(self, sources: int, targets: int, own: bool) -> float:
        """Return a bound of a target's synapses."""
        return min(float(sources), most_of(sources * self.p))


@dataclass(frozen=True, eq=False)
class FixedInDegree(Rule):
    """Gives every target the same number of synapses, each from a uniformly drawn source.

    Args:
        degree: synapses of each target, >= 0.
    """

    degree: int
    code, order, draws, walks = IN_DEGREE, COLUMNS, DRAW_CHOSEN, None

    def __post_init__(self) -> None:
        object.__setattr__(self, "degree", as_count("degree", self.degree, 0, 2**31 - 8))

    @property
    def each(self) -> int:
        """Synapses of each target."""
        return self.degree

    def expected(self, sources: int, targets: int) -> float:
        """Return the number of synapses."""
        return float(targets * self.degree)

    def count(self, sources: np.ndarray, targets: np.ndarray, apart: bool) -> int | None:
        """Return the number of synapses."""
        return targets.size * self.degree

    def longest_row(self, choices: int, degrees: np.ndarray) -> int:
        """Return the synapses of a target."""
        return self.degree

    def most_indegree(self, sources: int, targets: int, own: bool) -> float:
        """Return a target's synapses."""
        return float(self.degree)

    def check(self, sources: int, targets: int, multapses: bool, own: bool) -> None:
        """Raise if there are not enough sources."""
        _require_choice("degree", self.degree, sources - own, "sources", multapses)


@dataclass(frozen=True, eq=False)
class FixedOutDegree(Rule):
    """Gives every source the same number of synapses, each to a uniformly drawn target.

    Args:
        degree: synapses of each source, >= 0.
    """

    degree: int
    code, draws, walks = OUT_DEGREE, DRAW_CHOSEN, (DEGREE, SUBSET)

    def __post_init__(self) -> None:
        object.__setattr__(self, "degree", as_count("degree", self.degree, 0, 2**31 - 8))

    @property
    def each(self) -> int:
        """Synapses of each source."""
        return self.degree

    def expected(self, sources: int, targets: int) -> float:
        """Return the number of synapses."""
        return float(sources * self.degree)

    def count(self, sources: np.ndarray, targets: np.ndarray, apart: bool) -> int | None:
        """Return the number of synapses."""
        return sources.size * self.degree

    def longest_row(self, choices: int, degrees: np.ndarray) -> int:
        """Return the most synapses that a source can have."""
        return self.degree

    def check(self, sources: int, targets: int, multapses: bool, own: bool) -> None:
        """Raise if there are not enough targets."""
        _require_choice("degree", self.degree, targets - own, "targets", multapses)


@dataclass(frozen=True, eq=False)
class FixedTotal(Rule):
    """Makes ``total`` synapses, each from a uniformly drawn source to a uniformly drawn target.

    Args:
        total: number of synapses, >= 0.

    Source: Potjans & Diesmann (2014) Cereb Cortex 24:785, "fixed total number".
    """

    total: int
    code, draws, walks = OUT_DEGREE, DRAW_CHOSEN, (DEGREE, SUBSET)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", as_count("total", self.total, 0, MAX_SYNAPSES))

    def expected(self, sources: int, targets: int) -> float:
        """Return the number of synapses."""
        return float(self.total)

    @property
    def dealt(self) -> int:
        """The number of synapses."""
        return self.total

    def count(self, sources: np.ndarray, targets: np.ndarray, apart: bool) -> int | None:
        """Return the number of synapses."""
        return self.total

    def longest_row(self, choices: int, degrees: np.ndarray) -> int:
        """Return the most synapses that a source can have."""
        return int(degrees.max(initial=0))

    def check(self, sources: int, targets: int, multapses: bool, own: bool) -> None:
        """Raise without multapses, or without a target."""
        _require_choice("total", self.total, targets - own, "targets", True)
        if not multapses:
            raise SpikecudaValueError(
                "FixedTotal draws pairs independently and needs multapses=True (got False); use "
                "FixedProbability for pairs that are connected at most once"
            )


@dataclass(frozen=True, eq=False)
class Pairs(Rule):
    """Makes exactly the given synapses: from ``sources[i]`` to ``targets[i]``.

    Args:
        sources, targets: integer arrays (synapses,): numbers within the two views.
        shape: (sources, targets), the number of neurons that the views must have; None: any.
    """

    sources: Any
    targets: Any
    shape: tuple[int, int] | None = None
    code, order, draws, walks = EXPLICIT, LISTED, None, None

    @out_of_memory("a list of pairs", "use fewer, or a rule that draws them")
    def __post_init__(self) -> None:
        for name in ("sources", "targets"):
            need = "a 1-D array of integers"
            array = view_array(name, getattr(self, name), need, WHOLE)
            if array.ndim != 1:
                raise SpikecudaTypeError(
                    f"{name} must be {need} (got shape {array.shape}, {array.dtype})"
                )
            object.__setattr__(self, name, whole_numbers(name, array, need))
        if self.sources.size != self.targets.size:
            raise SpikecudaValueError(
                f"sources and targets must be of one length (got {self.sources.size:,} and "
                f"{self.targets.size:,})"
            )

    def expected(self, sources: int, targets: int) -> float:
        """Return the number of synapses."""
        return float(self.sources.size)

    @property
    def listed(self) -> tuple[np.ndarray, np.ndarray]:
        """Sources and targets of each synapse, numbers within the views."""
        return self.sources, self.targets

    def count(self, sources: np.ndarray, targets: np.ndarray, apart: bool) -> int | None:
        """Return the number of synapses."""
        if not apart:
            return int(self.sources.size)
        return int(np.count_nonzero(sources[self.sources] != targets[self.targets]))

    def most_indegree(self, sources: int, targets: int, own: bool) -> np.ndarray:
        """Return the synapses of each target."""
        return np.bincount(self.targets, minlength=targets).astype(np.float64)

    def check(self, sources: int, targets: int, multapses: bool, own: bool) -> None:
        """Raise for views of another shape, numbers that no neuron has, or a pair twice."""
        if self.shape is not None and tuple(self.shape) != (sources, targets):
            raise SpikecudaValueError(
                f"the matrix must have a row for each of the {sources:,} sources and a column for "
                f"each of the {targets:,} targets (got {self.shape[0]:,} x {self.shape[1]:,}); "
                "connect views of that many neurons"
            )
        for name, array, size in (
            ("sources", self.sources, sources), ("targets", self.targets, targets)
        ):  # fmt: skip
            if array.size and (array.min() < 0 or array.max() >= size):
                bad = int(array.min() if array.min() < 0 else array.max())
                raise SpikecudaValueError(
                    f"{name} must be from 0 to {size - 1:,}, the neurons of the view (got {bad:,})"
                )
        if not multapses:
            pairs = self.sources.astype(np.int64) * targets + self.targets
            if np.unique(pairs).size < pairs.size:
                raise SpikecudaValueError(
                    "a pair comes twice, which multapses=False forbids; allow multapses"
                )


def _require_choice(name: str, wanted: int, choice: int, what: str, multapses: bool) -> None:
    """Raise unless so many synapses find partners other than the neuron itself."""
    if wanted > 0 and choice == 0:
        raise SpikecudaValueError(
            f"{name} must be 0 where a neuron's only partner is itself (got {wanted:,}); allow "
            "autapses or take a larger view"
        )
    if not multapses and wanted > choice:
        raise SpikecudaValueError(
            f"{name} must be <= {choice:,}, the number of {what} that a neuron can have, without "
            f"multapses (got {wanted:,}); allow multapses or autapses"
        )


NAMED = {"all_to_all": AllToAll, "one_to_one": OneToOne}


def as_rule(rule: object) -> Rule:
    """Return a rule from itself or a name."""
    if isinstance(rule, Rule):
        return rule
    if isinstance(rule, str):
        if rule not in NAMED:
            raise SpikecudaValueError(
                f"rule must be one of {', '.join(NAMED)} or a Rule (got {rule!r})"
                f"{nearest(rule, list(NAMED))}"
            )
        return NAMED[rule]()
    raise SpikecudaTypeError(
        f"rule must be a Rule such as FixedProbability(0.1), 'all_to_all' or 'one_to_one' (got "
        f"{rule!r:.80})"
    )

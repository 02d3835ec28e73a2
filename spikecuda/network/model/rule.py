"""The base class of connection rules: what a rule says about itself."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from spikecuda.errors import SpikecudaTypeError
from spikecuda.kernels.network.rules import DRAWS, LISTED, ORDERS, ROWS, RULES
from spikecuda.kernels.routines import WALKS


@dataclass(frozen=True, eq=False)
class Rule:
    """Base class of rules: all that builders, loops and kernels ask of one.

    A new rule is a subclass, and unless it lists its synapses a loop in
    ``kernels/cpu_loops/network_draw``; if its rows can be drawn again, a walk in
    ``kernels/templates/deliver_drawn_cuda`` too.

    Attributes:
        code: the rule's number in the loops, see ``kernels/network/rules``.
        order: how the loops go through its synapses: ``ROWS``, ``COLUMNS`` or ``LISTED``.
        draws: the loop of ``kernels/cpu_loops/network_draw`` that draws a row or column of it; None
            if its synapses are listed.
        walks: how a warp walks a row that is not stored, with multapses and without, see
            ``kernels/routines``; None if rows cannot be drawn again from the seed.
        procedural: whether they can.
        near: the geometry of a rule that goes by distances, once it is bound; None for others.
        single: whether a source's only target is the one of its own number.
    """

    code: ClassVar[int]
    order: ClassVar[str] = ROWS
    draws: ClassVar[str | None]
    walks: ClassVar[tuple[str, str] | None]
    procedural: ClassVar[bool]
    single: ClassVar[bool] = False
    near: ClassVar[Any] = None

    def __init_subclass__(cls) -> None:
        """Raise unless the rule says how it is walked on every target."""
        for name in ("code", "draws", "walks"):
            if not hasattr(cls, name):
                raise SpikecudaTypeError(
                    f"{cls.__name__}.{name} must be given (got nothing): no rule is walked like "
                    "another by default"
                )
        if cls.code not in RULES or cls.order not in ORDERS:
            raise SpikecudaTypeError(
                f"{cls.__name__} must have a code of kernels/network/rules and an order of "
                f"{', '.join(ORDERS)} (got {cls.code!r}, {cls.order!r})"
            )
        if cls.draws not in (DRAWS if cls.order != LISTED else (None,)):
            raise SpikecudaTypeError(
                f"{cls.__name__}.draws must be one of {', '.join(DRAWS)}, None for listed synapses "
                f"(got {cls.draws!r}); a new one is a loop of kernels/cpu_loops/network_draw"
            )
        walks = cls.walks or ()
        if cls.walks is not None and (len(walks) != 2 or cls.order != ROWS):
            raise SpikecudaTypeError(
                f"{cls.__name__}.walks must be two walks of rows, or None (got {cls.walks!r}, "
                f"{cls.order})"
            )
        if not set(walks) <= set(WALKS):
            raise SpikecudaTypeError(
                f"{cls.__name__}.walks must be of {', '.join(WALKS)} (got {cls.walks!r}); a new "
                "walk is a branch of kernels/templates/deliver_drawn_cuda"
            )
        cls.procedural = cls.walks is not None

    @property
    def each(self) -> int:
        """Synapses of each source, or of each target, where all have as many; else 0."""
        return 0

    @property
    def inverse_log(self) -> float:
        """What distances between the targets of a row are drawn with; 0 for most rules."""
        return 0.0

    @property
    def dealt(self) -> int | None:
        """The number of synapses, where they are dealt to the sources at random."""
        return None

    @property
    def listed(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Sources and targets of each synapse, numbers within the views, where they are given."""
        return None

    def bind(self, source: Any, target: Any, multapses: bool) -> Self:
        """Return the rule for two views; itself unless it goes by positions.

        Args:
            source, target: the views.
            multapses: whether a pair may have several synapses.
        """
        return self

    def expected(self, sources: int, targets: int) -> float:
        """Return the mean number of synapses between so many neurons."""
        raise NotImplementedError  # pragma: no cover

    def count(self, sources: np.ndarray, targets: np.ndarray, apart: bool) -> int | None:
        """Return the number of synapses; None if it is drawn.

        Args:
            sources, targets: the neurons of both views, ascending.
            apart: whether they are numbers within one population, and no neuron connects to itself.
        """
        raise NotImplementedError  # pragma: no cover

    def longest_row(self, choices: int, degrees: np.ndarray) -> int:
        """Return the most synapses that a source can have, or a target where columns are drawn.

        Args:
            choices: neurons on the other side.
            degrees: synapses of each source, where they were dealt out.
        """
        return choices

    def most_indegree(self, sources: int, targets: int, own: bool) -> np.ndarray | float:
        """Return a bound of a target's synapses, one number or one for each.

        Drawn ones exceed it once in 10^13 neurons.

        Args:
            sources, targets, own: as for ``check``.
        """
        return most_of(self.expected(sources, targets) / max(targets - own, 1))

    def check(self, sources: int, targets: int, multapses: bool, own: bool) -> None:
        """Raise if the rule cannot connect so many neurons.

        Args:
            sources, targets: numbers of neurons.
            multapses: whether a pair may have several synapses.
            own: whether a neuron is on both sides and may not connect to itself.
        """


def most_of(mean: float) -> float:
    """Return mean + 8 standard deviations of a Poisson number, and 40 for the tail of small means.

    Chernoff's bound, exp(-x^2 / (2 (mean + x / 3))), is below 10^-13 for every mean.
    """
    return mean + 8.0 * math.sqrt(mean) + 40.0

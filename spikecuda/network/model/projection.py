"""A projection: the synapses that one ``connect`` makes."""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from spikecuda.common.arguments import as_count, as_flag, as_positive, is_name
from spikecuda.common.distributions import Distribution
from spikecuda.common.notebook import facts_html
from spikecuda.errors import SpikecudaError, SpikecudaValueError, nearest
from spikecuda.kernels.learn_spec import BRIAN
from spikecuda.network.model.coupled import Coupled
from spikecuda.network.model.handle import Handle
from spikecuda.network.model.learning import (
    as_dendritic,
    as_max_indegree,
    as_modulator_delay,
    as_plasticity,
    check_learning,
    largest_weight,
    size_of,
)
from spikecuda.network.model.order import as_order, check_delay, delay_bounds, late_of
from spikecuda.network.model.plastic import Plastic
from spikecuda.network.model.population import View
from spikecuda.network.model.rules import Rule
from spikecuda.network.model.values import as_near, as_values
from spikecuda.space.profiles import DistanceFunction, Profile


class Projection(Plastic):
    """Synapses from one view to another, all at one receptor: what ``Network.connect`` returns.

    ``len(projection)`` is the number of synapses; it does not build the network.

    Args:
        handle: reads and writes its synapses once they are built.
        dt: length of a step in ms.
        seed: of the network.
        number: its number in the network.
        source, target: the views.
        rule, weight, delay, receptor, autapses, multapses, procedural, weight_bits, plasticity,
            dendritic, max_weight, max_indegree, order: as for ``Network.connect``.

    Attributes:
        number: its number in the network.
        source, target: the views.
        rule: which pairs have a synapse.
        receptor: name of the receptor; ``port`` is its number within the target population.
        weight: in the receptor's unit; ``delay``: in ms.
        order: when spikes arrive, "nest" or "brian"; ``late``: steps that an engine adds to delays.
        autapses, multapses: whether a neuron may connect to itself, a pair more than once.
        own: whether a neuron is on both sides and may not connect to itself.
        procedural: whether rows are drawn when needed instead of being stored.
        weight_bits: 16 or 32, the bits that store a weight that differs; None: chosen by the build.
        plasticity: the rule that its synapses learn by; None: their weights stay.
        dendritic: steps of the delays behind the synapses; None: all.
        max_weight: the largest size of weights that are assigned later, in the receptor's unit.
        drawn_from: the distributions or profiles of weight and delay, as given; None: numbers.
        near: the geometry, where something goes by distances; else None.
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        "weight": "projection.weights = ... changes the weights",
        "": "a projection is settled by net.connect(...), but for its weights and plastic",
    }

    def __init__(
        self,
        handle: Handle,
        dt: float,
        seed: int,
        number: int,
        source: View,
        target: View,
        rule: Rule,
        weight: Any,
        delay: Any,
        receptor: str | None = None,
        *,
        autapses: bool = True,
        multapses: bool = True,
        procedural: bool = False,
        weight_bits: int | None = None,
        plasticity: Any = None,
        dendritic: Any = None,
        max_weight: Any = None,
        max_indegree: Any = None,
        modulator: View | None = None,
        modulator_delay: Any = None,
        order: Any = None,
    ) -> None:
        self.handle, self.dt, self.seed, self.number = handle, dt, seed, number
        self.multapses = as_flag("multapses", multapses)
        self.source, self.target = source, target
        self.rule = rule = rule.bind(source, target, self.multapses)
        weight, delay = (
            DistanceFunction(v) if inspect.isfunction(v) else v for v in (weight, delay)
        )
        self.near = as_near(source, target, rule, weight, delay)
        self.autapses = as_flag("autapses", autapses)
        self.procedural, self.weight_bits = as_flag("procedural", procedural), weight_bits
        self.receptor, self.port = self._find(target, receptor)
        if weight_bits is not None and as_count("weight_bits", weight_bits, 0, 64) not in (16, 32):
            raise SpikecudaValueError(
                f"weight_bits must be 16 or 32, or None to choose (got {weight_bits!r})"
            )
        common = int(np.isin(source.ids, target.ids).sum()) if self.apart else 0
        self.own = common > 0
        rule.check(source.size, target.size, self.multapses, self.own)
        if procedural and self.near is not None and rule.near is None:
            raise SpikecudaValueError(
                f"a procedural {type(rule).__name__} cannot have weights or delays by distance; "
                "use DistanceProbability, or store it"
            )
        if procedural and not rule.procedural:
            remedy = "use FixedTotal, FixedOutDegree or FixedProbability, or store it"
            if rule.near is not None:
                remedy = "use DistanceProbability, or store it"
            raise SpikecudaValueError(
                f"{type(rule).__name__} cannot be procedural: a source's row is not a function of "
                f"the seed alone; {remedy}"
            )
        self.weight = as_values("weight", weight, rule, self.near)
        self.delay = as_values("delay", delay, rule, self.near)
        kind = target.population.receptors[self.receptor]
        if kind.positive and self.weight.least < 0:
            raise SpikecudaValueError(
                f"weight of {self.receptor!r} must be >= 0 {kind.unit}, a conductance (got "
                f"{self.weight.least:g}); inhibition has a low e_rev, and Normal takes low=0"
            )
        self.max_weight = as_max_weight(self, max_weight)
        self.order = as_order(order, self.delay, dt)
        check_delay(self.delay, self.order, dt)
        self.late = late_of(self.order)
        self.plasticity = as_plasticity(plasticity)
        self.dendritic = as_dendritic(self, dendritic)
        self.modulator = modulator
        self.modulator_delay = as_modulator_delay(self, modulator_delay)
        self._count = known = rule.count(source.ids, target.ids, self.apart)
        possible = 1.0 - common / (float(source.size) * target.size)
        drawn = rule.expected(source.size, target.size) * possible
        self._expected = drawn if known is None else float(known)
        self._plastic = self.learns
        # The largest size that a weight can learn, for which the build makes room.
        self.headroom = self.plasticity.largest if self.learns else 0.0
        self._assigned = self._rewired = False
        # The rule that it was built with, whose parameters may have changed since.
        self._first_rule = self.plasticity
        # As they were given: a distribution cannot be told exactly from its numbers.
        stated = (Distribution, Profile)
        self.drawn_from = tuple(v if isinstance(v, stated) else None for v in (weight, delay))
        if self.plasticity is not None:
            check_learning(self)
            if self.learns and max_weight is not None:
                raise SpikecudaValueError(
                    f"max_weight is for weights that stay (got {max_weight!r} with plasticity); "
                    "the rule has w_max"
                )
        self.max_indegree = as_max_indegree(self, max_indegree)
        if self.late:
            self.port = target.population.port_between(self.receptor)
        self._fix()

    def _find(self, target: View, receptor: str | None) -> tuple[str, int]:
        """Return the name and the number of the receptor that it arrives at."""
        return find_receptor(target, receptor)

    def delay_steps(self) -> tuple[int, int]:
        """Return bounds of the delays of an engine, in steps."""
        return delay_bounds(self.delay, self.order, self.dt)

    @property
    def same(self) -> bool:
        """Whether both views are of one population."""
        return self.source.population is self.target.population

    @property
    def apart(self) -> bool:
        """Whether both views are of one population and no neuron connects to itself."""
        return self.same and not self.autapses

    @property
    def expected(self) -> float:
        """The mean number of its synapses; their number where the rule or rewiring fixes it."""
        return float(len(self)) if self._rewired else self._expected

    @property
    def grows(self) -> bool:
        """Whether ``rewire`` can give a target more synapses, or any where there are none."""
        return bool(
            self.learns and self.delay.given is None and np.max(self.most_grown(), initial=0) > 0
        )

    @property
    def room(self) -> float:
        """The synapses that memory is reckoned for: ``expected``, or what max_indegree= allows."""
        grown = float(min(self.max_indegree, self.source.size)) * self.target.size
        return max(self.expected, grown if self.learns else 0.0)

    @property
    def largest(self) -> float:
        """The largest magnitude of a weight, now or once it has been learned."""
        return largest_weight(self)

    def learned_bytes(self) -> float:
        """Return the bytes of what a synapse that learns keeps: its weight and variables."""
        wide = self.target.population.neurons.precision.real == "float64"
        return size_of(self, 8 if wide else 4)

    def behind(self) -> tuple[int, int]:
        """Return slope and shift: with delay d, a spike of the target counts slope d + shift later.

        That is the delay behind the synapse less the one before it, in steps; ``d`` is an
        engine's, and may be a step longer.
        """
        if self.dendritic is None:
            return 1, -self.late
        return -1, 2 * self.dendritic + self.late

    def horizon(self, shortest: int, longest: int) -> int:
        """Return the most steps of a window that learning allows.

        Args:
            shortest, longest: delay in steps.
        """
        assert self.plasticity is not None
        slope, shift = self.behind()
        least = min(int(d) * (1 + slope) + shift for d in (shortest, longest))
        least += int(self.plasticity.timing == BRIAN)
        return least if self.modulator is None else min(least, int(shortest) + self.modulator_delay)

    def most_indegree(self) -> np.ndarray | float:
        """Return a bound of the synapses of each target of the view, one number or one for each."""
        return self.rule.most_indegree(self.source.size, self.target.size, self.own)

    def most_grown(self) -> np.ndarray | float:
        """Return the most synapses that each target can come to have, for which there is room."""
        return np.maximum(self.most_indegree(), self.max_indegree)

    def __len__(self) -> int:
        """Return the number of synapses; builds and stores none, and draws them only to count."""
        if self._count is None:
            self._count = self.handle.count_of(self)
        return self._count

    def take_rule(self, rule: Any) -> None:
        """Take other parameters of the rule: for the network alone, which tells its engine, too.

        Raises:
            SpikecudaValueError: they cannot be used here.
        """
        before = self.plasticity
        object.__setattr__(self, "plasticity", rule)
        if not self.handle.built:
            object.__setattr__(self, "headroom", 0.0)
        try:
            if not self.handle.built:
                check_learning(self)
            rule.constants(self.dt, self.target.population.neurons.precision.real)
        except BaseException:
            object.__setattr__(self, "plasticity", before)
            raise
        if not self.handle.built:
            object.__setattr__(self, "headroom", rule.largest if self.learns else 0.0)
            self._first_rule = rule

    def recount(self, synapses: int) -> None:
        """Note how many synapses there are: for the network alone, after it has rewired them."""
        object.__setattr__(self, "_count", synapses)
        self._rewired = True

    def note(self, *, assigned: bool) -> None:
        """Note whether weights were assigned after the build: for the network alone."""
        self._assigned = assigned

    @property
    def first_rule(self) -> Any:
        """The rule that it was built with."""
        return self._first_rule

    def restore_rule(self, rule: Any) -> None:
        """Let the rule have its parameters of now: for a network that is loaded, not yet built."""
        object.__setattr__(self, "plasticity", rule)

    @property
    def assigned(self) -> bool:
        """Whether weights were assigned after the build."""
        return self._assigned

    @property
    def rewired(self) -> bool:
        """Whether synapses have gone and others grown."""
        return self._rewired

    def __bool__(self) -> bool:
        """Tell whether there is any synapse."""
        if self._rewired:
            return len(self) > 0
        return self.expected > 0 and self.handle.count_of(self, 1) > 0

    def __repr__(self) -> str:
        learns = "" if self.plasticity is None else f", {type(self.plasticity).__name__}"
        return f"<{self.name}: {type(self.rule).__name__}, {self._about()} synapses{learns}>"

    def _repr_html_(self) -> str:
        return facts_html(self.name, [
            ("rule", type(self.rule).__name__), ("synapses", self._about()),
            ("procedural", "yes" if self.procedural else "no"),
            ("plasticity", "none" if self.plasticity is None else repr(self.plasticity)),
        ])  # fmt: skip

    def _about(self) -> str:
        """Return how many synapses there are, in words."""
        return f"{'' if self._rewired else 'about '}{self.expected:,.0f}"


def as_max_weight(projection: Projection, value: object) -> float:
    """Return the largest size of weights that are assigned later; None: that of the first ones."""
    first = projection.weight.largest
    if value is None:
        return first
    most = as_positive("max_weight", value, "")
    if most < first or projection.procedural:
        need = (
            "be left out, for weights of procedural rows stay" if projection.procedural
            else f"be at least {first:g}, the largest weight that is given"
        )  # fmt: skip
        raise SpikecudaValueError(f"max_weight must {need} (got {most:g})")
    return most


def find_receptor(target: View, name: str | None) -> tuple[str, int]:
    """Return the name and the number of a receptor of a population."""
    target.population.require_neurons()
    ports = target.population.receptors
    known = [port for port, receptor in ports.items() if not isinstance(receptor, Coupled)]
    if isinstance(name, str) and name in ports and name not in known:
        raise SpikecudaValueError(
            f"receptor must be one that spikes arrive at (got {name!r} of "
            f"{target.population.name}, which is Coupled()); net.couple(...) couples to it"
        )
    if not known:
        spec = target.population.neuron_spec
        current = spec is not None and spec.model.takes_current(spec.scheme)
        example = '{"exc": ExpCurrent(tau=5.0)}' if current else '{"in": Delta()}'
        raise SpikecudaError(
            f"{target.population.name} has no receptors{' for spikes' if ports else ''}; give the "
            f"population some, such as receptors={example}"
        )
    if name is None and len(known) == 1:
        name = known[0]
    if not is_name(name, known):
        raise SpikecudaValueError(
            f"receptor must be one of {', '.join(known)} of {target.population.name} (got {name!r})"
            f"{nearest(str(name), known)}"
        )
    return name, list(ports).index(name)

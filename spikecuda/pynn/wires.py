"""Projections of PyNN as connections of a network: which neurons, which receptor, which rule."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.common.time_grid import nearest_steps
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.network import Pairs
from spikecuda.pynn.cells_of import members
from spikecuda.pynn.standardmodels.base import GAP, NotAvailableError

# Sets of a rule's numbers that a projection may have: each is a connection of its own.
MOST_SETS = 64
# Weights that are set later may be so many times as large, as far as the first ones tell.
HEADROOM = 4.0
LARGER = "set them before run() or after reset()"


@dataclass
class Wire:
    """Connections between two populations that have one rule.

    Attributes:
        source, target: the populations.
        chosen: their numbers among the connections of the projection.
        rule: numbers of the synapse type's rule, by name.
        sources, targets: neurons within the populations.
        port: name of the receptor.
        made: the network's projection.
        order: places of the network's synapses among ``chosen``.
    """

    source: Any
    target: Any
    chosen: np.ndarray
    rule: dict[str, float]
    sources: np.ndarray
    targets: np.ndarray
    port: str = ""
    made: Any = None
    order: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def connect(self, net: Any, names: dict[int, str], projection: Any, dt: float) -> None:
        """Add them to a network.

        Args:
            net: the network.
            names: of its populations, by identity.
            projection: of PyNN.
            dt: ms.
        """
        celltype, attributes = self.target.celltype, projection.attributes
        ends = names[id(self.source)], names[id(self.target)], Pairs(self.sources, self.targets)
        weight = celltype.weight_scale * self.of(attributes["weight"])
        if projection.synapse_type.electric:
            self.made = net.gap_junctions(*ends, weight, receptor=self.port, iterated=True)
            return
        delay = self.of(attributes["delay"])
        largest = HEADROOM * float(np.max(np.abs(weight)))
        extra = projection.synapse_type.rule(self.rule, self.target, delay, largest or 1.0)
        if largest and not (extra and extra["plasticity"].learns):
            extra["max_weight"] = largest
        self.made = net.connect(*ends, weight, delay, self.port, **extra)
        steps = np.broadcast_to(nearest_steps(np.atleast_1d(delay), dt), self.sources.shape)
        self.order = np.lexsort((self.targets, steps, self.sources))

    def assign(self, weights: np.ndarray) -> None:
        """Let the synapses have other weights, given for all connections in PyNN's unit.

        Raises:
            SpikecudaValueError: the receptor has no room for them, or not with this sign.
        """
        scaled = self.target.celltype.weight_scale * self.of(weights)
        try:
            self.made.weights = scaled[self.order] if np.ndim(scaled) else scaled
        except SpikecudaValueError as error:
            told = re.sub(r"connect with max_weight=.*", LARGER, str(error))
            raise SpikecudaValueError(told) from error

    def read(self, weights: np.ndarray) -> None:
        """Write the weights of now into an array of all connections, in PyNN's unit."""
        found = np.asarray(self.made.weights, np.float64) / self.target.celltype.weight_scale
        weights[self.chosen[self.order]] = found

    def change_rule(self, projection: Any) -> None:
        """Let the rule have the numbers that the connections have now."""
        rule = dict(self.rule)
        for name in projection.synapse_type.rule_attributes:
            value = np.unique(self.of(projection.attributes[name]))
            if value.size != 1:
                raise SpikecudaError(
                    f"{name} must stay one number for the connections that had one before run() "
                    f"(got {value.size} for {projection.label}); set it before, or after reset()"
                )
            rule[name] = float(value[0])
        delay = self.of(projection.attributes["delay"])
        largest = self.made.plasticity.w_max
        made = projection.synapse_type.rule(rule, self.target, delay, largest)["plasticity"]
        now = {k: v for k, v in made.params.items() if v != self.made.params[k]}
        if now:
            self.made.params.update(now)
        self.rule = rule

    def of(self, values: Any) -> Any:
        """Return what of an attribute of all connections is of these."""
        return values[self.chosen] if np.ndim(values) else values


def wires_of(projection: Any) -> Iterator[Wire]:
    """Give the wires of a projection; one that has no connection has none.

    Raises:
        SpikecudaError: its synapses have too many different numbers of a rule.
    """
    if not len(projection):
        return
    synapse, attributes = projection.synapse_type, projection.attributes
    names = list(synapse.rule_attributes)
    columns = [*names, "delay"] if _splits_delays(projection) else names
    varied = [name for name in columns if np.ndim(attributes[name])]
    rows = [attributes[name] for name in varied]
    group = np.zeros(len(projection), np.int64)
    if rows:
        _, group = np.unique(np.stack(rows), axis=1, return_inverse=True)
        group = np.ravel(group)
        if group.max() >= MOST_SETS:
            raise SpikecudaError(
                f"{', '.join(varied)} must have at most {MOST_SETS} different sets of values in a "
                f"projection (got {group.max() + 1:,} in {projection.label}); use fewer"
            )
    pre, first = _flat(projection.pre)
    post, second = _flat(projection.post)
    source, target = pre[0][projection.sources], post[0][projection.targets]
    key = (group * len(first) + source) * len(second) + target
    for value in np.unique(key):
        chosen = np.flatnonzero(key == value)
        one = chosen[0]
        rule = {
            n: float(attributes[n][one] if np.ndim(attributes[n]) else attributes[n]) for n in names
        }
        wire = Wire(
            first[source[one]], second[target[one]], chosen, rule,
            pre[1][projection.sources[chosen]], post[1][projection.targets[chosen]],
        )  # fmt: skip
        yield from _by_target(projection, wire)


def _by_target(projection: Any, wire: Wire) -> Iterator[Wire]:
    """Give a wire in parts whose targets have one number for what the rule takes from them."""
    celltype = wire.target.celltype
    port = celltype.ports[projection.receptor_type]
    if projection.synapse_type.electric and (port != "gap" or port not in _gaps(wire.source)):
        raise NotAvailableError(
            f"ElectricalSynapse joins HH_cond_exp at receptor_type={GAP!r} (got "
            f"{projection.receptor_type!r} in {projection.label}); use that"
        )
    for name, value in projection.synapse_type.of_target(wire.target, port).items():
        each = np.broadcast_to(value, (wire.target.size,))[wire.targets]
        numbers = np.unique(each)
        if numbers.size > MOST_SETS:
            raise SpikecudaError(
                f"{name} must have at most {MOST_SETS} different values in the targets of "
                f"{type(projection.synapse_type).__name__} (got {numbers.size:,} in "
                f"{projection.label}); use fewer"
            )
        for number in numbers:
            part = each == number
            yield Wire(
                wire.source, wire.target, wire.chosen[part], {**wire.rule, name: float(number)},
                wire.sources[part], wire.targets[part],
            )  # fmt: skip
        return
    yield wire


def _gaps(population: Any) -> list[str]:
    """Return the names of a population's receptor of gap junctions: one or none."""
    return [p for kind, p in getattr(population.celltype, "ports", {}).items() if kind == GAP]


def _splits_delays(projection: Any) -> bool:
    """Return whether synapses of different delays need rules of their own."""
    fraction = projection.attributes.get("dendritic_delay_fraction", 1.0)
    return bool(np.any(np.asarray(fraction) != 1.0))


def _flat(cells: Any) -> tuple[tuple[np.ndarray, np.ndarray], list[Any]]:
    """Return for each neuron which population it is of, and its number there; the populations."""
    populations: list[Any] = []
    which, numbers = [], []
    for population, ids in members(cells):
        if population not in populations:
            populations.append(population)
        which.append(np.full(ids.size, populations.index(population)))
        numbers.append(ids)
    return (np.concatenate(which), np.concatenate(numbers)), populations

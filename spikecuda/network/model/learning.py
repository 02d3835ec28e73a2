"""What a projection needs to know of the rule that its synapses learn by."""

from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count, as_real
from spikecuda.common.time_grid import nearest_step, place_of, whole_steps
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.kernels.learn_spec import NEST
from spikecuda.plasticity.base import SynapseRule

# The longest delay of a modulator, in steps.
LONGEST = 0x7FFF


def as_plasticity(value: Any) -> SynapseRule | None:
    """Return a checked synapse rule.

    Raises:
        SpikecudaTypeError: it is none.
    """
    if value is None or isinstance(value, SynapseRule):
        return value
    hint = ""
    if isinstance(value, type) and issubclass(value, SynapseRule):
        hint = f"; write {value.__name__}(w_max=...)"
    raise SpikecudaTypeError(
        f"plasticity must be a synapse rule such as STDP(w_max=1.0) (got {value!r:.80}){hint}"
    )


def check_learning(projection: Any) -> None:
    """Refuse a projection that cannot learn as it is asked to.

    Raises:
        SpikecudaError, SpikecudaValueError: a field says why.
    """
    p, rule = projection, projection.plasticity
    if p.procedural:
        raise SpikecudaValueError(
            "procedural must be False for synapses with a rule: they are stored (got "
            f"procedural=True with plasticity={rule!r:.80}); leave procedural out"
        )
    if p.weight_bits is not None:
        raise SpikecudaValueError(
            "weight_bits is for synapses without a rule (got "
            f"{p.weight_bits} with plasticity); leave it out"
        )
    if p.source.population.at_once > 1:
        raise SpikecudaError(
            f"{p.source.population.name or 'the train'} has a neuron that spikes several times in "
            "a step, which synapses that learn cannot tell apart; use a smaller dt, give each "
            "spike a step of its own, or let parrots repeat the train, several spikes as one: "
            "net.population(name, n, 'parrot', receptors={'in': Delta()}) and net.drive(name, "
            "train, 'in')"
        )
    real = p.target.population.neurons.precision.real
    rule.constants(p.dt, real)
    for name in (*rule.variables, *rule.source_variables):
        if not abs(rule.start(name)) <= float(np.finfo(real).max):
            raise SpikecudaValueError(
                f"{name} of {type(rule).__name__} must start at a number that is finite in {real} "
                f"(got {rule.start(name)!r}); use another unit"
            )
    _check_states(p)
    if not rule.learns:
        return
    kind = p.target.population.receptors[p.receptor]
    if kind.positive and rule.w_max < 0:
        raise SpikecudaValueError(
            f"w_max must be > 0 for {p.receptor!r}, a conductance (got {rule.w_max:g}); inhibition "
            "has a low e_rev"
        )
    if kind.positive and rule.crosses_zero:
        raise SpikecudaValueError(
            f"w_min must be >= 0 for {p.receptor!r}, a conductance (got {rule.w_min:g}); weights "
            "of both signs are for receptors of currents and jumps"
        )
    low, high = bounds_of(p)
    if p.expected and (p.weight.least < low or p.weight.most > high):
        got = p.weight.least if p.weight.least < low else p.weight.most
        drawn = "change w_max, or give the distribution low= and high="
        remedy = drawn if p.weight.least < p.weight.most else "change w_max, or the weight"
        most, least = rule.sign * p.weight.most, rule.sign * p.weight.least
        if max(most, least) < 0 and not kind.positive:
            inhibit = "inhibit" if rule.w_max > 0 else "excite"
            remedy = f"synapses that {inhibit} have w_max = {-rule.w_max:g}"
        raise SpikecudaValueError(
            f"weight must start within the rule's bounds, from {low:g} to {high:g} {kind.unit} "
            f"(got {got:g}); {remedy}"
        )


def bounds_of(projection: Any) -> tuple[float, float]:
    """Return the lowest and the highest weight of a rule, as weights are stored.

    A bound such as 0.1 is another number in float32: what is read there can be assigned, too.
    """
    return _bounds(projection.plasticity, projection)


def _bounds(rule: SynapseRule, projection: Any) -> tuple[float, float]:
    kept = np.dtype(projection.target.population.neurons.precision.real).type
    # Without the sign of -0.0, which messages would show.
    low, high = sorted((rule.sign * rule.w_min + 0.0, rule.w_max))
    return min(low, float(kept(low))), max(high, float(kept(high)))


def require_bounds(projection: Any, rule: SynapseRule, weights: np.ndarray) -> None:
    """Refuse bounds that weights are outside of.

    Args:
        projection: whose weights.
        rule: with other bounds.
        weights: as they are now, in the receptor's unit.

    Raises:
        SpikecudaValueError: a weight is outside.
    """
    low, high = _bounds(rule, projection)
    if weights.size and (weights.min() < low or weights.max() > high):
        got = weights.min() if weights.min() < low else weights.max()
        raise SpikecudaValueError(
            f"w_max and w_min must hold all weights of {projection.name} (got {got:g}, outside of "
            f"{low:g} to {high:g}); assign projection.weights first"
        )


def _check_states(projection: Any) -> None:
    """Refuse a target without the states that a rule sees."""
    rule, population = projection.plasticity, projection.target.population
    if not rule.target_states:
        return
    spec = population.neuron_spec
    states = {} if spec is None else spec.model.states
    for name, seen in rule.target_states.items():
        if seen.state not in states:
            raise SpikecudaValueError(
                f"{type(rule).__name__} sees the state {seen.state!r} of its targets as {name}, "
                f"which {population.name} does not have (got a model with {', '.join(states)}); "
                "use a model that has it"
            )
    if spec is not None and spec.precision.half:
        raise SpikecudaValueError(
            f"{type(rule).__name__} sees states of its targets, which float16 stores coded; use "
            "precision='float32' (got 'float16')"
        )


def as_dendritic(projection: Any, dendritic: Any) -> int | None:
    """Return the part of the delays that lies behind the synapses, in steps; None: all of it.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: it cannot be so long, or so short.
    """
    p = projection
    if dendritic is None:
        return None
    if not p.learns:
        rule = p.plasticity
        what = "out plasticity" if rule is None else f" {type(rule).__name__}, which changes none"
        raise SpikecudaValueError(
            f"dendritic is for synapses whose weights change (got {dendritic!r} with{what}); leave "
            "it out: without learning only the whole delay counts"
        )
    given = as_real("dendritic", dendritic, "ms")
    if not given >= 0 or place_of(given, p.dt) > place_of(p.delay.least, p.dt):
        raise SpikecudaValueError(
            f"dendritic must be from 0 to the shortest delay, {p.delay.least:g} ms (got {given:g})"
            "; leave it out for all of the delay"
        )
    steps = nearest_step(given, p.dt) if given == 0 else whole_steps("dendritic", given, p.dt)
    if steps == 0 and p.plasticity.timing == NEST and not p.late:
        raise SpikecudaValueError(
            f"dendritic must be at least dt = {p.dt:g} ms with timing='nest', where a spike of the "
            "target that is caused by an arrival would change what has arrived (got 0); use "
            "timing='brian', or dendritic=dt"
        )
    return int(steps)


def as_modulator_delay(projection: Any, delay: Any) -> int:
    """Return the steps from a spike of the modulator to its effect.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: it cannot be so, or the rule and the modulator do
            not go together.
    """
    p = projection
    wants = p.plasticity is not None and p.plasticity.modulator is not None
    if wants and p.modulator is None:
        raise SpikecudaValueError(
            f"{type(p.plasticity).__name__} needs a modulator, whose spikes are its third factor "
            "(got none); connect(..., modulator='name of a population or source')"
        )
    if not wants:
        for name, given in (("modulator", p.modulator), ("modulator_delay", delay)):
            if given is not None:
                raise SpikecudaValueError(
                    f"{name} is for rules with a third factor, such as DopamineSTDP (got "
                    f"{given!r:.80} with plasticity={p.plasticity!r:.80}); leave it out"
                )
        return 0
    if delay is None:
        return 1
    given = as_real("modulator_delay", delay, "ms")
    if not given > 0 or place_of(given, p.dt) < 1.0 or nearest_step(given, p.dt) > LONGEST:
        raise SpikecudaValueError(
            f"modulator_delay must be from dt = {p.dt:g} to {LONGEST * p.dt:g} ms (got {given:g})"
            "; leave it out for dt"
        )
    return int(whole_steps("modulator_delay", given, p.dt))


def as_max_indegree(projection: Any, value: Any) -> int:
    """Return the most synapses that a target can be given later; 0: as many as the rule may.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: it cannot be so.
    """
    p = projection
    if value is None:
        return 0
    if not p.learns:
        raise SpikecudaValueError(
            f"max_indegree is for synapses that learn and are rewired (got {value!r} without a "
            "rule that changes weights); leave it out"
        )
    least = int(np.max(p.most_indegree(), initial=0))
    room = as_count("max_indegree", value, 1, 2**24)
    if room < least:
        raise SpikecudaValueError(
            f"max_indegree must be at least {least:,}, which {type(p.rule).__name__} may give a "
            f"target (got {room:,}); use more, or leave it out"
        )
    return room


def size_of(projection: Any, real: int) -> float:
    """Return the bytes of a synapse beside its target: weight, variables."""
    rule = projection.plasticity
    if not rule.learns:
        return 0.0 if projection.weight.kind == "FIXED" else 4.0
    return float(real * (1 + len(rule.variables)))


def largest_weight(projection: Any) -> float:
    """Return the largest magnitude that a synapse of the projection can send."""
    rule = projection.plasticity
    if not projection.learns:
        return float(projection.max_weight)
    return max(projection.headroom, rule.largest)

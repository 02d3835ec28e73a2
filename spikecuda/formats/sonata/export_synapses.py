"""Rules of synapses as models of NEST's synapses."""

from dataclasses import dataclass
from typing import Any

from spikecuda.errors import SpikecudaValueError, shown
from spikecuda.formats.sonata.synapse_kinds import KINDS, STATIC
from spikecuda.network.model.projection import Projection
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.stdp import STDP

TAU_MINUS = "tau_minus"


@dataclass(frozen=True)
class ExportedSynapses:
    """What the synapses of a projection are in SONATA.

    Attributes:
        template: model_template.
        params: of the rule, by NEST's names, as JSON takes them.
        tau_minus: what the target's neurons must have, ms, or None.
    """

    template: str
    params: dict[str, Any]
    tau_minus: float | None = None


def export_synapses(projection: Projection, factor: float) -> ExportedSynapses:
    """Return a projection's synapses as a model of NEST.

    Args:
        projection: static, or with a rule.
        factor: that weights are multiplied with.

    Raises:
        SpikecudaValueError: NEST has no such rule; names the projection.
    """
    rule = projection.plasticity
    if projection.late:
        raise SpikecudaValueError(
            f"{projection.name}: order must be 'nest', since SONATA has NEST's delays (got "
            f"{projection.order!r}); connect with a delay of at least dt"
        )
    if rule is None:
        return ExportedSynapses(STATIC, {})
    own = dict(rule.params)
    kind: type[SynapseRule] = type(rule)
    if kind is STDP:  # the additive case of NEST's
        own |= {"mu_plus": 0.0, "mu_minus": 0.0}
    for template, known in KINDS.items():
        if known.rule is None or not (known.rule is kind or (kind is STDP and known.by_target)):
            continue
        for name, value, need in (
            ("timing", rule.timing, "nest"), ("w_min", rule.w_min, 0.0),
            ("dendritic", projection.dendritic, None),
        ):  # fmt: skip
            if value != need:
                raise SpikecudaValueError(
                    f"{projection.name}: {name} must be {need} in SONATA, since NEST's {template} "
                    f"has no other (got {value!r})"
                )
        own["w_max"] = rule.w_max * factor
        params = {theirs: own[ours] for theirs, (ours, _) in known.params.items()}
        return ExportedSynapses(template, params, own[TAU_MINUS] if known.by_target else None)
    names = [known.rule.__name__ for known in KINDS.values() if known.rule is not None]
    raise SpikecudaValueError(
        f"{projection.name}: must be static or learn by {', '.join((STDP.__name__, *names))} (got "
        f"{shown(rule)}); SONATA names NEST's synapses"
    )


def tau_minus_of(population: str, synapses: list[ExportedSynapses]) -> dict[str, float]:
    """Return the parameter of the neurons that synapses onto them need.

    Args:
        population: its name, for errors.
        synapses: all that arrive at it.

    Raises:
        SpikecudaValueError: they need different ones.
    """
    needed = sorted({some.tau_minus for some in synapses if some.tau_minus is not None})
    if len(needed) > 1:
        raise SpikecudaValueError(
            f"{population}: rules of all synapses onto it must have one tau_minus, which NEST "
            f"keeps in the neurons (got {', '.join(f'{tau:g}' for tau in needed)} ms)"
        )
    return {TAU_MINUS: needed[0]} if needed else {}

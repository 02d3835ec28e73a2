"""Populations as cells of SONATA: NEST's models and their parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.formats.sonata.cell_kinds import GLIF_LEVELS, KINDS, CellKind, glif
from spikecuda.formats.sonata.cells import GLIF_PSC, LISTS
from spikecuda.formats.sonata.glif_config import SWITCHES
from spikecuda.network.model.population import Population
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.receptor import Receptor
from spikecuda.network.model.receptors import (
    AlphaConductance,
    AlphaCurrent,
    Delta,
    ExpConductance,
    ExpCurrent,
)

# By our model: NEST's, by the kind of its receptors.
IAF: dict[str, dict[type[Receptor], str]] = {
    "lif": {
        AlphaCurrent: "nest:iaf_psc_alpha", ExpCurrent: "nest:iaf_psc_exp",
        Delta: "nest:iaf_psc_delta",
    },
    "lif_cond": {
        AlphaConductance: "nest:iaf_cond_alpha", ExpConductance: "nest:iaf_cond_exp",
    },
}  # fmt: skip
Synapses = Mapping[Projection, dict[str, np.ndarray]]


@dataclass(frozen=True)
class ExportedCells:
    """What a population is in SONATA.

    Attributes:
        template: model_template.
        fixed: parameters that all neurons share, as JSON takes them.
        varied: those that differ, float64 (neurons,).
        factors: by receptor: what its weights are multiplied with.
        numbers: by receptor: its receptor_type, where the model has numbers.
    """

    template: str
    fixed: dict[str, Any]
    varied: dict[str, np.ndarray]
    factors: Mapping[str, float]
    numbers: Mapping[str, int]

    def factor(self, receptor: str) -> float:
        """Return what the weights of a receptor are multiplied with."""
        return self.factors.get(receptor, 1.0)

    def receptor_type(self, receptor: str) -> int | None:
        """Return a receptor's number; None: the sign of the weight decides."""
        return self.numbers.get(receptor)


def export_cells(population: Population, current: np.ndarray, synapses: Synapses) -> ExportedCells:
    """Return a population as cells of one type.

    Args:
        population: with neurons.
        current: constant, pA, of each.
        synapses: all projections of the network with what ``connections()`` returns.

    Raises:
        SpikecudaValueError: NEST has no such model, or not with these receptors.
    """
    spec = population.neurons
    for name, receptor in population.receptors.items():
        for field in receptor.fields():
            if np.ndim(getattr(receptor, field)):
                raise SpikecudaValueError(
                    f"{population.name}: {field}_{name} must be one number for all neurons (got an "
                    "array); split the population"
                )
    level = (spec.model.name, spec.scheme)
    if level in GLIF_LEVELS.values():
        return _glif(population, current)
    known = IAF.get(spec.model.name)
    if known is None or spec.substeps != 1:
        raise SpikecudaValueError(
            f"{population.name}: SONATA takes {', '.join(IAF)} and "
            f"{', '.join(' '.join(pair) for pair in GLIF_LEVELS.values())} with 1 substep (got "
            f"{spec.model.name} {spec.scheme} with {spec.substeps})"
        )
    receptors = population.receptors
    kinds = {type(receptor) for receptor in receptors.values()} or {next(iter(known))}
    if len(kinds) > 1 or not kinds <= set(known):
        raise SpikecudaValueError(
            f"{population.name}: {spec.model.name} must have receptors of one kind, "
            f"{', '.join(kind.__name__ for kind in known)} (got "
            f"{', '.join(sorted(kind.__name__ for kind in kinds))})"
        )
    kind = KINDS[known[next(iter(kinds))]]
    values, factors = _by_sign(population, kind, synapses)
    return _exported(known[next(iter(kinds))], kind, population, current, values, factors, {})


def _by_sign(
    population: Population, kind: CellKind, synapses: Synapses
) -> tuple[dict[str, float], dict[str, float]]:
    """Return time constants for weights above and below 0, and the factors of weights."""
    receptors = population.receptors
    if not kind.signed:
        if len(receptors) > 1:
            raise SpikecudaValueError(
                f"{population.name}: must have one Delta receptor (got {', '.join(receptors)})"
            )
        return {}, {}
    owner: dict[str, list[str]] = {"ex": [], "in": []}
    factors: dict[str, float] = {}
    for name, receptor in receptors.items():
        weights = [
            found["weight"] for projection, found in synapses.items()
            if projection.target.population is population and projection.receptor == name
        ]  # fmt: skip
        if kind.conductance:
            sides = ["ex" if _reversal(receptor) > float(np.max(population.neurons.params["e_l"]))
                     else "in"]  # fmt: skip
            factors[name] = 1.0 if sides == ["ex"] else -1.0
        else:
            found = np.concatenate([*weights, np.empty(0)])
            sides = [
                s for s, there in (("ex", (found > 0).any()), ("in", (found < 0).any())) if there
            ]
        for side in sides:
            owner[side].append(name)
    values: dict[str, float] = {}
    for side, names in owner.items():
        if len(names) > 1:
            raise SpikecudaValueError(
                f"{population.name}: NEST's {kind.model} has one receptor for each sign of the "
                f"weights (got {' and '.join(names)} for weights "
                f"{'above' if side == 'ex' else 'below'} 0); give them one time constant"
            )
        for name in names:
            parameters = [getattr(receptors[name], field) for field in receptors[name].fields()]
            values |= dict(zip(kind.ports[side], parameters, strict=True))
    return values, factors


def _reversal(receptor: Receptor) -> float:
    return float(getattr(receptor, "e_rev"))  # noqa: B009 (receptors without one come not here)


def _glif(population: Population, current: np.ndarray) -> ExportedCells:
    """Return a population of NEST's ``glif_psc``."""
    spec, receptors = population.neurons, population.receptors
    if current.any():
        raise SpikecudaValueError(
            f"{population.name}: NEST's glif_psc has no constant current (got up to "
            f"{current.max():g} pA); use Step inputs"
        )
    for name, receptor in receptors.items():
        if not isinstance(receptor, AlphaCurrent):
            raise SpikecudaValueError(
                f"{population.name}: {spec.model.name} must have AlphaCurrent receptors (got "
                f"{name}: {receptor!r:.80})"
            )
    switches = next(s for s, of in GLIF_LEVELS.items() if of == (spec.model.name, spec.scheme))
    taus = [float(getattr(receptor, "tau")) for receptor in receptors.values()] or [2.0]  # noqa: B009
    kind = glif(switches, len(taus))
    cells = _exported(
        GLIF_PSC, kind, population, current, {}, {},
        {name: number for number, name in enumerate(receptors, 1)},
    )  # fmt: skip
    for name, count in LISTS.items():
        parts = [f"{name}_{i}" for i in range(1, count + 1)]
        if any(part in cells.varied for part in parts):
            raise SpikecudaValueError(
                f"{population.name}: {name} must be the same for all neurons (got one for each)"
            )
        if parts[0] in cells.fixed:
            cells.fixed[name] = [cells.fixed.pop(part) for part in parts]
    for number in range(1, len(taus) + 1):
        cells.fixed.pop(f"tau_syn_{number}", None)
    cells.fixed.update({"tau_syn": taus, **dict(zip(SWITCHES, switches, strict=True))})
    return cells


def _exported(
    template: str,
    kind: CellKind,
    population: Population,
    current: np.ndarray,
    more: Mapping[str, float],
    factors: Mapping[str, float],
    numbers: Mapping[str, int],
) -> ExportedCells:
    """Return parameters and start values by NEST's names."""
    spec = population.neurons
    values: dict[str, Any] = {**kind.defaults, **more}
    values |= {theirs: spec.params[ours] for ours, theirs in kind.params.items()}
    values |= {theirs: spec.start(ours) for ours, theirs in kind.initial.items()}
    if kind.current is not None:
        values[kind.current] = current
    fixed, varied = {}, {}
    for name, value in values.items():
        array = np.asarray(value, np.float64)
        if array.ndim and (array != array[0]).any():
            varied[name] = array
        else:
            fixed[name] = float(array.reshape(-1)[0])
    return ExportedCells(template, fixed, varied, factors, numbers)

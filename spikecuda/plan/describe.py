"""Read a network's description as a load; nothing is built."""

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_real
from spikecuda.common.time_grid import nearest_step, nearest_steps, whole_steps
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError, nearest, shown
from spikecuda.network.memory import neuron_bytes
from spikecuda.network.model.population import Population
from spikecuda.network.model.values import Values
from spikecuda.network.network import Network
from spikecuda.network.synapses.bundles import plan_bundles
from spikecuda.network.synapses.fixed_point import choose_fixed_point
from spikecuda.network.synapses.row_layout import delays_of
from spikecuda.plan.load import SOME, Group, Load, RowGroup, require_rate

ROUNDED = 1e-12


def load_of(network: Any, rates: float | Mapping[str, float], name: str = "network") -> Load:
    """Return a network's load, from its description.

    Args:
        network: a ``Network``, built or not.
        rates: Hz: one number for all populations, or one for each population and source by name.
        name: what to call it.

    Raises:
        SpikecudaError: it has synapses that learn, procedural rows or couplings, of which the plan
            knows no cost.
        SpikecudaTypeError: it is no network.
        SpikecudaValueError: a rate is missing or negative, or there is no such population.
    """
    if not isinstance(network, Network):
        raise SpikecudaTypeError(f"network must be a Network (got {shown(network)})")
    _require_plain(network.wired, network.couplings)
    populations = [p for p in network.populations.values() if p.neuron_spec is not None]
    everybody = [*populations, *network.trains]
    known = _rates(everybody, rates, network.dt)
    numbers = {population: i for i, population in enumerate(everybody)}
    groups = tuple(
        Group(
            p.name or "a train", p.size, rate, kernel_name(network, p) if p.neuron_spec else "",
            neuron_bytes(p) if p.neuron_spec else 0.0, max(1, len(p.ports)), _rest(p),
        )
        for p, rate in zip(everybody, known, strict=True)
    )  # fmt: skip
    rows, shortest, longest = _rows(network.wired, numbers, network.dt)
    return Load(name, network.dt, shortest, longest, groups, rows)


def measured_rates(
    network: Any, duration: float, progress: Callable[[int, int], None] | bool = False
) -> dict[str, float]:
    """Return the rate of each population and source in the second half of a run, Hz.

    Args:
        network: a ``Network``, which is run.
        duration: ms.
        progress: as for ``Network.run``.
    """
    whole_steps("duration", duration, network.dt, some=True)
    result = network.run(duration, progress=progress)
    half = network.dt * nearest_step(0.5 * duration, network.dt)
    rates = result.rates(start=half)
    for source in network.trains:
        train = network.train_of(source) if source.name else None
        rates[source.name or "a train"] = _train_rate(train, source.size, duration)
    return rates


def _train_rate(train: Any, size: int, duration: float) -> float:
    """Return the mean rate of a train of a source, Hz."""
    if train is None:
        return 0.0
    each = np.count_nonzero(np.asarray(train.times) < duration) / (1e-3 * duration)
    return float(each if train.neurons is None else each / size)


def kernel_name(network: Any, population: Population) -> str:
    """Return in words what decides how long an update of a population's neurons takes."""
    spec = population.neurons
    substeps = f" x{spec.substeps}" if spec.substeps > 1 else ""
    parts = [f"{spec.model.name} {spec.scheme}{substeps} {spec.precision.name}"]
    parts += [type(receptor).__name__ for receptor in population.receptors.values()]
    parts += [type(given).__name__ for given, _ in network.inputs_of(population)]
    return " + ".join(parts)


def _rest(population: Population) -> int:
    """Return the fewest steps that a neuron rests after a spike."""
    spec = population.neuron_spec
    if spec is None or "n_ref" not in spec.constants:
        return 0
    return int(np.min(spec.constants["n_ref"]))


def _require_plain(projections: Any, couplings: Any) -> None:
    """Raise SpikecudaError for what the plan has no cost of."""
    for p in projections:
        if p.plasticity is not None:
            raise SpikecudaError(
                f"a plan is for synapses whose weights stay (got {type(p.plasticity).__name__} in "
                f"{p.name}); plan the network without its rule, and measure what the rule adds"
            )
        if p.procedural:
            raise SpikecudaError(
                f"a plan is for stored synapses (got procedural rows in {p.name}); plan the "
                "network with procedural=False"
            )
    for c in couplings:
        raise SpikecudaError(
            f"a plan is for networks over several processes, where neurons are not coupled (got "
            f"{c.name}); plan the network without it"
        )


def _rates(
    everybody: list[Population], given: float | Mapping[str, float], dt: float
) -> list[float]:
    """Return the rate of each population."""
    names = [p.name or "a train" for p in everybody]
    if not isinstance(given, Mapping):
        given = dict.fromkeys(names, given)
    for name in given:
        if name not in names:
            raise SpikecudaValueError(
                f"the network has no population {name!r}{nearest(str(name), names)}; it has "
                f"{', '.join(names)}"
            )
    for name in names:
        if name not in given:
            raise SpikecudaValueError(
                f"rates must have one for each population (got none for {name}); add it in Hz"
            )
    found = [as_real(f"the rate of {name}", given[name], "Hz") for name in names]
    for population, name, rate in zip(everybody, names, found, strict=True):
        # Trains are lists of times, of which a step can have many.
        steps = dt if population.neuron_spec is not None else 0.0
        require_rate(f"the rate of {name}", rate, steps)
    return found


def _rows(
    projections: Any, numbers: Mapping[Population, int], dt: float
) -> tuple[tuple[RowGroup, ...], int, int]:
    """Return rows as the build would store them together, and the bounds of delays that occur.

    Args:
        projections: of the network; numbers: of their sources.
        dt: length of a step in ms.
    """
    fixed = choose_fixed_point(projections)
    rows, low, high = [], [], []
    for bundle in plan_bundles(projections, fixed):
        members = bundle.projections
        total: dict[int, float] = {}
        for p in members:
            for step, part in delay_parts(p.delay, dt, p.late).items():
                total[step] = total.get(step, 0.0) + part * p.expected
        synapses = math.fsum(total.values())
        if not synapses:
            continue
        parts = tuple(count / synapses for count in total.values())
        usual = max(delays_of(p) for p in members)
        source = members[0].source.population
        rows.append(RowGroup(numbers[source], synapses, bundle.width, parts, usual))
        # Of few synapses no delay may have one on average; the likeliest then counts.
        present = [step for step, count in total.items() if count >= min(SOME, max(total.values()))]
        high.append(max(present))
        if source.neuron_spec is not None:
            low.append(min(present))
    return tuple(rows), min(low, default=0), max(high, default=0)


def delay_parts(delay: Values, dt: float, late: int = 0) -> dict[int, float]:
    """Return which part of some synapses has each delay, by the delay in steps.

    Args:
        delay: as given; of what the distance decides, all delays in its range are as likely.
        dt: length of a step in ms.
        late: steps that are added.
    """
    if delay.given is not None:
        steps, counts = np.unique(nearest_steps(delay.given, dt), return_counts=True)
        return dict(zip((steps + late).tolist(), (counts / counts.sum()).tolist(), strict=True))
    if delay.kind == "FIXED" or delay.most <= delay.least:
        return {nearest_step(delay.least, dt) + late: 1.0}
    first, last = (nearest_step(x, dt) for x in (delay.least, delay.most))
    steps = np.arange(first, last + 1)
    # The values that are rounded to a step lie half a step around it.
    edges = np.clip(np.append(steps - 0.5, last + 0.5) * dt, delay.least, delay.most)
    if delay.kind in ("CLIPPED", "REDRAWN", "LOGNORMAL"):
        values = np.log(edges) if delay.kind == "LOGNORMAL" else edges
        below = np.array([NormalDist(delay.a, delay.b).cdf(x) for x in values.tolist()])
    else:
        below = edges.copy()
    parts = np.diff(below)
    if delay.kind == "CLIPPED":  # what is beyond a bound is at it
        parts[0] += below[0]
        parts[-1] += 1.0 - below[-1]
    parts = parts / parts.sum()
    kept = parts > ROUNDED
    return dict(zip((steps[kept] + late).tolist(), parts[kept].tolist(), strict=True))

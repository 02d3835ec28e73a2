"""NetworkResult as Neo objects, for Elephant and for the file formats that Neo writes."""

import re
from typing import Any

import numpy as np

from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.time_grid import nearest_step
from spikecuda.errors import MissingPackageError, SpikecudaValueError, nearest
from spikecuda.network.results.result import NetworkResult

_PLAIN = re.compile(r"[A-Za-zµΩ0-9*/ ]{1,40}")


@out_of_memory("a neo Block", "take fewer populations=")
def to_neo(result: NetworkResult, populations: list[str] | None = None) -> Any:
    """Return a neo Block.

    It has one Segment. A SpikeTrain for each recorded neuron, silent ones too, in ms, annotated
    with ``population`` and ``neuron``; an AnalogSignal for each population and variable, annotated
    with ``population`` and ``variable``, and with ``neuron`` for each channel. A unit that the
    package quantities does not know is kept as the annotation ``unit`` of a dimensionless signal.
    A Group for each population holds its trains and signals.

    Args:
        result: what to convert.
        populations: which; by default all.

    Raises:
        MissingPackageError: neo is not installed.
        SpikecudaValueError: a population that recorded nothing.
    """
    try:
        import neo
    except ImportError as error:
        raise MissingPackageError(
            'to_neo needs the package neo; install it with: pip install "spikecuda[neo]"'
        ) from error
    recorded = list(dict.fromkeys([*result.spikes, *result.traces]))
    for name in populations or ():
        if name not in recorded:
            raise SpikecudaValueError(
                f"populations must be of those recorded: {', '.join(recorded)} (got {name!r})"
                f"{nearest(name, recorded)}"
            )
    block = neo.Block(
        name="spikecuda", dt=result.dt, seconds=result.seconds, sizes=dict(result.sizes)
    )
    segment = neo.Segment(name=f"{result.start:g} to {result.stop:g} ms", index=0)
    block.segments.append(segment)
    for name in recorded if populations is None else populations:
        trains = _trains(neo, result, name) if name in result.spikes else []
        signals = _signals(neo, result, name) if name in result.traces else []
        segment.spiketrains.extend(trains)
        segment.analogsignals.extend(signals)
        block.groups.append(neo.Group(objects=[*trains, *signals], name=name))
    return block


def _trains(neo: Any, result: NetworkResult, name: str) -> list[Any]:
    import quantities as pq

    spikes, neurons, _, _ = result.window(name)
    ids = np.arange(neurons) if isinstance(neurons, int) else np.asarray(neurons)
    order = np.argsort(spikes.neuron, kind="stable")
    times, owners = spikes.time[order], spikes.neuron[order]
    low, high = np.searchsorted(owners, ids), np.searchsorted(owners, ids, side="right")
    # From whole steps, as spike times are: no spike lies after the end by a rounding.
    edges = [nearest_step(t, result.dt) * result.dt for t in (result.start, result.stop)]
    return [
        neo.SpikeTrain(
            times[a:b], units="ms", t_start=edges[0], t_stop=edges[1], name=f"{name}[{neuron}]",
            sampling_rate=1.0 / result.dt * pq.kHz, population=name, neuron=int(neuron),
        )
        for neuron, a, b in zip(ids, low, high, strict=True)
    ]  # fmt: skip


def _signals(neo: Any, result: NetworkResult, name: str) -> list[Any]:
    import quantities as pq

    times = result.trace_times[name]
    if not times.size:
        return []
    every = nearest_step(float(times[1] - times[0]), result.dt) if times.size > 1 else 1
    neurons = result.trace_neurons(name)
    signals = []
    for variable, values in result.traces[name].items():
        unit = result.units.get(name, {}).get(variable, "")
        known, extra = _unit(unit)
        signals.append(neo.AnalogSignal(
            values, units=known, t_start=float(times[0]) * pq.ms,
            sampling_period=every * result.dt * pq.ms, name=f"{name}.{variable}",
            array_annotations={"neuron": neurons}, population=name, variable=variable, **extra,
        ))  # fmt: skip
    return signals


def _unit(unit: str) -> tuple[Any, dict[str, str]]:
    """Return the unit for quantities, and what is left to annotate."""
    import quantities as pq

    if not unit or unit == "1":
        return pq.dimensionless, {}
    if not _PLAIN.fullmatch(unit):  # quantities evaluates what it is given
        return pq.dimensionless, {"unit": unit}
    try:
        return pq.Quantity(1.0, unit).units, {}
    except (LookupError, ValueError, SyntaxError):
        return pq.dimensionless, {"unit": unit}

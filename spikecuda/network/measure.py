"""Metrics of a built network, and figures during a run."""

from collections.abc import Sequence

from spikecuda.network.model.population import Population
from spikecuda.network.run.engine import Engine
from spikecuda.observe.live_view import DeviceFigures, Snapshot, TypeFigures
from spikecuda.observe.metrics import NetworkMetrics


def measure(
    engine: Engine, populations: Sequence[Population], dt: float, build_seconds: float
) -> NetworkMetrics:
    """Return a network's metrics.

    Args:
        engine: of the network.
        populations: those with neurons, by number.
        dt: length of a step in ms.
        build_seconds: wall-clock time of the build.
    """
    neurons = sum(population.size for population in populations)
    synapses, seconds, time = engine.wiring.synapses, engine.seconds, engine.clock * dt
    spikes, events = int(engine.spikes.sum()), engine.events
    per_second = 1.0 / seconds if seconds else 0.0
    host, device = engine.held()
    state = sum(array.nbytes for n in engine.neurons for array in n.state.values())
    return NetworkMetrics(
        num_neurons=neurons, steps=engine.clock, time=time, updates=neurons * engine.clock,
        spikes=spikes, mean_rate=spikes / (neurons * time * 1e-3) if time else 0.0,
        run_seconds=seconds, compile_seconds=engine.compile_seconds,
        updates_per_second=neurons * engine.clock * per_second,
        realtime_factor=seconds / (time * 1e-3) if time else 0.0, host_bytes=host,
        device_bytes=device, state_bytes_per_neuron=state / neurons, synapses=synapses,
        bytes_per_synapse=engine.synapse_bytes / synapses if synapses else 0.0, events=events,
        events_per_second=events * per_second, build_seconds=build_seconds, window=engine.window,
        partitions=engine.partition_count, threads=engine.threads, devices=engine.device_names,
        exchange_seconds=engine.exchange_seconds, exchange=engine.route.by,
    )  # fmt: skip


def take_snapshot(engine: Engine, populations: Sequence[Population], dt: float) -> Snapshot:
    """Return the figures of a network that runs; any thread may ask for them.

    Args:
        engine, populations, dt: as for ``measure``.
    """
    spikes = engine.spikes
    types = tuple(
        TypeFigures(
            population.name, population.size, int(spikes[population.number]),
            sum(array.nbytes for array in neurons.state.values()),
        )
        for population, neurons in zip(populations, engine.neurons, strict=True)
    )  # fmt: skip
    names = dict.fromkeys(engine.device_names)
    devices = tuple(DeviceFigures(name, *engine.figures_of(name)) for name in names)
    return Snapshot(engine.clock, dt, types, devices)

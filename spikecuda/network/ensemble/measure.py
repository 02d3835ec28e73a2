"""Metrics of an ensemble: those of all of its replicas together."""

from collections.abc import Sequence

from spikecuda.network.ensemble.group import Group
from spikecuda.network.ensemble.wiring import distinct_bytes
from spikecuda.observe.metrics import NetworkMetrics


def measure(
    groups: Sequence[Group], clock: int, seconds: float, dt: float, build_seconds: float
) -> NetworkMetrics:
    """Return the metrics of all replicas; synapses that several of them share count once in bytes.

    Args:
        groups: all replicas together.
        clock: steps done since the last reset; ``seconds``: wall-clock time of them.
        dt: length of a step in ms.
        build_seconds: wall-clock time of the build.
    """
    engines = [engine for group in groups for engine in group.engines]
    neurons = sum(n.population.size for engine in engines for n in engine.neurons)
    synapses = sum(engine.wiring.synapses for engine in engines)
    spikes = sum(int(engine.spikes.sum()) for engine in engines)
    events = sum(engine.events for engine in engines)
    state = sum(a.nbytes for e in engines for n in e.neurons for a in n.state.values())
    rows = distinct_bytes([engine.wiring for engine in engines])
    host: dict[str, int] = {}
    device: dict[str, int] = {}
    for engine in engines:
        for total, held in zip((host, device), engine.held(), strict=True):
            for name, size in held.items():
                total[name] = total.get(name, 0) + size
    host["synapses"] = rows
    time, per_second = clock * dt, 1.0 / seconds if seconds else 0.0
    return NetworkMetrics(
        num_neurons=neurons, steps=clock, time=time, updates=neurons * clock, spikes=spikes,
        mean_rate=spikes / (neurons * time * 1e-3) if time else 0.0, run_seconds=seconds,
        compile_seconds=sum(engine.compile_seconds for engine in engines),
        updates_per_second=neurons * clock * per_second,
        realtime_factor=seconds / (time * 1e-3) if time else 0.0, host_bytes=host,
        device_bytes=device, state_bytes_per_neuron=state / neurons, synapses=synapses,
        bytes_per_synapse=rows / synapses if synapses else 0.0, events=events,
        events_per_second=events * per_second, build_seconds=build_seconds,
        window=min(engine.window for engine in engines),
        partitions=sum(engine.partition_count for engine in engines),
        threads=sum(group.threads for group in groups),
        devices=[group.device_name for group in groups],
        exchange_seconds=0.0,
        exchange="none",
    )  # fmt: skip

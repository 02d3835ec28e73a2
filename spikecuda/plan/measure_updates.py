"""Measure the updates of a network's neurons: each population alone, with its input."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.network.cpu.block_memory import FUSED_BYTES
from spikecuda.network.memory import CELL
from spikecuda.network.model.population import Population
from spikecuda.network.model.receptors import ExpCurrent
from spikecuda.network.model.rules import AllToAll
from spikecuda.network.network import Network
from spikecuda.network.run.window import MAX_WINDOW
from spikecuda.plan.describe import kernel_name

# Neurons of a large part, at most and at least, and of a small one.
NEURONS, SMALL, PART = 1 << 14, 1 << 11, 1 << 7
SECONDS, REPEATS = 0.05, 5
LEAST, STEPS = 640, 1280
BLOCKS = (16, 64, 128)


@dataclass(frozen=True)
class Base:
    """What a step takes beside updates: ``spike``, ``group``, ... of ``machine.Costs``."""

    spike: float
    group: float
    window: float
    step: float
    scan_window: float
    scan_step: float

    def seconds(self, spikes: float, blocks: int, window: int) -> float:
        """Return the seconds of a step in which so many spikes come from one part a block."""
        groups = -blocks * math.expm1(-spikes / blocks)
        each = self.step + self.window / window
        scan = self.scan_step + self.scan_window / window
        return self.spike * spikes + blocks * (each + groups * self.group + blocks * scan)


def updates_of(
    network: Network,
    base: Base,
    known: Mapping[str, Any] | None = None,
    report: Callable[[str], None] = lambda name: None,
) -> dict[str, tuple[float, float, float]]:
    """Return seconds of updates by what neurons do, as ``machine.Costs.updates``.

    Args:
        network: whose populations; it stays as it is.
        base: what is taken off.
        known: by name; these are left out.
        report: is told what is measured.
    """
    found: dict[str, tuple[float, float, float]] = {}
    for population in network.populations.values():
        if population.neuron_spec is None:
            continue
        name = kernel_name(network, population)
        if name in found or name in (known or {}):
            continue
        report(name)
        found[name] = _times(network, population, base)
    return found


def _times(network: Network, population: Population, base: Base) -> tuple[float, float, float]:
    """Return seconds of a call, of a step of a part, and of an update."""
    spec = population.neurons
    size = population.size
    inputs = network.inputs_of(population)
    arrays = [*spec.params.values(), *spec.constants.values()]
    varied = any(np.ndim(a) for a in arrays) or any(
        isinstance(v, np.ndarray) and v.ndim for i, _ in inputs for v in vars(i).values()
    )
    small = PART
    if not varied:
        size = max(SMALL, min(size, NEURONS))
        many = 1
    else:  # arrays of input have one size: parts of that are small
        many = max(2, size // PART)
        small = size
    # A large part, and small ones in short and in long windows: one at a time, for of differences
    # between many blocks little is left beside what disturbs them.
    one = _step_seconds(network, population, size, 1, base)
    short = _step_seconds(network, population, small, many, base, window=1) / many
    long = _step_seconds(network, population, small, many, base) / many
    part, ports = small / many, max(1, len(population.ports))
    few, all_of_them = _calls(part * ports), _calls(size * ports)
    call = max(0.0, (short - long) / (1.0 - few))
    update = max(0.0, (one - long - (all_of_them - few) * call) / (size - part))
    return call, max(0.0, long - few * call - part * update), update


def _calls(stride: float) -> float:
    """Return the calls of a kernel in a step of a long window."""
    fused = max(1, min(MAX_WINDOW, int(FUSED_BYTES // (CELL * stride))))
    return math.ceil(MAX_WINDOW / fused) / MAX_WINDOW


def _step_seconds(
    network: Network, population: Population, size: int, blocks: int, base: Base,
    window: int = MAX_WINDOW,
) -> float:  # fmt: skip
    """Return the best seconds of a step of a population alone.

    Args:
        network: where it is from.
        population: whose model, parameters and input are taken.
        size: neurons.
        blocks: over which they are split; ``window``: steps between two exchanges, 1 or all.
        base: what is taken off for spikes, and for blocks in which nothing happens.
    """
    spec = population.neurons
    with Network(
        network.dt, network.seed, network.precision, threads=1, partitions=blocks, devices="cpu"
    ) as net:
        net.population(
            "neurons", size, spec.model, dict(spec.params), dict(spec.initial),
            receptors=dict(population.receptors), scheme=spec.scheme, substeps=spec.substeps,
        )  # fmt: skip
        net.record("neurons", None)
        for given, receptor in network.inputs_of(population):
            net.drive("neurons", given, receptor or None)
        if window == 1 and population.receptors:
            one, name = net["neurons"][:1], next(iter(population.receptors))
            net.connect(one, one, AllToAll(), 0.0, net.dt, name)
        steps, best = LEAST, math.inf
        net.run(steps * net.dt)
        for _ in range(REPEATS):
            before = net.metrics()
            net.run(steps * net.dt)
            after = net.metrics()
            spikes = (after.spikes - before.spikes) / steps
            seconds = (after.run_seconds - before.run_seconds) / steps
            best = min(best, seconds - base.seconds(spikes, blocks, window))
            enough = SECONDS / max(best, 1e-9)
            steps = max(LEAST, int(enough) // MAX_WINDOW * MAX_WINDOW)
    return best


def spike_costs() -> dict[str, Any]:
    """Return ``spike`` and ``record`` of ``machine.Costs``: LIF neurons that spike, or do not."""

    def seconds(current: float, record: bool) -> tuple[float, float]:
        with _silent(2) as net:  # whose lists are merged
            net.drive("neurons", current)
            net.record("neurons", "spikes" if record else None)
            net.run(50.0)
            best, spikes = math.inf, 0
            for _ in range(REPEATS):
                before = net.metrics()
                net.run(100.0)
                after = net.metrics()
                best = min(best, after.run_seconds - before.run_seconds)
                spikes = after.spikes - before.spikes
        return best, spikes

    silent, _ = seconds(0.0, False)
    listed, count = seconds(1000.0, False)
    kept, _ = seconds(1000.0, True)
    count = max(count, 1)
    return {
        "spike": max(0.0, listed - silent) / count, "record": max(0.0, kept - listed) / count,
    }  # fmt: skip


def scan_costs() -> dict[str, Any]:
    """Return ``scan_window`` and ``scan_step`` of ``machine.Costs``, from a growing square.

    Every block looks at all parts of its rank: with n blocks of one part each, a step takes
    a + b n + c n^2.  Three numbers of blocks give c.
    """
    found = {}
    for window in (1, MAX_WINDOW):
        times = []
        for blocks in BLOCKS:
            with _silent(blocks) as net:
                if window == 1:
                    one = net["neurons"][:1]
                    net.connect(one, one, AllToAll(), 0.0, net.dt)
                net.record("neurons", None)
                net.run(STEPS * net.dt)
                best = math.inf
                for _ in range(REPEATS):
                    before = net.metrics().run_seconds
                    net.run(STEPS * net.dt)
                    best = min(best, net.metrics().run_seconds - before)
                times.append(best / STEPS)
        found[window] = max(0.0, float(np.polyfit(BLOCKS, times, 2)[0]))
    step = max(0.0, found[MAX_WINDOW] - found[1] / MAX_WINDOW) / (1.0 - 1.0 / MAX_WINDOW)
    return {"scan_window": max(0.0, found[1] - step), "scan_step": step}


def _silent(blocks: int) -> Network:
    """Return a network of LIF neurons in so many blocks, where nothing happens."""
    net = Network(0.1, 1, threads=1, partitions=blocks, devices="cpu")
    net.population("neurons", NEURONS, "lif", receptors={"syn": ExpCurrent(tau=5.0)})
    return net

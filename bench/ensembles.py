"""64 networks of 1,000 neurons as an ensemble, beside single runs of the same networks.

    python bench/ensembles.py [--size 64] [--duration 1000] [--repeats 9] [--threads 2]

Checks first: each replica's spikes must be those of its lone network.  Times then, in turns: the
ensemble; the lone networks, one after the other, each on one thread; and the lone networks on as
many threads as the ensemble has, each thread taking the next one.  The best turn of each counts, in
wall time, and in CPU time of all threads, which says more where others use the machine.  Builds are
timed once, before.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from spikecuda import Ensemble, Network, Poisson, Uniform
from spikecuda.network import ExpCurrent, FixedProbability


def network(**options: Any) -> Network:
    """Return 800 excitatory and 200 inhibitory neurons, 100,000 synapses."""
    net = Network(seed=1, devices="cpu", threads=1, **options)
    ports = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}
    for name, n in (("E", 800), ("I", 200)):
        net.population(name, n, "lif", initial={"v": Uniform(-70.0, -52.0)}, receptors=ports)
        net.drive(name, Poisson(1200.0, 22.0), "exc")
    for target in "EI":
        net.connect("E", target, FixedProbability(0.1), 4.0, 1.5, "exc")
        net.connect("I", target, FixedProbability(0.1), -20.0, 1.5, "inh")
    return net


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds that work takes, of wall time and of CPU time."""
    begin, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - used


def main() -> None:
    """Check, time, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--duration", type=float, default=1000.0, help="ms of a turn")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    size, duration = options.size, options.duration
    ensemble = Ensemble(network(), size, trials=range(size), threads=options.threads)
    lone = [network(trial=trial) for trial in range(size)]
    built = timed(ensemble.build), timed(lambda: [net.build() for net in lone])
    print(f"CPU time of builds: ensemble {built[0][1]:.2f} s, lone networks {built[1][1]:.2f} s")

    together = ensemble.run(duration)
    for net, result in zip(lone, together, strict=True):
        own = net.run(duration)
        for name, train in own.spikes.items():
            assert np.array_equal(train.step, result.spikes[name].step)
            assert np.array_equal(train.neuron, result.spikes[name].neuron)
    print(f"checked: {together.num_spikes:,} spikes, {together.rates()['E'].mean():.2f} Hz")

    with ThreadPoolExecutor(options.threads) as executor:
        turns: dict[str, Callable[[], Any]] = {
            "ensemble": lambda: ensemble.run(duration),
            "lone, one after the other": lambda: [net.run(duration) for net in lone],
            f"lone, {options.threads} threads": lambda: list(
                executor.map(lambda net: net.run(duration), lone)
            ),
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in turns}
        for _ in range(options.repeats):
            for name, work in turns.items():
                times[name].append(timed(work))
    best = {
        name: [min(column) for column in zip(*found, strict=True)] for name, found in times.items()
    }
    for name, (wall, cpu) in best.items():
        updates = size * 1000 * duration / ensemble.dt / wall
        ratios = [mine / own for mine, own in zip((wall, cpu), best["ensemble"], strict=True)]
        print(
            f"{name:26} wall {wall:6.3f} s, CPU {cpu:6.3f} s, {updates / 1e9:5.2f} G updates/s; "
            f"the ensemble has {ratios[0]:.3f} of its throughput, by CPU time {ratios[1]:.3f}"
        )


if __name__ == "__main__":
    main()

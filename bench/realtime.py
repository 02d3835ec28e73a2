"""How late a network in real time is: 10,000 neurons, 1 M synapses, pieces of 1 ms, one core.

python bench/realtime.py [SECONDS] [MS OF A PIECE]

A balanced network at dt 0.1 ms, to which each piece brings 100 spikes from outside.
"""

import sys
import time

import numpy as np

from spikecuda import Poisson
from spikecuda.network import ExpCurrent, FixedInDegree, Network, SpikeTrain

SEED = 1


def network() -> Network:
    """Return the network: 8,000 and 2,000 neurons, 100 synapses each, and 1,000 inputs."""
    net = Network(dt=0.1, seed=SEED, devices="cpu", threads=1)
    ports = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}
    for name, size in (("E", 8000), ("I", 2000)):
        net.population(name, size, "lif", {"t_ref": 2.0}, receptors=ports)
        net.drive(name, Poisson(rate=1400.0, weight=22.0), "exc")
    for target in ("E", "I"):
        net.connect("E", target, FixedInDegree(80), 8.0, 1.5, "exc")
        net.connect("I", target, FixedInDegree(20), -40.0, 1.5, "inh")
    net.source("pixels", 1000, SpikeTrain([], []), at_once=8)
    net.connect("pixels", "E", FixedInDegree(1), 20.0, 1.0, "exc")
    return net


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    piece = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    random = np.random.default_rng(SEED)

    def feed(net: Network, result: object) -> None:
        times = net.time + random.uniform(0.1, piece, 100)
        net["pixels"].train = SpikeTrain(times, random.integers(0, 1000, 100))

    with network() as net:
        net.run(100.0)
        begun = time.process_time()
        result = net.run(1e3 * seconds, realtime=True, every=piece, call=feed)
        used = time.process_time() - begun
        print(f"{net.metrics().synapses:,} synapses; " + ", ".join(
            f"{name} {rate:.2f} Hz" for name, rate in result.rates().items()
        ))  # fmt: skip
        print(f"real-time factor of runs {result.realtime_factor:.3f}, CPU {used / seconds:.3f}")
        print(net.lateness)


if __name__ == "__main__":
    main()

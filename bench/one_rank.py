"""One process of an MPI job, alone: memory of its rows, time to build them, and events delivered.

A process of N is built without the others and advanced with spikes that the others might have sent,
in the messages in which they would have come.  Run it alone on the machine:

    python bench/one_rank.py --ranks 16 256 4096 --layouts dense short

Args:
    --neurons: of a process (5,000).
    --degree: synapses of a neuron (10,000): a source's row in a process of N has degree / N.
    --rate: of all neurons, Hz (5).
    --blocks: of a process, which has one thread (1).
    --threads: that advance them, and build (1).
    --steps: of 0.1 ms each (300); 0 builds only.
    --rule: probability, in, out or total (probability).
"""

import argparse
import resource
import time

import numpy as np

from spikecuda import Network, Normal
from spikecuda.kernels.network.layout import LINK_MOST, LINK_NEXT
from spikecuda.network import (
    ExpCurrent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
)
from spikecuda.network.cpu.engine import CpuEngine
from spikecuda.network.one_rank import build_one_rank
from spikecuda.network.ranks.link import Link
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.synapses import row_layout
from spikecuda.plan.measure_short import Others

DT = 0.1
NOTHING = np.empty((0, 3), np.int64)


def messages(rng, bounds, rank, rate, steps, block):
    """Return int32 (steps, ranks, block): what processes send in each step, one population."""
    ranks = bounds.size - 1
    result = np.zeros((steps, ranks, block), np.int32)
    sizes = np.diff(bounds)
    for k in range(steps):
        count = np.minimum(rng.poisson(sizes * rate * DT * 1e-3), block - 5)
        count[rank] = 0
        result[k, :, 0] = np.where(count > 0, count + 3, 0)
        result[k, :, 4] = count
        who = np.repeat(np.arange(ranks), count)
        place = np.arange(who.size) - np.repeat(np.cumsum(count) - count, count)
        neuron = (bounds[who] + rng.random(who.size) * sizes[who]).astype(np.int32)
        result[k, who, 5 + place] = neuron
    return result


def measure(args, ranks, layout):
    row_layout.forced = layout
    size = args.neurons * ranks
    net = Network(dt=DT, seed=1, devices="cpu")
    cells = net.population("cells", size, "lif", receptors={"syn": ExpCurrent(5.0)})
    delay = Normal(1.5, 0.75, low=0.1)
    rule = {
        "probability": lambda: FixedProbability(args.degree / size),
        "in": lambda: FixedInDegree(args.degree),
        "out": lambda: FixedOutDegree(args.degree),
        "total": lambda: FixedTotal(args.degree * size),
    }[args.rule]()
    net.connect(cells, cells, rule, Normal(30.0, 3.0), delay)
    one = build_one_rank(net, 0, ranks, threads=args.blocks)
    if not args.steps:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{ranks:6} {layout:6} {one.build_seconds:8.1f} s, peak {peak:.2f} GB", flush=True)
        return
    rows = one.wiring.nbytes
    neurons = [Neurons(population) for population in net._describe().populations]
    engine = CpuEngine(neurons, 1, one.wiring, args.threads)
    others = Others(ranks)
    link = Link(others, size, args.neurons, args.blocks, engine.window, engine.window, DT)
    block = int(link.table[LINK_NEXT])
    link.table[LINK_MOST] = 0  # blocks stay as long as the messages that are made
    sent = messages(np.random.default_rng(1), one.bounds[0], 0, args.rate, args.steps, block)
    silent = np.zeros_like(sent[:1]).repeat(args.steps, axis=0)
    engine._link_address = link.address
    drives = [net._drives.resolve(n.population, args.steps, 0, args.steps) for n in neurons]
    found = {}
    for name, what in (("silent", silent), ("sent", sent), ("silent", silent), ("sent", sent)):
        engine.reset()
        others.state[:] = what.ctypes.data, what[0].nbytes // 8
        run = engine.prepare(args.steps, drives, [], [])
        begin = time.perf_counter()
        done = 0
        while done < args.steps:
            done += engine.advance(
                run, min(run.chunk, args.steps - done), np.empty((0, 3), np.int64)
            )
        found[name] = min(found.get(name, 1e9), time.perf_counter() - begin)
        engine.drain()
    events = engine.events
    seconds = found["sent"] - found["silent"]
    print(
        f"{ranks:6} {layout:6} {one.wiring.synapses / 1e6:8.1f} {args.degree / ranks:9.1f} "
        f"{rows / one.wiring.synapses:9.2f} {one.build_seconds:8.1f} "
        f"{events / seconds / 1e6:9.1f} {events / 1e6:9.2f} "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:7.2f}",
        flush=True,
    )
    net.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ranks", type=int, nargs="+", default=[16, 256, 4096])
    parser.add_argument("--layouts", nargs="+", default=["dense", "short"])
    parser.add_argument("--neurons", type=int, default=5000)
    parser.add_argument("--degree", type=int, default=10000)
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rule", default="probability")
    parser.add_argument("--steps", type=int, default=300)
    args = parser.parse_args()
    if args.steps:
        print(" ranks layout synapses  mean row  B a syn.  build s  M event/s   M events  RSS GB")
    for ranks in args.ranks:
        for layout in args.layouts:
            measure(args, ranks, layout)


if __name__ == "__main__":
    main()

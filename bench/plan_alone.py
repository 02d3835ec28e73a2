"""Compare what ``spikecuda plan`` predicts for one process of many with that process, run alone.

    python bench/plan_alone.py [--machine zen5] [--ranks 3 8] [--only brunel cuba microcircuit]

The network runs in one process first.  Then process 0 of N is built alone, and gets the others'
spikes of that run in the messages in which they would have come.  It must have the spikes of its
neurons in that run.  The time is CPU time of update, look-up and delivery.  What stands for MPI
copies messages, which is no part of that: it is the time with empty messages, of the same length,
beyond that without any, and is taken off.  Nothing else should run.
"""

import argparse
import time
from dataclasses import replace

import numpy as np
from plan import MAKE

from spikecuda.kernels.network.layout import LINK_HEAD, LINK_MOST, LINK_NEXT
from spikecuda.network import NetworkResult
from spikecuda.network.one_rank import OneRank, build_one_rank
from spikecuda.network.ranks import link as link_module
from spikecuda.network.run.neurons import Neurons
from spikecuda.plan import Machine, load_of, measure_updates, predict
from spikecuda.plan.measure_short import NOTHING, LinkedEngine, Others

DURATION = {"brunel": 600.0, "cuba": 1000.0, "microcircuit": 600.0}
REPEATS = 5


def messages(
    result: NetworkResult, names: list[str], one: OneRank, window: int, windows: int, block: int
) -> np.ndarray:
    """Return int32 (windows, ranks, block): the spikes of a run, as the others send them."""
    sent = np.zeros((windows, one.ranks, block), np.int32)
    for g, name in enumerate(names):
        spikes = result.spikes[name]
        owner = np.searchsorted(one.bounds[g], spikes.neuron, side="right") - 1
        order = np.lexsort((spikes.neuron, spikes.step, owner))
        step, neuron, owner = spikes.step[order], spikes.neuron[order], owner[order]
        edges = np.flatnonzero((np.diff(owner) != 0) | (np.diff(step) != 0)) + 1
        for first, last in zip(np.append(0, edges), np.append(edges, step.size), strict=True):
            at_window, k = divmod(int(step[first]), window)
            if owner[first] == 0 or at_window >= windows:
                continue
            message, count = sent[at_window, owner[first]], last - first
            at = LINK_HEAD + message[0]
            message[at : at + 3] = k, g, count
            message[at + 3 : at + 3 + count] = neuron[first:last]
            message[0] += 3 + count
    return sent


def compare(name: str, ranks: int, machine: Machine) -> None:
    """Run a network, then one process of many, and print both beside the plan."""
    duration = DURATION[name]
    with MAKE[name](seed=1, threads=1, devices="cpu") as net:
        result = net.run(duration)
        steps, window = round(duration / net.dt), net.metrics().window
    rates = result.rates(start=0.5 * duration)
    net = MAKE[name](seed=1, devices="cpu")
    one = build_one_rank(net, 0, ranks, threads=1)
    populations = list(net.populations.values())
    neurons = [Neurons(p) for p in populations]
    others, engine = Others(ranks), LinkedEngine(neurons, len(neurons), one.wiring, 1)
    link_module.RATE = 60.0  # no message is longer than a block
    size = sum(p.size for p in populations)
    link = link_module.Link(others, size, size * window, len(populations), window, window, net.dt)
    link.table[LINK_MOST] = 0  # blocks stay as long as the messages that are made
    windows = steps // window
    sent = messages(result, list(net.populations), one, window, windows, link.table[LINK_NEXT])
    engine.link(link.address)
    drives = [net._drives.resolve(p, steps, 0, steps) for p in populations]
    total, half = windows * window, windows // 2 * window
    # With the others' spikes; with messages of that length, all empty; with none that arrive.
    kinds = {"sent": sent, "silent": np.zeros_like(sent), "still": None}
    best = dict.fromkeys(kinds, np.inf)
    for kind in [*kinds] * REPEATS + ["sent"]:  # whose spikes are looked at
        source = kinds[kind]
        engine.reset()
        link._blocks[:] = 0
        others.state[:] = 0, 0
        if source is not None:
            others.state[:] = source.ctypes.data, source[0].nbytes // 8
        run = engine.prepare(total, drives, [], [])
        done = 0
        for end in (half, total):
            begin = time.thread_time()
            while done < end:
                chunk = run.chunk // window * window
                done += engine.advance(run, min(chunk, end - done), NOTHING)
        seconds = (time.thread_time() - begin) / ((total - half) * net.dt * 1e-3)
        best[kind] = min(best[kind], seconds)
        engine.drain()
    copying = best["silent"] - best["still"]
    taken = best["sent"] - copying
    for g, p in enumerate(populations):
        spikes = result.spikes[p.name]
        mine = np.sum((spikes.step < total) & (spikes.neuron < one.bounds[g, 1]))
        if engine.spikes[g] != mine:
            raise SystemExit(f"{name}: process 0 of {ranks} has other spikes than the run")
    link_module.RATE = 10.0
    plan = predict(load_of(net, rates, name), replace(machine, cores=ranks), ranks, threads=1)
    factor = plan.realtime_factor / plan.window_seconds
    planned = factor * sum(plan.seconds[part] for part in ("update", "delivery", "look-up"))
    print(f"{name:<14}{ranks:>6}{taken:>10.4f}{planned:>10.4f}{planned / taken:>7.2f}"
          f"{copying:>9.4f}{one.wiring.nbytes / 1e6:>10.2f}{plan.row_bytes / 1e6:>10.2f}",
          flush=True)  # fmt: skip


def main() -> None:
    """Compare all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--machine", default="zen5")
    parser.add_argument("--ranks", type=int, nargs="+", default=[3, 8])
    parser.add_argument("--only", nargs="+", default=list(DURATION), choices=list(DURATION))
    args = parser.parse_args()
    machine = Machine.load(args.machine)
    print(f"{'network':<14}{'ranks':>6}{'measured':>10}{'plan':>10}{'ratio':>7}{'copying':>9}"
          f"{'MB rows':>10}{'plan':>10}")  # fmt: skip
    for name in args.only:
        machine = measure_updates(machine, MAKE[name]())
        for ranks in args.ranks:
            compare(name, ranks, machine)


if __name__ == "__main__":
    main()

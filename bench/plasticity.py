"""A plastic network on the CPU: what plasticity costs, in time and in memory.

    python bench/plasticity.py [--threads 1 2] [--rules static additive power] [--passes 5]

The network and the rules are those of ``bench/peers/plastic_problem.py``: Brunel's 12,500 neurons
and 15.6 M synapses, of which 10 M are plastic or, in its static twin, not.  Checks first, times
then: two partitions must give the spikes and the weights of one.

All rules and numbers of threads take turns, a piece of ``--duration`` ms each, after the same
warm-up; the best piece of each counts, in wall time and in CPU time of all threads.  A plastic
event is a spike of an excitatory neuron at one of its plastic synapses: it is counted by spikes
times 1,000, for the static twin too.  Nanoseconds an event are CPU time beyond the static twin's;
bytes a synapse are what the network holds beyond one without those synapses.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda import Poisson, plasticity
from spikecuda.common.distributions import Uniform
from spikecuda.network import AllToAll, Delta, ExpConductance, FixedInDegree, Network

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
import plastic_problem as problem


def song(**options: Any) -> Network:
    """Return the neuron of Song, Miller and Abbott (2000) with its thousand inputs."""
    net = Network(problem.DT, **options)
    net.population("inputs", problem.SONG_INPUTS, "parrot")
    net.drive("inputs", Poisson(problem.SONG_RATE, 1.0))
    receptors = {
        "exc": ExpConductance(problem.SONG_TAU, problem.SONG_E_EXC),
        "inh": ExpConductance(problem.SONG_TAU, problem.SONG_E_INH),
    }
    start = {"v": problem.SONG_NEURON["e_l"]}
    net.population("cell", 1, "lif_cond", problem.SONG_NEURON, start, receptors=receptors)
    net.drive("cell", Poisson(problem.SONG_INHIBITION, problem.SONG_INHIBITORY), "inh")
    rule = plasticity.STDP(**problem.SONG_STDP)
    net.connect(
        "inputs", "cell", AllToAll(), Uniform(0.0, rule.w_max), problem.SONG_DELAY, "exc",
        plasticity=rule,
    )  # fmt: skip
    net.record("cell")
    return net


def rule_of(name: str) -> Any:
    """Return a rule by the problem's name."""
    if name == "additive":
        return plasticity.STDP(**problem.ADDITIVE)
    return plasticity.PowerLawSTDP(**problem.POWER)


def network(rule: str, **options: Any) -> Network:
    """Return the network with a rule of ``plastic_problem.py``, or static, or without."""
    net = Network(problem.DT, **options)
    neuron = {
        "tau_m": problem.TAU_M, "v_rest": 0.0, "v_reset": problem.V_RESET, "v_th": problem.V_TH,
        "t_ref": problem.T_REF,
    }  # fmt: skip
    for name, size in (("E", problem.N_E), ("I", problem.N_I)):
        start = {"v": Uniform(0.0, problem.V_TH)}
        net.population(name, size, "lif", neuron, start, receptors={"jump": Delta()})
        net.drive(name, Poisson(problem.POISSON, problem.J))
    for source, degree, weight in (
        ("E", problem.C_E, problem.J), ("I", problem.C_I, -problem.G * problem.J),
    ):  # fmt: skip
        for target in ("E", "I"):
            recurrent = source == target == "E"
            if recurrent and rule == problem.WITHOUT:
                continue
            learns = {"plasticity": rule_of(rule)} if recurrent and rule != "static" else {}
            net.connect(source, target, FixedInDegree(degree), weight, problem.DELAY, **learns)
    return net


def plastic(net: Network) -> Any:
    """Return the plastic projection, None in the static twin."""
    found = [p for p in net.projections if getattr(p, "plasticity", None) is not None]
    return found[0] if found else None


def check(rule: str) -> None:
    """Raise unless one partition and two give the same spikes and weights."""
    found = []
    for partitions in (1, 2):
        with network(rule, seed=1, threads=1, partitions=partitions) as net:
            result = net.run(100.0)
            parts = [s.step.tobytes() + s.neuron.tobytes() for s in result.spikes.values()]
            projection = plastic(net)
            if projection is not None:
                weights = np.asarray(projection.weights)
                if np.all(weights == weights[0]):
                    raise SystemExit(f"{rule}: no weight has changed")
                parts.append(weights.tobytes())
            found.append(parts)
    if found[0] != found[1] or not all(found[0]):
        raise SystemExit(f"{rule}: the number of partitions changes spikes or weights")


@dataclass
class Entry:
    """A network that takes turns with others, and its best figures."""

    rule: str
    threads: int
    net: Network
    build: float
    wall: float = float("inf")
    cpu: float = float("inf")
    events: int = 0
    rates: tuple[float, float] = (0.0, 0.0)

    def run(self, duration: float) -> None:
        """Run a piece and keep what is better, by time an event."""
        cpu = time.process_time()
        result = self.net.run(duration)
        cpu = time.process_time() - cpu
        e, i = (result.spikes[name].step.size for name in ("E", "I"))
        events = problem.events(self.rule, e)
        if result.seconds * max(1, self.events) < self.wall * max(1, events):
            self.wall, self.events = result.seconds, events
            self.cpu = cpu
            seconds = duration * 1e-3
            self.rates = (e / problem.N_E / seconds, i / problem.N_I / seconds)


def start(rule: str, threads: int) -> Entry:
    """Build a network and run its warm-up."""
    net = network(rule, seed=1, threads=threads)
    begin = time.perf_counter()
    net.build()
    built = time.perf_counter() - begin
    net.run(problem.WARM_UP)
    return Entry(rule, threads, net, built)


def main() -> None:
    """Check, run and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--rules", nargs="+", default=list(problem.RULES), choices=list(problem.RULES)
    )
    parser.add_argument("--duration", type=float, default=100.0, help="of a piece, ms")
    parser.add_argument("--passes", type=int, default=5)
    args = parser.parse_args()
    for rule in args.rules:
        check(rule)
    with network(problem.WITHOUT, seed=1, threads=1) as net:
        net.build()
        without = sum(net.metrics().host_bytes.values())
    entries = [start(rule, threads) for threads in args.threads for rule in args.rules]
    for _ in range(args.passes):
        for entry in entries:
            entry.run(args.duration)
    print(
        f"{'rule':<10}{'threads':>7}{'build s':>9}{'wall s':>9}{'CPU s':>9}{'E Hz':>7}{'I Hz':>7}"
        f"{'M events/s':>12}{'ns/event':>10}{'B/synapse':>11}"
    )
    static = {e.threads: e.cpu for e in entries if e.rule == "static"}
    for entry in entries:
        extra = (entry.cpu - static.get(entry.threads, np.nan)) / entry.events * 1e9
        held = (sum(entry.net.metrics().host_bytes.values()) - without) / problem.PLASTIC
        print(
            f"{entry.rule:<10}{entry.threads:>7}{entry.build:>9.2f}{entry.wall:>9.4f}"
            f"{entry.cpu:>9.4f}{entry.rates[0]:>7.1f}{entry.rates[1]:>7.1f}"
            f"{entry.events / entry.wall / 1e6:>12.0f}"
            + (f"{extra:>10.2f}" if entry.rule != "static" else f"{'':>10}")
            + f"{held:>11.2f}"
        )
        entry.net.close()


if __name__ == "__main__":
    main()

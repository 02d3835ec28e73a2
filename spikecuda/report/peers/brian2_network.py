"""Make a network from its description in Brian2's C++ standalone mode; see ``describe.py``.

    /path/to/brian2/bin/python brian2_network.py DESCRIPTION.json WARM_UP DURATION THREADS RUNS

Needs Brian2 alone; prints one line of JSON: seconds of the loop, the best of the runs and ``all``
of them, and of making, compiling and building, rates in Hz by population.  The program is compiled
once and runs from the start each time; Brian2 itself reports how long the loop of its second part
took.  Everything is float32 but time, which Brian2 keeps in float64.
"""

import json
import logging
import os
import sys
import tempfile
import time
from typing import Any

import numpy as np

Items = dict[str, Any]

RANDOM = np.random.default_rng(1)


def equations(p: Items) -> tuple[str, str]:
    """Return a population's equations and its integration method."""
    text = "i_drive : 1 (constant, shared)\nfired : integer\nwarm : integer\n"
    text += "".join(f"{name} : 1 (constant, shared)\n" for name in p["params"])
    currents = []
    for name, receptor in p["receptors"].items():
        kind = receptor["kind"]
        if kind == "delta":
            continue
        text += f"dx_{name}/dt = -x_{name} / ({receptor['tau']} * ms) : 1\n"
        force = f" * ({receptor['e_rev']} - v)" if "cond" in kind else ""
        currents.append(f"x_{name}{force}")
    total = " + ".join(["i_drive", *currents])
    if p["model"] == "lif":
        text += f"dv/dt = (v_rest - v + tau_m / c_m * ({total})) / (tau_m * ms) "
        return text + ": 1 (unless refractory)", "exact"
    text += f"dv/dt = (g_l * (e_l - v) + {total}) / (c_m * ms) : 1 (unless refractory)\n"
    return text, "exponential_euler"


def group(p: Items, dt: float) -> Any:
    """Return a population."""
    import brian2 as b2

    text, method = equations(p)
    made = b2.NeuronGroup(
        p["size"], text, threshold="v >= v_th", reset="v = v_reset; fired += 1", method=method,
        # Brian2 counts from the spiking step: t_ref alone would clamp one step fewer.
        refractory=(p["params"]["t_ref"] + dt) * b2.ms,
    )  # fmt: skip
    for name, value in p["params"].items():
        setattr(made, name, value)
    made.i_drive = p["current"]
    made.v = np.array(p["v"])
    return made


def target(p: Items, receptor: str) -> str:
    """Return the variable that a receptor's spikes add to."""
    return "v" if p["receptors"][receptor]["kind"] == "delta" else f"x_{receptor}"


def pairs(rule: Items, sources: int, targets: int) -> tuple[Any, Any] | None:
    """Return the sources and targets of drawn synapses; None where Brian2 draws them itself."""
    if rule["rule"] == "fixed_indegree":
        drawn = RANDOM.integers(0, sources, (targets, rule["indegree"]))
        return drawn.ravel(), np.repeat(np.arange(targets), rule["indegree"])
    if rule["rule"] == "fixed_total_number":
        return RANDOM.integers(0, sources, rule["N"]), RANDOM.integers(0, targets, rule["N"])
    return None


def values(v: Items, count: int) -> np.ndarray:
    """Return drawn weights or delays; those out of bounds are drawn again."""
    drawn = RANDOM.normal(v["a"], v["b"], count)
    low, high = (
        limit if v[key] is None else v[key] for key, limit in (("low", -1e30), ("high", 1e30))
    )
    while np.any(bad := (drawn < low) | (drawn > high)):
        drawn[bad] = RANDOM.normal(v["a"], v["b"], np.count_nonzero(bad))
    return drawn


def connect(projection: Items, populations: dict[str, Items], made: Items) -> Any:
    """Return a projection's synapses; weights and delays are numbers, or drawn for each."""
    import brian2 as b2

    weight, delay = projection["weight"], projection["delay"]
    source, goal = made[projection["source"]], made[projection["target"]]
    variable = target(populations[projection["target"]], projection["receptor"])
    one = weight["kind"] == "FIXED"
    synapses = b2.Synapses(
        source, goal, "" if one else "w : 1 (constant)",
        on_pre=f"{variable}_post += {weight['a']!r}" if one else f"{variable}_post += w",
        **({"delay": delay["a"] * b2.ms} if delay["kind"] == "FIXED" else {}),
    )  # fmt: skip
    drawn = pairs(projection["rule"], len(source), len(goal))
    if drawn is None:
        if not one or delay["kind"] != "FIXED":
            raise ValueError("weights and delays of pairs that Brian2 draws must be numbers")
        synapses.connect(p=projection["rule"]["p"])
        return synapses
    synapses.connect(i=drawn[0], j=drawn[1])
    if not one:
        synapses.w = values(weight, drawn[0].size)
    if delay["kind"] != "FIXED":
        synapses.delay = values(delay, drawn[0].size) * b2.ms
    return synapses


def kick(train: Items, populations: dict[str, Items], made: Items, dt: float) -> tuple[Any, Any]:
    """Return the source and the synapses of given spikes; each has a neuron of its own.

    A generator's neuron spikes once a step at most, and a neuron may get several in a step.
    """
    import brian2 as b2

    spikes = len(train["times"])
    goal = populations[train["target"]]
    source = b2.SpikeGeneratorGroup(
        spikes, np.arange(spikes), (np.array(train["times"]) - dt).clip(0.0) * b2.ms
    )
    variable = target(goal, train["receptor"])
    synapses = b2.Synapses(
        source, made[train["target"]], on_pre=f"{variable}_post += {train['weight']!r}",
        delay=dt * b2.ms,
    )  # fmt: skip
    ids = np.array(train["ids"])[np.array(train["neurons"])]
    synapses.connect(i=np.arange(spikes), j=ids)
    return source, synapses


class Built:
    """A network's program, compiled; each run is one of the whole program."""

    def __init__(self, net: Items, threads: int, warm_up: float, duration: float) -> None:
        os.environ.pop("OMP_WAIT_POLICY", None)  # "active" halves the speed of two threads
        import brian2 as b2

        self.device, self.version = b2.device, str(b2.__version__)
        logging.getLogger("brian2").setLevel(logging.ERROR)
        b2.prefs.core.default_float_dtype = np.float32
        b2.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
        b2.set_device("cpp_standalone", build_on_run=False)
        b2.seed(net.get("seed", 1))
        dt = net["dt"]
        b2.defaultclock.dt = dt * b2.ms
        populations = {p["name"]: p for p in net["populations"]}
        self.made = {name: group(p, dt) for name, p in populations.items()}
        objects = list(self.made.values())
        objects += [connect(c, populations, self.made) for c in net["projections"]]
        for p in net["populations"]:
            for drive in p["poisson"]:
                # Binomial numbers of a thousand tries are Poisson's to a thousandth.
                objects.append(b2.PoissonInput(
                    self.made[p["name"]], target(p, drive["receptor"]), 1000,
                    drive["rate"] / 1000 * b2.Hz, drive["weight"],
                ))  # fmt: skip
        for train in net["trains"]:
            objects += kick(train, populations, self.made, dt)
        network = b2.Network(objects)
        network.run(warm_up * b2.ms)
        for population in self.made.values():
            population.warm = "fired"
        network.run(duration * b2.ms)
        self.duration = duration
        self.folder = tempfile.TemporaryDirectory(prefix="brian2_network_")
        b2.device.build(directory=self.folder.name, run=False, with_output=False)
        self.ready = time.perf_counter()

    def run(self, duration: float) -> tuple[float, Items]:
        """Run the program; return the seconds of its second part and the spikes by population."""
        if duration != self.duration:
            raise ValueError(f"duration must be the program's, {self.duration} (got {duration})")
        self.device.run(with_output=False)
        counts = {name: int(np.sum(g.fired[:] - g.warm[:])) for name, g in self.made.items()}
        return float(self.device._last_run_time), counts


def main() -> None:
    """Build, run, print."""
    with open(sys.argv[1], encoding="utf-8") as file:
        net = json.load(file)
    warm_up, duration = float(sys.argv[2]), float(sys.argv[3])
    threads, runs = int(sys.argv[4]), int(sys.argv[5])
    begin = time.perf_counter()
    built = Built(net, threads, warm_up, duration)
    found = [built.run(duration) for _ in range(runs)]
    seconds = [one[0] for one in found]
    rates = {
        p["name"]: found[-1][1][p["name"]] / p["size"] / duration * 1e3 for p in net["populations"]
    }
    print(json.dumps({
        "seconds": min(seconds), "all": seconds, "build": built.ready - begin, "rates": rates,
        "memory": None,
    }))  # fmt: skip


if __name__ == "__main__":
    main()

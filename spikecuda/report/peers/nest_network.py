"""Make a network from its description in NEST and time its loop; see ``describe.py``.

    /path/to/nest/bin/python nest_network.py DESCRIPTION.json WARM_UP DURATION THREADS RUNS

Needs NEST alone; prints one line of JSON: seconds of the loop, the best of the runs and ``all`` of
them, and of the build, rates in Hz by population, largest memory in bytes.  The description's
``seed`` is NEST's (1 without).
"""

import json
import sys
import time
from typing import Any


def values(nest: Any, v: dict[str, Any]) -> Any:
    """Return a number or a NEST parameter for weights or delays."""
    if v["kind"] == "FIXED":
        return v["a"]
    drawn = nest.random.normal(v["a"], v["b"])
    low, high = (
        limit if v[key] is None else v[key] for key, limit in (("low", -1e30), ("high", 1e30))
    )
    return nest.math.redraw(drawn, low, high)


def neuron(p: dict[str, Any]) -> tuple[str, dict[str, float]]:
    """Return NEST's model and parameters of a population."""
    given = p["params"]
    common = {key: given[name] for key, name in (
        ("V_reset", "v_reset"), ("V_th", "v_th"), ("t_ref", "t_ref"), ("C_m", "c_m"),
    )}  # fmt: skip
    common["I_e"] = p["current"]
    receptors = list(p["receptors"].values())
    kind = receptors[0]["kind"]
    if p["model"] == "lif":
        common.update(E_L=given["v_rest"], tau_m=given["tau_m"])
        if kind == "delta":
            return "iaf_psc_delta", common
        taus = [r["tau"] for r in receptors]
        common.update(tau_syn_ex=taus[0], tau_syn_in=taus[-1])
        return "iaf_psc_exp", common
    common.update(E_L=given["e_l"], g_L=given["g_l"])
    common.update(tau_syn_ex=receptors[0]["tau"], tau_syn_in=receptors[-1]["tau"])
    common.update(E_ex=receptors[0]["e_rev"], E_in=receptors[-1]["e_rev"])
    return "iaf_cond_exp", common


class Built:
    """A network, built and warmed up."""

    def __init__(self, net: dict[str, Any], threads: int, warm_up: float, duration: float) -> None:
        import nest

        self.nest, self.version = nest, str(nest.__version__)
        nest.set_verbosity("M_ERROR")
        nest.SetKernelStatus({
            "resolution": net["dt"], "local_num_threads": threads, "rng_seed": net.get("seed", 1),
        })  # fmt: skip
        self.made: dict[str, Any] = {}
        self.counters: dict[str, Any] = {}
        self.signs: dict[str, dict[str, float]] = {}
        for p in net["populations"]:
            self._population(p, net["dt"], warm_up)
        for c in net["projections"]:
            weight = values(nest, c["weight"])
            sign = self.signs[c["target"]][c["receptor"]]
            if sign < 0:
                weight = -1.0 * weight
            spec = {
                "synapse_model": "static_synapse",
                "weight": weight,
                "delay": values(nest, c["delay"]),
            }
            nest.Connect(self.made[c["source"]], self.made[c["target"]], c["rule"], spec)
        for t in net["trains"]:
            self._train(t, net["dt"])
        nest.Prepare()
        self.ready = time.perf_counter()
        nest.Run(warm_up)
        self.known = dict.fromkeys(self.made, 0)

    def _population(self, p: dict[str, Any], dt: float, warm_up: float) -> None:
        nest = self.nest
        model, params = neuron(p)
        cells = nest.Create(model, p["size"], params)
        start = p["v"]
        cells.V_m = start
        self.made[p["name"]] = cells
        # A conductance of the second receptor is addressed by a negative weight.
        names = list(p["receptors"])
        signs = self.signs[p["name"]] = {
            n: -1.0 if i and "cond" in p["receptors"][n]["kind"] else 1.0
            for i, n in enumerate(names)
        }
        for drive in p["poisson"]:
            generator = nest.Create("poisson_generator", params={"rate": drive["rate"]})
            weight = signs.get(drive["receptor"], 1.0) * drive["weight"]
            nest.Connect(generator, cells, syn_spec={"weight": weight, "delay": dt})
        counter = nest.Create("spike_recorder", params={"start": warm_up})
        self.counters[p["name"]] = counter
        nest.Connect(cells, counter)

    def _train(self, t: dict[str, Any], dt: float) -> None:
        nest = self.nest
        for i, target in enumerate(t["ids"]):
            times = sorted(time for time, n in zip(t["times"], t["neurons"], strict=True) if n == i)
            # NEST's generator emits a spike a delay before it arrives.
            times = [round(time - dt, 6) for time in times if time > 1.5 * dt]
            generator = nest.Create(
                "spike_generator", params={"spike_times": times, "allow_offgrid_times": True}
            )
            nest.Connect(
                generator, self.made[t["target"]][target],
                syn_spec={"weight": t["weight"], "delay": dt},
            )  # fmt: skip

    def run(self, duration: float) -> tuple[float, dict[str, int]]:
        """Run for so many ms; return the seconds of the loop and the spikes by population."""
        begin = time.perf_counter()
        self.nest.Run(duration)
        seconds = time.perf_counter() - begin
        before = self.known
        self.known = {name: int(counter.n_events) for name, counter in self.counters.items()}
        return seconds, {name: count - before[name] for name, count in self.known.items()}


def main() -> None:
    """Build, run, print."""
    import resource  # NEST is for systems that have it

    with open(sys.argv[1], encoding="utf-8") as file:
        net = json.load(file)
    warm_up, duration = float(sys.argv[2]), float(sys.argv[3])
    threads, runs = int(sys.argv[4]), int(sys.argv[5])
    begin = time.perf_counter()
    built = Built(net, threads, warm_up, duration)
    seconds = [built.run(duration)[0] for _ in range(runs)]
    built.nest.Cleanup()
    rates = {
        p["name"]: built.known[p["name"]] / p["size"] / (runs * duration) * 1e3
        for p in net["populations"]
    }
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({
        "seconds": min(seconds), "all": seconds, "build": built.ready - begin, "rates": rates,
        "memory": memory,
    }))  # fmt: skip


if __name__ == "__main__":
    main()

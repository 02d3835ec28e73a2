"""Make a network from its description in GeNN's single-threaded CPU backend; see ``describe.py``.

Run by ``one_network.py``.  GeNN 5 is not on PyPI: see the README of this folder.  The neurons, the
synapses and the rules of connection are GeNN's own, in float32, with targets of 16 bits where they
fit, fused postsynaptic models, -O3 -ffast-math and, unless CXX is set, -march=native.  Units are
mV, ms, pF, pA and nS, so that no number of the description needs a factor.  Two things differ from
GeNN's examples, and cost no time: weights of delta receptors are divided by what GeNN's LIF
multiplies a current of one step with, and Poisson numbers take one random number a step (inversion)
instead of one for each spike and one more.
"""

import os
import tempfile
import time
from importlib.metadata import version
from math import exp
from typing import Any

import numpy as np
from pygenn import (
    GeNNModel,
    create_current_source_model,
    create_var_ref,
    init_postsynaptic,
    init_sparse_connectivity,
    init_var,
    init_weight_update,
)

os.environ.setdefault("CXX", "g++ -march=native")
Items = dict[str, Any]
# Spikes are fetched after so many ms; the fetching is not timed.
CHUNK = 100.0
LARGEST = 3.4e38
RULES = {
    "pairwise_bernoulli": ("FixedProbability", "p", "prob"),
    "fixed_indegree": ("FixedNumberPreWithReplacement", "indegree", "num"),
    "fixed_total_number": ("FixedNumberTotalWithReplacement", "N", "num"),
}
POISSON = """
scalar p = none;
scalar below = none;
const scalar u = gennrand_uniform();
unsigned int k = 0;
while (u > below && k < 100) {
    k++;
    p *= expected / (scalar)k;
    below += p;
}
current += jump * (scalar)k;
injectCurrent(first * current);
current *= decay;
"""


class Built:
    """A network, loaded and warmed up."""

    version = version("pygenn")

    def __init__(self, net: Items, threads: int, warm_up: float, duration: float) -> None:
        if threads != 1:
            raise SystemExit(f"threads must be 1 in GeNN's CPU backend (got {threads})")
        self.dt = net["dt"]
        for name, length in (("warm_up", warm_up), ("duration", duration)):
            if length % CHUNK:
                raise SystemExit(f"{name} must be a multiple of {CHUNK} ms in GeNN (got {length})")
        self.folder = tempfile.TemporaryDirectory(prefix="genn_network_")
        os.chdir(self.folder.name)  # GeNN writes its code below the working directory
        model = GeNNModel("float", "network", backend="single_threaded_cpu", optimize_code=True)
        model.dt, model.seed = self.dt, net.get("seed", 1)
        model.fuse_postsynaptic_models = True
        model.default_narrow_sparse_ind_enabled = True
        self.model, self.net = model, net
        self.described = {p["name"]: p for p in net["populations"]}
        self.poisson = create_current_source_model(
            "poisson", params=["expected", "none", "jump", "first", "decay"],
            vars=[("current", "scalar")], injection_code=POISSON,
        )  # fmt: skip
        self.cells = {name: self._population(p) for name, p in self.described.items()}
        for number, projection in enumerate(net["projections"]):
            self._connect(f"projection{number}", projection)
        for number, train in enumerate(net["trains"]):
            self._kick(f"train{number}", train)
        model.build()
        self.steps = round(CHUNK / self.dt)
        model.load(num_recording_timesteps=self.steps)
        self.ready = time.perf_counter()
        self.run(warm_up)

    def _population(self, p: Items) -> Any:
        given = p["params"]
        conductances = p["model"] == "lif_cond"
        c_m = given.get("c_m", 1.0)
        parameters = {
            "C": c_m, "TauM": c_m / given["g_l"] if conductances else given["tau_m"],
            "Vrest": given["e_l" if conductances else "v_rest"], "Vreset": given["v_reset"],
            "Vthresh": given["v_th"], "Ioffset": p["current"], "TauRefrac": given["t_ref"],
        }  # fmt: skip
        cells = self.model.add_neuron_population(
            p["name"], p["size"], "LIF", parameters,
            {"V": np.array(p["v"], dtype=np.float32), "RefracTime": 0.0},
        )  # fmt: skip
        cells.spike_recording_enabled = True
        for number, drive in enumerate(p["poisson"]):
            receptor = p["receptors"][drive["receptor"]]
            if "cond" in receptor["kind"]:
                raise SystemExit("Poisson spikes at conductances are not described here for GeNN")
            delta = receptor["kind"] == "delta"
            tau = receptor.get("tau", 1.0)
            expected = drive["rate"] * self.dt * 1e-3
            mean = (1.0 - exp(-self.dt / tau)) * tau / self.dt
            self.model.add_current_source(
                f"{p['name']}_poisson{number}", self.poisson, cells,
                {
                    "expected": expected, "none": exp(-expected),
                    "jump": drive["weight"] * self._scale(p, drive["receptor"]),
                    "first": 1.0 if delta else mean, "decay": 0.0 if delta else exp(-self.dt / tau),
                },
                {"current": 0.0},
            )  # fmt: skip
        return cells

    def _scale(self, p: Items, receptor: str) -> float:
        """Return what a weight is multiplied by: a current of one step makes the membrane jump."""
        if p["receptors"][receptor]["kind"] != "delta":
            return 1.0
        tau, c_m = p["params"]["tau_m"], p["params"].get("c_m", 1.0)
        return c_m / tau / (1.0 - exp(-self.dt / tau))

    def _receptor(self, target: str, name: str) -> Any:
        receptor = self.described[target]["receptors"][name]
        if receptor["kind"] == "delta":
            return init_postsynaptic("DeltaCurr")
        if "cond" in receptor["kind"]:
            return init_postsynaptic(
                "ExpCond", {"tau": receptor["tau"], "E": receptor["e_rev"]},
                var_refs={"V": create_var_ref(self.cells[target], "V")},
            )  # fmt: skip
        return init_postsynaptic("ExpCurr", {"tau": receptor["tau"]})

    def _connect(self, name: str, c: Items) -> None:
        weight, delay = c["weight"], c["delay"]
        scale = self._scale(self.described[c["target"]], c["receptor"])
        snippet, ours, theirs = RULES[c["rule"]["rule"]]
        # A spike takes a step to get to a synapse: so much less is left of its delay.
        constant = delay["kind"] == "FIXED"
        if weight["kind"] == "FIXED" and constant:
            update = init_weight_update("StaticPulseConstantWeight", {"g": weight["a"] * scale})
        else:
            start = {"g": drawn("NormalClipped", weight, scale)}
            if not constant:
                start["d"] = drawn("NormalClippedDelay", delay, 1.0, -self.dt)
            kind = "StaticPulse" if constant else "StaticPulseDendriticDelay"
            update = init_weight_update(kind, {}, start)
        synapses = self.model.add_synapse_population(
            name, "SPARSE", self.cells[c["source"]], self.cells[c["target"]], update,
            self._receptor(c["target"], c["receptor"]),
            init_sparse_connectivity(snippet, {theirs: c["rule"][ours]}),
        )  # fmt: skip
        if constant:
            synapses.axonal_delay_steps = round(delay["a"] / self.dt) - 1
        else:
            # The same for all, so that GeNN can fuse them.
            delays = [o["delay"] for o in self.net["projections"]]
            synapses.max_dendritic_delay_timesteps = max(slots(d, self.dt) for d in delays)

    def _kick(self, name: str, train: Items) -> None:
        """Add a train's sources; a spike is emitted a step before it arrives."""
        neurons, times = np.array(train["neurons"]), np.array(train["times"]) - self.dt
        order = np.lexsort((times, neurons))
        ends = np.searchsorted(neurons[order], np.arange(len(train["ids"])), side="right")
        sources = self.model.add_neuron_population(
            name, len(train["ids"]), "SpikeSourceArray", {},
            {"startSpike": np.concatenate(([0], ends[:-1])), "endSpike": ends},
        )  # fmt: skip
        sources.extra_global_params["spikeTimes"].set_init_values(
            (times[order] - 0.5 * self.dt).astype(np.float32)
        )
        synapses = self.model.add_synapse_population(
            f"{name}_synapses", "SPARSE", sources, self.cells[train["target"]],
            init_weight_update("StaticPulseConstantWeight", {"g": train["weight"]}),
            self._receptor(train["target"], train["receptor"]),
        )  # fmt: skip
        synapses.set_sparse_connections(np.arange(len(train["ids"])), np.array(train["ids"]))

    def run(self, duration: float) -> tuple[float, dict[str, int]]:
        """Run for so many ms; return the seconds of the loop and the spikes by population."""
        seconds = 0.0
        counts = dict.fromkeys(self.cells, 0)
        step = self.model.step_time
        for _ in range(round(duration / CHUNK)):
            begin = time.perf_counter()
            for _ in range(self.steps):
                step()
            seconds += time.perf_counter() - begin
            self.model.pull_recording_buffers_from_device()
            for name, cells in self.cells.items():
                counts[name] += len(cells.spike_recording_data[0][0])
        return seconds, counts


def slots(delay: Items, dt: float) -> int:
    """Return the steps that a drawn delay may take."""
    return round((delay["a"] + 5.0 * delay["b"]) / dt)


def drawn(snippet: str, v: Items, scale: float, shift: float = 0.0) -> Any:
    """Return the initialiser of drawn weights or delays."""
    if v["kind"] == "FIXED":
        return init_var("Constant", {"constant": v["a"] * scale})
    low = -LARGEST if v["low"] is None else v["low"] * scale + shift
    high = LARGEST if v["high"] is None else v["high"] * scale + shift
    if snippet == "NormalClippedDelay":
        high = min(high, v["a"] + 5.0 * v["b"] + shift)
    limits = {"min": low, "max": high}
    return init_var(snippet, {"mean": v["a"] * scale + shift, "sd": v["b"] * scale, **limits})

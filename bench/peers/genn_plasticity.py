"""The plastic network of ``plastic_problem.py`` in GeNN's single-threaded CPU backend.

See ``turns.py`` for how it is run.  GeNN 5 is not on PyPI: see the README of this folder.  It runs
in float32 with ``optimize_code`` (-O3 -ffast-math) and, unless CXX is set, -march=native, which
makes it a tenth faster.  The delay is dendritic, as everywhere here; GENN_DELAY=axonal in the
environment moves it to the axon, which is GeNN's usual, and no faster.
"""

import os
import tempfile
from importlib.metadata import version
from math import exp

import numpy as np
import plastic_problem as problem
from pygenn import (
    GeNNModel,
    create_neuron_model,
    create_weight_update_model,
    init_postsynaptic,
    init_sparse_connectivity,
    init_var,
    init_weight_update,
)
from turns import serve

os.environ.setdefault("CXX", "g++ -march=native")
DENDRITIC = os.environ.get("GENN_DELAY") != "axonal"
# A spike takes a step to get to a synapse, on either side.
DELAY_STEPS = problem.steps(problem.DELAY) - 1
# One uniform number a step is all that Poisson needs, by inversion.
STEP = """
if (refrac > 0) {
    refrac--;
}
else {
    scalar p = none;
    scalar below = none;
    const scalar u = gennrand_uniform();
    unsigned int k = 0;
    while (u > below && k < 30) {
        k++;
        p *= expected / (scalar)k;
        below += p;
    }
    v = v * decay + Isyn + j * (scalar)k;
}
"""
SEND = "addToPostDelay(g, delay);" if DENDRITIC else "addToPost(g);"
PRE = {
    "additive": "g = fmax((scalar)0.0, g - down * y); " + SEND,
    "power": "g = fmax((scalar)0.0, g - down * g * y); " + SEND,
}
POST = {
    "additive": "g = fmin(w_max, g + up * x);",
    "power": "g = fmin(w_max, g + up * pow(g, mu) * x);",
}


KEPT: list[object] = []
"""GeNN points to a weight update model without owning it: lost models end in a segfault."""


def plastic(rule: str) -> object:
    """The initialiser of a plastic synapse."""
    given = {"additive": problem.ADDITIVE, "power": problem.POWER}[rule]
    scale = given["w_max"] if rule == "additive" else 1.0
    parameters = {
        "up": given["lam"] * scale, "down": given["lam"] * given["alpha"] * scale,
        "w_max": given["w_max"], "mu": given.get("mu", 0.0),
        "decay_plus": exp(-problem.DT / given["tau_plus"]),
        "decay_minus": exp(-problem.DT / given["tau_minus"]),
    }  # fmt: skip
    names: list[object] = list(parameters)
    if DENDRITIC:
        names.append(("delay", "unsigned int"))
        parameters["delay"] = DELAY_STEPS
    model = create_weight_update_model(
        f"stdp_{rule}", params=names, vars=[("g", "scalar")],
        pre_vars=[("x", "scalar")], post_vars=[("y", "scalar")],
        pre_spike_syn_code=PRE[rule], post_spike_syn_code=POST[rule],
        pre_spike_code="x += 1.0;", pre_dynamics_code="x *= decay_plus;",
        post_spike_code="y += 1.0;", post_dynamics_code="y *= decay_minus;",
    )  # fmt: skip
    KEPT.append(model)
    start = {"g": init_var("Constant", {"constant": problem.J})}
    return init_weight_update(model, parameters, start, {"x": 0.0}, {"y": 0.0})


class Built:
    """A network, loaded."""

    version = version("pygenn")

    def __init__(self, rule: str, threads: int, seed: int) -> None:
        if threads != 1:
            raise SystemExit(f"threads must be 1 in GeNN's CPU backend (got {threads})")
        self.folder = tempfile.TemporaryDirectory(prefix="genn_plasticity_")
        os.chdir(self.folder.name)  # GeNN writes its code below the working directory
        model = GeNNModel("float", "plastic", backend="single_threaded_cpu", optimize_code=True)
        model.dt = problem.DT
        model.seed = seed
        expected = problem.POISSON * problem.DT * 1e-3
        neuron = create_neuron_model(
            "lif_poisson", params=["decay", "expected", "none", "j", "v_th", "v_reset", "steps"],
            vars=[("v", "scalar"), ("refrac", "int"), ("fired", "unsigned int")],
            sim_code=STEP, threshold_condition_code="refrac == 0 && v >= v_th",
            reset_code="v = v_reset; refrac = steps; fired++;", auto_refractory_required=False,
        )  # fmt: skip
        parameters = {
            "decay": exp(-problem.DT / problem.TAU_M), "expected": expected,
            "none": exp(-expected), "j": problem.J, "v_th": problem.V_TH,
            "v_reset": problem.V_RESET, "steps": problem.steps(problem.T_REF),
        }  # fmt: skip
        self.cells = {}
        for name, size in (("E", problem.N_E), ("I", problem.N_I)):
            start = {
                "v": init_var("Uniform", {"min": 0.0, "max": problem.V_TH}), "refrac": 0,
                "fired": 0,
            }  # fmt: skip
            self.cells[name] = model.add_neuron_population(name, size, neuron, parameters, start)
        self.recurrent = None
        for source, number, weight in (
            ("E", problem.C_E, problem.J), ("I", problem.C_I, -problem.G * problem.J),
        ):  # fmt: skip
            for target in ("E", "I"):
                recurrent = source == target == "E"
                if recurrent and rule == problem.WITHOUT:
                    continue
                learns = recurrent and rule != "static"
                synapses = model.add_synapse_population(
                    source + target, "SPARSE", self.cells[source], self.cells[target],
                    plastic(rule) if learns else
                    init_weight_update("StaticPulseConstantWeight", {"g": weight}),
                    init_postsynaptic("DeltaCurr"),
                    init_sparse_connectivity("FixedNumberPreWithReplacement", {"num": number}),
                )  # fmt: skip
                if learns and DENDRITIC:
                    synapses.max_dendritic_delay_timesteps = DELAY_STEPS + 1
                    synapses.back_prop_delay_steps = DELAY_STEPS + 1
                else:
                    synapses.axonal_delay_steps = DELAY_STEPS
                if learns:
                    self.recurrent = synapses
        model.build()
        model.load()
        self.model = model

    def run(self, duration: float) -> None:
        """Run for so many ms."""
        step = self.model.step_time
        for _ in range(problem.steps(duration)):
            step()

    def spikes(self) -> tuple[int, int]:
        """The spikes of each population so far."""
        found = []
        for population in self.cells.values():
            counter = population.vars["fired"]
            counter.pull_from_device()
            found.append(int(np.asarray(counter.current_values, dtype=np.int64).sum()))
        return found[0], found[1]

    def weights(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the plastic weights."""
        if self.recurrent is None:
            return None
        self.recurrent.pull_connectivity_from_device()
        weights = self.recurrent.vars["g"]
        weights.pull_from_device()
        values = np.asarray(weights.values, dtype=np.float64)
        return float(values.mean()), float(values.std())


serve(Built)

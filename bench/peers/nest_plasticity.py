"""The plastic network of ``plastic_problem.py`` in NEST; see ``turns.py`` for how it is run.

Needs NEST alone, which is what the figures to be compared with are made of: built-in models,
float64, OpenMP threads.
"""

import nest
import numpy as np
import plastic_problem as problem
from turns import serve

SYNAPSE = {
    "additive": ("stdp_synapse_hom", {
        "lambda": problem.ADDITIVE["lam"], "alpha": problem.ADDITIVE["alpha"], "mu_plus": 0.0,
        "mu_minus": 0.0, "tau_plus": problem.ADDITIVE["tau_plus"],
        "Wmax": problem.ADDITIVE["w_max"],
    }),
    "power": ("stdp_pl_synapse_hom", {
        "lambda": problem.POWER["lam"], "alpha": problem.POWER["alpha"], "mu": problem.POWER["mu"],
        "tau_plus": problem.POWER["tau_plus"],
    }),
}  # fmt: skip
TAU_MINUS = {"additive": problem.ADDITIVE["tau_minus"], "power": problem.POWER["tau_minus"]}


class Built:
    """A network, prepared."""

    version = nest.__version__

    def __init__(self, rule: str, threads: int, seed: int) -> None:
        nest.set_verbosity("M_ERROR")
        nest.SetKernelStatus({
            "resolution": problem.DT, "local_num_threads": threads, "rng_seed": seed,
        })  # fmt: skip
        neuron = {
            "C_m": 1.0, "tau_m": problem.TAU_M, "E_L": 0.0, "V_th": problem.V_TH, "I_e": 0.0,
            "V_reset": problem.V_RESET, "t_ref": problem.T_REF,
        }  # fmt: skip
        start = nest.random.uniform(0.0, problem.V_TH)
        cells = {
            "E": nest.Create(
                "iaf_psc_delta", problem.N_E, neuron | {"tau_minus": TAU_MINUS.get(rule, 20.0)}
            ),
            "I": nest.Create("iaf_psc_delta", problem.N_I, neuron),
        }
        drive = nest.Create("poisson_generator", params={"rate": problem.POISSON})
        self.recorders = []
        for population in cells.values():
            population.V_m = start
            nest.Connect(drive, population, syn_spec={"weight": problem.J, "delay": problem.DT})
            recorder = nest.Create("spike_recorder", params={"record_to": "memory"})
            nest.Connect(population, recorder)
            self.recorders.append(recorder)
        self.model = "static_synapse"
        if rule in SYNAPSE:
            original, common = SYNAPSE[rule]
            self.model = "plastic"
            nest.CopyModel(original, self.model, common)
        for source, number, weight in (
            ("E", problem.C_E, problem.J), ("I", problem.C_I, -problem.G * problem.J),
        ):  # fmt: skip
            for target in ("E", "I"):
                recurrent = source == target == "E"
                if recurrent and rule == problem.WITHOUT:
                    continue
                nest.Connect(
                    cells[source], cells[target], {"rule": "fixed_indegree", "indegree": number},
                    {"synapse_model": self.model if recurrent else "static_synapse",
                     "weight": weight, "delay": problem.DELAY},
                )  # fmt: skip
        self.cells = cells
        nest.Prepare()

    def run(self, duration: float) -> None:
        """Run for so many ms."""
        nest.Run(duration)

    def spikes(self) -> tuple[int, int]:
        """The spikes of each population so far."""
        e, i = (int(recorder.n_events) for recorder in self.recorders)
        return e, i

    def weights(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the weights onto a hundred neurons."""
        if self.model != "plastic":
            return None
        found = nest.GetConnections(target=self.cells["E"][:100], synapse_model=self.model)
        weights = np.array(found.get("weight"))
        return float(weights.mean()), float(weights.std())


class Song:
    """The neuron of Song, Miller and Abbott, prepared."""

    version = nest.__version__

    def __init__(self, threads: int, seed: int) -> None:
        nest.set_verbosity("M_ERROR")
        nest.SetKernelStatus({
            "resolution": problem.DT, "local_num_threads": threads, "rng_seed": seed,
        })  # fmt: skip
        given, rule = problem.SONG_NEURON, problem.SONG_STDP
        self.cell = nest.Create("iaf_cond_exp", 1, {
            "C_m": given["c_m"], "g_L": given["g_l"], "E_L": given["e_l"], "V_m": given["e_l"],
            "V_th": given["v_th"], "V_reset": given["v_reset"], "t_ref": given["t_ref"],
            "E_ex": problem.SONG_E_EXC, "E_in": problem.SONG_E_INH,
            "tau_syn_ex": problem.SONG_TAU, "tau_syn_in": problem.SONG_TAU,
            "tau_minus": rule["tau_minus"],
        })  # fmt: skip
        inputs = nest.Create("parrot_neuron", problem.SONG_INPUTS)
        excitation = nest.Create("poisson_generator", params={"rate": problem.SONG_RATE})
        nest.Connect(excitation, inputs, syn_spec={"delay": problem.DT})
        inhibition = nest.Create("poisson_generator", params={"rate": problem.SONG_INHIBITION})
        spec = {"weight": -problem.SONG_INHIBITORY, "delay": problem.DT}
        nest.Connect(inhibition, self.cell, syn_spec=spec)
        nest.CopyModel("stdp_synapse_hom", "plastic", {
            "lambda": rule["lam"], "alpha": rule["alpha"], "mu_plus": 0.0, "mu_minus": 0.0,
            "tau_plus": rule["tau_plus"], "Wmax": rule["w_max"],
        })  # fmt: skip
        start = nest.random.uniform(0.0, rule["w_max"])
        spec = {"synapse_model": "plastic", "weight": start, "delay": problem.SONG_DELAY}
        nest.Connect(inputs, self.cell, syn_spec=spec)
        self.recorder = nest.Create("spike_recorder")
        nest.Connect(self.cell, self.recorder)
        self.time = 0.0
        nest.Prepare()

    def run(self, duration: float) -> None:
        """Run for so many ms."""
        nest.Run(duration)
        self.time += duration

    def spikes(self) -> tuple[int, int]:
        """The spikes of the inputs, on average, and of the neuron so far."""
        return problem.song_inputs(self.time), int(self.recorder.n_events)

    def weights(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the weights."""
        found = nest.GetConnections(target=self.cell, synapse_model="plastic")
        weights = np.array(found.get("weight"))
        return float(weights.mean()), float(weights.std())


def build(rule: str, threads: int, seed: int) -> Built | Song:
    """A network by its rule."""
    return Song(threads, seed) if rule == problem.SONG else Built(rule, threads, seed)


serve(build)

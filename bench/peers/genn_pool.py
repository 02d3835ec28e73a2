"""An unconnected pool in GeNN's single-threaded CPU backend. Runs inside GeNN's own environment.

GeNN 5 is not on PyPI, so the driver reports it as absent unless it is given an interpreter that has
``pygenn``. ``optimize_code`` matters: without it GeNN compiles with no ``-O`` flag at all. Unless
CXX is set, ``-march=native`` is added, which GeNN does not do by itself.
"""

import os
import tempfile
from importlib.metadata import version

import numpy as np
from harness import Case, Outcome, main, time_runs
from problems import DT, INITIAL, PARAMETERS, refractory_steps
from pygenn import GeNNModel, VarAccess, create_neuron_model

LIF_STEP = """
if (refrac > 0.0) {
    v = v_reset;
    refrac -= 1.0;
}
else {
    v = v_inf + (v - v_inf) * decay;
}
"""
ADEX_STEP = """
const scalar upswing = g_l * delta_t * exp((v - v_t) / delta_t);
const scalar dv = (-g_l * (v - e_l) + upswing - w + i_in) / c_m;
const scalar dw = (a * (v - e_l) - w) / tau_w;
v += dt * dv;
w += dt * dw;
"""
IZHIKEVICH_STEP = """
v += 0.5 * dt * (0.04 * v * v + 5.0 * v + 140.0 - u + i_in);
v += 0.5 * dt * (0.04 * v * v + 5.0 * v + 140.0 - u + i_in);
u += dt * a * (b * v - u);
"""
os.environ.setdefault("CXX", "g++ -march=native")
STEP = {"lif": LIF_STEP, "adex": ADEX_STEP, "izhikevich": IZHIKEVICH_STEP}
THRESHOLD = {"lif": "v >= v_th", "adex": "v >= v_peak", "izhikevich": "v >= v_peak"}
RESET = {
    "lif": "v = v_reset; refrac = refrac_steps;",
    "adex": "v = v_reset; w += b;",
    "izhikevich": "v = c; u += d;",
}


def build(case: Case) -> tuple[GeNNModel, object]:
    """The GeNN model, not built yet, and its population."""
    parameters = dict(PARAMETERS[case.model])
    state: dict[str, object] = dict(INITIAL[case.model])
    variables: list[tuple[object, ...]] = [(name, "scalar") for name in state]
    current = case.current
    if case.model == "lif":
        parameters["decay"] = float(np.exp(-DT / parameters["tau_m"]))
        parameters["refrac_steps"] = refractory_steps("lif")
        variables += [("refrac", "scalar"), ("v_inf", "scalar", VarAccess.READ_ONLY)]
        state["refrac"] = 0.0
        state["v_inf"] = parameters["v_rest"] + current * parameters["tau_m"] / parameters["c_m"]
    else:
        variables.append(("i_in", "scalar", VarAccess.READ_ONLY))
        state["i_in"] = current
    variables.append(("spikes", "unsigned int"))
    state["spikes"] = 0
    neuron = create_neuron_model(
        f"{case.model}_neuron",
        params=list(parameters),
        vars=variables,
        sim_code=STEP[case.model],
        threshold_condition_code=THRESHOLD[case.model],
        reset_code=RESET[case.model] + " spikes += 1;",
        auto_refractory_required=False,
    )
    model = GeNNModel(
        "float", f"{case.model}_pool", backend="single_threaded_cpu", optimize_code=True
    )
    model.dt = DT
    return model, model.add_neuron_population("pool", case.n, neuron, parameters, state)


def measure(case: Case) -> Outcome:
    """Build and load, count the spikes of the first run, time further runs."""
    if case.threads != 1:
        raise ValueError(f"threads must be 1 in GeNN's CPU backend (got {case.threads})")
    with tempfile.TemporaryDirectory(prefix="genn_pool_") as folder:
        os.chdir(folder)  # GeNN writes its code below the working directory
        model, pool = build(case)
        model.build()
        model.load()

        def run() -> None:
            for _ in range(case.steps):
                model.step_time()

        run()
        counter = pool.vars["spikes"]
        counter.pull_from_device()
        spikes = int(np.asarray(counter.current_values, dtype=np.int64).sum())
        seconds = time_runs(run, case.repeats)
        os.chdir("/")
    notes = ["single_threaded_cpu backend, optimize_code=True", os.environ["CXX"]]
    return Outcome(version("pygenn"), "float32", seconds, spikes, notes)


if __name__ == "__main__":
    main("genn", measure, variants=("float32",))

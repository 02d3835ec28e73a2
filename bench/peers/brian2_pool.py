"""An unconnected pool in Brian2's C++ standalone mode. Runs inside Brian2's own environment.

The C++ program is built once and run once per repeat. It runs the steps twice: the first run starts
from the initial state and gives the spike count, the second is the one that Brian2 reports the loop
time of (``last_run_info.txt``), so neither the compilation nor the file output is in the figure.

Variants: ``float32``, and ``float64``, which is faster for the LIF pool.
"""

import logging
import os
import tempfile

os.environ.pop("OMP_WAIT_POLICY", None)  # "active" halves the speed of two threads

import brian2 as b2
import numpy as np
from harness import Case, Outcome, main
from problems import DT, INITIAL, PARAMETERS

# Voltages are numbers in mV and only time has a unit. The parameters are shared variables of the
# group because constants of a namespace compile to C++ doubles, which turns a float32 loop into a
# slower mixed one. The spike counter is touched only for the neurons that spike.
COMMON = """
i_in : 1 (constant)
spikes : integer
warm_spikes : integer
"""
EQUATIONS = {
    "lif": """
dv/dt = (v_rest - v + r_m * i_in) / (tau_m * ms) : 1 (unless refractory)
r_m : 1 (constant, shared)
""",
    "adex": """
dv/dt = (-g_l * (v - e_l) + g_l * delta_t * exp((v - v_t) / delta_t) - w + i_in) / c_m / ms : 1
dw/dt = (a * (v - e_l) - w) / (tau_w * ms) : 1
""",
    "izhikevich": """
v : 1
u : 1
half_dt : 1 (constant, shared)
full_dt : 1 (constant, shared)
k2 : 1 (constant, shared)
k1 : 1 (constant, shared)
k0 : 1 (constant, shared)
""",
}
RESET = {
    "lif": "v = v_reset",
    "adex": "v = v_reset; w += b",
    "izhikevich": "v = c; u += d",
}
# No state updater of Brian2's does v twice and then u with the new v, so these are statements that
# run in every step: they compile to the same vectorised loop.
IZHIKEVICH_STEP = """
v += half_dt * (k2 * v * v + k1 * v + k0 - u + i_in)
v += half_dt * (k2 * v * v + k1 * v + k0 - u + i_in)
u += full_dt * a * (b * v - u)
"""
DERIVED: dict[str, dict[str, float]] = {
    "lif": {"r_m": PARAMETERS["lif"]["tau_m"] / PARAMETERS["lif"]["c_m"]},
    "adex": {},
    "izhikevich": {"half_dt": 0.5 * DT, "full_dt": DT, "k2": 0.04, "k1": 5.0, "k0": 140.0},
}


def build_group(case: Case) -> tuple[b2.NeuronGroup, list[str]]:
    """The neuron group of one problem, and what there is to say about it."""
    model = case.model
    parameters = PARAMETERS[model]
    declared = "".join(f"{name} : 1 (constant, shared)\n" for name in parameters)
    settings: dict[str, object] = {}
    notes = ["parameters as shared float32 variables (namespace constants compile to doubles)"]
    if model == "lif":
        # Brian2 counts from the spiking step: t_ref alone would clamp one step fewer.
        settings = {"method": "exact", "refractory": (parameters["t_ref"] + DT) * b2.ms}
        notes.append("refractory = t_ref + dt, so that t_ref / dt steps are clamped as elsewhere")
    elif model == "adex":
        settings = {"method": "euler"}
    group = b2.NeuronGroup(
        case.n,
        EQUATIONS[model] + declared + COMMON,
        threshold="v >= v_th" if model == "lif" else "v >= v_peak",
        reset=f"{RESET[model]}; spikes += 1",
        **settings,
    )
    if model == "izhikevich":
        group.run_regularly(IZHIKEVICH_STEP, dt=DT * b2.ms, when="groups")
        notes.append("the half steps are a run_regularly block: no state updater has that order")
    for name, value in (parameters | DERIVED[model] | INITIAL[model]).items():
        setattr(group, name, value)
    group.i_in = case.current
    return group, notes


def measure(case: Case) -> Outcome:
    """Build the standalone program, then run it once per repeat."""
    logging.getLogger("brian2").setLevel(logging.ERROR)
    b2.prefs.core.default_float_dtype = np.dtype(case.variant).type
    b2.prefs.devices.cpp_standalone.openmp_threads = case.threads if case.threads > 1 else 0
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.defaultclock.dt = DT * b2.ms
    group, notes = build_group(case)
    network = b2.Network(group)
    duration = case.steps * DT * b2.ms
    network.run(duration)
    group.warm_spikes = "spikes"
    network.run(duration)
    with tempfile.TemporaryDirectory(prefix="brian2_pool_") as folder:
        b2.device.build(directory=folder, run=False, with_output=False)
        seconds = []
        for _ in range(case.repeats):
            b2.device.run(with_output=False)
            seconds.append(b2.device._last_run_time)
        spikes = int(np.asarray(group.warm_spikes[:]).sum())
    flags = " ".join(b2.prefs.codegen.cpp.extra_compile_args_gcc)
    notes.append(f"compiled with {flags}")
    return Outcome(b2.__version__, case.variant, seconds, spikes, notes)


if __name__ == "__main__":
    main("brian2", measure, variants=("float32", "float64"))

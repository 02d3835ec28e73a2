"""An unconnected pool in NEST. Runs inside NEST's own environment.

NEST computes in float64 only and its models are built in, so this uses the nearest one of each and
says in the notes what differs. Only ``nest.Run`` is timed, after ``nest.Prepare``.

Variants: ``default`` leaves the smallest delay at its default, one step, so that NEST exchanges
spikes after each; ``window`` sets it to 10 ms, which no network has but an unconnected pool may.
"""

import nest
from harness import Case, Outcome, main, time_runs
from problems import DT, INITIAL, PARAMETERS

WINDOW = 10.0
"""Smallest delay of the ``window`` variant, ms."""


def lif() -> tuple[str, dict[str, float], list[str]]:
    """``iaf_psc_delta``: the same exact step, refractoriness and threshold test."""
    p = PARAMETERS["lif"]
    parameters = {
        "tau_m": p["tau_m"],
        "C_m": p["c_m"],
        "E_L": p["v_rest"],
        "V_reset": p["v_reset"],
        "V_th": p["v_th"],
        "t_ref": p["t_ref"],
    }
    return "iaf_psc_delta", parameters, ["same discretisation"]


def adex() -> tuple[str, dict[str, float], list[str]]:
    """``aeif_psc_delta``: the same equations, another solver."""
    p = PARAMETERS["adex"]
    parameters = {
        "C_m": p["c_m"],
        "g_L": p["g_l"],
        "E_L": p["e_l"],
        "V_th": p["v_t"],
        "Delta_T": p["delta_t"],
        "a": p["a"],
        "tau_w": p["tau_w"],
        "b": p["b"],
        "V_reset": p["v_reset"],
        "V_peak": p["v_peak"],
        "t_ref": p["t_ref"],
        "w": INITIAL["adex"]["w"],
    }
    differs = (
        "adaptive Runge-Kutta-Fehlberg 4(5), gsl_error_tol 1e-6, several spikes a step possible"
    )
    return "aeif_psc_delta", parameters, [f"not forward Euler: {differs}; spike count not compared"]


def izhikevich() -> tuple[str, dict[str, float], list[str]]:
    """``izhikevich`` with ``consistent_integration`` off: the half steps of the 2003 listing."""
    p = PARAMETERS["izhikevich"]
    parameters = {
        "a": p["a"],
        "b": p["b"],
        "c": p["c"],
        "d": p["d"],
        "V_th": p["v_peak"],
        "U_m": INITIAL["izhikevich"]["u"],
        "consistent_integration": False,
    }
    return "izhikevich", parameters, ["same discretisation (consistent_integration off)"]


MODELS = {"lif": lif, "adex": adex, "izhikevich": izhikevich}


def measure(case: Case) -> Outcome:
    """Create the pool, count the spikes of the first run, time further runs."""
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = DT
    nest.local_num_threads = case.threads
    if case.variant == "window":
        nest.set(min_delay=WINDOW, max_delay=WINDOW)
    name, parameters, notes = MODELS[case.model]()
    pool = nest.Create(name, case.n, params=parameters | {"V_m": INITIAL[case.model]["v"]})
    pool.I_e = case.current.tolist()
    duration = case.steps * DT
    nest.Prepare()
    nest.Run(duration)
    spikes = int(nest.local_spike_counter)
    seconds = time_runs(lambda: nest.Run(duration), case.repeats)
    nest.Cleanup()
    notes = [f"model {name}", *notes, f"min_delay {nest.min_delay} ms"]
    return Outcome(
        nest.__version__, "float64", seconds, spikes, notes, comparable=case.model != "adex"
    )


if __name__ == "__main__":
    main("nest", measure, variants=("default", "window"))

"""Which models of NEST and NEURON the cells of SONATA files name, and what those are here."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from spikecuda.network.model.receptor import Receptor
from spikecuda.network.model.receptors import (
    AlphaConductance,
    AlphaCurrent,
    Delta,
    ExpConductance,
    ExpCurrent,
)

# ms, NEST's: the neuron's part of a synapse's parameters.
TAU_MINUS = 20.0
Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class CellKind:
    """A model of another simulator.

    Attributes:
        model, scheme: what it is here.
        defaults: its parameters with the other simulator's default values.
        params, initial: by our name: theirs.
        current: the parameter that is a constant current, pA, or None.
        makes: the receptor of a time constant and a reversal potential.
        ports: by our receptor: the parameters of its time constant and reversal potential.
        signed: whether weights below 0 arrive at the second receptor.
        conductance: whether they arrive there as a conductance of their size.
        scale: by parameter: what its numbers are multiplied with.
        neutral: parameters that are taken only with this value, and what they would do.
        unread: parameters without effect here, as those of synapses that learn.
    """

    model: str
    scheme: str | None
    defaults: Mapping[str, float]
    params: Mapping[str, str]
    initial: Mapping[str, str]
    current: str | None = None
    makes: Callable[[float, float], Receptor] = lambda tau, e_rev: Delta()
    ports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    signed: bool = False
    conductance: bool = False
    scale: Mapping[str, float] = field(default_factory=dict)
    neutral: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


NEST_MEMBRANE = {"c_m": "C_m", "v_reset": "V_reset", "t_ref": "t_ref"}
SYNAPSES = {"ex": ("tau_syn_ex",), "in": ("tau_syn_in",)}
REVERSING = {"ex": ("tau_syn_ex", "E_ex"), "in": ("tau_syn_in", "E_in")}
FLOOR = {"V_min": (-math.inf, "a lower limit of V_m")}
UNREAD = ("tau_minus_triplet",)
IAF = {
    "C_m": 250.0, "tau_m": 10.0, "t_ref": 2.0, "E_L": -70.0, "V_th": -55.0, "V_reset": -70.0,
    "I_e": 0.0, "V_m": -70.0, "tau_minus": TAU_MINUS,
}  # fmt: skip
IAF_COND = {
    "C_m": 250.0, "g_L": 50.0 / 3.0, "t_ref": 2.0, "E_L": -70.0, "V_th": -55.0, "V_reset": -60.0,
    "I_e": 0.0, "V_m": -70.0, "E_ex": 0.0, "E_in": -85.0, "tau_syn_ex": 0.2, "tau_syn_in": 2.0,
    "tau_minus": TAU_MINUS,
}  # fmt: skip
GLIF = {
    "C_m": 58.72, "g": 9.43, "E_L": -78.85, "V_th": -51.68, "V_reset": -78.85, "t_ref": 3.75,
    "V_m": -78.85, "tau_minus": TAU_MINUS,
}  # fmt: skip
GLIF_RULES = {
    "voltage_reset_fraction": 0.2, "voltage_reset_add": 18.51, "th_spike_add": 0.37,
    "th_spike_decay": 0.009,
}  # fmt: skip
GLIF_CURRENTS = {
    "asc_init_1": 0.0, "asc_init_2": 0.0, "asc_decay_1": 0.003, "asc_decay_2": 0.1,
    "asc_amps_1": -9.18, "asc_amps_2": -198.94, "asc_r_1": 1.0, "asc_r_2": 1.0,
}  # fmt: skip
GLIF_VOLTAGE = {"th_voltage_index": 0.005, "th_voltage_decay": 0.09}
GLIF_NAMES = {
    "c_m": "C_m", "g_l": "g", "e_l": "E_L", "v_th": "V_th", "v_reset": "V_reset", "t_ref": "t_ref",
    "f_v": "voltage_reset_fraction", "dv": "voltage_reset_add", "dtheta_s": "th_spike_add",
    "b_s": "th_spike_decay", "a_v": "th_voltage_index", "b_v": "th_voltage_decay",
    "k_1": "asc_decay_1", "k_2": "asc_decay_2", "r_1": "asc_r_1", "r_2": "asc_r_2",
    "di_1": "asc_amps_1", "di_2": "asc_amps_2",
}  # fmt: skip
# By NEST's three switches: spikes move the threshold, after-spike currents, the potential does.
GLIF_LEVELS = {
    (False, False, False): ("glif1", "exact"), (True, False, False): ("glif2", "exact"),
    (False, True, False): ("glif3", "mean_current"), (True, True, False): ("glif4", "exact"),
    (True, True, True): ("glif5", "exact"),
}  # fmt: skip


def _iaf(makes: Callable[[float, float], Receptor] | None) -> CellKind:
    """Return one of NEST's ``iaf_psc_*``; without ``makes`` ``iaf_psc_delta``."""
    times = {} if makes is None else {"tau_syn_ex": 2.0, "tau_syn_in": 2.0}
    return CellKind(
        "lif", None, {**IAF, **times},
        {**NEST_MEMBRANE, "tau_m": "tau_m", "v_rest": "E_L", "v_th": "V_th"}, {"v": "V_m"}, "I_e",
        makes or (lambda tau, e_rev: Delta()),
        SYNAPSES if makes is not None else {"in": ()}, signed=makes is not None,
        neutral={**FLOOR, "delta": (0.0, "escape noise"), "refractory_input": (0.0, "input that is "
                                                                              "kept for later")},
        unread=(*UNREAD, "rho"),
    )  # fmt: skip


def _iaf_cond(makes: Callable[[float, float], Receptor]) -> CellKind:
    """Return one of NEST's ``iaf_cond_*``."""
    return CellKind(
        "lif_cond", None, IAF_COND,
        {**NEST_MEMBRANE, "g_l": "g_L", "e_l": "E_L", "v_th": "V_th"}, {"v": "V_m"}, "I_e",
        makes, REVERSING, signed=True, conductance=True, unread=UNREAD,
    )  # fmt: skip


def glif(switches: tuple[bool, bool, bool], ports: int) -> CellKind:
    """Return NEST's ``glif_psc`` with some of its mechanisms, and so many receptors."""
    model, scheme = GLIF_LEVELS[switches]
    defaults = dict(GLIF)
    initial = {"v": "V_m"}
    if switches[0]:
        defaults.update(GLIF_RULES)
    if switches[1]:
        defaults.update(GLIF_CURRENTS)
        initial.update({"i_1": "asc_init_1", "i_2": "asc_init_2"})
    if switches[2]:
        defaults.update(GLIF_VOLTAGE)
    defaults.update({f"tau_syn_{port}": 2.0 for port in range(1, ports + 1)})
    names = {ours: theirs for ours, theirs in GLIF_NAMES.items() if theirs in defaults}
    if switches[0]:  # the reset follows from the rules
        names.pop("v_reset")
    return CellKind(
        model, scheme, defaults, names, initial, None,
        lambda tau, e_rev: AlphaCurrent(tau),
        {f"port_{port}": (f"tau_syn_{port}",) for port in range(1, ports + 1)},
        unread=(*UNREAD, *(n for n in (*GLIF_RULES, *GLIF_CURRENTS, *GLIF_VOLTAGE)
                           if n not in defaults)),
    )  # fmt: skip


# By model_template; ``glif_psc`` depends on its parameters.
KINDS: dict[str, CellKind] = {
    "nest:iaf_psc_alpha": _iaf(lambda tau, e_rev: AlphaCurrent(tau)),
    "nest:iaf_psc_exp": _iaf(lambda tau, e_rev: ExpCurrent(tau)),
    "nest:iaf_psc_delta": _iaf(None),
    "nest:iaf_cond_alpha": _iaf_cond(AlphaConductance),
    "nest:iaf_cond_exp": _iaf_cond(ExpConductance),
    # bmtk takes its parameters in seconds.
    "nrn:IntFire1": CellKind(
        "intfire1", None, {"tau": 0.01, "refrac": 0.005, "m": 0.0},
        {"tau": "tau", "t_ref": "refrac"}, {"m": "m"}, None, ports={"in": ()},
        scale={"tau": 1000.0, "refrac": 1000.0},
    ),
}  # fmt: skip
# Recorded variables: by the other simulator's name.
VARIABLES = {
    "V_m": "v", "v": "v", "m": "m", "I_syn_ex": "i_ex", "I_syn_in": "i_in", "g_ex": "g_ex",
    "g_in": "g_in",
}  # fmt: skip

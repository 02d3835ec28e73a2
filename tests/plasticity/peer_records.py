"""Plastic synapses of other simulators: what each sent, for known spikes.

``peers.json.xz`` has, in steps of 0.1 ms and 11 significant digits:

- "nest": NEST 3.10.0 (PyPI).  Two parrots with spike generators, a synapse of each model with a
  dendritic delay, and a ``weight_recorder``: the weight sent at each spike of the source.  Ten
  pairs of trains (single pairings in both orders, coincidences at emission and at arrival and a
  step around them, Poisson, dense, bursts of the target, long silence) for each of six delays from
  0.1 to 10 ms and one to three sets of parameters.  ``stdp_dopamine_synapse`` has a
  ``volume_transmitter``, three trains of dopamine, and the weight, c and n at 4500 ms.
- "currents": NEST's ``tsodyks_synapse`` and ``tsodyks2_synapse`` to an ``iaf_psc_exp``:
  amplitudes, and V_m and the current at the end of some steps (every third of those recorded).
- "clopath": NEST's ``clopath_synapse`` to an ``aeif_psc_delta_clopath`` that is driven by jumps of
  80 mV.  A ``multimeter`` gave V_m and the low-passed u_bar_plus and u_bar_minus, here already
  later by delay_u_bars: those of the steps with V_m > theta_plus, and what a spike of the source
  meets.  The others change nothing.
- "brian2": Brian2 2.9.0 (numpy target), additive STDP with axonal, dendritic and mixed delays.

Where NEST is not as published:

- Its nearest-neighbour models pair a spike of the target that arrives before the source has spiked
  with a spike at time 0; so these records have such a spike (``phantom``).
- ``stdp_dopamine_synapse`` holds the weight within its bounds in each step here, and not only at
  the synapse's spikes; where it matters, ``clipped_between`` is set.
- ``clopath_synapse``: the line that delays u_bar starts with 0 mV; four records have a spike of the
  source so early.  With a shortest delay of 1 ms in the network, depression through a delay of
  1.5 ms is lost; here the shortest delay is a step.
"""

import json
import lzma
import math
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

DT = 0.1


@dataclass(frozen=True)
class Record:
    """A synapse between known spikes and what it sent.  All steps are of 0.1 ms.

    Attributes:
        name: of the record, for messages.
        rule: name in ``kernels.reference.plasticity_rules.RULES``.
        params: of the rule, with w_max (infinite for none) and w_min.
        weight: at the start, with the sign of w_max.
        pre, post: steps in which the source and the target spike.
        delay, dendritic: the whole delay and what of it lies behind the synapse.
        timing: "nest" or "brian".
        weights: what is sent at each spike of the source.
        phantom: whether the first spike of the source, in step 0, is NEST's invention.
        third: steps in which the third factor's spikes arrive.
        final: None, or values of "weight", "c" and "n" as of the step "step".
        clipped_between: whether bounds were met between the synapse's spikes.
        after: pairs (step, weight) after each step with an event, at the synapse; or None.
        signals: of the target, by name: dict from step to value.
    """

    name: str
    rule: str
    params: dict
    weight: float
    pre: list
    post: list
    delay: int
    dendritic: int
    timing: str
    weights: list
    phantom: bool = False
    third: list = field(default_factory=list)
    final: dict | None = None
    clipped_between: bool = False
    after: list | None = None
    signals: dict | None = None

    def later(self, steps):
        """Return the same record, everything ``steps`` later.  No value changes by that."""
        move = lambda times: [t + steps for t in times]  # noqa: E731
        final = self.final and {**self.final, "step": self.final["step"] + steps}
        after = self.after and [(t + steps, w) for t, w in self.after]
        signals = self.signals and {
            name: {t + steps: x for t, x in values.items()} for name, values in self.signals.items()
        }
        return replace(
            self, pre=move(self.pre), post=move(self.post), third=move(self.third), final=final,
            after=after, signals=signals,
        )  # fmt: skip


PAIR = {"lambda": "lam", "alpha": "alpha", "mu_plus": "mu_plus", "mu_minus": "mu_minus"}
TIMES = {"tau_plus": "tau_plus", "tau_minus": "tau_minus"}
# NEST's model: our rule, NEST's parameters and ours, further ones of ours.
NEST = {
    "stdp_synapse": ("stdp", PAIR | TIMES, {}),
    "stdp_synapse_hom": ("stdp", PAIR | TIMES, {}),
    "stdp_nn_symm_synapse": ("stdp", PAIR | TIMES, {"nearest": "symmetric"}),
    "stdp_nn_restr_synapse": ("stdp", PAIR | TIMES, {"nearest": "restricted"}),
    "stdp_nn_pre_centered_synapse": ("stdp", PAIR | TIMES, {"nearest": "pre_centred"}),
    "stdp_pl_synapse_hom": (
        "power_law", {"lambda": "lam", "alpha": "alpha", "mu": "mu", **TIMES}, {},
    ),
    "stdp_triplet_synapse": (
        "triplet",
        {
            "Aplus": "a2_plus", "Aminus": "a2_minus", "Aplus_triplet": "a3_plus",
            "Aminus_triplet": "a3_minus", "tau_plus_triplet": "tau_x",
            "tau_minus_triplet": "tau_y", **TIMES,
        },
        {},
    ),
    "vogels_sprekeler_synapse": (
        "vogels", {"eta": "eta", "alpha": "alpha", "tau": "tau", "tau_minus": "tau_minus"}, {},
    ),
    "stdp_dopamine_synapse": (
        "dopamine",
        {"A_plus": "a_plus", "A_minus": "a_minus", "tau_c": "tau_c", "tau_n": "tau_n", "b": "b",
         **TIMES},
        {},
    ),
    "tsodyks2_synapse": (
        "tsodyks_markram",
        {"U": "u_0", "u": "u_start", "x": "x_start", "tau_rec": "tau_rec", "tau_fac": "tau_fac"},
        {},
    ),
    "tsodyks_synapse": (
        "tsodyks_2000",
        {"U": "u_0", "u": "u_start", "x": "x_start", "y": "y_start", "tau_psc": "tau_psc",
         "tau_rec": "tau_rec", "tau_fac": "tau_fac"},
        {},
    ),
    "clopath_synapse": (
        "clopath",
        {"A_LTP": "a_ltp", "A_LTD": "a_ltd", "theta_plus": "theta_plus",
         "theta_minus": "theta_minus", "tau_x": "tau_x", "u_ref_squared": "u_ref_squared"},
        {"dt": DT},
    ),
}  # fmt: skip
PHANTOM = ("stdp_nn_symm_synapse", "stdp_nn_restr_synapse")


@cache
def contents():
    """Return what the file has, as it stands."""
    return json.loads(lzma.decompress(Path(__file__).with_name("peers.json.xz").read_bytes()))


def translate(model, params):
    """Return our name, parameters and start weight of a NEST synapse."""
    name, names, more = NEST[model]
    ours = {names[k]: v for k, v in params.items() if k in names} | more
    ours["w_max"] = params.get("Wmax", math.inf)
    ours["w_min"] = params.get("Wmin", 0.0)
    left = set(params) - set(names) - {"Wmax", "Wmin", "weight", "delay_u_bars"}
    assert not left, f"{model} has parameters that nothing stands for: {left}"
    return name, ours, params["weight"]


def nest(model):
    """Return the records of a NEST synapse model."""
    everything = contents()
    found = []
    for r in everything["nest"][model]["records"]:
        rule, params, weight = translate(model, everything["nest"][model]["params"][r["params"]])
        pre, post = (everything["trains"][r[name]] for name in ("pre", "post"))
        weights, more = everything["weights"][r["weights"]], {}
        if model in PHANTOM:
            pre, weights, more = [0, *pre], [weight, *weights], {"phantom": True}
        if "third" in r:
            third = [t + r["third_delay"] for t in everything["trains"][r["third"]]]
            final = {k: r["final"][k] for k in ("weight", "c", "n")}
            final["step"] = round(r["final"]["t_ms"] / DT)
            more = {"third": third, "final": final, "clipped_between": r["clipped_between"]}
        name = f"{model} {r['params']} {r['case']} delay {r['delay']}"
        found.append(Record(name, rule, params, weight, pre, post, r["delay"], r["delay"], "nest",
                            weights, **more))  # fmt: skip
    return found


def currents():
    """Return pairs of a record with Tsodyks' synapses and its entry, which has the probes."""
    found = []
    for r in contents()["currents"]:
        rule, params, weight = translate(r["synapse"], r["params"])
        pre = contents()["trains"][r["pre"]]
        name = f"{r['synapse']} {r['label']} {r['train']} delay {r['delay']}"
        record = Record(name, rule, params, weight, pre, [], r["delay"], r["delay"], "nest",
                        r["amplitudes"])  # fmt: skip
        found.append((record, r))
    return found


def clopath():
    """Return the records of the voltage-based rule."""
    found = []
    for r in contents()["clopath"]:
        rule, params, weight = translate("clopath_synapse", r["params"])
        met = [t - r["delay"] for t in r["pre"]]
        signals = {
            name: dict(zip(where, r[name], strict=True))
            for name, where in (
                ("u", r["above"]), ("u_plus", r["above"]), ("u_minus", met), ("u_mean", met),
            )
        }  # fmt: skip
        name = f"clopath_synapse {r['case']} delay {r['delay']}"
        found.append(Record(name, rule, params, weight, r["pre"], r["post"], r["delay"], r["delay"],
                            "nest", r["weights"], signals=signals))  # fmt: skip
    return found


def brian():
    """Return Brian2's records."""
    found = []
    for r in contents()["brian2"]:
        p = r["params"]
        params = {
            "a_plus": p["Apre"], "a_minus": -p["Apost"], "tau_plus": p["taupre"],
            "tau_minus": p["taupost"], "w_max": p["wmax"], "w_min": 0.0,
        }  # fmt: skip
        name = f"brian2 {r['case']} axonal {r['axonal']} dendritic {r['dendritic']}"
        found.append(Record(
            name, "amplitudes", params, r["weight"], r["pre"], r["post"],
            r["axonal"] + r["dendritic"], r["dendritic"], "brian", r["sent"],
            after=[tuple(pair) for pair in r["after"]],
        ))  # fmt: skip
    return found

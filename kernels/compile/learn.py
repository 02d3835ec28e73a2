"""The variables of the templates of kernels that let synapses learn."""

from collections.abc import Mapping

from spikecuda.kernels.language.rewrite import rewrite
from spikecuda.kernels.language.special import makes_infinity, passes_nan
from spikecuda.kernels.learn_spec import (
    BRIAN,
    OVER,
    WRONG_PART,
    WRONG_SOURCE,
    WRONG_VARIABLE,
    WRONG_WEIGHT,
    LearnSpec,
)
from spikecuda.kernels.network.layout import RECENT


def context(spec: LearnSpec, target: str) -> dict[str, object]:
    """Return the template variables of a rule's loops on a target."""
    rule, wide = spec.rule, spec.real == "float64"
    xs = {name: f"_x_{name}" for name in rule.pre_traces}
    ys = {name: f"_y_{name}" for name in rule.post_traces}
    # Names of a rule get a prefix, so that they meet none of the templates.
    constants = {name: f"_c_{name}" for name in rule.constant_names}
    variables = {name: f"_v_{name}" for name in rule.variables}
    resources = {name: f"_u_{name}" for name in rule.source_variables}
    seen = {name: f"_z_{name}" for name in rule.target_states}
    state = ["w", *variables.values()]
    changing = [variables[name] for name in variables if name not in rule.synapse_parameters]
    sent = rule.functions["transmit"].arguments if "transmit" in rule.functions else ()
    # What random numbers of a synapse are made of.
    identity = ["_key0", "_key1", "_source_id", "_target_id", "_code"] if rule.random else []
    events = [f for name, f in rule.functions.items() if name in ("on_post", "on_pre")]
    part = rule.modulator
    eligible = part.eligibility if part else ""
    if part:
        # Where a modulator's integral is, and from when on it counts.
        identity += ["_integral_at"] if target == "cpu" else ["_integral", "_where", "_wrap"]
        identity += ["_epoch", "_flown"]

    def used(traces: Mapping[str, object]) -> dict[str, list[str]]:
        return {
            event: [n for n in traces if n in rule.functions[event].arguments]
            for event in ("on_post", "on_pre") if event in rule.functions
        }  # fmt: skip

    def call(name: str) -> str:
        if name not in rule.functions:
            return ""
        renamed = {**constants, **variables, **resources, **xs, **ys, **seen, "watched": "_watched"}
        arguments = [renamed.get(a, a) for a in rule.functions[name].arguments]
        return f"_{name}({', '.join(arguments)})"

    return {
        "spec_text": f"{spec.name}: synapse rule {rule.name}, {spec.real}, timing {spec.timing}",
        "target": "cpu" if target == "cpu" else "cuda",
        "OVER": OVER,
        "WRONG_WEIGHT": WRONG_WEIGHT,
        "WRONG_PART": WRONG_PART,
        "WRONG_VARIABLE": WRONG_VARIABLE,
        "WRONG_SOURCE": WRONG_SOURCE,
        "functions": [rewrite(source, f"_{name}") for name, source in rule.functions.items()],
        "real": spec.real,
        "width": spec.width,
        "exp": "exp64" if wide else "exp32",
        "expm1": "expm1_64" if wide else "expm1_32",
        "log": "log64" if wide else "log32",
        "pow": "pow64" if wide else "pow32",
        "bounded": rule.bounded or not rule.learns,
        # Whether a weight can become infinite other than by overflow, and whether one that is NaN
        # stays so whatever comes after it.
        "infinite": bool(eligible) or any(makes_infinity(f) for f in events),
        "passes_nan": rule.bounded and all(passes_nan(f, "w") for f in events),
        "learns": rule.learns,
        "late": int(spec.timing == BRIAN),
        "source_values": spec.source_values,
        "target_values": spec.target_values,
        "source_words": len(spec.source_values) * spec.width // 4,
        "target_words": len(spec.target_values) * spec.width // 4,
        "constant_names": list(constants.values()),
        "constants": ", ".join([*constants.values(), *identity]),
        "random": rule.random,
        "uniform": [name for name, f in rule.functions.items() if "uniform" in f.arguments],
        "transmits": "transmit" in rule.functions,
        "transmit_call": call("transmit"),
        # Variables that say what part of the weight is sent.
        "transmitted": [variables[name] for name in variables if name in sent],
        "pre_traces": list(rule.pre_traces.items()),
        "post_traces": list(rule.post_traces.items()),
        "source_variables": list(resources.values()),
        "releases": rule.releases,
        "release_call": call("release"),
        "variables": list(variables.values()),
        # What events return: the weight, and variables that are no parameters of the synapse.
        "returned": ", ".join(["w", *changing]),
        "changing": changing,
        "decaying": [name for name, v in rule.variables.items() if v.decay and name != eligible],
        "eligible": eligible,
        # Whether what is sent is the weight that a modulator has left, not what a spike leaves.
        "leaves": bool(eligible) and spec.timing == BRIAN and "on_pre" in rule.functions,
        "together": not (rule.random or rule.target_states or "transmit" in rule.functions),
        "watches": rule.watches,
        # States that an entry of a target keeps: place in the entry, number of the state, name.
        "keeps": [
            (spec.target_values.index(f"_at_{name}"), list(seen).index(name), seen[name])
            for name in spec.states_kept
        ],
        "watch_call": call("watch"),
        "seen": list(seen.values()),
        "states_seen": [part.state for part in rule.target_states.values()],
        "sees": [
            (i, seen[name])
            for i, name in enumerate(seen)
            if "on_pre" in rule.functions and name in rule.functions["on_pre"].arguments
        ],
        # Whether anything depends on when the synapse's last event was.
        "since": any(v.decay for v in rule.variables.values())
        or any("elapsed" in f.arguments for f in rule.functions.values()),
        "state": ", ".join(state),
        "changed": ", ".join(f"_new_{name}" for name in state),
        "recent": RECENT,
        "xs": list(xs.values()),
        "ys": list(ys.values()),
        "used_pre": {"on_post": [], "on_pre": [], **used(rule.pre_traces)},
        "used_post": {"on_post": [], "on_pre": [], **used(rule.post_traces)},
        "on_post": "on_post" in rule.functions,
        "on_pre": "on_pre" in rule.functions,
        "on_post_call": call("on_post"),
        "on_pre_call": call("on_pre"),
    }

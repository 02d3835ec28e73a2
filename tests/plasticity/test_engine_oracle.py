"""Networks that learn, before the oracle: each synapse alone, between recorded spikes.

The engine puts evaluation off, sweeps, and splits neurons over threads; the oracle evaluates each
event at its step.  In float64 both agree to rounding: weights after up to a few hundred events,
each with a relative error of some 2^-52, are given 1e-9.
"""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_networks import Everything, OnlyPost, OnlyPre

from spikecuda import Network, Poisson
from spikecuda.common.distributions import Uniform
from spikecuda.kernels.reference.plasticity import Rule, Trace, Variable, run_synapse
from spikecuda.network import ExpCurrent, FixedProbability, SpikeTrain
from spikecuda.plasticity import STDP, GutigSTDP

DT = 0.1
NUMBERS = {
    STDP: {"lam": 0.05}, GutigSTDP: {"lam": 0.05, "mu_plus": 0.5}, Everything: {}, OnlyPost: {},
    OnlyPre: {},
}  # fmt: skip
KINDS = [(kind, timing) for kind in NUMBERS for timing in ("nest", "brian")
         if timing == "nest" or kind not in (OnlyPost, OnlyPre)]  # fmt: skip


def oracle_rule(rule):
    """Return the oracle's rule: the same functions, called as plain Python."""
    traces = {
        side: {n: Trace(rule.params[t.tau], t.to_one) for n, t in traces.items()}
        for side, traces in (("pre", rule.pre_traces), ("post", rule.post_traces))
    }
    variables = {
        n: Variable(v.initial, rule.params[v.decay] if v.decay else None)
        for n, v in rule.variables.items()
    }
    derive = getattr(type(rule), "derive", None)
    known = {**rule.params, "w_max": abs(rule.w_max), "w_min": rule.w_min, "dt": DT}
    if derive is not None:
        known |= derive(**{n: known[n] for n in inspect.signature(derive).parameters})
    return Rule(
        on_pre=getattr(type(rule), "on_pre", None), on_post=getattr(type(rule), "on_post", None),
        values=known, variables=variables, w_max=rule.w_max, w_min=rule.w_min, **traces,
    )  # fmt: skip


def expected(rule, source, target, delay, pre, post, start, as_of, dendritic):
    """Return the weight and the variables of a synapse by the oracle."""
    steps = round(delay / DT)
    outcome = run_synapse(
        oracle_rule(rule), pre[source], post[target], start, delay=steps, dt=DT,
        dendritic=dendritic, timing=rule.timing, as_of=as_of,
        start=-1 - (0 if dendritic is None else steps - dendritic),
    )  # fmt: skip
    return outcome.weight, outcome.variables


@st.composite
def situations(draw):
    """Return what shapes a network and what is done with it."""
    low = draw(st.integers(1, 12))
    kind, timing = draw(st.sampled_from(KINDS))
    return {
        "seed": draw(st.integers(0, 2**32)),
        "kind": kind,
        "timing": timing,
        "delays": (low, low + draw(st.sampled_from([0, 1, 9, 80]))),
        "behind": draw(st.sampled_from([None, "half", "least", "all"])),
        "burst": draw(st.sampled_from([1, 3, 20])),
        "pieces": draw(st.lists(st.integers(1, 500), min_size=1, max_size=5)),
        "partitions": draw(st.sampled_from([1, 2, 5])),
        "threads": draw(st.sampled_from([1, 2])),
        "sweep": draw(st.booleans()),
        "sign": draw(st.sampled_from([1.0, -1.0])),
    }


def build(s, precision="float64", **options):
    """Return a network, its projections that learn, and the steps of its trains."""
    rng = np.random.default_rng(s["seed"])
    low, high = s["delays"]
    behind = {None: None, "half": low // 2, "least": 0, "all": low}[s["behind"]]
    if behind == 0 and s["timing"] == "nest":
        behind = 1
    net = Network(dt=DT, seed=s["seed"], precision=precision, **options)
    for name, size in (("A", 40), ("B", 33)):
        net.population(name, size, "lif", receptors={"in": ExpCurrent(tau=2.0)})
        net.drive(name, Poisson(rate=8000.0, weight=90.0), "in")
    # Trains: bursts and long silences.
    steps = {i: np.unique(rng.integers(0, 30, s["burst"]) + 400 * rng.integers(0, 3))
             for i in range(8)}  # fmt: skip
    times = np.concatenate([(x + 1) * DT for x in steps.values()])
    neurons = np.repeat(np.arange(8), [x.size for x in steps.values()])
    net.source("T", 8, SpikeTrain(times, neurons=neurons))
    rule = s["kind"](w_max=80.0 * s["sign"], timing=s["timing"], **NUMBERS[s["kind"]])
    delay = Uniform(low * DT, high * DT) if high > low else low * DT
    learned = [
        net.connect(
            a, b, FixedProbability(0.1), weight=40.0 * s["sign"], delay=delay, plasticity=rule,
            dendritic=None if behind is None else behind * DT,
        )
        for a, b in (("A", "B"), ("B", "A"), ("T", "A"))
    ]  # fmt: skip
    net.connect("B", "B", FixedProbability(0.1), weight=20.0, delay=0.3)
    return net, learned, {i: (x).tolist() for i, x in steps.items()}, behind


def advance(net, s):
    """Run in pieces, with sweeps between them; return the steps of the spikes."""
    spikes = {"A": [], "B": []}
    for k in s["pieces"]:
        result = net.run(k * DT)
        for name, found in spikes.items():
            got = result.spikes[name]
            found.append(np.stack([np.rint(got.time / DT).astype(int) - 1, got.neuron]))
        engine = net.build()
        if s["sweep"] and hasattr(engine, "_learning"):
            for b, table in enumerate(engine._rows.bundles):
                engine._learning.sweep(b, table, engine.clock)
    return {name: np.concatenate(found, axis=1) for name, found in spikes.items()}


@settings(max_examples=40)
@given(situations())
def test_each_synapse_is_the_oracle_s(s):
    net, learned, trains, behind = build(
        s, threads=s["threads"], partitions=s["partitions"], devices="cpu"
    )
    with net:
        spikes = advance(net, s)
        as_of = sum(s["pieces"]) - 1
        fired = {
            name: {i: sorted(found[0][found[1] == i].tolist()) for i in range(40)}
            for name, found in spikes.items()
        }
        fired["T"] = trains
        for p in learned:
            found = p.connections()
            names = list(p.plasticity.variables)
            for k in range(0, found["source"].size, 7):
                weight, variables = expected(
                    p.plasticity, int(found["source"][k]), int(found["target"][k]),
                    found["delay"][k], fired[p.source.population.name],
                    fired[p.target.population.name], 40.0 * s["sign"], as_of, behind,
                )  # fmt: skip
                assert found["weight"][k] == pytest.approx(weight, rel=1e-9, abs=1e-9)
                for name in names:
                    assert found[name][k] == pytest.approx(variables[name], rel=1e-9, abs=1e-9)


@settings(max_examples=25)
@given(situations(), st.sampled_from(["float32", "float64"]))
def test_the_same_bits_however_it_is_run(s, precision):
    outcomes = []
    plain = {**s, "pieces": [sum(s["pieces"])], "sweep": False}
    for situation, options in (
        (plain, {"threads": 1, "devices": "cpu"}),
        (s, {"threads": s["threads"], "partitions": s["partitions"], "devices": "cpu"}),
        (s, {"devices": ["cpu:0", "cpu:0"]}),
    ):
        net, learned, _, _ = build(situation, precision, **options)
        with net:
            spikes = advance(net, situation)
            found = [p.connections() for p in learned]
            values = [f[n] for f in found for n in ("weight", *s["kind"].variables)]
            outcomes.append([*spikes.values(), *values])
    for other in outcomes[1:]:
        for a, b in zip(outcomes[0], other, strict=True):
            assert np.array_equal(a, b)

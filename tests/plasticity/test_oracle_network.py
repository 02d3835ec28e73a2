"""The oracle of networks with plastic synapses: records, currents, and synapses run alone."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peer_records import DT, brian, currents, nest

from spikecuda.kernels.reference import network
from spikecuda.kernels.reference.network import Population
from spikecuda.kernels.reference.plastic_network import Plastic, read, replay, simulate
from spikecuda.kernels.reference.plasticity_rules import make

# A neuron that spikes in the very step in which a jump arrives, and for no current.
RELAY = {
    "tau_m": 10.0, "c_m": 1e9, "v_rest": 0.0, "v_reset": 0.0, "v_th": 1.0, "t_ref": 0.0,
}  # fmt: skip
CELL = {**RELAY, "c_m": 100.0, "v_th": 15.0}
NO_SYNAPSES = ([], [], [], [], [])
EACH = ["stdp_synapse", "stdp_nn_restr_synapse", "stdp_triplet_synapse", "tsodyks_synapse",
        "vogels_sprekeler_synapse", "stdp_nn_pre_centered_synapse"]  # fmt: skip


def relay(record, more=0):
    """Return the oracle's network of a record: a train, a relay as the target, the synapse."""
    receptors = [("delta", {}), ("exp_current", {"tau": 1.0})]
    steps = max(*record.pre, *record.post, 0) + 1 + more
    arrivals = record.post, [0] * len(record.post), [0] * len(record.post), [2.0] * len(record.post)
    plastic = Plastic(
        make(record.rule, **record.params), [1], [0], [1], [record.weight], [record.delay],
        [record.dendritic], record.timing,
    )  # fmt: skip
    sent = record.pre, [1] * len(record.pre)
    fired, traces, _ = simulate(
        [Population("lif", 1, RELAY, receptors)], NO_SYNAPSES, sent, arrivals, steps, DT, [plastic]
    )
    return plastic, steps, fired, traces


@pytest.mark.parametrize(
    "record",
    [
        *(r for m in EACH for r in nest(m)[1::13] if max(r.pre) < 6000),
        *(r for r in brian() if r.delay),
    ],
    ids=lambda r: r.name,
)
def test_records(record):
    # Between a train and a relay, each synapse sends what the peers' did, when it should arrive.
    plastic, steps, fired, traces = relay(record, record.delay)
    assert np.flatnonzero(fired[:, 0]).tolist() == record.post
    assert [t for t, _ in plastic.sent[0]] == record.pre
    got = [w for _, w in plastic.sent[0]]
    assert got == pytest.approx(record.weights, rel=0, abs=1e-9 * abs(record.weight))
    x = traces["x"][1:, 0, 1, 0]
    jumps = x - np.append(0.0, x[:-1]) * math.exp(-DT / 1.0)
    expected = np.zeros(steps)
    np.add.at(expected, np.array(record.pre) + record.delay, record.weights)
    np.testing.assert_allclose(jumps, expected, rtol=0, atol=2e-9 * abs(record.weight))


def test_currents():
    # NEST's iaf_psc_exp: V_m and the current at the end of a step.  Of the two delays of each train
    # and synapse, one or the other.
    for record, entry in [pair for i, pair in enumerate(currents()) if i % 4 in (0, 3)]:
        neuron = entry["neuron"]
        params = {
            "tau_m": neuron["tau_m"], "c_m": neuron["C_m"], "v_rest": neuron["E_L"],
            "v_reset": neuron["E_L"], "v_th": neuron["V_th"], "t_ref": 2.0,
        }  # fmt: skip
        target = Population(
            "lif", 1, params, [("exp_current", {"tau": neuron["tau_syn_ex"]})], neuron["E_L"]
        )
        plastic = Plastic(
            make(record.rule, **record.params), [1], [0], [0], [record.weight], [record.delay]
        )
        steps = entry["probes"][-1][0] + 1
        _, traces, _ = simulate(
            [target], NO_SYNAPSES, (record.pre, [1] * len(record.pre)), ([], [], [], []), steps, DT,
            [plastic],
        )  # fmt: skip
        for step, v, current in entry["probes"]:
            assert traces["v"][step + 1, 0] == pytest.approx(v, abs=1e-9), record.name
            assert traces["x"][step + 1, 0, 0, 0] == pytest.approx(current, abs=1e-8), record.name


RULES = {
    "stdp": {"lam": 0.2, "alpha": 1.1, "tau_plus": 15.0, "tau_minus": 30.0, "mu_plus": 0.5,
             "mu_minus": 1.0},
    "triplet": {"a2_plus": 0.1, "a2_minus": 0.2, "a3_plus": 0.3, "a3_minus": 0.1, "tau_plus": 16.8,
                "tau_x": 101.0, "tau_minus": 33.7, "tau_y": 125.0},
    "vogels": {"eta": 0.1, "alpha": 0.2, "tau": 20.0},
    "dopamine": {"a_plus": 1.0, "a_minus": 0.7, "tau_plus": 20.0, "tau_minus": 20.0, "tau_c": 50.0,
                 "tau_n": 10.0, "b": 0.01},
    "tsodyks_2000": {"u_0": 0.4, "tau_psc": 3.0, "tau_rec": 80.0, "tau_fac": 20.0},
    "diehl_cook": {"eta_pre": 0.1, "eta_post": 0.5, "tau_pre": 20.0, "tau_post_1": 20.0,
                   "tau_post_2": 40.0},
    "stochastic": {"p": 0.5},
}  # fmt: skip


@settings(max_examples=40)
@given(data=st.data())
def test_a_network_is_its_synapses(data):
    """What the network's synapses send, step by step, is what each does alone, given the spikes."""
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    name, timing = draw(st.sampled_from(sorted(RULES))), draw(st.sampled_from(["nest", "brian"]))
    count, trains, steps, dt = draw(st.integers(1, 6)), 3, 150, 0.5
    size = draw(st.integers(1, 20))
    delay = rng.integers(1, draw(st.sampled_from([2, 10, 60])), size)
    dendritic = rng.integers(1 if timing == "nest" else 0, delay + 1)
    rule = make(name, w_max=draw(st.sampled_from([2.0, -2.0])), **RULES[name])
    plastic = Plastic(
        rule, rng.integers(0, count + trains, size), rng.integers(0, count, size), np.zeros(size),
        math.copysign(1.0, rule.w_max) * rng.uniform(0, 2, size), delay, dendritic, timing,
        uniform=lambda s, t: math.modf(0.618 * (t + 7 * s) + 1)[0],
    )  # fmt: skip
    if name == "dopamine":
        plastic.third = np.array([0, count]), np.array([1, 5])
    train = np.nonzero(rng.random((steps, trains)) < rng.choice([0.02, 0.3]))
    sent = train[0] - 1, train[1] + count
    population = Population(
        "lif", count, CELL, [("delta", {})], rng.uniform(0, 15, count),
        rng.uniform(0, 400, count),
    )  # fmt: skip
    nothing = ([], [], [], [])
    fired, traces, spikes = simulate([population], NO_SYNAPSES, sent, nothing, steps, dt, [plastic])
    weights, variables = read(plastic, spikes, traces, steps, dt)
    assert set(variables) == set(rule.variables)
    for s in range(size):
        outcome = replay(plastic, spikes, traces, s, steps, dt)
        due = [t for t in spikes.steps(plastic.source[s]) if t + plastic.axonal[s] < steps]
        assert [t for t, _ in plastic.sent[s]] == due
        # What is at the synapse after the end needs spikes of the target from after the end.
        assert [w for _, w in plastic.sent[s]] == pytest.approx(outcome.sent[: len(due)], rel=1e-9)
        assert weights[s] == outcome.weight
        assert 0 <= abs(weights[s]) <= 2.0

    # What was sent, as arrivals of a network without plastic synapses, gives the same spikes.
    events = [
        (t + plastic.delay[s], plastic.target[s], 0, w)
        for s in range(size)
        for t, w in plastic.sent[s]
    ]
    again, _ = network.simulate(
        [population], NO_SYNAPSES, nothing[:2], tuple(zip(*events, strict=True)) or nothing, steps,
        dt,
    )  # fmt: skip
    np.testing.assert_array_equal(again, fired)


def test_static_synapses_are_as_without_plastic_ones():
    rng = np.random.default_rng(4)
    n, size, steps = 20, 80, 300
    population = Population(
        "lif", n, {**CELL, "t_ref": 1.0}, [("exp_current", {"tau": 2.0})], 0.0,
        rng.uniform(0, 900, n),
    )  # fmt: skip
    synapses = (
        rng.integers(0, n + 2, size), rng.integers(0, n, size), np.zeros(size, int),
        rng.uniform(-50, 90, size), rng.integers(1, 30, size),
    )  # fmt: skip
    sent = rng.integers(-1, steps, 40), rng.integers(n, n + 2, 40)
    arrivals = rng.integers(0, steps, 30), rng.integers(0, n, 30), [0] * 30, [100.0] * 30
    expected, traces = network.simulate([population], synapses, sent, arrivals, steps, 0.1)
    fired, found, _ = simulate([population], synapses, sent, arrivals, steps, 0.1, [])
    assert expected.sum() > 100
    np.testing.assert_array_equal(fired, expected)
    np.testing.assert_allclose(found["x"], traces["x"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("delay", "dendritic", "timing"),
    [(3, 0, "nest"), (3, 4, "nest"), (3, 4, "brian"), (0, 0, "brian")],
)
def test_delays_that_cannot_be(delay, dendritic, timing):
    rule = make("stochastic", p=1.0)
    with pytest.raises(ValueError, match="dendritic must be from"):
        Plastic(rule, [0], [0], [0], [1.0], [delay], [dendritic], timing)

"""Noise and Poisson input of a network, number by number: four neurons share a block of words."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda.inputs.stimulus import Noise, Poisson
from spikecuda.kernels.reference import noise
from spikecuda.network import Delta, Network

DT, TAU_M, C_M = 0.1, 20.0, 100.0
PASSIVE = {"v_rest": 0.0, "v_reset": -1.0, "v_th": 1e6, "t_ref": 0.0, "c_m": C_M, "tau_m": TAU_M}
SEEDS = st.integers(0, 2**64 - 1)
# The first steps, and where the number of the step needs a second word.
CLOCKS = st.sampled_from([0, 1, 3, 63, 2**32 - 2, 2**32, 2**40 + 1])
# The first population pushes the second one's identities to a multiple of 32.
SIZES = st.sampled_from([1, 3, 31, 32, 33, 1025])


def passive(seed, sizes, partitions):
    net = Network(DT, seed, "float64", threads=2, partitions=partitions, devices="cpu")
    for i, size in enumerate(sizes):
        name = f"n{i}"
        net.population(name, size, params=PASSIVE, initial={"v": 0.0}, receptors={"d": Delta()})
        net.drive(name, Noise(sigma=30.0))
        net.drive(name, Poisson(rate=20_000.0, weight=10.0), "d")
        net.drive(name, Poisson(rate=1_000.0, weight=1000.0), "d")
    return net


def normal_tolerance(seed, clock, neurons):
    """Return how far float32 numbers may be from the oracle's; see tests/oracle/test_noise.py."""
    words, lane = noise.lane_words(seed, noise.STREAM_NOISE, clock, 1, neurons)
    u = noise.uniform(np.take_along_axis(words[0], 2 * (lane[:, None] >> 1), axis=1)[:, 0])
    step = np.spacing(u.astype(np.float32)).astype(np.float64)
    radius = np.sqrt(-2 * np.log(u))
    slope = np.minimum(step / (u * np.maximum(radius, 1e-30)), np.sqrt(2 * step) * 2)
    return slope + 6 * 2.0**-24 * radius


@settings(max_examples=20)
@given(SEEDS, CLOCKS, st.lists(SIZES, min_size=1, max_size=3), st.integers(1, 4))
def test_random_input_is_that_of_the_oracle(seed, clock, sizes, partitions):
    """v after a step from 0: noise below 1 mV, counts of the trains in tens and thousands."""
    net = passive(seed, sizes, partitions)
    net.build().clock = clock
    gain = -math.expm1(-DT / TAU_M) * TAU_M / C_M / math.sqrt(DT)
    for k in range(3):
        identity = 0
        for i in range(len(sizes)):
            net[f"n{i}"].state["v"] = 0.0
        net.run(DT)
        for i, size in enumerate(sizes):
            neurons = identity + np.arange(size)
            identity += -(-size // 32) * 32
            expected, clear = np.zeros(size), np.ones(size, np.bool_)
            for term, (mean, weight) in enumerate(((2.0, 10.0), (0.1, 1000.0))):
                u = noise.lane_uniforms(seed, term, clock + k, 1, neurons)[0]
                survival = noise.poisson_survival(mean)
                expected += weight * noise.poisson_counts(u, mean)
                # Derived in tests/oracle/pools.py.
                near = (np.arange(len(survival)) + 5) * 2.0**-24
                clear &= (np.abs(u[:, None] - survival) > near).all(axis=1)
            got = net[f"n{i}"].state["v"]
            normal = 30.0 * gain * noise.lane_normals(seed, 0, clock + k, 1, neurons)[0]
            bound = 30.0 * gain * normal_tolerance(seed, clock + k, neurons) + 1e-13 * expected
            assert (np.abs(got - expected - normal) <= bound + 1e-12)[clear].all()
    net.close()


def test_random_input_is_white():
    """Counts and noise: no correlation between neurons of a quad, populations, terms or steps."""
    net = passive(5, (4, 64), 2)
    for name in net.populations:
        net.record(name, "v")
    traces, keep = net.run(4000 * DT).traces, math.exp(-DT / TAU_M)
    samples = {}
    for name in net.populations:
        v = np.concatenate([np.zeros((1, net[name].size)), traces[name]["v"]])
        samples[name] = v[1:] - keep * v[:-1]
    many = samples["n1"] % 10.0
    many = np.where(many > 5.0, many - 10.0, many)  # the noise alone
    counts = np.rint((samples["n1"] - many) / 10.0)
    low, high = counts % 100, counts // 100
    gain = -math.expm1(-DT / TAU_M) * TAU_M / C_M / math.sqrt(DT)
    normal = many / (30.0 * gain)
    n = normal.size
    assert abs(normal.mean()) < 6.2 / math.sqrt(n)
    assert abs(normal.var() - 1) < 6.2 * math.sqrt(2 / n)
    for got, mean in ((low, 2.0), (high, 0.1)):
        assert abs(got.mean() - mean) < 6.2 * math.sqrt(mean / n)
        # The variance of a Poisson number's square deviation is mean (1 + 2 mean).
        assert abs(((got - mean) ** 2).mean() - mean) < 6.2 * math.sqrt(mean * (1 + 2 * mean) / n)
    for x in (normal, low, high):
        for shift in ((1, 0), (0, 1), (0, 2), (0, 4), (4, 0)):
            y = np.roll(x, shift, (0, 1))
            assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 6.2 / math.sqrt(n)
    for x, y in ((normal, low), (normal, high), (low, high)):
        assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 6.2 / math.sqrt(n)
    first = samples["n0"] - samples["n0"].mean()
    rest = samples["n1"][:, :4] - samples["n1"][:, :4].mean()
    assert abs(np.corrcoef(first.ravel(), rest.ravel())[0, 1]) < 6.2 / math.sqrt(first.size)


def test_a_view_gets_what_the_population_would_get():
    """Input of a view is that of the whole population, and nothing for the others."""
    ids = np.array([0, 5, 31, 32, 39])
    states = []
    for some in (False, True):
        net = Network(DT, 7, "float64", threads=1, devices="cpu")
        population = net.population(
            "n", 40, params=PASSIVE, initial={"v": 0.0}, receptors={"d": Delta()}
        )
        target = population[ids] if some else population
        for term in (Noise(5.0), 3.0):
            net.drive(target, term)
        net.drive(target, Poisson(2_000.0, 0.5), "d")
        net.run(20.0)
        states.append(net["n"].state["v"])
    others = np.setdiff1d(np.arange(40), ids)
    assert (states[1][others] == 0.0).all() and (states[1][ids] != 0.0).all()
    np.testing.assert_array_equal(states[1][ids], states[0][ids])


@pytest.mark.parametrize("rate", [0.0, 1e-3])
def test_no_events_leave_no_trace(rate):
    net = Network(DT, 7, "float64", threads=1, devices="cpu")
    net.population("n", 40, params=PASSIVE, initial={"v": 0.0}, receptors={"d": Delta()})
    net.drive("n", 0.0)
    net.drive("n", Noise(0.0))
    net.drive("n", Poisson(rate, 1.0), "d")
    net.run(10.0)
    assert (net["n"].state["v"] == 0.0).all()

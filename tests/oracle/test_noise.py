"""Noise and Poisson input of a pool against the oracle, number by number.

A LIF neuron at 0 with rest at 0 makes the input visible: after one step v is the input's effect.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import GPUNeuronPool
from spikecuda.inputs.stimulus import Noise, Poisson
from spikecuda.kernels.reference import noise

SEEDS = st.integers(0, 2**64 - 1)
# The first step of all, either side of a group's border, and where the group needs a second word.
CLOCKS = st.sampled_from([0, 1, 2, 3, 4, 1023, 2**33 - 3, 2**34 - 2, 2**34 + 5, 2**40 + 1])
PASSIVE = {"v_rest": 0.0, "v_reset": -1.0, "v_th": 1e6, "t_ref": 0.0, "c_m": 100.0}


def passive_pool(count, target, seed, dt=0.1, **params):
    return GPUNeuronPool(
        count, "lif", precision="float64", dt=dt, seed=seed,
        params={**PASSIVE, **params}, **target,
    )  # fmt: skip


def normal_tolerance(seed, term, clock, steps, neurons):
    """Return how far the kernel's float32 numbers may be from the oracle's.

    As derived in tests/numerics/test_variates.py: the last bit of u, and 6 roundings of the radius.
    Here the word of u is not known apart, so the bound is taken from all words of the group.
    """
    w = noise.words(seed, noise.STREAM_NOISE + term, clock, steps, neurons)
    slot = np.array([(clock + k) & 3 for k in range(steps)])
    first = np.stack([w[k, :, 2 * (s >> 1)] for k, s in enumerate(slot)])
    u = noise.uniform(first)
    step = np.spacing(u.astype(np.float32)).astype(np.float64)
    radius = np.sqrt(-2 * np.log(u))
    slope = np.minimum(step / (u * np.maximum(radius, 1e-30)), np.sqrt(2 * step) * 2)
    return slope + 6 * 2.0**-24 * radius


@settings(max_examples=25)
@given(seed=SEEDS, clock=CLOCKS, count=st.sampled_from([1, 31, 33, 1025]))
def test_noise_of_a_step_is_that_of_the_oracle(target, seed, clock, count):
    """Two noise inputs: v = p_i (s0 g0 + s1 g1) / sqrt(dt) after one step from 0."""
    sigmas, dt, tau_m = (30.0, 7.0), 0.1, 20.0
    gain = -math.expm1(-dt / tau_m) * tau_m / PASSIVE["c_m"] / math.sqrt(dt)
    neurons = np.arange(count)
    with passive_pool(count, target, seed, dt, tau_m=tau_m) as pool:
        pool.population.steps = clock
        for k in range(6):
            pool.state["v"] = 0.0
            pool.run(steps=1, input=[Noise(sigma=sigmas[0]), Noise(sigma=sigmas[1])])
            expected, tolerance = np.zeros(count), np.zeros(count)
            for term, sigma in enumerate(sigmas):
                expected += sigma * noise.normals(seed, term, clock + k, 1, neurons)[0]
                tolerance += sigma * normal_tolerance(seed, term, clock + k, 1, neurons)[0]
            size = np.abs(expected) + sum(sigmas)
            off = np.abs(pool.state["v"] / gain - expected)
            assert (off <= tolerance + 20 * 2.0**-53 * size).all()


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "per_neuron"])
@settings(max_examples=25)
@given(seed=SEEDS, clock=CLOCKS, count=st.sampled_from([1, 31, 33, 1025]), data=st.data())
def test_poisson_counts_of_a_step_are_those_of_the_oracle(target, shared, seed, clock, count, data):
    """With weight 1 mV, v is the number of events after one step from 0."""
    means = np.array(data.draw(st.lists(st.floats(0.0, 30.0), min_size=1, max_size=4)))
    mean = float(means[0]) if shared else np.resize(means, count)
    neurons, dt = np.arange(count), 0.1
    with passive_pool(count, target, seed, dt) as pool:
        pool.population.steps = clock
        for k in range(6):
            pool.state["v"] = 0.0
            pool.run(steps=1, input=Poisson(rate=mean / (dt * 1e-3), weight=1.0))
            u = noise.uniforms(seed, 0, clock + k, 1, neurons)[0]
            for value in np.unique(mean):
                column = np.broadcast_to(mean == value, count)
                expected = noise.poisson_counts(u[column], value)
                survival = noise.poisson_survival(value)
                near = (np.arange(len(survival)) + 5) * 2.0**-24
                clear = (np.abs(u[column, None] - survival) > near).all(axis=-1)
                got = pool.state["v"][column]
                np.testing.assert_array_equal(got[clear], expected[clear])


def test_poisson_rate_per_neuron_equals_shared(target):
    """The same rate gives the same counts, whether it is one number or one per neuron."""
    counts = []
    for rate in (3000.0, np.full(1025, 3000.0)):
        with passive_pool(1025, target, seed=9) as pool:
            pool.run(steps=50, input=Poisson(rate=rate, weight=1.0))
            counts.append(pool.state["v"].tobytes())
    assert counts[0] == counts[1]

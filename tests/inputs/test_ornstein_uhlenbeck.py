"""Ornstein-Uhlenbeck currents: values of the oracle, and the statistics of the process."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import OrnsteinUhlenbeck
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.reference.trains import ornstein_uhlenbeck
from spikecuda.kernels.spec import STEP_CURRENT


def currents(term, n, dt, steps, seed=1, clock=0, identity=0):
    drive = ResolvedInput(term, n, dt, steps, "float64", seed, identity)
    out = np.empty((steps, n))
    drive.rows(STEP_CURRENT, clock, 0, slice(0, n), out)
    return out


@settings(max_examples=15)
@given(
    st.integers(0, 2**64 - 1), st.sampled_from([1e-6, 0.3, 5.0, 20.0]),
    st.sampled_from([0.1, 1.0]), st.sampled_from([0, 61, 8190, 2**34 - 2]),
)  # fmt: skip
def test_values_are_those_of_the_oracle(seed, tau, dt, clock):
    neurons = 64 + np.arange(3)
    got = currents(OrnsteinUhlenbeck(2.0, tau, 7.0), 3, dt, 6, seed, clock, 64)
    for k in range(6):
        unit = ornstein_uhlenbeck(tau, dt, seed, 0, clock + k, neurons)
        # The generator's normal numbers are float32: see tests/numerics/test_variates.py.
        np.testing.assert_allclose(got[k], 7.0 + 2.0 * unit, atol=2e-4)


@pytest.mark.parametrize(("tau", "dt"), [(5.0, 0.1), (2.0, 1.0), (30.0, 0.5)])
def test_it_is_an_ornstein_uhlenbeck_process(tau, dt):
    """Mean, variance and autocorrelation, in every part of the hierarchy, and normality."""
    n, steps = 5000, 257
    x = currents(OrnsteinUhlenbeck(1.0, tau), n, dt, steps, clock=2**20 - 100)
    assert (np.abs(x.mean(axis=1)) < 4.5 / math.sqrt(n)).all()
    assert (np.abs((x**2).mean(axis=1) - 1) < 4.5 * math.sqrt(2 / n)).all()
    for lag in (1, 2, 3, 7, 16, 33, 64, 100):
        expected = math.exp(-lag * dt / tau)
        # The variance of a product of two normal numbers of correlation r is 1 + r^2.
        error = math.sqrt((1 + expected**2) / n)
        assert (np.abs((x[lag:] * x[:-lag]).mean(axis=1) - expected) < 4.7 * error).all()
    kurtosis = (x**4).mean() - 3
    # Values tau apart are nearly independent.
    independent = n * max(1.0, steps * dt / (2 * tau))
    assert abs(kurtosis) < 5 * math.sqrt(96 / independent)
    # Markov: given the value before, the one before that tells nothing more.
    r = math.exp(-dt / tau)
    rest = x[2:] - r * x[1:-1]
    assert abs((rest * x[:-2]).mean()) < 5 * math.sqrt((1 - r * r) / rest.size * 3)
    assert abs((rest**2).mean() / (1 - r * r) - 1) < 5 * math.sqrt(2 / rest.size)


def test_neurons_drives_and_seeds_are_independent():
    n, steps = 40, 4000
    both = OrnsteinUhlenbeck(1.0, 0.05) + OrnsteinUhlenbeck(0.0, 3.0, 1.0)
    first = currents(both, n, 0.1, steps) - 1.0
    second = currents(OrnsteinUhlenbeck(0.0, 1.0) + OrnsteinUhlenbeck(1.0, 0.05), n, 0.1, steps)
    other = currents(OrnsteinUhlenbeck(1.0, 0.05), n, 0.1, steps, seed=2)
    np.testing.assert_array_equal(
        first + 1.0, currents(OrnsteinUhlenbeck(1.0, 0.05, 1.0), n, 0.1, steps)
    )
    found = np.corrcoef(np.hstack([first, second, other]).T)[np.triu_indices(3 * n, 1)]
    assert np.abs(found).max() < 5.5 / math.sqrt(steps)


def test_times_within_which_it_is_on():
    sigma, mean = np.linspace(0.0, 3.0, 50), np.linspace(-1.0, 1.0, 50)
    whole = currents(OrnsteinUhlenbeck(sigma, 5.0, mean), 50, 0.1, 300)
    some = currents(OrnsteinUhlenbeck(sigma, 5.0, mean, 3.0, 20.05), 50, 0.1, 300)
    np.testing.assert_array_equal(some[30:201], whole[30:201])
    assert not some[:30].any() and not some[201:].any()
    np.testing.assert_array_equal(whole[:, 0], -1.0)

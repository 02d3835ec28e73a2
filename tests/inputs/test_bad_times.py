"""Inputs of model time that cannot be used: each is refused where it is made, or at the drive."""

import math

import numpy as np
import pytest

from spikecuda import (
    Constant,
    CorrelatedPoisson,
    GPUNeuronPool,
    Network,
    Noise,
    OrnsteinUhlenbeck,
    PerStep,
    Poisson,
    Renewal,
    Sine,
    SpikecudaError,
    Waveform,
)
from spikecuda.network import ExpCurrent

W = Waveform
# What is made, and what the message says.
MADE = [
    (lambda: W([], 1.0), "at least one sample"),
    (lambda: W(3.0, 1.0), "shape"),
    (lambda: W(np.zeros((2, 2, 2)), 1.0), "shape"),
    (lambda: W([1.0, math.nan], 1.0), "finite"),
    (lambda: W(["a"], 1.0), "numbers|values must be"),
    (lambda: W([1e308, -1e308], 1.0), "finite differences"),
    (lambda: W([1.0], 0.0), "dt must be > 0 ms"),
    (lambda: W([1.0], -1.0), "dt must be > 0 ms"),
    (lambda: W([1.0], math.inf), "dt must be > 0 ms"),
    (lambda: W([1.0], 1.0, -0.1), "start must be >= 0 ms"),
    (lambda: W([1.0], 1.0, math.inf), "start must be >= 0 ms"),
    (lambda: W([1.0], 1.0, 0.0, "cubic"), '"hold" or "linear"'),
    (lambda: W([1.0], 1.0, before="repeat"), "before must be a number or 'hold'"),
    (lambda: W([1.0], 1.0, after="zero"), "after must be a number or 'hold' or 'repeat'"),
    (lambda: W([1.0], 1.0, after=None), "after must be a number or"),
    (lambda: W([1.0], 1.0, after=math.nan), "after must be finite"),
    (lambda: W.sample(3.0, 1.0, 0.0, 1.0), "must be a function of t"),
    (lambda: W.sample(np.sin, 1.0, 0.0, math.inf), "stop must be finite"),
    (lambda: W.sample(np.sin, 1.0, 3.0, 3.0), "stop must be > start"),
    (lambda: W.sample(np.sin, 1e-7, 0.0, 1e3), "at most 100,000,000 samples"),
    (lambda: W.sample(math.sin, 0.1, 0.0, 1.0), "use NumPy's functions"),
    (lambda: W.sample(lambda t: t[:-1], 0.1, 0.0, 1.0), r"shape \(10,\)"),
    (lambda: W.sample(lambda t: "x", 0.1, 0.0, 1.0), "numbers"),
    (lambda: Sine(1.0, -1.0), "frequency must be >= 0 Hz"),
    (lambda: Sine(1.0, 1.0, start=5.0, stop=5.0), "stop must be > start"),
    (lambda: Noise(1.0, start=-1.0), "start must be >= 0 ms"),
    (lambda: Noise(1.0, start=2.0, stop=1.0), "stop must be > start"),
    (lambda: OrnsteinUhlenbeck(1.0, 0.0), "tau must be > 0 ms"),
    (lambda: OrnsteinUhlenbeck(1.0, [1.0, 2.0]), "tau must be a number"),
    (lambda: OrnsteinUhlenbeck(1.0, 1.0, 0.0, 2.0, 1.0), "stop must be > start"),
    (lambda: Renewal(1.0, 1.0, 0.0), "shape must be > 0"),
    (lambda: Renewal(1.0, 1.0, 2e6), "shape must be <= 1e\\+06"),
    (lambda: Renewal(1.0, 1.0, refractory=-1.0), "refractory must be >= 0 ms"),
    (lambda: Renewal(1.0, 1.0, refractory=math.inf), "refractory must be >= 0 ms"),
    (lambda: Renewal(1.0, 1.0, start=3.0, stop=3.0), "stop must be > start"),
    (lambda: Renewal(np.sin, 1.0), "stop must be finite"),
    (lambda: CorrelatedPoisson(1.0, 1.0, 0.0), "use Poisson"),
    (lambda: CorrelatedPoisson(1.0, 1.0, 1.1), "correlation must be > 0 and <= 1"),
    (lambda: CorrelatedPoisson(1.0, 1.0, math.nan), "correlation must be > 0 and <= 1"),
    (lambda: Poisson(1.0, 1.0, 3.0, 2.0), "stop must be > start"),
    (lambda: Poisson(1.0, 1.0, math.nan), "start must be >= 0 ms"),
    (lambda: Poisson(np.zeros((2, 2, 2)), 1.0), "shape"),
    (lambda: Poisson([[1.0, math.nan]], 1.0), "finite"),
    (lambda: Poisson(np.sin, 1.0), "stop must be finite"),
    (lambda: Poisson(Constant(3.0), 1.0), "a rate must be a number"),
    (lambda: Poisson(PerStep([3.0]), 1.0), "a rate must be a number"),
]  # fmt: skip
# What is refused when the neurons are known.
GIVEN = [
    (lambda: W(np.zeros((3, 4)), 1.0), "a column for each of 4"),
    (lambda: W([1.0, 2.0], 1.0, gain=[1.0, 2.0]), "gain must be one number or one per neuron"),
    (lambda: W([1.0, 1e39], 1.0), "fit in float32"),
    (lambda: Sine([1.0, 2.0], 1.0), "amplitude must be one number or one per neuron"),
    (lambda: Sine(1e39, 1.0), "fit in float32"),
    (lambda: Noise(1e39, start=1.0), "fit in float32"),
    (lambda: OrnsteinUhlenbeck(-1.0, 1.0), "sigma must be >= 0"),
    (lambda: OrnsteinUhlenbeck([1.0, 1.0], 1.0), "sigma must be one number or one per neuron"),
    (lambda: OrnsteinUhlenbeck(1.0, 1e18), "tau must be at most"),
    (lambda: OrnsteinUhlenbeck(1e38, 1.0), "fit in float32"),
    (lambda: Renewal(-1.0, 1.0), "rate must be >= 0 Hz"),
    (lambda: Renewal([1.0, 1.0], 1.0), "a rate over time has shape"),
    (lambda: Poisson(np.ones(100), 1.0), r"over time has shape \(steps, 1\) or"),
    (lambda: Renewal(W(np.ones((2, 2)), 1.0), 1.0), "a column for each of 2"),
    (lambda: Renewal(100.0, 1.0, refractory=10.0), "shorter than the mean interval, 10 ms"),
    (lambda: Renewal(W([1.0, 500.0], 1.0), 1.0, refractory=2.0), "shorter than the mean interval"),
    (lambda: Renewal(1e6, 1.0), "rate must be <= 640000 Hz"),
    (lambda: CorrelatedPoisson(-1.0, 1.0, 0.5), "rate must be >= 0 Hz"),
    (lambda: CorrelatedPoisson([1.0, 1.0, 1.0], 1.0, 0.5), "the same for all neurons"),
    (lambda: CorrelatedPoisson([1.0, 1.0, 1.0], 1.0, 0.5, 1.0), "the same for all neurons"),
    (lambda: CorrelatedPoisson(np.ones((3, 3)), 1.0, 0.5), "the same for all neurons"),
    (lambda: CorrelatedPoisson(1e5, 1.0, 0.01), "rate must be <= 6400 Hz"),
    (lambda: Poisson(-1.0, 1.0, 1.0), "rate must be >= 0 Hz"),
    (lambda: Poisson([1.0, -1.0, 1.0], 1.0, 1.0), "rate must be >= 0 Hz"),
    (lambda: Poisson([1.0, 1.0], 1.0, 1.0), "a column for each of 2|one for each of the 3"),
    (lambda: Poisson(W([1.0, -1.0], 1.0), 1.0), "rate must be >= 0 Hz at all times"),
    (lambda: Poisson(W([1.0], 1.0, after=-1.0), 1.0), "rate must be >= 0 Hz at all times"),
    (lambda: Poisson(W([1.0], 1.0, gain=-1.0), 1.0), "rate must be >= 0 Hz at all times"),
    (lambda: Poisson(W(np.ones((2, 2)), 1.0), 1.0), "a column for each of 2"),
    (lambda: Poisson(Sine(2.0, 1.0, mean=1.0), 1.0), "rate must be >= 0 Hz at all times"),
    (lambda: Poisson(Sine([2.0, 1.0], 1.0, mean=2.0), 1.0), "a column for each of 2"),
    (lambda: Poisson(W([0.0, 1e6], 1.0), 1.0), "rate must be <= 640000 Hz"),
    (lambda: Poisson(W([[0.0, 1e6, 1.0]], 1.0), 1.0), "rate must be <= 640000 Hz"),
    (lambda: Poisson(np.ones((5, 2)), 1.0), "a column for each of 2"),
    (lambda: Poisson(lambda t: -t, 1.0, 1.0, 2.0), "rate must be >= 0 Hz at all times"),
    (lambda: Poisson(lambda t: t * np.nan, 1.0, 1.0, 2.0), "rate must be finite"),
    (lambda: Poisson(lambda t: np.ones((t.size, 2)), 1.0, 1.0, 2.0), "a column for each of 2"),
    (lambda: Poisson(lambda t: [1.0], 1.0, 1.0, 2.0), "must return a number for each"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "words"), MADE)
def test_refused_when_made(make, words):
    with pytest.raises(SpikecudaError, match=words):
        make()


@pytest.mark.parametrize(("make", "words"), GIVEN)
def test_refused_when_given(make, words):
    with GPUNeuronPool(3, device="cpu") as pool:
        with pytest.raises(SpikecudaError, match=words):
            pool.run(1.0, input=make())
        assert pool.steps == 0
    with Network(devices="cpu") as net:
        net.population("a", 3, receptors={"e": ExpCurrent(5.0)})
        given = make()
        with pytest.raises(SpikecudaError, match=words):
            net.drive("a", given, None if given.current else "e")
        assert net.run(1.0).num_spikes == 0

"""Every input that is a function of model time, made for a number of neurons."""

import numpy as np

from spikecuda import (
    Constant,
    CorrelatedPoisson,
    Noise,
    OrnsteinUhlenbeck,
    Poisson,
    Renewal,
    Sine,
    Step,
    Waveform,
)


def _rng(n):
    return np.random.default_rng(n)


def _rate(t):
    return 5000.0 * (1.0 + np.sin(t))


# By name: a function of the number of neurons.
CURRENTS = {
    "hold": lambda n: Waveform([0.0, 900.0, 300.0], 0.37, 0.5, before=80.0, after="repeat"),
    "linear": lambda n: Waveform(
        [0.0, 900.0, 300.0], 1.7, 1.0, "linear", after=250.0, gain=np.linspace(0.5, 2.0, n)
    ),
    "columns": lambda n: Waveform(_rng(n).uniform(0.0, 900.0, (9, n)), 0.43, 0.3, after="hold"),
    "sine": lambda n: Sine(300.0, 100.0, mean=250.0, start=1.0, stop=9.0),
    "sines": lambda n: Sine(300.0, 50.0, np.linspace(0.0, 6.0, n), np.linspace(0.0, 400.0, n)),
    "gated noise": lambda n: Noise(np.linspace(100.0, 800.0, n), 200.0, 1.0, 9.0),
    "ou": lambda n: OrnsteinUhlenbeck(300.0, 5.0, 300.0),
    "ou each": lambda n: OrnsteinUhlenbeck(
        np.linspace(100.0, 500.0, n), 0.7, np.linspace(0.0, 400.0, n), 1.0, 9.0
    ),
    "step": lambda n: Step(np.linspace(100.0, 800.0, n), 1.0, 9.0),
}
SPIKES = {
    "waveform": lambda n: Poisson(Waveform([3000.0, 9000.0], 1.1, after="repeat"), 1.5),
    "rows": lambda n: Poisson(_rng(n).uniform(0.0, 9000.0, (60, n)), 1.5, 1.0),
    "one column": lambda n: Poisson(
        _rng(n).uniform(0.0, 9000.0, (60, 1)), np.linspace(0.0, 3.0, n)
    ),
    "function": lambda n: Poisson(_rate, 1.5, 0.4, 9.0),
    "gated": lambda n: Poisson(6000.0, 1.5, 1.0, 9.0),
    "gated each": lambda n: Poisson(np.linspace(0.0, 9000.0, n), 1.5, 1.0, 9.0),
    "sine": lambda n: Poisson(Sine(3000.0, 100.0, mean=3000.0), 1.5),
    "gamma": lambda n: Renewal(np.linspace(0.0, 5000.0, n), 1.5, 3.5, start=1.0, stop=9.0),
    "bursts": lambda n: Renewal(np.maximum(_rng(n).uniform(-1e3, 4e3, (60, n)), 0.0), 1.5, 0.3),
    "refractory": lambda n: Renewal(
        Waveform([300.0, 900.0], 1.1, after="repeat"), np.linspace(0.0, 3.0, n), refractory=1.0
    ),
    "copies": lambda n: CorrelatedPoisson(5000.0, 1.5, 0.3, start=1.0),
    "copies of a sine": lambda n: CorrelatedPoisson(Sine(900.0, 99.0, mean=900.0), 1.5, 0.05),
    "sines": lambda n: Poisson(Sine(3000.0, 100.0, np.linspace(0.0, 6.0, n), 3000.0), 1.5),
}
KINDS = {**CURRENTS, **{f"spikes {name}": made for name, made in SPIKES.items()}}
BACKGROUND = Constant(150.0)

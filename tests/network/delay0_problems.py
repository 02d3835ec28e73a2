"""Networks without delay that Brian2 or GeNN and spikecuda run: connections, starts, inputs.

NumPy alone is needed, so that the environments of both can import this.  ``RandomState`` is frozen:
its numbers are those of all versions of NumPy.  Times are steps.
"""

import numpy as np

DT, GENN_DT = 0.1, 0.5
CELLS, EXCITATORY, CHANCE = 4000, 3200, 0.02
INPUTS, RATE = 1000, 15.0
STEPS = {
    "cuba": 2000, "coba": 2000, "cobahh": 2000, "stdp": 10_000, "izhikevich": 200, "pulses": 2000,
    "genn": 400,
}  # fmt: skip


def recurrent(seed):
    """Return sources and targets of random synapses among ``CELLS``, sorted by source."""
    drawn = np.random.RandomState(seed).random_sample((CELLS, CELLS)) < CHANCE
    return np.nonzero(drawn)


def uniform(seed, size):
    """Return numbers in [0, 1)."""
    return np.random.RandomState(seed).random_sample(size)


def normal(seed, size):
    """Return standard normal numbers."""
    return np.random.RandomState(seed).standard_normal(size)


def pulses(seed):
    """Return sources, targets, weights (mV) and delays (steps, 0 to 20) among 1,000 neurons."""
    source, target = np.nonzero(uniform(seed, (1000, 1000)) < 0.1)
    delays = np.floor(21 * uniform(seed + 1, source.size))
    return source, target, np.where(source < 800, 0.25, -1.25), delays


def poisson(seed, steps):
    """Return steps and inputs of spikes, at most one of an input in a step."""
    return np.nonzero(uniform(seed, (steps, INPUTS)) < RATE * DT * 1e-3)


def cortex(seed):
    """Return what the 1,000 neurons of Izhikevich (2003) differ in, and their noise and weights.

    Weights are multiples of 2^-12, which fixed point keeps as they are.
    """
    re, ri = np.split(uniform(seed, 1000), [800])
    cells = {
        "a": np.concatenate([np.full(800, 0.02), 0.02 + 0.08 * ri]),
        "b": np.concatenate([np.full(800, 0.2), 0.25 - 0.05 * ri]),
        "c": np.concatenate([-65.0 + 15.0 * re**2, np.full(200, -65.0)]),
        "d": np.concatenate([8.0 - 6.0 * re**2, np.full(200, 2.0)]),
    }
    noise = normal(seed + 1, (STEPS["izhikevich"], 1000)) * np.repeat([5.0, 2.0], [800, 200])
    weights = np.floor(uniform(seed + 2, (1000, 1000)) * 2**12) / 2**12
    weights *= np.repeat([0.5, -1.0], [800, 200])[:, None]
    return cells, noise, weights

"""Spike trains whose statistics are known in closed form."""

import numpy as np

from spikecuda.runtime.spikes import Spikes

# An estimate may lie this many of its own standard deviations away from what it estimates: under a
# normal law it does not in 1 of 1.7 million cases; the seeds are fixed, so a pass stays a pass.
SIGMAS = 5.0


def near(found, expected, deviation):
    """Assert that an estimate lies within SIGMAS of its standard deviation."""
    assert abs(found - expected) < SIGMAS * deviation, (found, expected, deviation)


def as_spikes(step, neuron, dt):
    """Return unsorted spikes as ``Spikes``."""
    step, neuron = np.asarray(step, np.int64), np.asarray(neuron, np.int32)
    order = np.lexsort((neuron, step))
    return Spikes(step[order], neuron[order], dt)


def poisson(rng, neurons, steps, rate, dt):
    """Return independent Poisson trains: in a step of dt ms any number of spikes."""
    counts = rng.poisson(rate * dt / 1000.0, (steps, neurons))
    step, neuron = np.nonzero(counts)
    return as_spikes(np.repeat(step, counts[step, neuron]),
                     np.repeat(neuron, counts[step, neuron]), dt)  # fmt: skip


def renewal(rng, neurons, intervals, shape, mean, dt):
    """Return trains of exactly ``intervals`` gamma intervals, and a time after the last spike.

    Args:
        shape: of the gamma law; 1 is a Poisson process.
        mean: of an interval, ms.  Rounding to the grid moves each time by dt / 2 at most.
    """
    gaps = rng.gamma(shape, mean / shape, (neurons, intervals))
    first = rng.uniform(0.0, mean, (neurons, 1))
    times = np.concatenate([first, first + np.cumsum(gaps, axis=1)], axis=1)
    step = np.rint(times / dt).astype(np.int64)
    spikes = as_spikes(step.ravel(), np.repeat(np.arange(neurons), intervals + 1), dt)
    return spikes, (int(step.max()) + 1) * dt


def copies(rng, neurons, steps, rate, dt, kept, jitter):
    """Return trains that copy one Poisson train.

    Each neuron keeps each of its spikes with probability ``kept`` and moves it by 0 to jitter - 1
    whole steps, all equally likely (Kuhn, Aertsen & Rotter 2003 with jitter).  The rate of a neuron
    is ``kept * rate``; the counts of two neurons in one bin of w steps have covariance
    kept² rate w P, where P is the chance that two copies share a bin.
    """
    mother = np.repeat(np.arange(steps), rng.poisson(rate * dt / 1000.0, steps))
    took, neuron = np.nonzero(rng.random((mother.size, neurons)) < kept)
    step = mother[took] + rng.integers(0, jitter, took.size)
    inside = step < steps
    return as_spikes(step[inside], neuron[inside], dt)


def shared(width, jitter):
    """Return the chance that two copies of a spike fall in one bin of ``width`` steps.

    Their distance d has the triangular law of two uniform numbers in 0 .. jitter - 1, and a pair at
    distance d <= w shares a bin for w - d of the w places it may start from.
    """
    places = np.arange(jitter)
    distance = np.abs(places[:, None] - places)
    return float(np.mean(np.maximum(width - distance, 0) / width))

"""Put a ``Population`` into a pool, and into an oracle."""

import numpy as np

from spikecuda import GPUNeuronPool
from spikecuda.inputs.stimulus import PerStep, Poisson
from spikecuda.kernels.reference import adex, izhikevich, lif, noise

ORACLES = {"lif": lif, "adex": adex, "izhikevich": izhikevich}


def make_pool(population, target, precision, scheme=None, substeps=1, **options):
    """Return a pool in the population's state."""
    pool = GPUNeuronPool(
        num_neurons=population.count,
        neuron_type=population.model,
        precision=precision,
        dt=population.dt,
        seed=population.seed,
        params=population.params,
        scheme=scheme,
        substeps=substeps,
        **{**target, **options},
    )
    for name, values in population.state.items():
        pool.state[name] = values
    return pool


def inputs(population, first=0, last=None):
    """Return the pool's input for some of the steps."""
    terms = [PerStep(population.current[first:last])]
    if population.rate is not None:
        terms.append(Poisson(rate=population.rate, weight=population.weight))
    return terms


def raster(spikes, steps, count, first_step=0):
    """Return spikes as a (steps, n) array of booleans."""
    grid = np.zeros((steps, count), np.bool_)
    grid[spikes.step - first_step, spikes.neuron] = True
    return grid


def pulses_of(population):
    """Return the oracle's pulses (steps, n) and where float32 rounding could change a count.

    The kernel sums the survival function in float32: after k of its subtractions of numbers below 1
    the error is at most (k + 3) 2^-24, and the uniform number may be off by its last bit.
    """
    if population.rate is None:
        return None, None
    n, steps = population.count, population.steps
    u = noise.uniforms(population.seed, 0, 0, steps, np.arange(n))
    means = np.broadcast_to(np.asarray(population.rate) * population.dt * 1e-3, n)
    counts, ambiguous = np.zeros((steps, n)), np.zeros((steps, n), np.bool_)
    for mean in np.unique(means):
        column = means == mean
        survival = noise.poisson_survival(mean)
        tolerance = (np.arange(len(survival)) + 5) * 2.0**-24
        near = np.abs(u[:, column, None] - survival) <= tolerance
        ambiguous[:, column] = near.any(axis=-1)
        counts[:, column] = noise.poisson_counts(u[:, column], mean)
    return counts * np.asarray(population.weight), ambiguous

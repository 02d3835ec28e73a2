"""Correlations of the spike counts of pairs of neurons."""

import numpy as np

from spikecuda.analysis.counts import matrix, moments
from spikecuda.analysis.selection import Neurons, Selection, select, within_memory
from spikecuda.common.arguments import as_count
from spikecuda.common.seed import as_seed
from spikecuda.runtime.spikes import Spikes


@within_memory
def correlations(
    spikes: Spikes,
    neurons: Neurons,
    start: float,
    stop: float,
    bin: float = 2.0,
    max_neurons: int = 200,
    seed: int = 0,
) -> np.ndarray:
    """Return the correlation coefficients of spike counts, for all pairs of a sample of neurons.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        bin: width of the bins counted in, ms; at least two must fit.
        max_neurons: neurons in the sample, drawn from those whose count varies (which leaves out
            the silent ones); 200 give 19,900 pairs.
        seed: of the draw.

    Returns:
        float64 array (pairs,); empty if fewer than two neurons have a count that varies.
        Independent neurons: mean 0, standard deviation 1 / sqrt(bins - 1).
    """
    _, coefficients = correlation_matrix(spikes, neurons, start, stop, bin, max_neurons, seed)
    return coefficients[np.triu_indices(coefficients.shape[0], k=1)]


@within_memory
def correlation_matrix(
    spikes: Spikes,
    neurons: Neurons,
    start: float,
    stop: float,
    bin: float = 2.0,
    max_neurons: int = 200,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the correlation matrix of the spike counts of a sample of neurons.

    Args:
        spikes, neurons, start, stop, bin, max_neurons, seed: see ``correlations``.

    Returns:
        Positions of the sampled neurons among the selected, int64 (n,), ascending; and Pearson's
        coefficients, float64 (n, n).
    """
    chosen = select(spikes, neurons, start, stop)
    width, number = chosen.bins(bin, at_least=2)
    total, squares = moments(chosen, width, number)
    varying = np.flatnonzero(squares * number > total * total)
    sample = draw(varying, as_count("max_neurons", max_neurons, 2, 100_000), seed)
    place = np.full(chosen.count, -1)
    place[sample] = np.arange(sample.size)
    kept = place[chosen.index] >= 0
    part = Selection(
        chosen.step[kept], place[chosen.index[kept]], sample.size, chosen.steps, chosen.dt
    )
    counts = matrix(part, width, number).astype(np.float64)
    counts -= counts.mean(axis=0)
    counts /= np.sqrt(np.einsum("tn,tn->n", counts, counts))
    return sample, counts.T @ counts


def draw(candidates: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return at most ``most`` of the candidates, drawn without replacement, in their order."""
    if candidates.size <= most:
        return candidates
    rng = np.random.default_rng(as_seed(seed))
    return np.sort(rng.choice(candidates, most, replace=False))

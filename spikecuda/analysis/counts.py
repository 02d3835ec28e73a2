"""Spikes counted in bins of time."""

import numpy as np

from spikecuda.analysis.selection import REMEDY, Neurons, Selection, select, within_memory
from spikecuda.common.host_memory import require_memory
from spikecuda.runtime.spikes import Spikes


@within_memory
def population_counts(
    spikes: Spikes, neurons: Neurons, start: float, stop: float, bin: float
) -> np.ndarray:
    """Return the spikes of all neurons together in each bin.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        bin: width in ms, a multiple of dt; a rest that does not fill a bin is left out.

    Returns:
        int64 array (bins,).
    """
    chosen = select(spikes, neurons, start, stop)
    width, number = chosen.bins(bin)
    require_memory(8.0 * number, f"a count of {number:,} bins", REMEDY)
    return np.bincount(chosen.step // width, minlength=number)[:number]


@within_memory
def count_matrix(
    spikes: Spikes, neurons: Neurons, start: float, stop: float, bin: float
) -> np.ndarray:
    """Return the spikes of each neuron in each bin.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        bin: width in ms, a multiple of dt; a rest that does not fill a bin is left out.

    Returns:
        int64 array (bins, neurons).
    """
    chosen = select(spikes, neurons, start, stop)
    width, number = chosen.bins(bin)
    return matrix(chosen, width, number)


@within_memory
def fano_factor(
    spikes: Spikes, neurons: Neurons, start: float, stop: float, bin: float
) -> np.ndarray:
    """Return the Fano factor of each neuron: variance over mean of its spike count.

    1 for a Poisson process in bins of any width, 0 for a regular train in bins of whole periods.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        bin: width of the bins counted in, ms; at least two must fit.

    Returns:
        float64 array (neurons,), NaN for neurons without a spike.

    Source: Fano (1947) Phys Rev 72:26; the variance is the unbiased one (over bins - 1).
    """
    chosen = select(spikes, neurons, start, stop)
    width, number = chosen.bins(bin, at_least=2)
    total, squares = moments(chosen, width, number)
    with np.errstate(invalid="ignore"):
        return (squares - total * (total / number)) / (number - 1) / (total / number)


def matrix(chosen: Selection, width: int, number: int) -> np.ndarray:
    """Return counts as an int64 array (number, neurons)."""
    require_memory(16.0 * number * chosen.count, f"counts of {number:,} bins", REMEDY)
    bin = chosen.step // width
    kept = bin < number
    cell = bin[kept] * chosen.count + chosen.index[kept]
    flat = np.bincount(cell, minlength=number * chosen.count)
    return flat.reshape(number, chosen.count)


def moments(chosen: Selection, width: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum and the sum of squares of each neuron's counts, without the whole matrix.

    Returns:
        Two int64 arrays (neurons,).
    """
    bin = chosen.step // width
    kept = bin < number
    cells, counts = np.unique(chosen.index[kept] * number + bin[kept], return_counts=True)
    total, squares = np.zeros(chosen.count, np.int64), np.zeros(chosen.count, np.int64)
    np.add.at(total, cells // number, counts)
    np.add.at(squares, cells // number, counts * counts)
    return total, squares

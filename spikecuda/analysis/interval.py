"""Interspike intervals and how irregular they are."""

import numpy as np

from spikecuda.analysis.selection import Neurons, Selection, select, within_memory
from spikecuda.common.arguments import as_count, as_real
from spikecuda.errors import SpikecudaValueError
from spikecuda.runtime.spikes import Spikes

# A single interval, or a single pair of them, has no variation.
FEWEST = 2
# What the statistics of populations ask for: the CV of a Poisson train of 10 comes out 10 % small.
ENOUGH = 10


@within_memory
def intervals(
    spikes: Spikes, neurons: Neurons, start: float, stop: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the intervals between successive spikes of a neuron, both of them in the window.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.

    Returns:
        Interval in ms, float64, and position of its neuron among the selected, int64: arrays
        (intervals,), ordered by neuron, then by time.
    """
    chosen = select(spikes, neurons, start, stop)
    steps, index = _between(chosen)
    return steps * chosen.dt, index


@within_memory
def cv(
    spikes: Spikes, neurons: Neurons, start: float, stop: float, min_intervals: int = FEWEST
) -> np.ndarray:
    """Return the coefficient of variation of each neuron's intervals.

    0 for a regular train, 1 for a long Poisson train.  With few intervals it comes out too small:
    the mean of its square over Poisson trains of n intervals is (n - 1) / (n + 1).

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        min_intervals: neurons with fewer get NaN; at least 2.

    Returns:
        float64 array (neurons,): standard deviation (over n) by mean.
    """
    chosen = select(spikes, neurons, start, stop)
    steps, index = _between(chosen)
    n = np.bincount(index, minlength=chosen.count)
    enough = n >= as_count("min_intervals", min_intervals, FEWEST, 2**62)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(index, weights=steps, minlength=chosen.count) / n
        square = np.bincount(index, weights=(steps - mean[index]) ** 2, minlength=chosen.count) / n
        return np.where(enough, np.sqrt(square) / mean, np.nan)


@within_memory
def cv2(
    spikes: Spikes, neurons: Neurons, start: float, stop: float, min_intervals: int = FEWEST
) -> np.ndarray:
    """Return CV2 of each neuron: mean of 2 |I1 - I2| / (I1 + I2) over successive intervals.

    Compares neighbours only, so that a slowly changing rate adds nothing: 0 for a regular train,
    1 for a Poisson train of any length.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        min_intervals: neurons with fewer get NaN; at least 2.

    Returns:
        float64 array (neurons,).

    Source: Holt et al. (1996) J Neurophysiol 75:1806.
    """
    chosen = select(spikes, neurons, start, stop)
    difference, total, index = _neighbours(chosen)
    return _mean(2.0 * np.abs(difference) / total, index, chosen.count, min_intervals)


@within_memory
def lv(
    spikes: Spikes,
    neurons: Neurons,
    start: float,
    stop: float,
    min_intervals: int = FEWEST,
    refractory: float = 0.0,
) -> np.ndarray:
    """Return the local variation of each neuron: mean of 3 ((I1 - I2) / (I1 + I2))².

    0 for a regular train, 1 for a Poisson train, 3 / (2 k + 1) for gamma intervals of shape k.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        min_intervals: neurons with fewer get NaN; at least 2.
        refractory: R of the revised measure LvR in ms, whose terms are multiplied by
            1 + 4 R / (I1 + I2); 0 gives Lv.

    Returns:
        float64 array (neurons,).

    Source: Shinomoto et al. (2003) Neural Comput 15:2823; LvR: Shinomoto et al. (2009) PLoS Comput
    Biol 5:e1000433.
    """
    if not 0.0 <= as_real("refractory", refractory, "ms") < np.inf:
        raise SpikecudaValueError(f"refractory must be >= 0 ms (got {refractory!r})")
    chosen = select(spikes, neurons, start, stop)
    difference, total, index = _neighbours(chosen)
    terms = 3.0 * (difference / total) ** 2 * (1.0 + 4.0 * refractory / (total * chosen.dt))
    return _mean(terms, index, chosen.count, min_intervals)


def _between(chosen: Selection) -> tuple[np.ndarray, np.ndarray]:
    """Return intervals in steps and the positions of their neurons."""
    order = np.argsort(chosen.index, kind="stable")
    step, index = chosen.step[order], chosen.index[order]
    same = index[1:] == index[:-1]
    return np.diff(step)[same], index[1:][same]


def _neighbours(chosen: Selection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return difference and sum of successive intervals in steps, and their neurons' positions."""
    steps, index = _between(chosen)
    same = index[1:] == index[:-1]
    return np.diff(steps)[same], (steps[1:] + steps[:-1])[same], index[1:][same]


def _mean(terms: np.ndarray, index: np.ndarray, count: int, min_intervals: int) -> np.ndarray:
    """Return the mean of each neuron's terms, NaN for neurons with too few intervals."""
    n = np.bincount(index, minlength=count)
    enough = n + 1 >= as_count("min_intervals", min_intervals, FEWEST, 2**62)
    with np.errstate(invalid="ignore"):
        return np.where(enough, np.bincount(index, weights=terms, minlength=count) / n, np.nan)

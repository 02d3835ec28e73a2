"""Auto- and cross-correlograms: when neurons spike around the spikes of themselves and others."""

import numpy as np

from spikecuda.analysis.selection import (
    REMEDY,
    Neurons,
    Selection,
    members,
    select,
    within_memory,
)
from spikecuda.common.host_memory import require_memory
from spikecuda.common.time_grid import whole_steps
from spikecuda.errors import SpikecudaValueError, nearest, shown
from spikecuda.runtime.spikes import Spikes

UNITS = ("rate", "count")


@within_memory
def autocorrelogram(
    spikes: Spikes,
    neurons: Neurons,
    start: float,
    stop: float,
    bin: float = 1.0,
    longest: float = 50.0,
    unit: str = "rate",
) -> tuple[np.ndarray, np.ndarray]:
    """Return how often a neuron spikes at each lag from a spike of its own, over all neurons.

    A spike does not count beside itself.  A refractory period is a gap around 0; a regular neuron
    has peaks at the multiples of its interval.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        bin: spikes are counted in bins of this width first, ms, a multiple of dt.
        longest: largest lag, ms, a multiple of bin.
        unit: "rate": the rate of the neuron, Hz, at a lag from one of its spikes; for each lag only
            spikes count for which the window has that lag, so that a Poisson process of rate r
            gives r at all lags.  "count": pairs of spikes.

    Returns:
        Lag in ms and value: float64 arrays (2 longest / bin + 1,).  The lag of a pair is that of
        their bins; NaN where no spike counts.

    Source: Perkel, Gerstein & Moore (1967) Biophys J 7:391.
    """
    chosen = select(spikes, neurons, start, stop)
    width, number, most = _bins(chosen, bin, longest, unit)
    return _result(
        _own_pairs(chosen, width, number, most), _counts(chosen, width, number), most,
        width * chosen.dt, unit, 1,
    )  # fmt: skip


@within_memory
def cross_correlogram(
    spikes: Spikes,
    neurons: Neurons,
    start: float,
    stop: float,
    bin: float = 1.0,
    longest: float = 50.0,
    unit: str = "rate",
    others: Spikes | None = None,
    other_neurons: Neurons | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return how often other neurons spike at each lag from a spike, over all pairs.

    A peak at a lag above 0 says that the others spike that long after ``neurons``.

    Args:
        spikes, neurons, start, stop: of the reference neurons; see ``spikecuda.analysis``.
        bin, longest: see ``autocorrelogram``.
        unit: "rate": the mean rate of one of the others, Hz, at a lag from a reference spike; each
            lag has the spikes for which the window has it.  Independent neurons give the others'
            rate at all lags.  "count": pairs of spikes.
        others: spikes of the other neurons, of the same run and dt; None: ``spikes``.
        other_neurons: which; None: all pairs of different ones of ``neurons``.

    Returns:
        Lag in ms and value: float64 arrays (2 longest / bin + 1,).

    Raises:
        SpikecudaValueError: other_neurons without whom they are of, or some of ``neurons`` among
            them.

    Source: Perkel, Gerstein & Moore (1967) Biophys J 7:419.
    """
    chosen = select(spikes, neurons, start, stop)
    width, number, most = _bins(chosen, bin, longest, unit)
    reference = _counts(chosen, width, number)
    size = width * chosen.dt
    if other_neurons is None:
        if others is not None and others is not spikes:
            raise SpikecudaValueError("other_neurons must be given with others (got None)")
        if chosen.count < 2:
            raise SpikecudaValueError(
                "neurons must be at least two without other_neurons (got one); autocorrelogram is "
                "for one"
            )
        pairs = _products(reference, reference, most) - _own_pairs(chosen, width, number, most)
        pairs[most] -= chosen.step[chosen.step // width < number].size  # each beside itself
        return _result(pairs, reference, most, size, unit, chosen.count - 1)
    if others is None or others is spikes:
        common = np.intersect1d(members(neurons), members(other_neurons))
        if common.size:
            raise SpikecudaValueError(
                f"other_neurons must be none of neurons (got {int(common[0])} in both); leave them "
                "out for all pairs within neurons"
            )
    second = select(spikes if others is None else others, other_neurons, start, stop)
    if second.dt != chosen.dt:
        raise SpikecudaValueError(
            f"others must have the dt of spikes, {chosen.dt!r} ms (got {second.dt!r})"
        )
    pairs = _products(reference, _counts(second, width, number), most)
    return _result(pairs, reference, most, size, unit, second.count)


def _bins(chosen: Selection, bin: float, longest: float, unit: str) -> tuple[int, int, int]:
    """Return the width of a bin in steps, their number, and the largest lag in bins."""
    if not isinstance(unit, str) or unit not in UNITS:
        raise SpikecudaValueError(
            f"unit must be one of {', '.join(UNITS)} (got {shown(unit)}){nearest(str(unit), UNITS)}"
        )
    width, number = chosen.bins(bin)
    most = whole_steps("longest", longest, width * chosen.dt)
    if most >= number:
        raise SpikecudaValueError(
            f"longest must be < the window's {number * width * chosen.dt:g} ms (got {longest:g})"
        )
    require_memory(8.0 * (3 * number + 4 * most), f"correlograms of {number:,} bins", REMEDY)
    return width, number, most


def _counts(chosen: Selection, width: int, number: int) -> np.ndarray:
    """Return the spikes of all neurons in each bin; float64, in which whole numbers are exact."""
    found = np.bincount(chosen.step // width, minlength=number)[:number]
    return found.astype(np.float64)


def _products(first: np.ndarray, second: np.ndarray, most: int) -> np.ndarray:
    """Return the pairs of a spike of the first and one of the second, by lag."""
    n = first.size
    return np.array([
        first[max(0, -lag) : n - max(0, lag)] @ second[max(0, lag) : n - max(0, -lag)]
        for lag in range(-most, most + 1)
    ])  # fmt: skip


def _own_pairs(chosen: Selection, width: int, number: int, most: int) -> np.ndarray:
    """Return the pairs of different spikes of a neuron, by lag, over all neurons."""
    order = np.argsort(chosen.index, kind="stable")
    bins, index = chosen.step[order] // width, chosen.index[order]
    kept = bins < number
    bins, index = bins[kept], index[kept]
    later = np.zeros(most + 1)
    for apart in range(1, bins.size):
        lag = bins[apart:] - bins[:-apart]
        near = (index[apart:] == index[:-apart]) & (lag <= most)
        if not near.any():  # further apart, spikes are only later
            break
        later += np.bincount(lag[near], minlength=most + 1)
    # In one bin, each of two spikes has the other.
    return np.concatenate([later[:0:-1], [2.0 * later[0]], later[1:]])


def _result(
    pairs: np.ndarray, reference: np.ndarray, most: int, size: float, unit: str, partners: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return lags in ms and values in the unit that is wanted."""
    lags = np.arange(-most, most + 1)
    if unit == "rate":
        ends = np.concatenate([[0.0], np.cumsum(reference)])
        n = reference.size
        # Reference spikes for which the window has the lag.
        some = ends[n - np.maximum(0, lags)] - ends[np.maximum(0, -lags)]
        with np.errstate(invalid="ignore", divide="ignore"):
            pairs = np.where(some > 0, pairs / (some * partners * size / 1000.0), np.nan)
    return lags * size, pairs

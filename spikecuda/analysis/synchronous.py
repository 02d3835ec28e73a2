"""Measures of the synchrony of a population."""

import numpy as np

from spikecuda.analysis.correlation import draw
from spikecuda.analysis.counts import population_counts
from spikecuda.analysis.selection import Neurons, members, select, within_memory
from spikecuda.common.arguments import as_count
from spikecuda.common.arrays import view_array
from spikecuda.errors import SpikecudaTypeError
from spikecuda.runtime.spikes import Spikes


@within_memory
def synchrony(
    spikes: Spikes,
    neurons: Neurons,
    start: float,
    stop: float,
    bin: float = 3.0,
    max_neurons: int | None = None,
    seed: int = 0,
) -> float:
    """Return variance over mean of the population's spike count.

    1 for independent Poisson neurons.  For n neurons of equal rate whose counts have variance s²,
    mean m and correlation c, it is s² / m (1 + (n - 1) c): it grows with n, so compare only
    populations of equal size, or ``max_neurons`` of each.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        bin: width of the bins counted in, ms; at least two must fit.
        max_neurons: draw so many of the neurons; None takes all.
        seed: of the draw.

    Returns:
        A number >= 0; NaN without spikes.

    Source: Potjans & Diesmann (2014) Cereb Cortex 24:785, figure 6, with bins of 3 ms; the variance
    is the unbiased one (over bins - 1).
    """
    if max_neurons is not None:
        select(spikes, neurons, start, stop)  # refuses what the draw would hide
        most = as_count("max_neurons", max_neurons, 1, 2**31)
        neurons = draw(members(neurons), most, seed)
    counts = population_counts(spikes, neurons, start, stop, bin)
    if not counts.any():
        return float("nan")
    return float(counts.var(ddof=1) / counts.mean())


@within_memory
def chi(traces: np.ndarray) -> float:
    """Return Golomb's measure of synchrony of traces, such as membrane potentials.

    chi² is the variance over time of the neurons' mean trace, over the mean of the variances of
    their traces.  1: all traces are equal; 1 / sqrt(n) on average: n independent ones.

    Args:
        traces: array (samples, neurons).

    Returns:
        A number from 0 to 1; NaN if no trace varies.

    Source: Golomb & Rinzel (1993) Phys Rev E 48:4810; Golomb (2007) Scholarpedia 2:1347.
    """
    values = view_array("traces", traces, "an array (samples, neurons) of numbers")
    if values.ndim != 2 or not values.size or values.dtype.kind not in "iuf":
        raise SpikecudaTypeError(
            f"traces must be numbers of shape (samples, neurons) (got {values.dtype} of shape "
            f"{values.shape})"
        )
    values = values.astype(np.float64)
    single = values.var(axis=0).mean()
    return float(np.sqrt(values.mean(axis=1).var() / single)) if single > 0 else float("nan")

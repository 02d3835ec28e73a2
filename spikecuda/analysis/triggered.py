"""The spike-triggered average of a signal."""

import numpy as np

from spikecuda.analysis.selection import REMEDY, Neurons, select, within_memory
from spikecuda.common.arrays import view_array
from spikecuda.common.host_memory import require_memory
from spikecuda.common.time_grid import whole_steps
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.runtime.spikes import Spikes


@within_memory
def spike_triggered_average(
    spikes: Spikes,
    neurons: Neurons,
    start: float,
    stop: float,
    signal: np.ndarray,
    before: float,
    after: float = 0.0,
    every: float | None = None,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the mean of a signal around the spikes of all chosen neurons.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        signal: array (samples,) or (samples, channels): a sample for each step of the window, or
            for each ``every`` ms of it.  These are the values during the steps, as of input by
            rows, or at their ends, as of a trace.
        before, after: how much of the signal to take around each spike, ms, multiples of every.
        every: ms between two samples, a multiple of dt; None: dt.

    Returns:
        Lag in ms, float64 (lags,), from -before to after; the average, float64 (lags,) or (lags,
        channels); and of how many spikes.  Lag 0 is the sample of the step at whose end the neuron
        spiked.  Spikes with a part of their signal beyond the window do not count; the average of
        none is NaN.

    Source: de Boer & Kuyper (1968) IEEE Trans Biomed Eng 15:169; Dayan & Abbott (2001) equation
    1.19.
    """
    chosen = select(spikes, neurons, start, stop)
    width = 1 if every is None else whole_steps("every", every, chosen.dt, some=True)
    sampling = width * chosen.dt
    values = view_array("signal", signal, "an array (samples,) or (samples, channels)")
    samples = chosen.steps // width
    if values.ndim not in (1, 2) or values.shape[0] != samples:
        raise SpikecudaTypeError(
            f"signal must have {samples:,} samples, one for each {sampling:g} ms of the window, of "
            f"shape (samples,) or (samples, channels) (got {values.shape})"
        )
    back = whole_steps("before", before, sampling)
    ahead = whole_steps("after", after, sampling)
    if back + ahead >= samples:
        raise SpikecudaValueError(
            f"before and after must be shorter together than the window (got {before:g} and "
            f"{after:g} ms)"
        )
    places, often = np.unique(chosen.step // width, return_counts=True)
    inside = (places >= back) & (places < samples - ahead)
    places, often = places[inside], often[inside]
    lag = np.arange(-back, ahead + 1) * sampling
    require_memory(8.0 * lag.size * values[:1].size, f"{lag.size:,} lags", REMEDY)
    number = int(often.sum())
    average = np.full((lag.size, *values.shape[1:]), np.nan)
    if number:
        # One sample of each spike at a time: no copy of all signals around all spikes.
        for row, shift in enumerate(range(-back, ahead + 1)):
            average[row] = often @ values[places + shift].astype(np.float64) / number
    return lag, average, number

"""Firing rates: per neuron, over time, smoothed."""

import numpy as np

from spikecuda.analysis.selection import Neurons, select, within_memory
from spikecuda.common.arguments import as_positive, as_real
from spikecuda.common.arrays import take_reals
from spikecuda.errors import SpikecudaTypeError
from spikecuda.runtime.spikes import Spikes

# A kernel is cut where a Gaussian has fallen to 4e-6 of its height.
KERNEL_SIGMAS = 5.0


@within_memory
def rates(spikes: Spikes, neurons: Neurons, start: float, stop: float) -> np.ndarray:
    """Return the mean rate of each neuron.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.

    Returns:
        float64 array (neurons,), Hz.
    """
    chosen = select(spikes, neurons, start, stop)
    return np.bincount(chosen.index, minlength=chosen.count) / chosen.seconds


@within_memory
def rate_histogram(
    spikes: Spikes, neurons: Neurons, start: float, stop: float, bin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rate over time, as a mean over the neurons.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        bin: width in ms, a multiple of dt; a rest that does not fill a bin is left out.

    Returns:
        Middle of each bin in ms, and rate in Hz: float64 arrays (bins,).
    """
    chosen = select(spikes, neurons, start, stop)
    width, number = chosen.bins(bin)
    counts = np.bincount(chosen.step // width, minlength=number)[:number]
    time = as_real("start", start, "ms") + (np.arange(number) + 0.5) * width * chosen.dt
    return time, counts / (chosen.count * width * chosen.dt / 1000.0)


@within_memory
def smooth(values: np.ndarray, bin: float, sigma: float) -> np.ndarray:
    """Return a histogram smoothed with a Gaussian.

    Near the ends, where part of the Gaussian lies outside, the rest of it is scaled up: a constant
    stays what it is.

    Args:
        values: array (bins,).
        bin: width of a bin, ms.
        sigma: standard deviation of the Gaussian, ms.

    Returns:
        float64 array (bins,).
    """
    given = take_reals("values", values, "an array (bins,)")
    if given.ndim != 1 or not given.size:
        raise SpikecudaTypeError(f"values must be of shape (bins,) (got {given.shape})")
    scale = as_positive("sigma", sigma, "ms") / as_positive("bin", bin, "ms")
    half = min(int(np.ceil(KERNEL_SIGMAS * scale)), given.size - 1)
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / scale) ** 2)
    inside = slice(half, half + given.size)
    return np.convolve(given, kernel)[inside] / np.convolve(np.ones(given.size), kernel)[inside]

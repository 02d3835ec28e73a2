"""Power spectrum of the population's rate."""

import numpy as np

from spikecuda.analysis.rate import rate_histogram
from spikecuda.analysis.selection import Neurons, within_memory
from spikecuda.common.arguments import as_positive
from spikecuda.common.time_grid import whole_steps
from spikecuda.errors import SpikecudaValueError
from spikecuda.runtime.spikes import Spikes


@within_memory
def power_spectrum(
    spikes: Spikes,
    neurons: Neurons,
    start: float,
    stop: float,
    bin: float = 1.0,
    segment: float = 500.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the one-sided power spectral density of the rate, averaged over the neurons first.

    Welch's method: segments that overlap by half, each without its mean and under a Hann window.
    n independent Poisson neurons of rate r give 2 r / n at all frequencies (except the two lowest,
    which lose to the mean, and the last, which has no mirror image).

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.
        bin: ms; frequencies go up to 500 / bin Hz.
        segment: length in ms, a multiple of bin of at least two; frequencies are
            1000 / segment Hz apart.

    Returns:
        Frequency in Hz and density in Hz² / Hz: float64 arrays (segment / bin // 2 + 1,).

    Source: Welch (1967) IEEE Trans Audio Electroacoust 15:70.
    """
    bin = as_positive("bin", bin, "ms")
    _, rate = rate_histogram(spikes, neurons, start, stop, bin)
    length = whole_steps("segment", segment, bin)
    if not 2 <= length <= rate.size:
        raise SpikecudaValueError(
            f"segment must be from 2 bins to the window's {rate.size * bin:g} ms (got {segment:g})"
        )
    places = np.arange(0, rate.size - length + 1, max(1, length - length // 2))
    parts = rate[places[:, None] + np.arange(length)]
    window = np.sin(np.pi * np.arange(length) / length) ** 2
    transform = np.fft.rfft((parts - parts.mean(axis=1, keepdims=True)) * window, axis=1)
    seconds = bin / 1000.0
    density = (np.abs(transform) ** 2).mean(axis=0) * seconds / (window @ window)
    # Both signs of a frequency together; 0 and, for an even length, the last have only one.
    density[1 : (length + 1) // 2] *= 2.0
    return np.fft.rfftfreq(length, seconds), density

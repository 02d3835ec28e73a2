"""Statistics of spikes and traces: plain functions of ``Spikes`` and arrays.

All take ``(spikes, neurons, start, stop)``: ``neurons`` is the number of neurons, or an array of
the ones that count; ``start`` and ``stop`` are the window in ms, multiples of the time step.  A
spike at the end of step k belongs to the windows and bins that hold step k.
"""

from spikecuda.analysis.correlation import correlation_matrix, correlations
from spikecuda.analysis.correlogram import autocorrelogram, cross_correlogram
from spikecuda.analysis.counts import count_matrix, fano_factor, population_counts
from spikecuda.analysis.field_potential import field_potential
from spikecuda.analysis.interval import cv, cv2, intervals, lv
from spikecuda.analysis.rate import rate_histogram, rates, smooth
from spikecuda.analysis.spectrum import power_spectrum
from spikecuda.analysis.synchronous import chi, synchrony
from spikecuda.analysis.trials import psth
from spikecuda.analysis.triggered import spike_triggered_average

__all__ = [
    "autocorrelogram",
    "chi",
    "correlation_matrix",
    "correlations",
    "count_matrix",
    "cross_correlogram",
    "cv",
    "cv2",
    "fano_factor",
    "field_potential",
    "intervals",
    "lv",
    "population_counts",
    "power_spectrum",
    "psth",
    "rate_histogram",
    "rates",
    "smooth",
    "spike_triggered_average",
    "synchrony",
]

"""Rates over repeated trials: the peristimulus time histogram."""

import math
from collections.abc import Sequence

import numpy as np

from spikecuda.analysis.counts import population_counts
from spikecuda.analysis.selection import REMEDY, Neurons, members, select, within_memory
from spikecuda.common.arguments import as_real
from spikecuda.common.arrays import take_reals
from spikecuda.common.host_memory import require_memory
from spikecuda.common.time_grid import MAX_STEPS, nearest_steps, whole_steps
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.runtime.spikes import Spikes


@within_memory
def psth(
    spikes: Spikes | Sequence[Spikes],
    neurons: Neurons,
    start: float,
    stop: float,
    bin: float,
    events: np.ndarray | Sequence[float] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rate over time, as a mean over trials and neurons, and how exact it is.

    Args:
        spikes: of one run, with ``events``; or a list of spikes, one for each trial.
        neurons, bin: see ``rate_histogram``.
        start, stop: the window in ms; with ``events`` relative to each of them, so that start may
            be below 0.
        events: times in ms at which trials begin, such as the stimulus's; taken to the nearest
            step.  Their windows may overlap; the run must cover them all.

    Returns:
        Middle of each bin in ms, rate in Hz, and standard error of the rate over the trials in Hz:
        float64 arrays (bins,).  The error is NaN for one trial; for n Poisson trials of rate r, its
        square is r / (n neurons bin) on average.

    Source: Gerstein & Kiang (1960) Biophys J 1:15; the variance over trials is the unbiased one.
    """
    trials = aligned(spikes, start, stop, events)
    first = 0.0 if events is not None else as_real("start", start, "ms")
    last = as_real("stop", stop, "ms") - as_real("start", start, "ms") + first
    rows = [population_counts(trial, neurons, first, last, bin) for trial in trials]
    require_memory(16.0 * len(rows) * rows[0].size, f"counts of {len(rows):,} trials", REMEDY)
    width = whole_steps("bin", bin, trials[0].dt) * trials[0].dt
    hertz = np.array(rows) / (members(neurons).size * width / 1000.0)
    error = np.full(hertz.shape[1], np.nan)
    if len(rows) > 1:
        error = hertz.std(axis=0, ddof=1) / math.sqrt(len(rows))
    time = as_real("start", start, "ms") + (np.arange(hertz.shape[1]) + 0.5) * width
    return time, hertz.mean(axis=0), error


def aligned(
    spikes: Spikes | Sequence[Spikes],
    start: float,
    stop: float,
    events: np.ndarray | Sequence[float] | None = None,
) -> list[Spikes]:
    """Return the spikes of each trial; around events, their steps count from the window's first.

    Args:
        spikes, start, stop, events: see ``psth``.

    Raises:
        SpikecudaTypeError: neither spikes with events nor a list of spikes.
        SpikecudaValueError: no trial; trials of different dt; an event whose window begins before
            the run can have begun.
    """
    if events is None:
        if isinstance(spikes, Spikes) or not isinstance(spikes, Sequence):
            raise SpikecudaTypeError(
                f"spikes must be a list, one for each trial, or come with events (got "
                f"{shown(spikes)})"
            )
        trials = list(spikes)
        if not trials:
            raise SpikecudaValueError("spikes must have at least one trial (got none)")
        for trial in trials:
            if not isinstance(trial, Spikes) or trial.dt != trials[0].dt:
                raise SpikecudaTypeError(
                    f"spikes must be Spikes of one dt, {shown(getattr(trials[0], 'dt', None))} ms "
                    f"for all trials (got {shown(trial)} of {shown(getattr(trial, 'dt', None))})"
                )
        return trials
    if not isinstance(spikes, Spikes):
        raise SpikecudaTypeError(
            f"spikes must be Spikes of one run where there are events (got {shown(spikes)})"
        )
    select(spikes, [0], 0.0, spikes.dt)  # refuses spikes that are not sorted
    times = take_reals("events", events, "an array (events,) of times in ms")
    if times.ndim != 1 or not times.size or not np.isfinite(times).all():
        raise SpikecudaValueError(f"events must be at least one time in ms (got {shown(events)})")
    first, last = (
        _signed(name, time, spikes.dt) for name, time in (("start", start), ("stop", stop))
    )
    if last <= first:
        raise SpikecudaValueError(f"stop must be > start = {start:g} ms (got {stop:g})")
    begins = nearest_steps(times, spikes.dt) + first
    if begins.min() < 0 or begins.max() > MAX_STEPS - (last - first):
        raise SpikecudaValueError(
            f"events must be >= {-first * spikes.dt:g} ms, so that their windows lie in the run "
            f"(got {times.min():g} to {times.max():g})"
        )
    edges = np.searchsorted(spikes.step, np.stack([begins, begins + (last - first)]))
    return [
        Spikes(spikes.step[low:high] - begin, spikes.neuron[low:high], spikes.dt)
        for low, high, begin in zip(*edges, begins, strict=True)
    ]


def _signed(name: str, time: object, dt: float) -> int:
    """Return a time of either sign in steps."""
    value = as_real(name, time, "ms")
    return int(math.copysign(1, value)) * whole_steps(name, abs(value), dt)

"""Spikes of repeated trials, and the rate over them."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.analysis.selection import Neurons, select
from spikecuda.analysis.trials import aligned
from spikecuda.analysis.trials import psth as rate_over_trials
from spikecuda.common.arguments import as_count, as_real
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.plots.colours import colours
from spikecuda.plots.sheet import as_bin, as_theme, sheet
from spikecuda.plots.style import time_label
from spikecuda.runtime.spikes import Spikes

HEIGHT = 4.6
NAME = "rate"


@out_of_memory("a picture", "draw fewer trials or a shorter time")
def psth(
    spikes: Spikes | Sequence[Spikes],
    neurons: Neurons,
    start: float,
    stop: float,
    bin: float | None = None,
    events: np.ndarray | Sequence[float] | None = None,
    *,
    path: str | os.PathLike[str] | None = None,
    max_trials: int = 100,
    title: str = "",
    color: str | None = None,
    theme: str = "light",
) -> Any:
    """Draw a row of spikes for each trial, and the mean rate over the trials below.

    The band around the rate is one standard error of the trials to either side.

    Args:
        spikes, neurons, start, stop, events: see ``analysis.psth``.
        bin: of the rate, ms; by default a round number.
        path, title, theme: see ``raster``.
        max_trials: rows of spikes: the first trials; the rate is of all of them.
        color: of both, in any form that matplotlib takes.

    Returns:
        The figure.
    """
    most = as_count("max_trials", max_trials, 1, 10_000)
    trials = aligned(spikes, start, stop, events)
    look = as_theme(theme)
    given: Mapping[str, str] | None = None if color is None else {NAME: color}
    shown = colours([NAME], look, given)[NAME]
    first, last = as_real("start", start, "ms"), as_real("stop", stop, "ms")
    step = as_bin(bin, first, last, trials[0].dt)
    time, rate, error = rate_over_trials(spikes, neurons, start, stop, step, events)
    begin = 0.0 if events is not None else first
    with sheet(HEIGHT, look, path) as fig:
        top, below = fig.subplots(2, 1, sharex=True, height_ratios=(1.4, 1.0))
        for row, trial in enumerate(trials[:most]):
            chosen = select(trial, neurons, begin, begin + last - first)
            at = first + (chosen.step + 1) * chosen.dt
            top.plot(at, np.full(at.size, row), "|", color=shown, markersize=4.0, alpha=0.7)
        top.locator_params(axis="y", integer=True)
        top.set_ylim(min(len(trials), most) - 0.5, -0.5)
        of_all = f" (first {most:,} of {len(trials):,})" if len(trials) > most else ""
        top.set_ylabel(f"trial{of_all}")
        top.set_title(title or f"{len(trials):,} trials; rate in {step:g} ms")
        top.grid(False)
        edges = np.append(time - step / 2.0, time[-1] + step / 2.0)
        below.stairs(rate, edges, color=shown, linewidth=1.2, baseline=None)
        if len(trials) > 1:
            below.stairs(
                rate + error, edges, baseline=rate - error, fill=True, color=shown, alpha=0.25,
                linewidth=0,
            )  # fmt: skip
        below.set_ylim(bottom=0.0)
        below.set_xlim(first, last)
        below.set_ylabel("rate (Hz)")
        below.set_xlabel(time_label(first, last))
        if events is not None:
            for ax in (top, below):
                ax.axvline(0.0, color=look.soft, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    return fig

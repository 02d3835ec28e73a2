"""Rates over time, and distributions of rate, irregularity and synchrony over populations."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.analysis.interval import ENOUGH, cv
from spikecuda.analysis.rate import rate_histogram
from spikecuda.analysis.rate import rates as mean_rates
from spikecuda.analysis.selection import Neurons
from spikecuda.analysis.synchronous import synchrony
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.time_grid import nearest_width
from spikecuda.plots.colours import colours
from spikecuda.plots.sheet import as_bin, as_populations, as_theme, sheet
from spikecuda.plots.style import Theme, time_label
from spikecuda.runtime.spikes import Spikes

# Inches; and what a panel takes of the height of its row.
ROW = 0.62
HEAD = 1.0
PANEL = 0.76


@out_of_memory("a picture", "draw fewer neurons or a shorter time")
def rates(
    spikes: Mapping[str, Spikes],
    neurons: Mapping[str, Neurons],
    start: float,
    stop: float,
    *,
    path: str | os.PathLike[str] | None = None,
    bin: float | None = None,
    title: str = "",
    colors: Mapping[str, str] | None = None,
    theme: str = "light",
) -> Any:
    """Draw a row for each population: its rate over time, and its statistics beside it.

    Beside it: the rates of its neurons, the CVs of those with 10 intervals (line: 5 to 95 %, bar:
    quartiles, gap: median, dot: mean), and its synchrony: variance over mean of the count of 1000
    of its neurons in bins of 3 ms, or of all of them if there are fewer.  All of it is of the
    window from ``start`` to ``stop``, which the time axis names.

    Args:
        spikes, neurons, start, stop, path, title, colors, theme: see ``raster``.
        bin: of the rate over time, ms; by default a round number.

    Returns:
        The figure.
    """
    names = as_populations(spikes, neurons, start, stop)
    look = as_theme(theme)
    shown = colours(names, look, colors)
    dt = spikes[names[0]].dt
    step = as_bin(bin, start, stop, dt)
    with sheet(HEAD + ROW * len(names), look, path) as fig:
        grid = fig.add_gridspec(len(names), 4, width_ratios=(5.0, 1.7, 1.4, 1.2))
        beside = [fig.add_subplot(grid[:, column]) for column in (1, 2, 3)]
        for row, name in enumerate(names):
            window = (spikes[name], neurons[name], start, stop)
            ax = fig.add_subplot(grid[row, 0])
            ax.set_xlim(start, stop)
            _over_time(ax, *rate_histogram(*window, step), step, name, shown[name])
            ax.tick_params(axis="x", length=0, labelbottom=row == len(names) - 1)
            if row == 0:
                ax.set_title(title or f"rate over time (Hz, in {step:g} ms)")
            _box(beside[0], row, mean_rates(*window), shown[name], look)
            _box(beside[1], row, cv(*window, min_intervals=ENOUGH), shown[name], look)
            value = synchrony(*window, nearest_width(3.0, dt), max_neurons=1000)
            beside[2].barh(row, value, height=0.34, color=shown[name], alpha=0.85)
        ax.set_xlabel(time_label(start, stop))
        _columns(beside, len(names), look)
    return fig


def _over_time(
    ax: Any, time: np.ndarray, rate: np.ndarray, bin: float, name: str, colour: str
) -> None:
    edges = np.append(time - bin / 2.0, time[-1] + bin / 2.0)
    ax.stairs(rate, edges, fill=True, color=colour, alpha=0.25, linewidth=0)
    ax.stairs(rate, edges, color=colour, linewidth=0.8, baseline=None)
    top = float(rate.max()) or 1.0
    ax.set_ylim(0.0, top * 1.05)
    ax.set_yticks([0.0, top], ["0", f"{top:.3g}"])
    ax.set_ylabel(name, rotation=0, ha="right", va="center", color=colour, fontweight="bold")
    ax.grid(False)


def _box(ax: Any, row: int, values: np.ndarray, colour: str, look: Theme) -> None:
    values = values[np.isfinite(values)]
    if not values.size:
        return
    low, first, middle, third, high = np.percentile(values, (5, 25, 50, 75, 95))
    ax.hlines(row, low, high, color=colour, linewidth=1.0)
    ax.hlines(row, first, third, color=colour, linewidth=6.0)
    ax.plot(middle, row, "|", color=look.paper, markersize=5.5, markeredgewidth=1.6)
    ax.plot(values.mean(), row, "o", color=look.ink, markersize=2.6)


def _columns(beside: list[Any], rows: int, look: Theme) -> None:
    titles = ("rates (Hz)", "CV", "synchrony")
    for ax, title in zip(beside, titles, strict=True):
        ax.set_title(title)
        ax.set_ylim(rows - 1.0 + PANEL / 2.0, -PANEL / 2.0)
        ax.set_yticks([])
        ax.set_xlim(left=-0.02 * ax.get_xlim()[1])
        ax.spines["left"].set_visible(False)
        ax.grid(True, axis="x")
    # A Poisson process has CV 1, and so have independent ones together a synchrony of 1.
    for ax in beside[1:]:
        ax.axvline(1.0, color=look.soft, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)

"""Rasters: a dot for every spike, populations stacked, the rate below."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.analysis.rate import rate_histogram, rates
from spikecuda.analysis.selection import Neurons, members, select
from spikecuda.common.arguments import as_count
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaValueError
from spikecuda.plots.colours import colours, kind
from spikecuda.plots.sheet import as_bin, as_populations, as_theme, sheet
from spikecuda.plots.style import Theme, spread, time_label
from spikecuda.runtime.spikes import Spikes

HEIGHT = 6.4
# A population gets at least so many rows, else its share; a gap is this part of all rows.
FEWEST_ROWS = 12
GAP = 0.012
# Of the raster's height: the least distance of two labels.
LABEL = 0.038
# Up to so many rows, spikes are strokes; above, dots.
STROKES = 120
KINDS = {"E": "excitatory", "I": "inhibitory"}


@out_of_memory("a picture", "draw fewer neurons or a shorter time")
def raster(
    spikes: Mapping[str, Spikes],
    neurons: Mapping[str, Neurons],
    start: float,
    stop: float,
    *,
    path: str | os.PathLike[str] | None = None,
    ax: Any = None,
    max_neurons: int = 2000,
    bin: float | None = None,
    title: str = "",
    colors: Mapping[str, str] | None = None,
    theme: str = "light",
) -> Any:
    """Draw the spikes of populations, the first at the top, and their rates below.

    The rates beside the raster are means over the window, which the time axis names.

    Args:
        spikes: by population.
        neurons: how many neurons each has, or which of them were recorded.
        start, stop: what to show, ms; multiples of dt.
        path: file to write.
        ax: axes to draw the raster into, without rates.
        max_neurons: rows in all; populations get them by their size, and take every so many
            neurons.
        bin: of the rate, ms; by default a round number.
        title: above.
        colors: of populations, by name.
        theme: "light" or "dark".

    Returns:
        The figure.

    Source: the layout is that of Potjans & Diesmann (2014) Cereb Cortex 24:785, figure 6.
    """
    if ax is not None and path is not None:
        raise SpikecudaValueError("give either path or ax (got both); save the axes' own figure")
    names = as_populations(spikes, neurons, start, stop)
    look = as_theme(theme)
    rows = shares(
        [members(neurons[name]).size for name in names],
        as_count("max_neurons", max_neurons, 1, 1_000_000),
    )
    given = (spikes, neurons, start, stop, dict(zip(names, rows, strict=True)))
    shown = colours(names, look, colors)
    if ax is not None:
        _bands(ax, *given, shown, look)
        ax.set_title(title)
        ax.set_xlabel(time_label(start, stop))
        return ax.figure
    step = as_bin(bin, start, stop, spikes[names[0]].dt)
    with sheet(HEIGHT, look, path) as fig:
        top, below = fig.subplots(2, 1, sharex=True, height_ratios=(4.0, 1.0))
        _bands(top, *given, shown, look)
        top.tick_params(axis="x", length=0)
        top.set_title(title)
        _rates(below, spikes, neurons, start, stop, step, look, shown)
        below.set_xlabel(time_label(start, stop))
    return fig


def shares(sizes: list[int], most: int) -> list[int]:
    """Return how many rows populations of these sizes get: in proportion, none more than it has."""
    scale = min(1.0, most / sum(sizes))
    return [min(size, max(round(size * scale), FEWEST_ROWS)) for size in sizes]


def evenly(neurons: Neurons, rows: int) -> np.ndarray:
    """Return ``rows`` of the neurons at equal distances."""
    ids = np.sort(members(neurons))
    return ids[(np.arange(rows) * ids.size) // rows]


def _bands(
    ax: Any,
    spikes: Mapping[str, Spikes],
    neurons: Mapping[str, Neurons],
    start: float,
    stop: float,
    rows: Mapping[str, int],
    shown: Mapping[str, str],
    look: Theme,
) -> None:
    total = sum(rows.values())
    gap = max(1.0, GAP * total) if len(rows) > 1 else 0.0
    height = total + gap * (len(rows) - 1)
    ax.set_xlim(start, stop)
    ax.set_ylim(height - 0.5, -0.5)
    top, middles = 0.0, []
    for name, count in rows.items():
        part = select(spikes[name], evenly(neurons[name], count), start, stop)
        time = start + (part.step + 1) * part.dt
        _dots(ax, time, top + part.index, total, shown[name])
        middles.append(top + (count - 1) / 2.0)
        if top:
            ax.axhline(top - gap / 2.0 - 0.5, color=look.faint, linewidth=0.7, zorder=0)
        top += count + gap
    places = spread(middles, min(LABEL, 1.0 / len(rows)) * height)
    ax.set_yticks(places, list(rows))
    for name, place, label in zip(rows, places, ax.get_yticklabels(), strict=True):
        label.set_color(shown[name])
        label.set_fontweight("bold")
        mean = rates(spikes[name], neurons[name], start, stop).mean()
        ax.annotate(
            f"{mean:.3g} Hz", (1.0, place), xycoords=("axes fraction", "data"), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=7.5, color=look.soft,
            annotation_clip=False,
        )  # fmt: skip
    ax.grid(False)
    ax.spines["left"].set_visible(False)


def _dots(ax: Any, time: np.ndarray, row: np.ndarray, total: int, colour: str) -> None:
    if total <= STROKES:
        ax.vlines(time, row - 0.4, row + 0.4, color=colour, linewidth=0.9)
        return
    side = float(np.clip(40.0 / np.sqrt(total), 1.1, 2.6))
    ax.scatter(time, row, s=side**2, linewidths=0, color=colour, rasterized=True)


def _rates(
    ax: Any,
    spikes: Mapping[str, Spikes],
    neurons: Mapping[str, Neurons],
    start: float,
    stop: float,
    bin: float,
    look: Theme,
    shown: Mapping[str, str],
) -> None:
    """Draw the mean rate of all excitatory, of all inhibitory, and of all other neurons."""
    groups: dict[str | None, list[str]] = {}
    for name in spikes:
        groups.setdefault(kind(name), []).append(name)
    for group, names in groups.items():
        sizes = [members(neurons[name]).size for name in names]
        histograms = [rate_histogram(spikes[n], neurons[n], start, stop, bin) for n in names]
        rate = np.average([rate for _, rate in histograms], axis=0, weights=sizes)
        time = histograms[0][0]
        colour = shown[names[0]] if group or len(names) == 1 else look.ink
        label = KINDS[group] if group else ", ".join(names) if len(names) < 3 else "others"
        edges = np.append(time - bin / 2.0, time[-1] + bin / 2.0)
        if group == next(iter(groups)):  # a second one would mix the colours
            ax.stairs(rate, edges, fill=True, color=colour, alpha=0.22, linewidth=0)
        ax.stairs(rate, edges, color=colour, linewidth=0.9, label=label, baseline=None)
    ax.set_ylim(bottom=0.0)
    ax.set_ylabel(f"Hz, in {bin:g} ms")
    if len(groups) > 1:
        ax.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(groups), fontsize=7.5,
            borderaxespad=0.2, borderpad=0.0, labelcolor="linecolor", handlelength=1.0,
        )  # fmt: skip

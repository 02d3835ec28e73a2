"""Rasters and membrane traces of the three models."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.plots.style import Theme, figure, model_name

if TYPE_CHECKING:
    from spikecuda.report.gallery import GalleryData
    from spikecuda.report.results import Report

# A spike is drawn up to here in models that reset before their upstroke shows, mV.
SPIKE_TOP = 20.0


def draw(report: "Report", gallery: "Sequence[GalleryData]", theme: Theme) -> Any:
    """Return the figure."""
    if not gallery:
        return None
    fig = figure(4.9)
    axes = fig.subplots(2, len(gallery), sharex="col", squeeze=False, height_ratios=(1.6, 1.0))
    for column, data in enumerate(gallery):
        raster, trace = axes[0, column], axes[1, column]
        _raster(raster, data, theme, first=column == 0)
        _traces(trace, data, theme, first=column == 0)
    return fig


def _raster(ax: Any, data: "GalleryData", theme: Theme, first: bool) -> None:
    dots = {"s": 1.4, "linewidths": 0, "rasterized": True}
    own = np.isin(data.spike_neuron, data.shown)
    ax.scatter(data.spike_time[~own], data.spike_neuron[~own], color=theme.ink, alpha=0.55, **dots)
    for neuron, colour in zip(data.shown, theme.accents, strict=False):
        mine = data.spike_neuron == neuron
        ax.scatter(data.spike_time[mine], data.spike_neuron[mine], s=9, linewidths=0, color=colour)
        ax.annotate(
            "◀", (1.0, neuron), xycoords=("axes fraction", "data"), color=colour, va="center",
            fontsize=6.5, xytext=(1, 0), textcoords="offset points", annotation_clip=False,
        )  # fmt: skip
    ax.set_title(f"{model_name(data.model)}   {data.point.mean_rate:.0f} Hz")
    count = data.point.neurons
    ax.set_ylim(-count * 0.02, count * 1.02)
    ax.set_yticks([0, count - 1], [f"{data.current[0]:g}", f"{data.current[-1]:g} {data.unit}"])
    for label, where in zip(ax.get_yticklabels(), ("bottom", "top"), strict=True):
        label.set_verticalalignment(where)
    if first:
        ax.set_ylabel("neurons by current")
    ax.grid(False)
    ax.tick_params(axis="x", length=0)


def _traces(ax: Any, data: "GalleryData", theme: Theme, first: bool) -> None:
    low, high = float(data.traces.min()), float(data.traces.max())
    top = max(high, SPIKE_TOP) + 5.0
    shift = (top - low) * 1.08
    for i, (neuron, values) in enumerate(zip(data.shown, data.traces, strict=True)):
        colour = theme.accents[i % len(theme.accents)]
        ax.plot(data.time, values + i * shift, color=colour, linewidth=0.9)
        times = data.spike_time[data.spike_neuron == neuron]
        at = np.interp(times, data.time, values)
        ax.vlines(times, at + i * shift, SPIKE_TOP + i * shift, color=colour, linewidth=0.9)
    ax.set_xlim(0.0, data.point.duration)
    ax.set_xlabel("ms")
    ax.grid(False)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    bottom = low - 2.0
    ax.plot([-6.0, -6.0], [bottom, bottom + 50.0], color=theme.soft, clip_on=False, linewidth=1.2)
    if first:
        ax.annotate(
            "50 mV", (-6.0, bottom + 25.0), xytext=(-4, 0), textcoords="offset points",
            rotation=90, ha="right", va="center", fontsize=7.5, color=theme.soft,
            annotation_clip=False,
        )  # fmt: skip

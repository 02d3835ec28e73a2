"""Speed against the number of neurons."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.plots.style import MARKERS, Theme, figure, model_name, rate_label, spread

if TYPE_CHECKING:
    from spikecuda.report.gallery import GalleryData
    from spikecuda.report.results import Report, SpeedPoint


def draw(report: "Report", gallery: "Sequence[GalleryData]", theme: Theme) -> Any:
    """Return the figure: a column for each model, a row for each device."""
    if not report.scaling:
        return None
    models = list(dict.fromkeys(p.model for p in report.scaling))
    devices = list(dict.fromkeys(p.device for p in report.scaling))
    fig = figure(0.4 + 3.2 * len(devices))
    axes = fig.subplots(len(devices), len(models), sharex=True, sharey=True, squeeze=False)
    context = {figure.what: figure for figure in report.context}
    for row, device in enumerate(devices):
        for column, model in enumerate(models):
            ax = axes[row, column]
            points = [p for p in report.scaling if p.model == model and p.device == device]
            _panel(ax, points, theme)
            ax.set_title(model_name(model) + (f"  on {device}" if len(devices) > 1 else ""))
            if model in context:
                _context(ax, context[model].rate, context[model].machine, theme)
            if row == len(devices) - 1:
                ax.set_xlabel("neurons")
        axes[row, 0].set_ylabel("neuron updates per second")
    return fig


def _panel(ax: Any, points: "list[SpeedPoint]", theme: Theme) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_xscale("log")
    ax.set_yscale("log")
    ends: list[tuple[str, float, float]] = []
    for precision in dict.fromkeys(p.precision for p in points):
        mine = sorted((p for p in points if p.precision == precision), key=lambda p: p.neurons)
        x = [p.neurons for p in mine]
        best = [p.best_rate for p in mine]
        colour = theme.precision[precision]
        median = [p.median_rate for p in mine]
        ax.fill_between(x, median, best, color=colour, alpha=0.22, linewidth=0)
        ax.plot(x, best, color=colour, marker=MARKERS[precision], markersize=4.0, clip_on=False)
        ends.append((precision, x[-1], best[-1]))
    # Labels at the line ends, moved apart where lines end close together.
    heights = spread([float(np.log10(y)) for _, _, y in ends], 0.17)
    for (precision, x_end, _), height in zip(ends, heights, strict=True):
        ax.annotate(
            precision, (x_end, 10**height), xytext=(7, 0), textcoords="offset points",
            color=theme.precision[precision], va="center", fontsize=8.0, fontweight="bold",
            annotation_clip=False,
        )  # fmt: skip
    ax.xaxis.set_major_formatter(FuncFormatter(rate_label))
    ax.yaxis.set_major_formatter(FuncFormatter(rate_label))
    ax.xaxis.set_major_locator(LogLocator(10))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.grid(axis="x", visible=False)


def _context(ax: Any, rate: float, machine: str, theme: Theme) -> None:
    ax.axhline(rate, color=theme.soft, linestyle=(0, (1, 2)), linewidth=1.3)
    ax.annotate(
        f"{rate_label(rate)}/s: {machine},\nCuPy prototype", (0.0, rate),
        xycoords=("axes fraction", "data"), xytext=(4, 4), textcoords="offset points",
        color=theme.soft, fontsize=7.5, va="bottom", linespacing=1.25,
    )  # fmt: skip

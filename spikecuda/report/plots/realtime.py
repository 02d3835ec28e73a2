"""Real-time factor against the size of networks, of spikecuda and of peers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spikecuda.plots.style import Theme, figure, rate_label

if TYPE_CHECKING:
    from spikecuda.report.gallery import GalleryData
    from spikecuda.report.results import Report

TITLES = {"balanced": "Balanced network", "microcircuit": "Cortical microcircuit"}
PEER_MARKERS = {"NEST": "^", "Brian2": "D"}
# Devices of spikecuda, one after the other.
OWN_MARKERS = "soPX*"


def draw(report: "Report", gallery: "Sequence[GalleryData]", theme: Theme) -> Any:
    """Return the figure: a panel for each network, a line for each simulator and device."""
    results = [r for r in report.realtime if r.points]
    networks = list(dict.fromkeys(r.network for r in results))
    if not networks:
        return None
    fig = figure(3.1)
    axes = fig.subplots(1, len(networks), squeeze=False)[0]
    for ax, network in zip(axes, networks, strict=True):
        _panel(ax, [r for r in results if r.network == network], theme)
        ax.set_title(TITLES[network])
    axes[0].set_ylabel("wall-clock time over model time")
    return fig


def _panel(ax: Any, results: "list[Any]", theme: Theme) -> None:
    from matplotlib.ticker import FuncFormatter

    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.axhline(1.0, color=theme.soft, linestyle=(0, (4, 3)), linewidth=1.0)
    ax.annotate(
        "real time", (0.01, 1.0), xycoords=("axes fraction", "data"), xytext=(0, 3),
        textcoords="offset points", fontsize=7.5, color=theme.soft,
    )  # fmt: skip
    own = 0
    for r in results:
        ours = r.simulator == "spikecuda"
        marker = OWN_MARKERS[own % len(OWN_MARKERS)] if ours else PEER_MARKERS.get(r.simulator, "v")
        own += ours
        colour = theme.accents[0] if ours else theme.accents[1]
        x, y = [p.neurons for p in r.points], [p.factor for p in r.points]
        label = f"{r.simulator}, {r.device}" if ours else f"{r.simulator} {r.version}"
        ax.plot(x, y, color=colour, marker=marker, markersize=5, label=label)
        if r.largest is not None:
            ax.annotate(
                rate_label(r.largest.neurons).replace(" ", ""),
                (r.largest.neurons, r.largest.factor), xytext=(6, -9),
                textcoords="offset points", fontsize=8.0, color=colour, fontweight="bold",
                annotation_clip=False,
            )  # fmt: skip
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, 0.5), max(high, 2.0))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, at: rate_label(v).replace(" ", "")))
    ax.xaxis.set_minor_formatter(FuncFormatter(lambda v, at: ""))
    ax.yaxis.set_minor_formatter(FuncFormatter(lambda v, at: ""))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, at: f"{v:g}"))
    ax.set_xlabel("neurons")
    ax.legend(fontsize=7.5, loc="best")

"""Bytes per neuron, by what they are for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spikecuda.plots.style import Theme, figure, model_name, rate_label

if TYPE_CHECKING:
    from spikecuda.report.gallery import GalleryData
    from spikecuda.report.results import Report

PARTS = {
    "state": "state",
    "parameters": "parameters that differ",
    "input": "input current",
    "spike_bits": "spike bits",
    "other": "other",
}


def draw(report: "Report", gallery: "Sequence[GalleryData]", theme: Theme) -> Any:
    """Return the figure: a bar for each model and precision."""
    points = [p for p in report.memory if p.device == report.devices[0]]
    if not points:
        return None
    models = list(dict.fromkeys(p.model for p in points))
    fig = figure(2.7)
    axes = fig.subplots(1, len(models), sharex=True, squeeze=False)[0]
    shown = [name for name in PARTS if any(getattr(p, name) >= 0.05 for p in points)]
    for ax, model in zip(axes, models, strict=True):
        mine = [p for p in points if p.model == model]
        for row, p in enumerate(mine):
            left = 0.0
            for name in shown:
                size = getattr(p, name)
                colour = theme.parts[list(PARTS).index(name)]
                ax.barh(-row, size, left=left, height=0.6, color=colour, linewidth=0)
                if size >= 2.5:
                    ax.text(
                        left + size / 2, -row, f"{size:.3g}", ha="center", va="center",
                        fontsize=7.5, color="#ffffff" if name == "state" else "#15181d",
                    )  # fmt: skip
                left += size
            ax.text(left + 0.6, -row, f"{left:.3g} B", va="center", fontsize=8.0)
        ax.set_yticks([-i for i in range(len(mine))], [p.precision for p in mine])
        ax.set_title(model_name(model))
        ax.set_xlabel(f"bytes per neuron at {rate_label(mine[0].neurons).replace(' ', '')} neurons")
        ax.grid(axis="y", visible=False)
        ax.spines["left"].set_visible(False)
    most = max(sum(getattr(p, name) for name in PARTS) for p in points)
    axes[0].set_xlim(0.0, most * 1.2)
    _labels(fig, shown, theme)
    return fig


def _labels(fig: Any, shown: list[str], theme: Theme) -> None:
    """Name the parts above the bars, in their colours."""
    from matplotlib.patches import Patch

    handles = [
        Patch(color=theme.parts[list(PARTS).index(name)], label=PARTS[name]) for name in shown
    ]
    fig.legend(
        handles=handles, loc="outside upper right", ncols=len(shown), fontsize=8.0,
        handlelength=0.9, handleheight=0.9, labelcolor=theme.ink, columnspacing=1.6,
    )  # fmt: skip

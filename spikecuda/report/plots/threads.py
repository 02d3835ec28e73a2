"""Speed against the number of CPU threads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spikecuda.plots.style import Theme, figure, model_name, rate_label

if TYPE_CHECKING:
    from spikecuda.report.gallery import GalleryData
    from spikecuda.report.results import Report


# With more points than this only the first and the last are labelled.
MOST_LABELS = 4


def draw(report: "Report", gallery: "Sequence[GalleryData]", theme: Theme) -> Any:
    """Return the figure: a column for each model."""
    points = report.threads
    counts = sorted({p.threads for p in points})
    if len(counts) < 2:
        return None
    models = list(dict.fromkeys(p.model for p in points))
    fig = figure(2.9)
    lowest, ideal_top = 1.0, counts[-1] / counts[0]
    axes = fig.subplots(1, len(models), sharex=True, sharey=True, squeeze=False)[0]
    for ax, model in zip(axes, models, strict=True):
        mine = sorted((p for p in points if p.model == model), key=lambda p: p.threads)
        base, fewest = mine[0].best_rate, mine[0].threads
        colour = theme.precision[mine[0].precision]
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        ideal = [n / fewest for n in counts]
        ax.plot(counts, ideal, color=theme.soft, linestyle=(0, (4, 3)), linewidth=1.0)
        gain = [p.best_rate / base for p in mine]
        ax.plot([p.threads for p in mine], gain, color=colour, marker="s", markersize=5)
        ax.annotate(
            "ideal", (counts[-1], ideal[-1]), xytext=(5, 0), textcoords="offset points",
            fontsize=7.5, color=theme.soft, va="center",
        )  # fmt: skip
        for p, g in zip(mine, gain, strict=True):
            if len(mine) > MOST_LABELS and p not in (mine[0], mine[-1]):
                continue
            ax.annotate(
                f"{g:.2f}×\n{rate_label(p.best_rate)}/s", (p.threads, g), xytext=(5, -6),
                textcoords="offset points", fontsize=7.5, color=colour, va="top",
                annotation_clip=False,
            )  # fmt: skip
        ax.set_title(f"{model_name(model)}  {mine[0].precision}")
        ax.set_xticks(counts, [str(n) for n in counts])
        ax.set_yticks(ideal, [f"{g:.3g}×" for g in ideal])
        ax.set_xlim(counts[0] / 1.12, counts[-1] * 1.5)
        lowest = min(lowest, min(gain))
        ax.set_xlabel("threads")
        ax.grid(axis="x", visible=False)
    # Shared by all panels: below the lowest point there is room for its label.
    axes[0].set_ylim(lowest * 0.72, ideal_top * 1.18)
    axes[0].set_ylabel("speed over that of " + ("1 thread" if counts[0] == 1 else f"{counts[0]}"))
    return fig

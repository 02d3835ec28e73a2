"""Systems of several models: beside single pools, over devices, and their memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spikecuda.plots.style import Theme, figure, model_name, rate_label

if TYPE_CHECKING:
    from spikecuda.report.gallery import GalleryData
    from spikecuda.report.results import Report

BAR = 0.34


def draw(report: "Report", gallery: "Sequence[GalleryData]", theme: Theme) -> Any:
    """Return the figure: speed by type, speed over devices, memory by type."""
    device = report.devices[0]
    mixed = [p for p in report.mixed if p.device == device]
    partitions = [p for p in report.partitions if p.device == device]
    if not mixed or not partitions:
        return None
    fig = figure(2.9)
    speed, over, memory = fig.subplots(1, 3, width_ratios=(1.35, 1.0, 1.0))
    _speed(speed, mixed, theme)
    _over(over, partitions, theme)
    _memory(memory, mixed, theme)
    return fig


def _names(mixed: Any) -> list[str]:
    return ["all" if p.model == "total" else model_name(p.model) for p in mixed]


def _speed(ax: Any, mixed: Any, theme: Theme) -> None:
    from matplotlib.ticker import FuncFormatter

    colour = theme.accents[0]
    for row, p in enumerate(mixed):
        ax.barh(-row + BAR / 2, p.rate, height=BAR, color=colour, linewidth=0)
        ax.barh(
            -row - BAR / 2, p.single_rate, height=BAR, facecolor="none", edgecolor=colour,
            linewidth=1.0,
        )  # fmt: skip
        words = f"{rate_label(p.rate)}/s"
        if p.ratio is not None:
            words += f", {p.ratio:.2f}× the pools"
        ax.annotate(
            words, (max(p.rate, p.single_rate), -row), xytext=(4, 0), va="center",
            textcoords="offset points", fontsize=7.5, annotation_clip=False,
        )  # fmt: skip
    most = max(max(p.rate, p.single_rate) for p in mixed)
    ax.set_xlim(0.0, most * 1.35)
    ax.set_yticks([-i for i in range(len(mixed))], _names(mixed))
    ax.xaxis.set_major_formatter(FuncFormatter(rate_label))
    ax.set_xlabel("neuron updates per second")
    ax.set_title(f"{rate_label(mixed[-1].neurons).replace(' ', '')} neurons, by type")
    ax.grid(axis="y", visible=False)


def _over(ax: Any, partitions: Any, theme: Theme) -> None:
    counts = [p.devices for p in partitions]
    gains = [p.best_rate / partitions[0].best_rate for p in partitions]
    ideal = [n / counts[0] for n in counts]
    colour = theme.accents[0]
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.plot(counts, ideal, color=theme.soft, linestyle=(0, (4, 3)), linewidth=1.0)
    ax.plot(counts, gains, color=colour, marker="s", markersize=5)
    for p, gain in zip(partitions, gains, strict=True):
        ax.annotate(
            f"{gain:.2f}×\n{rate_label(p.best_rate)}/s", (p.devices, gain), xytext=(4, -6),
            textcoords="offset points", fontsize=7.5, color=colour, va="top",
            annotation_clip=False,
        )  # fmt: skip
    ax.set_xticks(counts, [str(n) for n in counts])
    ax.set_yticks(ideal, [f"{g:.3g}×" for g in ideal])
    ax.set_xlim(counts[0] / 1.15, counts[-1] * 1.6)
    ax.set_ylim(min(gains) * 0.62, ideal[-1] * 1.2)
    kind = partitions[0].device
    ax.set_xlabel("CPU devices, a thread each" if kind == "cpu" else f"devices {kind}")
    ax.set_title("over devices")
    ax.grid(axis="x", visible=False)


def _memory(ax: Any, mixed: Any, theme: Theme) -> None:
    for row, p in enumerate(mixed):
        ax.barh(-row, p.memory, height=0.6, color=theme.parts[0], linewidth=0)
        ax.annotate(
            f"{p.memory:.3g} B", (p.memory, -row), xytext=(4, 0), va="center",
            textcoords="offset points", fontsize=8.0, annotation_clip=False,
        )  # fmt: skip
    ax.set_xlim(0.0, max(p.memory for p in mixed) * 1.25)
    ax.set_yticks([-i for i in range(len(mixed))], _names(mixed))
    ax.set_xlabel("bytes per neuron")
    ax.set_title("memory")
    ax.grid(axis="y", visible=False)

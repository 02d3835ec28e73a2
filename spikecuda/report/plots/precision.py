"""Speed and accuracy of each precision, side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spikecuda.plots.style import MARKERS, Theme, figure, model_name, rate_label

if TYPE_CHECKING:
    from spikecuda.report.gallery import GalleryData
    from spikecuda.report.results import AccuracyPoint, Report

# Errors below these are shown at "0": a ten-thousandth of the spikes, half a step of 0.1 ms.
RATE_FLOOR, TIME_FLOOR = 1e-3, 0.05


def draw(report: "Report", gallery: "Sequence[GalleryData]", theme: Theme) -> Any:
    """Return the figure: a row for each model and precision, a column for each measure."""
    device = report.devices[0]
    scaling = [p for p in report.scaling if p.device == device]
    accuracy = [p for p in report.accuracy if p.device == device]
    if not scaling or not accuracy:
        return None
    rows: dict[tuple[str, str], float] = {}
    models = list(dict.fromkeys(p.model for p in accuracy))
    precisions = list(dict.fromkeys(p.precision for p in accuracy))
    for i, model in enumerate(models):
        for j, precision in enumerate(precisions):
            rows[model, precision] = -(i * (len(precisions) + 0.9) + j)
    fig = figure(0.7 + 0.32 * len(rows) + 0.2 * len(models))
    speed, rate, timing = fig.subplots(1, 3, sharey=True)
    _speed(speed, scaling, rows, theme)
    _rate(rate, accuracy, rows, theme)
    _timing(timing, accuracy, rows, theme)
    if len({p.drive for p in accuracy}) > 1:
        timing.annotate(
            "● constant input   ○ noisy input", (1.0, 1.0), xycoords="axes fraction",
            xytext=(0, -2), textcoords="offset points", ha="right", va="top", fontsize=7.5,
            color=theme.soft,
        )  # fmt: skip
    for ax in (speed, rate, timing):
        ax.grid(axis="y", visible=False)
        ax.spines["left"].set_visible(False)
    speed.set_yticks(list(rows.values()), [precision for _, precision in rows])
    for label, (_, precision) in zip(speed.get_yticklabels(), rows, strict=True):
        label.set_color(theme.precision[precision])
        label.set_fontweight("bold")
    for model in models:
        speed.annotate(
            model_name(model), (0.0, rows[model, precisions[0]] + 0.52),
            xycoords=("axes fraction", "data"), xytext=(-46, 0), textcoords="offset points",
            fontweight="bold", color=theme.ink, va="bottom", annotation_clip=False,
        )  # fmt: skip
    speed.set_ylim(min(rows.values()) - 0.7, 1.25)
    return fig


def _speed(ax: Any, points: Any, rows: Any, theme: Theme) -> None:
    sizes = [{p.neurons for p in points if (p.model, p.precision) == key} for key in rows]
    size = max(set.intersection(*sizes))
    biggest = max(p.best_rate for p in points if p.neurons == size)
    for p in points:
        if p.neurons == size and (p.model, p.precision) in rows:
            y = rows[p.model, p.precision]
            ax.barh(y, p.best_rate, height=0.62, color=theme.precision[p.precision], linewidth=0)
            ax.text(p.best_rate + biggest * 0.02, y, rate_label(p.best_rate), va="center",
                    fontsize=8.0, color=theme.ink)  # fmt: skip
    ax.set_title("Speed")
    ax.set_xlabel(f"updates per second, {rate_label(size).replace(' ', '')} neurons")
    ax.set_xlim(0.0, biggest * 1.24)
    ax.xaxis.set_major_formatter(lambda value, _: rate_label(value) if value else "0")
    ax.xaxis.set_major_locator(_few())


def _rate(ax: Any, points: "list[AccuracyPoint]", rows: Any, theme: Theme) -> None:
    for p in points:
        if p.rate_error is not None:
            y = rows[p.model, p.precision] + _lift(p, points)
            _dot(ax, abs(p.rate_error) * 100.0, y, p, theme)
    ax.set_title("Error of the mean rate")
    ax.set_xlabel("% of the reference’s rate")
    _error_axis(ax, RATE_FLOOR, [0.0, 1e-3, 1e-2, 1e-1, 1.0], 2.0, "{:g}")


def _timing(ax: Any, points: "list[AccuracyPoint]", rows: Any, theme: Theme) -> None:
    for p in points:
        if p.time_error_median is None or p.time_error_p99 is None:
            continue
        y = rows[p.model, p.precision] + _lift(p, points)
        colour = theme.precision[p.precision]
        ax.plot([p.time_error_median, p.time_error_p99], [y, y], color=colour, linewidth=1.4,
                alpha=0.6)  # fmt: skip
        ax.plot([p.time_error_p99], [y], "|", color=colour, markersize=6)
        _dot(ax, p.time_error_median, y, p, theme)
    ax.set_title("Error of spike times")
    ax.set_xlabel("ms: median ─ 99th percentile")
    _error_axis(ax, TIME_FLOOR, [0.0, 0.1, 1.0, 10.0, 100.0], 200.0, "{:g}")


def _lift(p: "AccuracyPoint", points: "list[AccuracyPoint]") -> float:
    """Return how far a drive's mark is moved from its row's middle."""
    if len({q.drive for q in points}) == 1:
        return 0.0
    return 0.17 if p.drive == "constant" else -0.17


def _dot(ax: Any, x: float, y: float, p: "AccuracyPoint", theme: Theme) -> None:
    colour = theme.precision[p.precision]
    ax.plot(
        [x], [y], MARKERS[p.precision], markersize=5.0, markeredgecolor=colour, clip_on=False,
        markerfacecolor=colour if p.drive == "constant" else theme.paper, zorder=4,
    )  # fmt: skip


def _error_axis(ax: Any, floor: float, ticks: list[float], high: float, form: str) -> None:
    ax.set_xscale("symlog", linthresh=floor, linscale=0.6)
    ax.set_xlim(0.0, high)
    ax.set_xticks(ticks, ["0" if t == 0 else form.format(t) for t in ticks])
    ax.tick_params(axis="y", length=0)


def _few() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)

"""Processor, memory and GPU over time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.plots.style import Theme, figure

if TYPE_CHECKING:
    from spikecuda.report.gallery import GalleryData
    from spikecuda.report.results import Report

GPU_PANELS = {
    "gpu_percent": ("GPU busy, %", 1.0),
    "gpu_memory": ("GPU memory, GB", 1e-9),
    "gpu_power": ("GPU power, W", 1.0),
    "gpu_temperature": ("GPU temperature, °C", 1.0),
}


def draw(report: "Report", gallery: "Sequence[GalleryData]", theme: Theme) -> Any:
    """Return the figure: a panel for each figure sampled."""
    samples = report.utilisation.get("samples", {})
    time = np.array(samples.get("time", []), float)
    if time.size < 2:
        return None
    gpu = [name for name in GPU_PANELS if name in samples]
    fig = figure(3.1 + 1.1 * len(gpu))
    axes = fig.subplots(2 + len(gpu), 1, sharex=True)
    colour = theme.accents[0]
    cpu = np.array(samples["cpu_percent"], float)
    axes[0].fill_between(time, 0, cpu, color=colour, alpha=0.25, linewidth=0)
    axes[0].plot(time, cpu, color=colour, linewidth=0.9)
    own = np.array(samples["process_percent"], float) / report.machine.logical_cores
    axes[0].plot(time, own, color=theme.accents[1], linewidth=0.9)
    for words, height, tint in (("all programs", 92, colour), ("this process", 8,
                                                               theme.accents[1])):  # fmt: skip
        axes[0].annotate(
            words, (1.0, height), xycoords=("axes fraction", "data"), xytext=(5, 0), va="center",
            textcoords="offset points", color=tint, fontsize=8.0, annotation_clip=False,
        )  # fmt: skip
    axes[0].set_ylim(0, 105)
    axes[0].set_yticks([0, 50, 100])
    cores = report.machine.logical_cores
    axes[0].set_ylabel(f"CPU, % of\n{cores} cores")
    for name, label, tint in (
        ("ram", "whole machine", colour), ("process_memory", "this process", theme.accents[1]),
    ):  # fmt: skip
        values = np.array(samples[name], float) / 1e9
        axes[1].plot(time, values, color=tint, linewidth=1.2)
        axes[1].annotate(
            label, (time[-1], values[-1]), xytext=(5, 0), textcoords="offset points", color=tint,
            va="center", fontsize=8.0, annotation_clip=False,
        )  # fmt: skip
    axes[1].set_ylim(bottom=0)
    axes[1].set_ylabel("memory, GB\n")
    for ax, name in zip(axes[2:], gpu, strict=True):
        label, scale = GPU_PANELS[name]
        ax.plot(time, np.array(samples[name], float) * scale, linewidth=0.9)
        ax.set_ylabel(label)
        ax.set_ylim(bottom=0)
    _phases(axes, report.utilisation.get("marks", []), float(time[-1]), theme)
    axes[-1].set_xlabel("seconds", loc="left")
    absent = report.utilisation.get("absent", {})
    if absent:
        words = "; ".join(f"{name.upper()}: absent ({why})" for name, why in absent.items())
        axes[-1].annotate(
            words[:120], (1.0, 0.0), xycoords="axes fraction", xytext=(0, -27), ha="right",
            textcoords="offset points", fontsize=8.0, color=theme.soft, va="bottom",
        )  # fmt: skip
    return fig


def _phases(axes: Any, marks: list[dict[str, Any]], end: float, theme: Theme) -> None:
    """Shade every other phase of the report and name those that have room."""
    starts = [mark["time"] for mark in marks] + [end]
    for i, mark in enumerate(marks):
        left, right = starts[i], starts[i + 1]
        for ax in axes:
            ax.grid(axis="x", visible=False)
            ax.set_xlim(0.0, end)
            if i % 2 == 0:
                ax.axvspan(left, right, color=theme.faint, alpha=0.5, linewidth=0, zorder=0)
        if right - left > 0.012 * len(mark["name"]) * end:
            axes[0].annotate(
                mark["name"], ((left + right) / 2, 1.02), xycoords=("data", "axes fraction"),
                ha="center", va="bottom", fontsize=8.0, color=theme.soft,
            )  # fmt: skip

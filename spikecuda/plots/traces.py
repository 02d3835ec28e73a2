"""Traces of state variables over time."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaValueError
from spikecuda.plots.colours import colours
from spikecuda.plots.sheet import as_theme, sheet
from spikecuda.plots.style import Theme, time_label

PANEL = 1.35
HEAD = 0.7
NICE = (1.0, 2.0, 5.0, 10.0)
# How far a spike's stroke rises above all traces of its panel, as a part of their range.
STROKE = 0.3


@out_of_memory("a picture", "draw fewer neurons or a shorter time")
def traces(
    values: Mapping[str, Mapping[str, np.ndarray]],
    times: Mapping[str, np.ndarray],
    *,
    units: Mapping[str, Mapping[str, str]] | None = None,
    spikes: Mapping[str, Mapping[int, np.ndarray]] | None = None,
    path: str | os.PathLike[str] | None = None,
    max_neurons: int = 3,
    title: str = "",
    colors: Mapping[str, str] | None = None,
    theme: str = "light",
) -> Any:
    """Draw a panel for each population and variable, a few neurons above one another in each.

    Args:
        values: by population and variable: arrays (samples, neurons).
        times: by population: times of the samples, ms (samples,).
        units: by population and variable, for the scale bars.
        spikes: by population and column: spike times in ms, drawn as strokes above ``v``.
        path, title, colors, theme: see ``raster``.
        max_neurons: neurons in a panel: the first ones recorded.

    Returns:
        The figure.
    """
    panels = [(name, variable) for name, states in values.items() for variable in states]
    if not panels:
        raise SpikecudaValueError("values must hold at least one trace (got none)")
    for name, variable in panels:
        shape = np.shape(values[name][variable])
        if 0 in shape:
            raise SpikecudaValueError(
                f"{variable} of {name} must have one sample at least (got shape {shape}); run for "
                "longer, or record with a smaller every="
            )
    most = as_count("max_neurons", max_neurons, 1, 100)
    look = as_theme(theme)
    shown = colours(values, look, colors)
    with sheet(HEAD + PANEL * len(panels), look, path) as fig:
        axes = fig.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for ax, (name, variable) in zip(axes, panels, strict=True):
            lines = np.asarray(values[name][variable], np.float64)[:, :most]
            strokes = (spikes or {}).get(name, {}) if variable == "v" else {}
            _panel(ax, np.asarray(times[name]), lines, strokes, shown[name])
            unit = (units or {}).get(name, {}).get(variable, "")
            _scale(ax, lines, unit, look)
            ax.set_ylabel(
                f"{name} {variable}", rotation=0, ha="right", va="center", color=shown[name],
                fontweight="bold", labelpad=28.0,
            )  # fmt: skip
        axes[0].set_title(title)
        sampled = [np.asarray(times[name]) for name, _ in panels]
        window = min(t[0] for t in sampled), max(t[-1] for t in sampled)
        axes[-1].set_xlabel(time_label(*window))
    return fig


def _panel(
    ax: Any, time: np.ndarray, lines: np.ndarray, strokes: Mapping[int, np.ndarray], colour: str
) -> None:
    low, high = lines.min(), lines.max()
    top = high + STROKE * (high - low) if strokes else high
    shift = ((top - low) or 1.0) * 1.12
    columns = lines.shape[1]
    for column in range(columns):
        up = (columns - 1 - column) * shift
        line = {"color": colour, "linewidth": 0.9, "alpha": 1.0 - 0.6 * column / columns}
        ax.plot(time, lines[:, column] + up, **line)
        spiked = strokes.get(column, np.empty(0))
        inside = spiked[(spiked >= time[0]) & (spiked <= time[-1])]
        ax.vlines(inside, np.interp(inside, time, lines[:, column]) + up, top + up, **line)
    if time.size > 1:
        ax.set_xlim(time[0], time[-1])
    ax.set_yticks([])
    ax.grid(False)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="x", length=0)


def _scale(ax: Any, lines: np.ndarray, unit: str, look: Theme) -> None:
    """Draw a bar of a round length, with its value, left of the lowest trace."""
    low, high = float(lines.min()), float(lines.max())
    if not high > low:
        ax.annotate(
            f"{low:.4g} {unit}".strip(), (0.0, low), xycoords=("axes fraction", "data"),
            xytext=(-6, 0), textcoords="offset points", ha="right", va="center", fontsize=7.5,
            color=look.soft, annotation_clip=False,
        )  # fmt: skip
        return
    length = round_length((high - low) / 2.0)
    across = ax.get_yaxis_transform()
    ax.plot(
        [-0.008, -0.008], [low, low + length], transform=across, color=look.soft, clip_on=False,
        linewidth=1.4,
    )  # fmt: skip
    ax.annotate(
        f"{length:g} {unit}".strip(), (-0.008, low + length / 2), xycoords=across, xytext=(-4, 0),
        textcoords="offset points", rotation=90, ha="right", va="center", fontsize=7.0,
        color=look.soft, annotation_clip=False,
    )  # fmt: skip


def round_length(most: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not above ``most``."""
    scale = 10.0 ** np.floor(np.log10(most))
    return float(max(factor * scale for factor in NICE if factor * scale <= most * (1 + 1e-9)))

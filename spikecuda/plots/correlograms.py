"""Auto- and cross-correlograms as panels."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.analysis.correlogram import UNITS
from spikecuda.common.arrays import take_reals
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest, shown
from spikecuda.plots.colours import colours
from spikecuda.plots.sheet import as_theme, sheet

PANEL, HEAD = 1.5, 0.7
LABELS = {"rate": "rate (Hz)", "count": "pairs of spikes"}


@out_of_memory("a picture", "draw fewer lags")
def correlograms(
    values: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    unit: str = "rate",
    path: str | os.PathLike[str] | None = None,
    title: str = "",
    colors: Mapping[str, str] | None = None,
    theme: str = "light",
) -> Any:
    """Draw a panel for each correlogram.

    Args:
        values: by name: lags in ms and values, as ``analysis.autocorrelogram`` and
            ``analysis.cross_correlogram`` return them.
        unit: of the values, "rate" or "count".
        path, title, colors, theme: see ``raster``.

    Returns:
        The figure.
    """
    if not isinstance(values, Mapping) or not values:
        raise SpikecudaTypeError(
            f"values must be a dict of at least one correlogram (got {shown(values)})"
        )
    if not isinstance(unit, str) or unit not in UNITS:
        raise SpikecudaValueError(
            f"unit must be one of {', '.join(UNITS)} (got {shown(unit)}){nearest(str(unit), UNITS)}"
        )
    panels = {name: _panel(name, pair) for name, pair in values.items()}
    look = as_theme(theme)
    used = colours(panels, look, colors)
    with sheet(HEAD + PANEL * len(panels), look, path) as fig:
        axes = fig.subplots(len(panels), 1, squeeze=False)[:, 0]
        for ax, (name, (lag, value)) in zip(axes, panels.items(), strict=True):
            width = float(lag[1] - lag[0]) if lag.size > 1 else 1.0
            edges = np.append(lag - width / 2.0, lag[-1] + width / 2.0)
            ax.stairs(value, edges, fill=True, color=used[name], alpha=0.35, linewidth=0)
            ax.stairs(value, edges, color=used[name], linewidth=1.0, baseline=None)
            ax.axvline(0.0, color=look.soft, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
            ax.set_xlim(edges[0], edges[-1])
            ax.set_ylim(bottom=0.0)
            ax.set_title(name, color=used[name])
            ax.set_ylabel(LABELS[unit])
        if title:
            fig.suptitle(title)
        axes[-1].set_xlabel("lag (ms)")
    return fig


def _panel(name: str, pair: object) -> tuple[np.ndarray, np.ndarray]:
    """Return lags and values; raise for what is no correlogram."""
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise SpikecudaTypeError(
            f"the correlogram {name!r} must be (lags, values) (got {shown(pair)})"
        )
    lag, value = (take_reals(f"the correlogram {name!r}", part) for part in pair)
    if lag.ndim != 1 or lag.shape != value.shape or not lag.size:
        raise SpikecudaTypeError(
            f"the correlogram {name!r} must have as many values as lags (got {value.shape} and "
            f"{lag.shape})"
        )
    return lag, value

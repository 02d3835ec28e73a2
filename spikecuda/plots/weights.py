"""Weights: their histogram, the matrix of a projection, and how they change over time."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count, as_real
from spikecuda.common.arrays import view_array
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaValueError
from spikecuda.plots.colours import colours
from spikecuda.plots.sheet import as_theme, axes_for, legend
from spikecuda.plots.style import time_label

HEIGHT, SQUARE = 3.6, 6.4
# Synapses between these parts of all are shaded in a picture of weights over time.
BANDS = ((0.0, 1.0, 0.15), (0.1, 0.9, 0.25))


@out_of_memory("a picture", "draw the weights of fewer synapses")
def weight_histogram(
    weights: Any,
    *,
    unit: str = "",
    bins: int = 50,
    bounds: tuple[float, float] | None = None,
    path: str | os.PathLike[str] | None = None,
    ax: Any = None,
    title: str = "",
    colors: Mapping[str, str] | None = None,
    theme: str = "light",
) -> Any:
    """Draw how many synapses have which weight.

    Args:
        weights: of synapses, such as ``projection.weights``; or several by name, such as
            {"before": w0, "after": w1}, as parts of all synapses each.
        unit: of the weights.
        bins: how many; at most 10,000.
        bounds: what the axis shows; None: from the least to the largest weight.
        path, ax, title, theme: see ``raster``.
        colors: by name.

    Returns:
        The figure.
    """
    several = isinstance(weights, Mapping)
    named = {str(k): _finite(v) for k, v in (weights if several else {"weights": weights}).items()}
    count = as_count("bins", bins, 1, 10_000)
    together = np.concatenate([*named.values(), np.empty(0)])
    if not together.size:
        raise SpikecudaValueError("weights must hold at least one synapse (got none)")
    low, high = (together.min(), together.max()) if bounds is None else _bounds(bounds)
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, count + 1)
    look = as_theme(theme)
    shown = colours(named, look, colors)
    faint = 0.2 if several else 0.35
    with axes_for(HEIGHT, look, path, ax) as axes:
        for name, values in named.items():
            found = np.histogram(values, edges)[0].astype(np.float64)
            heights = found / max(values.size, 1) if several else found
            axes.stairs(heights, edges, fill=True, alpha=faint, color=shown[name])
            axes.stairs(heights, edges, color=shown[name], linewidth=1.2, label=name)
        axes.set_xlim(low, high)
        axes.set_xlabel(f"weight ({unit})" if unit else "weight")
        axes.set_ylabel("part of the synapses" if several else "synapses")
        axes.set_title(title)
        if several:
            legend(axes, len(named))
        return axes.figure


@out_of_memory("a picture", "draw the weights of fewer synapses")
def weight_matrix(
    source: Any,
    target: Any,
    weights: Any,
    *,
    shape: tuple[int, int] | None = None,
    unit: str = "",
    max_cells: int = 600,
    path: str | os.PathLike[str] | None = None,
    ax: Any = None,
    title: str = "",
    theme: str = "light",
) -> Any:
    """Draw the weight from each source, left to right, to each target, top to bottom.

    Where there are more neurons than cells, a cell shows the mean weight of the synapses in it.
    Cells without a synapse are empty.

    Args:
        source, target, weights: of synapses, such as ``connections()`` of a projection has.
        shape: sources and targets; None: as many as occur.
        unit: of the weights.
        max_cells: cells across and down, at most.
        path, ax, title, theme: see ``raster``.

    Returns:
        The figure.
    """
    values = _finite(weights)
    ids = [np.asarray(view_array(name, given, "numbers of neurons", "iu"))
           for name, given in (("source", source), ("target", target))]  # fmt: skip
    if any(i.shape != values.shape for i in ids) or not values.size:
        raise SpikecudaValueError(
            "source, target and weights must have one entry for each synapse, and one at least "
            f"(got shapes {ids[0].shape}, {ids[1].shape} and {values.shape})"
        )
    sizes = [int(i.max()) + 1 for i in ids] if shape is None else [int(n) for n in shape]
    if any(i.min() < 0 or i.max() >= n for i, n in zip(ids, sizes, strict=True)):
        raise SpikecudaValueError(
            f"shape must hold all sources and targets (got {tuple(sizes)}, and neurons up to "
            f"{ids[0].max()} and {ids[1].max()})"
        )
    most = as_count("max_cells", max_cells, 1, 10_000)
    cells = [min(n, most) for n in sizes]
    column, row = (i.astype(np.int64) * c // n for i, c, n in zip(ids, cells, sizes, strict=True))
    place, total = row * cells[0] + column, cells[0] * cells[1]
    number = np.bincount(place, minlength=total)
    sums = np.bincount(place, values, total)
    picture = np.where(number > 0, sums / np.maximum(number, 1), np.nan)
    look = as_theme(theme)
    far = float(np.abs(values).max()) or 1.0
    signed = values.min() < 0 < values.max()
    scale = {"vmin": -far, "vmax": far} if signed else {"vmin": 0.0, "vmax": far}
    if not signed and values.min() < 0:
        scale = {"vmin": -far, "vmax": 0.0}
    name = "RdBu_r" if signed else "viridis_r" if values.min() < 0 else "viridis"
    with axes_for(SQUARE, look, path, ax) as axes:
        drawn = axes.imshow(
            picture.reshape(cells[1], cells[0]), cmap=name, interpolation="nearest",
            aspect="auto", extent=(-0.5, sizes[0] - 0.5, sizes[1] - 0.5, -0.5), **scale,
        )  # fmt: skip
        axes.grid(False)
        axes.set_xlabel("source")
        axes.set_ylabel("target")
        axes.set_title(title)
        bar = axes.figure.colorbar(drawn, ax=axes, pad=0.02)
        bar.set_label(f"weight ({unit})" if unit else "weight")
        bar.outline.set_visible(False)
        return axes.figure


@out_of_memory("a picture", "draw fewer synapses or fewer samples")
def weight_traces(
    time: Any,
    values: Any,
    *,
    unit: str = "",
    what: str = "weight",
    max_synapses: int = 20,
    path: str | os.PathLike[str] | None = None,
    ax: Any = None,
    title: str = "",
    theme: str = "light",
) -> Any:
    """Draw some synapses over time, and where all of them lie.

    Lines are single synapses, evenly chosen; the thick one is the mean of all.  The inner band
    holds four fifths of them at each time, the outer one all.

    Args:
        time: ms (samples,).
        values: (samples, synapses), such as ``result.synapses[projection]["weight"]``.
        unit: of the values; ``what``: they are.
        max_synapses: lines of single synapses; 0: none.
        path, ax, title, theme: see ``raster``.

    Returns:
        The figure.
    """
    times, table = _finite(time), np.asarray(view_array("values", values, "numbers"))
    if table.ndim != 2 or table.shape[0] != times.size or not table.size:
        raise SpikecudaValueError(
            "values must be of shape (samples, synapses), one at least, with a sample for each "
            f"time (got shape {table.shape} for {times.size} times); record for longer, or with a "
            "smaller every="
        )
    most = as_count("max_synapses", max_synapses, 0, 10_000)
    look = as_theme(theme)
    colour = look.accents[0]
    with axes_for(HEIGHT, look, path, ax) as axes:
        if table.shape[1] > 1:
            for low, high, alpha in BANDS:
                edges = np.quantile(table, [low, high], axis=1)
                axes.fill_between(times, *edges, color=colour, alpha=alpha, linewidth=0)
        if most:
            chosen = np.unique(np.linspace(0, table.shape[1] - 1, most).astype(np.int64))
            lines = {"color": look.soft, "linewidth": 0.7, "alpha": 0.8}
            axes.plot(times, table[:, chosen], **lines)
        mean = table.mean(axis=1, dtype=np.float64)
        axes.plot(times, mean, color=look.accents[1], linewidth=2.0, label="mean")
        axes.set_xlim(times[0], times[-1] if times.size > 1 else times[0] + 1.0)
        axes.set_xlabel(time_label(times[0], times[-1]))
        axes.set_ylabel(f"{what} ({unit})" if unit else what)
        axes.set_title(title)
        legend(axes, 1)
        return axes.figure


def _finite(values: Any) -> np.ndarray:
    """Return numbers as a flat float64 array."""
    array = np.asarray(view_array("weights", values, "numbers"), np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise SpikecudaValueError(
            f"weights must be finite, of shape (synapses,) (got shape {array.shape}"
            f"{'' if np.isfinite(array).all() else ', with NaN or infinity'})"
        )
    return array


def _bounds(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = (as_real("bounds", b) for b in bounds)
    if not low < high:
        raise SpikecudaValueError(f"bounds must ascend (got {low:g} and {high:g})")
    return low, high

"""Space: where neurons are, and which targets one of them has."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count, as_positive
from spikecuda.common.arrays import view_array
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.plots.colours import colours
from spikecuda.plots.sheet import as_theme, axes_for, legend

HEIGHT = 6.4
# Points of a picture, by default: about as many as can be told apart.
POINTS = 20_000


@out_of_memory("a picture", "draw fewer neurons: max_points")
def positions(
    points: Any,
    *,
    axes: tuple[int, int] = (0, 1),
    unit: str = "",
    size: float = 4.0,
    max_points: int = POINTS,
    path: str | os.PathLike[str] | None = None,
    ax: Any = None,
    title: str = "",
    colors: Mapping[str, str] | None = None,
    theme: str = "light",
) -> Any:
    """Draw where the neurons of some populations are.

    Args:
        points: coordinates (neurons, axes) by the population's name, such as
            {"E": net["E"].positions}; or of one alone.
        axes: the two of them that are drawn, across and up; with one axis, points are in a line.
        unit: of length.
        size: of a point, in points squared.
        max_points: of each population, evenly chosen.
        path, ax, title, theme: see ``raster``.
        colors: by name.

    Returns:
        The figure.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """
    named = points if isinstance(points, Mapping) else {"neurons": points}
    found = {str(name): _flat(str(name), p, axes) for name, p in named.items()}
    if not found:
        raise SpikecudaValueError("points must hold at least one population (got none)")
    most, area = as_count("max_points", max_points, 1, 10**8), as_positive("size", size, "")
    look = as_theme(theme)
    chosen = colours(found, look, colors)
    with axes_for(HEIGHT, look, path, ax) as page:
        for name, values in found.items():
            some = values[np.unique(np.linspace(0, len(values) - 1, most).astype(np.int64))]
            some = values if len(values) <= most else some
            page.scatter(*some.T, s=area, color=chosen[name], label=name, linewidths=0)
        _frame(page, axes, unit, title)
        if isinstance(points, Mapping):
            legend(page, len(found))
        return page.figure


@out_of_memory("a picture", "draw fewer neurons: max_points")
def targets(
    source: Any,
    target: Any,
    connections: Mapping[str, Any],
    neuron: int,
    *,
    axes: tuple[int, int] = (0, 1),
    unit: str = "",
    what: str = "weight",
    what_unit: str = "",
    size: float = 12.0,
    max_points: int = POINTS,
    path: str | os.PathLike[str] | None = None,
    ax: Any = None,
    title: str = "",
    theme: str = "light",
) -> Any:
    """Draw where the targets of a neuron are, and their weights or delays as colours.

    Args:
        source, target: coordinates (neurons, axes) of both populations.
        connections: of the projection: ``projection.connections()``.
        neuron: number of the source.
        axes, unit, size, path, ax, title, theme: see ``positions``.
        what: "weight" or "delay"; ``what_unit``: its unit.
        max_points: neurons without a synapse that are drawn, evenly chosen.

    Returns:
        The figure.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """
    here, there = _flat("source", source, axes), _flat("target", target, axes)
    if np.shape(source)[1] != np.shape(target)[1]:
        raise SpikecudaValueError(
            f"source and target must have the same axes (got shapes {np.shape(source)} and "
            f"{np.shape(target)})"
        )
    number = as_count("neuron", neuron, 0, len(here) - 1)
    if what not in ("weight", "delay"):
        raise SpikecudaValueError(f"what must be 'weight' or 'delay' (got {shown(what)})")
    needed = ("source", "target", what)
    if not isinstance(connections, Mapping) or not set(needed) <= set(connections):
        raise SpikecudaTypeError(
            f"connections must be those of a projection, with {', '.join(needed)} (got "
            f"{shown(connections)}); use projection.connections()"
        )
    own = np.asarray(connections["source"]) == number
    reached = np.asarray(connections["target"])[own]
    values = np.asarray(connections[what], np.float64)[own]
    if reached.size and reached.max() >= len(there):
        raise SpikecudaValueError(
            f"target must have a row for each neuron of the population (got {len(there):,}, and "
            f"a synapse to neuron {reached.max():,})"
        )
    most, area = as_count("max_points", max_points, 1, 10**8), as_positive("size", size, "")
    look = as_theme(theme)
    with axes_for(HEIGHT, look, path, ax) as page:
        others = there
        if len(there) > most:
            others = there[np.linspace(0, len(there) - 1, most).astype(np.int64)]
        page.scatter(*others.T, s=area / 6.0, color=look.soft, alpha=0.5, linewidths=0)
        if reached.size:
            drawn = page.scatter(*there[reached].T, s=area, c=values, cmap="viridis", linewidths=0)
            bar = page.figure.colorbar(drawn, ax=page, pad=0.02)
            bar.set_label(f"{what} ({what_unit})" if what_unit else what)
            bar.outline.set_visible(False)
        page.scatter(*here[number], s=4.0 * area, color=look.accents[1], marker="X", zorder=3)
        _frame(page, axes, unit, title)
        return page.figure


def _flat(name: str, points: Any, axes: tuple[int, int]) -> np.ndarray:
    """Return two coordinates of each point, float64 (neurons, 2)."""
    need = "coordinates (neurons, axes), such as net['E'].positions"
    found = np.asarray(view_array(name, points, need), np.float64)
    if found.ndim != 2 or not found.size or not np.isfinite(found).all():
        raise SpikecudaValueError(f"{name} must be finite {need} (got shape {found.shape})")
    if not isinstance(axes, tuple | list) or len(axes) != 2:
        raise SpikecudaTypeError(f"axes must be two numbers of axes (got {shown(axes)})")
    if found.shape[1] == 1:
        return np.column_stack([found[:, 0], np.zeros(len(found))])
    chosen = [as_count("axes", i, 0, found.shape[1] - 1) for i in axes]
    return found[:, chosen]


def _frame(page: Any, axes: tuple[int, int], unit: str, title: str) -> None:
    page.set_aspect("equal", adjustable="datalim")
    names = [f"{'xyz'[i]} ({unit})" if unit else "xyz"[i] for i in axes]
    page.set_xlabel(names[0])
    page.set_ylabel(names[1])
    page.set_title(title)

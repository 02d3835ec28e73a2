"""Receptive fields: the weights from an image's pixels to each neuron, side by side."""

import math
import os
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.common.arrays import view_array
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaValueError
from spikecuda.plots.sheet import as_theme, sheet

# Inches: of a square of fields, and of the highest picture.
SIDE, HIGHEST = 8.2, 40.0
# Pixels of all fields together: matplotlib could not draw many more.
MOST = 100_000_000


@out_of_memory("a picture", "draw fewer neurons")
def receptive_fields(
    weights: Any,
    shape: tuple[int, int],
    *,
    labels: Any = None,
    columns: int | None = None,
    unit: str = "",
    path: str | os.PathLike[str] | None = None,
    title: str = "",
    theme: str = "light",
) -> Any:
    """Draw the weights onto each neuron where its inputs lie in an image.

    Fields are drawn row by row, from the left, all in one scale of colours.

    Args:
        weights: (inputs, neurons); inputs are the pixels of an image, row by row.
        shape: rows and columns of the image.
        labels: a whole number for each neuron, drawn in its field's corner; negative ones are not.
        columns: fields in a row; None: as many as rows, or one more.
        unit: of the weights.
        path, title, theme: see ``raster``.

    Returns:
        The figure.

    Raises:
        SpikecudaValueError: the arrays do not fit.
    """
    table = np.asarray(view_array("weights", weights, "numbers"), np.float64)
    rows, across = (as_count("shape", n, 1, 100_000) for n in shape)
    if table.ndim != 2 or len(table) != rows * across or not table.size:
        raise SpikecudaValueError(
            f"weights must be of shape (inputs, neurons) with {rows} x {across} = {rows * across} "
            f"inputs, one neuron at least (got shape {table.shape})"
        )
    if not np.isfinite(table).all():
        raise SpikecudaValueError("weights must be finite (got NaN or infinity)")
    neurons = table.shape[1]
    if table.size > MOST:
        raise SpikecudaValueError(
            f"weights must be at most {MOST:,} (got {table.size:,}); draw fewer neurons"
        )
    names = None
    if labels is not None:
        names = view_array("labels", labels, "whole numbers", "iu")
        if names.shape != (neurons,):
            raise SpikecudaValueError(
                f"labels must have one entry for each of {neurons} neurons (got shape "
                f"{names.shape})"
            )
    most = math.ceil(math.sqrt(neurons))
    wide = most if columns is None else as_count("columns", columns, 1, neurons)
    high = -(-neurons // wide)
    # A line between fields, which no weight colours.
    picture = np.full((high * (rows + 1) - 1, wide * (across + 1) - 1), np.nan)
    for n in range(neurons):
        top, left = n // wide * (rows + 1), n % wide * (across + 1)
        picture[top : top + rows, left : left + across] = table[:, n].reshape(rows, across)
    far = float(np.abs(table).max()) or 1.0
    low = -far if table.min() < 0 else 0.0
    look = as_theme(theme)
    height = min(SIDE * high * rows / (wide * across) + 0.4, HIGHEST)
    with sheet(height, look, path) as page:
        axes = page.subplots()
        drawn = axes.imshow(
            picture, cmap="RdBu_r" if low else "viridis", vmin=low, vmax=far,
            interpolation="nearest",
        )  # fmt: skip
        for n, name in enumerate(() if names is None else names):
            if name >= 0:
                place = n % wide * (across + 1), n // wide * (rows + 1) + rows - 1
                axes.text(*place, int(name), color="white", fontsize=5)
        axes.set_axis_off()
        axes.set_title(title)
        bar = page.colorbar(drawn, ax=axes, pad=0.02, shrink=0.6)
        bar.set_label(f"weight ({unit})" if unit else "weight")
        bar.outline.set_visible(False)
        return page

"""The sheet that a picture is drawn on, and where it goes."""

import functools
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spikecuda.analysis.selection import Neurons, select
from spikecuda.common.files import write_bytes
from spikecuda.common.time_grid import nearest_width, whole_steps
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest, shown
from spikecuda.plots.style import DPI, THEMES, WIDTH, Theme, figure, themed
from spikecuda.runtime.spikes import Spikes

# Bins of a rate over time: widths people like, about so many of them.
BINS = 250
NICE = (1.0, 2.0, 5.0, 10.0)


def as_theme(name: str) -> Theme:
    """Return a theme by name."""
    for theme in THEMES:
        if theme.name == name:
            return theme
    known = [theme.name for theme in THEMES]
    raise SpikecudaValueError(
        f"theme must be one of {', '.join(known)} (got {name!r}){nearest(name, known)}"
    )


@contextmanager
def sheet(height: float, theme: Theme, path: str | os.PathLike[str] | None) -> Iterator[Any]:
    """Give a figure to draw on; write it to ``path`` afterwards, if there is one.

    Args:
        height: inches.
        theme: look.
        path: file to write; without one, the figure belongs to pyplot.
    """
    if path is None:
        with shown_figure(height, theme) as page, themed(theme):
            yield page
        return
    if not isinstance(path, str | os.PathLike):
        raise SpikecudaTypeError(f"path must be the name of a file (got {shown(path)})")
    with themed(theme):
        page = figure(height)
        ending = Path(path).suffix.lstrip(".").lower()
        known = sorted(page.canvas.get_supported_filetypes())
        if ending not in known:
            raise SpikecudaValueError(
                f"path must end in one of .{', .'.join(known)} (got {os.fspath(path)!r})"
            )
        yield page
        picture = io.BytesIO()
        page.savefig(picture, format=ending)
        write_bytes(path, picture.getvalue())


@contextmanager
def shown_figure(height: float, theme: Theme) -> Iterator[Any]:
    """Give a figure that pyplot knows, so that shells and notebooks show it, and once.

    pyplot chooses how figures are shown when the first one is made, and changes matplotlib's
    settings for that: nothing may put them back, so the theme begins afterwards.

    Args:
        height: inches.
        theme: look.
    """
    import matplotlib.pyplot as plt

    page = plt.figure(
        figsize=(WIDTH, height), dpi=DPI, layout="constrained", facecolor=theme.paper,
        FigureClass=_page_class(),
    )  # fmt: skip
    try:
        yield page
    except BaseException:
        plt.close(page)
        raise


@functools.cache
def _page_class() -> type[Any]:
    """Return a class of figures that a notebook does not show twice."""
    from matplotlib.figure import Figure

    class Page(Figure):
        """A figure that a notebook shows as the cell's value or at the cell's end, not at both."""

        def _ipython_display_(self) -> None:
            import matplotlib.pyplot as plt
            from IPython.core.getipython import get_ipython
            from IPython.display import display

            data, about = {}, {}
            shell: Any = get_ipython()
            for kind, form in shell.display_formatter.formatters.items():
                shown = form(self)
                if isinstance(shown, tuple):
                    shown, about[kind] = shown
                if shown is not None:
                    data[kind] = shown
            display(data, metadata=about, raw=True)
            plt.close(self)

    return Page


def as_populations(
    spikes: Mapping[str, Spikes], neurons: Mapping[str, Neurons], start: float, stop: float
) -> list[str]:
    """Return the populations' names; raise for what cannot be drawn, before there is a figure."""
    if not spikes:
        raise SpikecudaValueError("spikes must hold at least one population (got none)")
    for name, train in spikes.items():
        if name not in neurons:
            raise SpikecudaValueError(f"neurons must name every population (got none of {name!r})")
        select(train, neurons[name], start, stop)
    return list(spikes)


def as_bin(bin: float | None, start: float, stop: float, dt: float) -> float:
    """Return a bin's width in ms: the given one, or a round one that suits the window."""
    if bin is not None:
        return whole_steps("bin", bin, dt, some=True) * dt
    wanted = (stop - start) / BINS
    scale = 10.0
    while scale > wanted:
        scale /= 10.0
    while scale * 10.0 < wanted:
        scale *= 10.0
    width = next(factor * scale for factor in NICE if factor * scale >= wanted)
    return nearest_width(width, dt)


@contextmanager
def axes_for(
    height: float, look: Theme, path: str | os.PathLike[str] | None, ax: Any
) -> Iterator[Any]:
    """Give axes to draw into: the user's own, or those of a new figure."""
    if ax is not None:
        if path is not None:
            raise SpikecudaValueError(
                "give either path or ax (got both); save the axes' own figure"
            )
        yield ax
        return
    with sheet(height, look, path) as fig:
        yield fig.subplots()


def legend(axes: Any, columns: int) -> None:
    """Draw a legend above the axes, at the right."""
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, borderaxespad=0.2)

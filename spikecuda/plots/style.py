"""The style of all plots, with a light and a dark theme."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

DPI = 150
WIDTH = 9.6

MODEL_NAMES = {"lif": "LIF", "adex": "AdEx", "izhikevich": "Izhikevich"}
MARKERS = {"float16": "o", "float32": "s", "float64": "D"}


@dataclass(frozen=True)
class Theme:
    """Colours of a theme.

    The three precisions have the blue, green and vermilion of Okabe and Ito, which people with
    any common colour blindness tell apart; marker shapes and labels say the same again.
    """

    name: str
    paper: str
    ink: str
    soft: str
    faint: str
    precision: dict[str, str]
    parts: tuple[str, ...]
    accents: tuple[str, str]


LIGHT = Theme(
    name="light", paper="#ffffff", ink="#1d2129", soft="#6b7280", faint="#e3e6ea",
    precision={"float16": "#00896a", "float32": "#0072b2", "float64": "#d0550b"},
    parts=("#0072b2", "#56b4e9", "#e69f00", "#b9bec6", "#888d96"),
    accents=("#0072b2", "#d0550b"),
)  # fmt: skip
DARK = Theme(
    name="dark", paper="#15181d", ink="#e6e8eb", soft="#9aa2ad", faint="#2d323a",
    precision={"float16": "#3ccfa4", "float32": "#5cb8ef", "float64": "#f59357"},
    parts=("#3d9bdc", "#8fd0f7", "#f0b54a", "#5c636e", "#7d8590"),
    accents=("#5cb8ef", "#f59357"),
)  # fmt: skip
THEMES = (LIGHT, DARK)


@contextmanager
def themed(theme: Theme) -> Iterator[None]:
    """Set matplotlib's defaults for a theme."""
    import matplotlib

    with matplotlib.rc_context(
        {
            "font.family": "DejaVu Sans", "font.size": 9.0, "text.color": theme.ink,
            "figure.facecolor": theme.paper, "axes.facecolor": theme.paper,
            "savefig.facecolor": theme.paper, "axes.edgecolor": theme.soft,
            "axes.labelcolor": theme.soft, "axes.titlecolor": theme.ink,
            "axes.titlesize": 10.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
            # Times far into a run are written out, not as differences from 1.8e6.
            "axes.formatter.useoffset": False, "axes.formatter.limits": (-5, 9),
            "axes.titlepad": 10.0, "axes.labelsize": 8.5, "axes.linewidth": 0.7,
            "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
            "axes.axisbelow": True, "grid.color": theme.faint, "grid.linewidth": 0.7,
            "xtick.color": theme.soft, "ytick.color": theme.soft, "xtick.labelsize": 8.0,
            "ytick.labelsize": 8.0, "xtick.major.size": 3.0, "ytick.major.size": 0.0,
            "xtick.minor.size": 0.0, "ytick.minor.size": 0.0, "lines.linewidth": 1.8,
            "lines.solid_capstyle": "round", "legend.frameon": False, "figure.dpi": DPI,
            "axes.unicode_minus": True, "svg.fonttype": "path",
        }
    ):  # fmt: skip
        yield


def figure(height: float) -> Any:
    """Return an empty figure of the report's width; not known to pyplot, so it is freed by itself.

    Args:
        height: inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    result = Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(result)
    return result


def time_label(start: float, stop: float) -> str:
    """Return the label of a time axis: it says which window the figure covers."""
    return f"time (ms), {start:.10g} to {stop:.10g} ms"


def rate_label(value: float, position: object = None) -> str:
    """Return 1.5e9 as ``1.5 G``."""
    for limit, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


def factor_label(value: float) -> str:
    """Return 1032.4 as ``1,030×``: three digits."""
    return f"{float(f'{value:.3g}'):,.0f}×" if value >= 100.0 else f"{value:.3g}×"


def model_name(model: str) -> str:
    """Return how a model is written in titles."""
    return MODEL_NAMES.get(model, model)


def spread(values: list[float], gap: float) -> list[float]:
    """Return positions near the values, at least ``gap`` apart, in the same order."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    placed = [values[i] for i in order]
    for _ in range(100):
        moved = False
        for i in range(len(placed) - 1):
            lack = gap - (placed[i + 1] - placed[i])
            if lack > 1e-9:
                placed[i] -= lack / 2
                placed[i + 1] += lack / 2
                moved = True
        if not moved:
            break
    result = list(values)
    for position, i in zip(placed, order, strict=True):
        result[i] = position
    return result

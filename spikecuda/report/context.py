"""Figures of another machine, shown for orientation."""

from spikecuda.report.results import ContextFigure

MACHINE = "NVIDIA RTX 3060"
SOURCE = "CuPy prototype of the starting report; not measured here"

RATES = {
    "lif": 8.1e6,
    "adex": 4.0e6,
    "izhikevich": 1.7e6,
    "100,000 neurons": 16.0e6,
    "1,000,000 neurons (119.3 MB)": 0.17e6,
    "float16": 0.29e6,
    "float32": 1.86e6,
    "float64": 0.28e6,
}


def figures() -> list[ContextFigure]:
    """Return the figures."""
    return [ContextFigure(what, rate, MACHINE, SOURCE) for what, rate in RATES.items()]

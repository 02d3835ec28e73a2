"""Sweeps: a function called for each point of a grid of parameters, many at a time."""

from spikecuda.sweeps.run_sweep import sweep
from spikecuda.sweeps.table import SweepTable

__all__ = ["SweepTable", "sweep"]

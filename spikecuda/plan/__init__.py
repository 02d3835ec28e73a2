"""What a network would take on many machines: memory, time, and the wall that it meets first.

``load_of`` reads a network's description, ``fixed_load`` makes one of a fixed load a rank.
``predict`` reckons what it takes on a ``Machine``: one that ``measure`` has measured, or another
one of a file.  Nothing is predicted for GPUs.
"""

from spikecuda.plan.describe import load_of
from spikecuda.plan.load import Group, Load, RowGroup, fixed_load
from spikecuda.plan.machine import Costs, Machine
from spikecuda.plan.measure import measure, measure_updates
from spikecuda.plan.predict import Prediction, predict

__all__ = [
    "Costs",
    "Group",
    "Load",
    "Machine",
    "Prediction",
    "RowGroup",
    "fixed_load",
    "load_of",
    "measure",
    "measure_updates",
    "predict",
]

"""Inspection of compiled CUDA kernels: what they are made of and the least time they can take.

Everything here reads machine code, PTX and published figures; nothing needs or measures a GPU.
``docs/inspection.md`` states the model.
"""

from spikecuda.inspection.mix import Profile, profile
from spikecuda.inspection.predict import Prediction, lower_bound
from spikecuda.inspection.rules import Violation, check
from spikecuda.inspection.subject import Subject, compiled, inspected

__all__ = [
    "Prediction",
    "Profile",
    "Subject",
    "Violation",
    "check",
    "compiled",
    "inspected",
    "lower_bound",
    "profile",
]

"""The functions that a model may use; see ``spikecuda.kernels.language``."""

from spikecuda.kernels.language import (
    Real,
    exp,
    expm1,
    fma,
    log,
    normal,
    pow,
    real,
    select,
    sqrt,
    uniform,
)

__all__ = [
    "Real", "exp", "expm1", "fma", "log", "normal", "pow", "real", "select", "sqrt", "uniform",
]  # fmt: skip

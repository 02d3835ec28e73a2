"""The functions that a model may use; see ``spikecuda.kernels.language``."""

from spikecuda.kernels.language import (
    Real,
    cos,
    exp,
    expm1,
    fma,
    log,
    normal,
    pow,
    real,
    select,
    sin,
    sqrt,
    uniform,
)

__all__ = [
    "Real", "cos", "exp", "expm1", "fma", "log", "normal", "pow", "real", "select", "sin", "sqrt",
    "uniform",
]  # fmt: skip

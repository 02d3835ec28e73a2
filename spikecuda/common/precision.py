"""Precisions by name."""

import numpy as np

from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.kernels.spec import PRECISIONS, Precision

ALIASES = {
    "half": "float16", "single": "float32", "double": "float64",
    "f16": "float16", "f32": "float32", "f64": "float64", "fp16": "float16", "fp32": "float32",
    "fp64": "float64",
}  # fmt: skip


def as_precision(value: object) -> Precision:
    """Return a precision from its name or a NumPy type.

    Raises:
        SpikecudaValueError: not float16, float32 or float64.
    """
    name = value if isinstance(value, str) else None
    if name is None:
        try:
            if value is None:  # which NumPy takes for float64
                raise TypeError
            name = np.dtype(value).name  # type: ignore[call-overload]
        except TypeError:
            name = repr(value)
    name = ALIASES.get(name.lower(), name.lower())
    if name not in PRECISIONS:
        raise SpikecudaValueError(
            f"precision must be float16, float32 or float64 (got {value!r})"
            f"{nearest(name, list(PRECISIONS))}"
        )
    return PRECISIONS[name]

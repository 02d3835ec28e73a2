"""The decorator of functions that only compiled code calls."""

from typing import Any

from numba import njit

from spikecuda.kernels.compile.pipeline import InnerCompiler

# Without wrappers for calls from Python and C, and without machine code of their own.
# None makes an array, so that references to arrays need not be counted.
_options: dict[str, Any] = {
    "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True,
    "_nrt": False, "pipeline_class": InnerCompiler,
}  # fmt: skip
inner = njit(**_options)
# Inlined whatever its size.
inlined = njit(**_options, forceinline=True)

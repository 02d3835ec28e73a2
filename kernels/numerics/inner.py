"""The decorator of functions that only compiled code calls."""

from numba import njit

# Without the wrappers through which Python and C would call them, a fifth less to compile.
# None makes an array, so that references to arrays need not be counted.
inner = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)

"""Compile a kernel for this machine's processor."""

from typing import Any

from spikecuda.kernels.compile.render import load
from spikecuda.kernels.routines import Spec
from spikecuda.kernels.spec import KernelSpec


def signature(spec: Spec) -> tuple[Any, ...]:
    """Return the numba types of a kernel's arguments."""
    from numba import types

    return tuple(
        types.Array(getattr(types, a.dtype), 1, "C") if a.array else getattr(types, a.dtype)
        for a in spec.arguments
    )


def build(spec: KernelSpec) -> Any:
    """Return the compiled kernel: an njit dispatcher that compiles nothing more."""
    function = getattr(load(spec, "cpu"), spec.name)
    if not function.signatures:
        function.compile(signature(spec))
        function.disable_compile()
    return function


def assembly(spec: KernelSpec) -> str:
    """Return the assembly that numba made for this processor.

    Compiles anew if the kernel came from the disk cache, which does not keep the assembly.
    """
    from numba import njit

    function = getattr(load(spec, "cpu"), spec.name)
    fresh = njit(nogil=True, error_model="numpy")(function.py_func)
    fresh.compile(signature(spec))
    return str(next(iter(fresh.inspect_asm().values())))

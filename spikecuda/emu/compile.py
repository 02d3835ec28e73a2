"""A Numba CUDA kernel to the PTX that a launch would link, without a driver or a device."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..errors import MissingPackageError
from .errors import ArgumentError, LaunchError

ARCHITECTURES = ((7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0))


class _Offline:
    """Stands for a device where Numba only asks for its compute capability."""

    def __init__(self, cc: tuple[int, int]) -> None:
        self.compute_capability = cc
        self.id = 0


@contextlib.contextmanager
def _without_device(cc: tuple[int, int]) -> Iterator[None]:
    """Device functions ask for the current device while they are compiled; answer for it."""
    from numba.cuda import dispatcher

    original = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: _Offline(cc)
    try:
        yield
    finally:
        dispatcher.get_current_device = original


def _import_cuda() -> Any:
    try:
        from numba import cuda
        from numba.cuda.compiler import _compile_pyfunc_with_fixup
    except ImportError as error:
        raise MissingPackageError(
            "compiling a kernel to PTX needs numba-cuda (not installed);"
            " pip install 'spikecuda[cuda]'"
        ) from error
    return cuda, _compile_pyfunc_with_fixup


def signature_types(signature: Any) -> tuple[Any, ...]:
    """Normalise ``'void(f4[::1], u4)'``, a Numba signature or a tuple of types to a tuple."""
    _import_cuda()
    from numba.core import sigutils

    arguments, returned = sigutils.normalize_signature(signature)
    if returned is not None and str(returned) not in ("none", "void"):
        raise ArgumentError(f"a kernel returns nothing (got a signature returning {returned})")
    return tuple(arguments)


def types_of(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The Numba types of some arguments, as a launch would infer them."""
    _import_cuda()
    from numba.cuda import typeof

    return tuple(typeof.typeof(a, typeof.Purpose.argument) for a in arguments)


def compile_ptx(
    function: Callable[..., Any],
    signature: Any,
    cc: tuple[int, int] = (9, 0),
    *,
    fastmath: bool | None = None,
    max_registers: int | None = None,
) -> str:
    """Compile a kernel to the PTX that linking with LTO gives for an architecture.

    Args:
        function: a Python function, or what ``@cuda.jit`` returned for it.
        signature: the kernel's argument types.
        cc: compute capability; 7.5 to 12.0.
        fastmath, max_registers: as in ``cuda.jit``; by default what the kernel was decorated with.

    Returns:
        PTX text.

    Raises:
        LaunchError: the compute capability is not one that the emulator was tested with.
        MissingPackageError: numba-cuda is not installed.
    """
    if tuple(cc) not in ARCHITECTURES:
        known = ", ".join(f"{a}.{b}" for a, b in ARCHITECTURES)
        raise LaunchError(f"cc must be one of {known} (got {cc}); choose the nearest")
    _, compiler = _import_cuda()
    from numba.core import types

    options = getattr(function, "targetoptions", {})
    body = getattr(function, "py_func", function)
    fast = bool(options.get("fastmath", False)) if fastmath is None else fastmath
    registers = options.get("max_registers") if max_registers is None else max_registers
    with _without_device(tuple(cc)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library, _ = compiler(
            body,
            types.void(*signature_types(signature)),
            device=False,
            abi="numba",
            cc=tuple(cc),
            fastmath=fast,
            lto=True,
        )
        library._lto = True
        library._max_registers = registers
        for file in options.get("link", ()):
            library.add_linking_file(file)
        return str(library.get_lto_ptx(cc=tuple(cc))).rstrip("\0")


def convert(value: Any, kind: Any) -> Any:
    """A number as the Numba type that the kernel was compiled for."""
    from numba.core import types

    if isinstance(kind, types.Float | types.Integer | types.Boolean) and not isinstance(
        value, np.ndarray
    ):
        from numba.np.numpy_support import as_dtype

        return as_dtype(kind).type(value)
    return value

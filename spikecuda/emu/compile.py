"""A Numba CUDA kernel to the PTX that a launch would link, without a driver or a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import MissingPackageError
from ..kernels.compile.offline import ARCHITECTURES, library
from .errors import ArgumentError, LaunchError


def _import_cuda() -> None:
    try:
        from numba import cuda  # noqa: F401
        from numba.cuda import compiler  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            "compiling a kernel to PTX needs numba-cuda (not installed);"
            " pip install 'spikecuda[cuda]'"
        ) from error


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
    from numba.cuda.typing.typeof import Purpose, typeof

    return tuple(typeof(a, Purpose.argument) for a in arguments)


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
    _import_cuda()
    options = getattr(function, "targetoptions", {})
    code = library(
        getattr(function, "py_func", function),
        signature_types(signature),
        (int(cc[0]), int(cc[1])),
        fastmath=bool(options.get("fastmath", False)) if fastmath is None else fastmath,
        max_registers=options.get("max_registers") if max_registers is None else max_registers,
    )
    for file in options.get("link", ()):
        code.add_linking_file(file)
    return str(code.get_lto_ptx(cc=(int(cc[0]), int(cc[1])))).rstrip("\0")


def scalar_types(kinds: tuple[Any, ...]) -> tuple[type | None, ...]:
    """The NumPy scalar type that each number is passed as; None for what is not a number."""
    from numba.core import types
    from numba.np.numpy_support import as_dtype

    numbers = types.Float | types.Integer | types.Boolean
    return tuple(as_dtype(kind).type if isinstance(kind, numbers) else None for kind in kinds)

"""Compile Numba CUDA kernels without a GPU or a driver, as a launch would: LTO, sm_XX.

Established with numba-cuda 0.30 (its internals; a newer release may need changes here): compiling
a kernel that calls device functions asks for the current device's compute capability, which
``without_device`` answers.
"""

import contextlib
import functools
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from spikecuda.common.stack_room import with_room
from spikecuda.kernels.compile import pipeline

ARCHITECTURES = ((7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0))

# Threads of several devices compile at once, and what they put in Numba's place is one for all.
_turn = threading.RLock()


def _renew_turn() -> None:
    """In a forked child, take the lock back from a thread that it does not have."""
    global _turn
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_turn)


class _Offline:
    """Stands for a device where Numba only asks for its compute capability."""

    def __init__(self, cc: tuple[int, int]) -> None:
        self.compute_capability = cc
        self.id = 0


@contextlib.contextmanager
def without_device(cc: tuple[int, int]) -> Iterator[None]:
    """Answer for the device that Numba looks for while it compiles device functions."""
    from numba.cuda import dispatcher

    with _turn:
        original = dispatcher.get_current_device
        dispatcher.get_current_device = lambda: _Offline(cc)
        try:
            yield
        finally:
            dispatcher.get_current_device = original


@functools.cache
def _quick_classes() -> tuple[Any, Any]:
    """Return what takes the place of numba-cuda's compiler and flags: see ``pipeline``."""
    from numba.cuda import compiler

    class Compiler(compiler.CUDACompiler):
        def define_pipelines(self) -> list[Any]:
            (found,) = super().define_pipelines()
            found.passes = pipeline.needed(found.passes)
            found.finalize()
            return [found]

    return Compiler, pipeline.quick(compiler.CUDAFlags)


@contextlib.contextmanager
def _quickly() -> Iterator[None]:
    """Let numba-cuda do only what kernels need, in what it compiles within this block."""
    from numba.cuda import compiler

    with _turn:
        original = compiler.CUDACompiler, compiler.CUDAFlags
        compiler.CUDACompiler, compiler.CUDAFlags = _quick_classes()
        try:
            yield
        finally:
            compiler.CUDACompiler, compiler.CUDAFlags = original


def library(
    function: Callable[..., Any],
    types: tuple[Any, ...],
    cc: tuple[int, int],
    *,
    lto: bool = True,
    fastmath: bool = False,
    max_registers: int | None = None,
    ours: bool = False,
) -> Any:
    """Return Numba's code library of a kernel, from which PTX and cubin can be asked.

    Args:
        function: the kernel's Python function.
        types: Numba types of its arguments.
        cc: compute capability, such as (9, 0).
        lto: link with link-time optimisation, as launches do.
        fastmath: as in ``cuda.jit``.
        max_registers: as in ``cuda.jit``.
        ours: leave out what Numba does for parts of the language that kernels here do not use.
    """
    from numba.core.types import void
    from numba.cuda.compiler import _compile_pyfunc_with_fixup

    quickly = _quickly() if ours else contextlib.nullcontext()
    with without_device(cc), quickly, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result, _ = with_room(
            _compile_pyfunc_with_fixup, function, void(*types), device=False, abi="numba", cc=cc,
            fastmath=fastmath, lto=lto,
        )  # fmt: skip
    result._lto = lto
    result._max_registers = max_registers
    return result


def plain_ptx(code: Any, cc: tuple[int, int], *, contract: bool) -> str:
    """Return the PTX of a code library before link-time optimisation.

    Args:
        code: what ``library`` returned.
        cc: compute capability.
        contract: let NVVM contract products and sums.
    """
    from numba.cuda.cudadrv import nvrtc, nvvm

    options = {name: value for name, value in code._nvvm_options.items() if name != "gen-lto"}
    options |= {"arch": nvrtc.get_arch_option(*cc), "fma": int(contract)}
    return bytes(nvvm.compile_ir(code.llvm_strs, **options)).decode()

"""Compile kernels and loops for this machine's processor."""

import functools
from types import ModuleType
from typing import Any

from spikecuda.kernels.compile.compiling import compiling
from spikecuda.kernels.compile.entry import Loop, Pointer
from spikecuda.kernels.compile.render import import_cpu_loop, load
from spikecuda.kernels.learn_spec import LearnSpec
from spikecuda.kernels.routines import RoutineSpec, Spec
from spikecuda.kernels.spec import KernelSpec


class HostLoops:
    """The loops of a module: attributes are the compiled loops, made when they are asked for.

    Of a loop that other loops call it is the address.

    Args:
        module: what ``entry.loop`` and ``entry.pointer`` decorate.
    """

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._kept: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        entry = getattr(self._module, name)
        if not isinstance(entry, Loop | Pointer):
            raise AttributeError(f"{self._module.__name__} has no loop {name!r}")
        with compiling():
            made = entry.compiled()
        self._kept.append(made)
        result = int(made.address) if isinstance(entry, Pointer) else made
        setattr(self, name, result)
        return result

    def build(self, *names: str) -> None:
        """Make loops now."""
        for name in names:
            getattr(self, name)


@functools.cache
def _loops(module: ModuleType) -> HostLoops:
    """Return a module's loops; as long as the process, since addresses are handed out."""
    return HostLoops(module)


def load_cpu_loop(name: str) -> HostLoops:
    """Return the loops of ``kernels/cpu_loops/<name>.py``."""
    return _loops(import_cpu_loop(name))


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
        with compiling():
            function.compile(signature(spec))
        function.disable_compile()
    return function


def address(spec: KernelSpec) -> int:
    """Return the address of a network's compiled kernel: ``void kernel(int64 table, int64 n)``."""
    return int(getattr(_loops(load(spec.anonymous(), "cpu")), spec.name))


def profile_address(spec: RoutineSpec) -> int:
    """Return the address of a user's function of the distance: see ``routines.profile``."""
    return int(getattr(_loops(load(spec, "cpu")), spec.name))


def learning(spec: LearnSpec) -> HostLoops:
    """Return the loops of a synapse rule."""
    return _loops(load(spec, "cpu"))


def assembly(spec: KernelSpec) -> str:
    """Return the assembly that numba made for this processor.

    Compiles anew if the kernel came from the disk cache, which does not keep the assembly.
    """
    from numba import njit

    function = getattr(load(spec, "cpu"), spec.name)
    fresh = njit(nogil=True, error_model="numpy")(function.py_func)
    fresh.compile(signature(spec))
    return str(next(iter(fresh.inspect_asm().values())))

"""What is inspected: a compiled kernel with its PTX, machine code and arguments."""

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from spikecuda.inspection import sass, store
from spikecuda.kernels.compile import cuda as compile_cuda
from spikecuda.kernels.compile import elf, offline
from spikecuda.kernels.routines import RoutineSpec, Spec
from spikecuda.kernels.spec import Argument

# Numba passes a 1-D array as seven 64-bit words, of which the fifth is the pointer.
ARRAY_WORDS, POINTER_WORD, POINTER_BYTES = 7, 4, 8

# Arrays that a step may read or write; all others are touched once a launch.
_PER_STEP = re.compile(
    r"_bits|_cells|_dither|_wave|_step_current|_trace_\w+"
    r"|_(shape|survival|reciprocals|level|means|events)\d+"
)


def per_step(array: str) -> bool:
    """Tell whether an array has values for each step, not only for each neuron."""
    return _PER_STEP.fullmatch(array) is not None


@dataclass(frozen=True)
class Subject:
    """A kernel compiled for one architecture.

    Attributes:
        name: how reports call it.
        cc: compute capability.
        entry: its symbol.
        arguments: in order, as Python passes them.
        ptx: PTX after link-time optimisation.
        cubin: machine code.
        states: names of the arrays that hold state: read and written once a launch.
        double: whether float64 arithmetic is meant.
        random: whether it draws random numbers in its step loop.
        stepped: whether it is an update, with a loop over time steps.
    """

    name: str
    cc: tuple[int, int]
    entry: str
    arguments: tuple[Argument, ...]
    ptx: str
    cubin: bytes
    states: frozenset[str]
    double: bool = False
    random: bool = False
    stepped: bool = True

    @functools.cached_property
    def code(self) -> sass.Code:
        """The machine code."""
        return sass.parse(store.listing(self.cubin), self.entry)

    @functools.cached_property
    def facts(self) -> elf.Facts:
        """Registers, local memory and the places of the parameters."""
        return elf.facts(self.cubin, self.entry)

    @property
    def pointers(self) -> dict[int, str]:
        """Array names by the number of the PTX parameter that is their pointer."""
        result, number = {}, 0
        for argument in self.arguments:
            if argument.array:
                result[number + POINTER_WORD] = argument.name
            number += ARRAY_WORDS if argument.array else 1
        return result

    @property
    def pointer_offsets(self) -> dict[int, str]:
        """Array names by the offset of both halves of their pointers in constant bank 0."""
        result = {}
        for number, name in self.pointers.items():
            at = self.facts.base + self.facts.offsets[number]
            result[at], result[at + POINTER_BYTES // 2] = name, name
        return result


def title(spec: Spec) -> str:
    """Return how reports call a kernel."""
    if isinstance(spec, RoutineSpec):
        return spec.name
    return f"{spec.model.name} {spec.scheme} {spec.precision.name}"


def inspected(spec: Spec, cc: tuple[int, int]) -> Subject:
    """Return a kernel of the product as the subject of an inspection; compiles it if need be."""
    kernel = compile_cuda.build(spec, cc)
    if isinstance(spec, RoutineSpec):
        return Subject(
            title(spec), cc, kernel.entry, spec.arguments, kernel.ptx, kernel.cubin, frozenset(),
            double=spec.double, stepped=False,
        )  # fmt: skip
    states = frozenset((*spec.model.states, *(["refrac"] if spec.refractory else [])))
    return Subject(
        name=title(spec),
        cc=cc,
        entry=kernel.entry,
        arguments=spec.arguments,
        ptx=kernel.ptx,
        cubin=kernel.cubin,
        states=states,
        double=spec.precision.name == "float64",
        random=spec.random,
    )


def compiled(
    function: Callable[..., Any],
    arguments: Sequence[Argument],
    cc: tuple[int, int],
    *,
    states: Sequence[str] = (),
    max_registers: int | None = None,
) -> Subject:
    """Compile any CUDA kernel function for inspection.

    Args:
        function: the kernel as a Python function.
        arguments: name, NumPy type and whether it is a 1-D array, for each argument.
        cc: compute capability.
        states: names of the arrays that hold state.
        max_registers: as in ``cuda.jit``.
    """
    from numba import types

    signature = tuple(
        types.Array(getattr(types, a.dtype), 1, "C") if a.array else getattr(types, a.dtype)
        for a in arguments
    )
    code = offline.library(function, signature, cc, max_registers=max_registers)
    with offline.without_device(cc):
        ptx = str(code.get_lto_ptx(cc=cc)).rstrip("\0")
        cubin = bytes(code.get_cubin(cc=cc).code)
    entry = compile_cuda.entry_name(ptx)
    name = function.__name__
    return Subject(name, cc, entry, tuple(arguments), ptx, cubin, frozenset(states))

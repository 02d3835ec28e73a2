"""A parsed module and the name of a kernel to a whole LLVM module."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import LaunchError
from ..syntax import Function, Instruction, Module, Symbol
from . import atomics, bits, compare, control, convert, float, memory, warp  # noqa: F401  register
from .emitter import Emitter, Inline
from .skeleton import assemble

REDZONE = 32  # bytes between shared variables in a checked mode


@dataclass
class Translation:
    """The LLVM text of a kernel and what a launch must know about it.

    Attributes:
        ir: text of the LLVM module.
        name: the kernel's name.
        parameters: (name, byte offset, size, scalar type or None) of each parameter.
        parameter_bytes: size of all of them.
        shared: (offset, size) of each static shared variable.
        shared_bytes: static shared memory; dynamic memory follows it.
        dynamic: whether the kernel declares dynamic shared memory.
        local_bytes: local memory of a thread.
        frame_bound: a bound on the size of a suspended thread; 0 if threads never wait.
        block_barrier: whether threads of different warps wait for each other.
        partial_barrier: whether a barrier names a number of threads.
        fences: whether the kernel uses memory fences.
        globals: (name, size, initialised, constant) of the module's variables.
        limits: the launch limits that the PTX states.
    """

    ir: str
    name: str
    parameters: list[tuple[str, int, int, str | None]] = field(default_factory=list)
    parameter_bytes: int = 0
    shared: list[tuple[int, int]] = field(default_factory=list)
    shared_bytes: int = 0
    dynamic: bool = False
    local_bytes: int = 0
    frame_bound: int = 0
    block_barrier: bool = False
    partial_barrier: bool = False
    fences: bool = False
    globals: list[tuple[str, int, bool]] = field(default_factory=list)
    limits: dict[str, list[int]] = field(default_factory=dict)


def entries(module: Module) -> list[str]:
    """Names of the kernels of a module."""
    return [f.name for f in module.functions.values() if f.entry and f.defined]


def choose(module: Module, name: str | None) -> Function:
    """The kernel of that name, or the only one."""
    names = entries(module)
    if name is None and len(names) == 1:
        name = names[0]
    if name not in names:
        got = "none was named" if name is None else f"got {name!r}"
        raise LaunchError(f"entry must be one of {names} ({got})")
    return module.functions[name]


def reachable(module: Module, kernel: Function) -> list[Function]:
    """The kernel and all functions that it may call."""
    found, waiting = [kernel], [kernel]
    while waiting:
        calls = [i for i in waiting.pop().body if isinstance(i, Instruction) and i.opcode == "call"]
        for operand in (o for item in calls for o in item.operands if isinstance(o, Symbol)):
            function = module.functions.get(operand.name)
            if function is not None and function not in found:
                found.append(function)
                waiting.append(function)
    return found


def translate(module: Module, name: str | None, checked: bool) -> Translation:
    """Translate one kernel.

    Args:
        module: the parsed PTX.
        name: the kernel; None where there is only one.
        checked: whether each access calls the checks (modes ``check`` and ``race``).

    Raises:
        UnsupportedPTXError: the kernel uses something that is not fully understood.
    """
    kernel = choose(module, name)
    functions = reachable(module, kernel)
    code = [i for f in functions for i in f.body if isinstance(i, Instruction)]
    out = Translation("", kernel.name, limits={k: list(v) for k, v in kernel.limits.items()})
    bars = [i for i in code if i.opcode in ("bar", "barrier") and "warp" not in i.modifiers]
    out.block_barrier = bool(bars)
    out.partial_barrier = any(len(i.operands) == (2 if "sync" in i.modifiers else 4) for i in bars)
    out.fences = any(i.opcode in ("membar", "fence") for i in code)
    coroutine = any(i.opcode in warp.SUSPENDING for i in code)

    offsets = _shared_layout(module, functions, checked, out)
    e = Emitter(module, kernel, checked, offsets, coroutine)
    inline = Inline(kernel, "", "final")
    offset = 0
    for parameter in kernel.parameters:
        offset = -(-offset // parameter.align) * parameter.align
        inline.symbols[parameter.name] = (parameter, "%params")
        e.parameter_offsets[parameter.name] = (offset, parameter)
        kind = parameter.type.name if parameter.type else None
        out.parameters.append((parameter.name, offset, parameter.size, kind))
        offset += parameter.size
    out.parameter_bytes = offset
    e.body(inline)
    out.local_bytes = -(-e.local_bytes // 16) * 16
    if coroutine:
        out.frame_bound = out.local_bytes + 64 * e.count + 4096
    out.ir = assemble(e, out)
    return out


def _shared_layout(
    module: Module, functions: list[Function], checked: bool, out: Translation
) -> dict[str, int]:
    """Offsets of the shared variables; the dynamic ones all start behind the static ones."""
    everything = [(v.name, v) for v in module.variables if v.space == "shared"]
    everything += [
        (f"{f.name}/{v.name}", v) for f in functions for v in f.variables if v.space == "shared"
    ]
    offsets: dict[str, int] = {}
    end = 0
    for key, variable in everything:
        if variable.extern:
            continue
        end = -(-end // max(variable.align, 1)) * max(variable.align, 1)
        offsets[key] = end
        out.shared.append((end, variable.size))
        end += variable.size + (REDZONE if checked else 0)
    end = -(-end // 16) * 16
    for key, variable in everything:
        if variable.extern:
            offsets[key] = end
            out.dynamic = True
    out.shared_bytes = end
    return offsets

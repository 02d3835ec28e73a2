"""Kernels: PTX text, or a Numba function, that can be launched on the emulated device."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ClosedError
from . import scheduler
from .arguments import Packer, pack
from .arrays import DeviceArray
from .compile import compile_ptx, scalar_types, signature_types, types_of
from .device import Device
from .errors import LaunchError
from .faults import neighbour, raise_fault
from .history import Access
from .jit import Program, compile_program
from .memory import Region, rows
from .parse import parse
from .streams import Stream
from .translate import context as c
from .translate.module import REDZONE
from .workspace import Workspace

MAX_THREADS = 1024
MAX_BLOCK = (1024, 1024, 64)
MAX_GRID = (2**31 - 1, 65535, 65535)
MAX_SHARED = 227 * 1024

_default = threading.local()
_kernels: weakref.WeakSet[PTXKernel] = weakref.WeakSet()


def _renew_locks() -> None:
    """In a forked child, take locks back from threads that it does not have."""
    for kernel in list(_kernels):
        kernel._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


def default_device() -> Device:
    """The device that kernels run on when none is named: fast mode, natural order."""
    if not hasattr(_default, "device"):
        _default.device = Device()
    device: Device = _default.device
    return device


def _device_of(arguments: tuple[Any, ...]) -> Device:
    """The device of the first device array among some arguments, or the default one."""
    for argument in arguments:
        if isinstance(argument, DeviceArray):
            return argument.device
    return default_device()


def _shape(
    value: int | tuple[int, ...], limits: tuple[int, int, int], name: str
) -> tuple[int, ...]:
    numbers = tuple(int(v) for v in value) if isinstance(value, tuple | list) else (int(value),)
    if not 1 <= len(numbers) <= 3:
        raise LaunchError(f"{name} must have 1 to 3 dimensions (got {value})")
    numbers = (*numbers, 1, 1)[:3]
    for number, limit, axis in zip(numbers, limits, "xyz", strict=True):
        if not 1 <= number <= limit:
            raise LaunchError(f"{name}.{axis} must be 1 to {limit} (got {number})")
    return numbers


def _launcher(kernel: PTXKernel | Kernel, configuration: Any) -> Callable[..., None]:
    """Return what ``kernel[grid, block, stream, shared]`` is."""
    if not isinstance(configuration, tuple) or not 2 <= len(configuration) <= 4:
        raise LaunchError(
            f"a launch needs [grid, block], [grid, block, stream] or [grid, block, stream,"
            f" shared bytes] (got {configuration!r})"
        )
    grid, block, *more = configuration
    stream = more[0] if more else None
    shared = more[1] if len(more) > 1 else 0

    def run(*arguments: Any) -> None:
        kernel.launch(grid, block, arguments, shared=shared, stream=stream or None)

    return run


class PTXKernel:
    """A kernel given as PTX text.

    Args:
        ptx: a PTX module, as Numba's ``get_lto_ptx`` or nvcc give it.
        entry: the kernel's name; needed only where the module has several.
        device: where it runs; by default a fast device that all such kernels share.
        types: the Numba types of its arguments; with them Python numbers are converted as a launch
            would, without them a number must fit the parameter's size and kind.

    Launch with ``kernel[grid, block](arguments...)`` or ``kernel[grid, block, stream, shared]``.
    NumPy arrays are passed in place, as if they were in device memory.
    """

    def __init__(
        self,
        ptx: str | bytes,
        entry: str | None = None,
        device: Device | None = None,
        types: tuple[Any, ...] | None = None,
    ) -> None:
        self.ptx = (ptx.decode() if isinstance(ptx, bytes) else ptx).rstrip("\0")
        self.entry, self.types = entry, types
        self._scalars = scalar_types(types) if types is not None else ()
        self._device = device
        self._programs: dict[bool, Program] = {}
        self._spaces: dict[tuple[Any, ...], Workspace] = {}
        self._globals: list[Region] | None = None
        self._lock = threading.Lock()
        _kernels.add(self)

    @property
    def device(self) -> Device:
        """Where the kernel runs."""
        return self._device or default_device()

    @property
    def name(self) -> str:
        """The kernel's name in the PTX."""
        return self.program(self.device.checked).translation.name

    def program(self, checked: bool) -> Program:
        """The compiled code for fast (False) or checked (True) launches."""
        if checked not in self._programs:
            self._programs[checked] = compile_program(self.ptx, self.entry, checked)
        return self._programs[checked]

    def on(self, device: Device) -> PTXKernel:
        """The same kernel bound to another device; compiled code is shared."""
        twin = PTXKernel(self.ptx, self.entry, device, self.types)
        twin._programs = self._programs
        return twin

    def __getitem__(self, configuration: Any) -> Callable[..., None]:
        return _launcher(self, configuration)

    def launch(
        self,
        grid: int | tuple[int, ...],
        block: int | tuple[int, ...],
        arguments: tuple[Any, ...],
        *,
        shared: int = 0,
        device: Device | None = None,
        stream: Stream | None = None,
    ) -> None:
        """Run the kernel over a grid.

        Args:
            grid: blocks in x, or (x, y, z).
            block: threads of a block in x, or (x, y, z); 1024 at most.
            arguments: arrays, device arrays, numbers and tuples of them.
            shared: bytes of dynamic shared memory.
            device: where to run; by default the kernel's device, then that of its first device
                array, then a fast one that all share.
            stream: where the launch waits to be run; None runs it now, after all other work.

        Raises:
            ClosedError: the device is closed.
            LaunchError: a number outside the limits of CUDA.
            ArgumentError: arguments that do not match the parameters.
            KernelFault: the kernel did something undefined (what is found depends on the mode).
        """
        device = device or (stream.device if stream else None) or self._device
        device = device or _device_of(arguments)
        if device.closed:
            raise ClosedError(f"{device.name} is closed; make a new Device")
        program = self.program(device.checked)
        t = program.translation
        grid_shape = _shape(grid, MAX_GRID, "grid")
        block_shape = _shape(block, MAX_BLOCK, "block")
        threads = block_shape[0] * block_shape[1] * block_shape[2]
        self._check_limits(program, block_shape, threads, shared, device)
        if self.types is not None:
            if len(arguments) != len(self.types):
                raise LaunchError(
                    f"kernel {t.name} takes {len(self.types)} arguments (got {len(arguments)})"
                )
            arguments = tuple(
                a if kind is None else kind(a)
                for a, kind in zip(arguments, self._scalars, strict=True)
            )
        packer = Packer(device)
        for argument in arguments:
            packer.add(argument)
        params = pack(packer, t.parameters, t.parameter_bytes, t.name)

        def work() -> list[Access]:
            with self._lock:
                return self._run(
                    device, program, grid_shape, block_shape, threads, shared, params, packer
                )

        packer.held = arguments
        device.do(f"kernel {t.name}", work, stream=stream)
        device.launches += 1

    def _check_limits(
        self,
        program: Program,
        block: tuple[int, ...],
        threads: int,
        shared: int,
        device: Device,
    ) -> None:
        t = program.translation
        if threads > MAX_THREADS:
            raise LaunchError(f"block must have at most {MAX_THREADS} threads (got {threads})")
        if shared < 0 or t.shared_bytes - REDZONE * len(t.shared) + shared > MAX_SHARED:
            raise LaunchError(
                f"shared memory must be 0 to {MAX_SHARED} bytes (got {t.shared_bytes} static and"
                f" {shared} dynamic); use a smaller tile"
            )
        required = t.limits.get("reqntid")
        if required and (*required, 1, 1)[:3] != tuple(block):
            raise LaunchError(f"block must be {required} as the kernel was compiled (got {block})")
        most = t.limits.get("maxntid")
        if most and threads > int(np.prod(most)):
            raise LaunchError(
                f"block must have at most {int(np.prod(most))} threads as the kernel was compiled"
                f" (got {threads})"
            )
        if device.mode == "race" and t.partial_barrier:
            raise LaunchError(
                "race mode cannot follow a barrier for a part of the block (got one in"
                f" {t.name}); use mode='check'"
            )

    def _run(
        self,
        device: Device,
        program: Program,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        threads: int,
        dynamic: int,
        params: np.ndarray,
        packer: Packer,
    ) -> list[Access]:
        """Run a launch; return what it touched (race mode)."""
        t = program.translation
        checked, race = device.checked, device.mode == "race"
        shared = t.shared_bytes + dynamic
        key = (checked, race, threads, shared)
        if key not in self._spaces:
            self._spaces[key] = Workspace(program, threads, shared, checked, race)
        w = self._spaces[key]
        ctx = w.context.copy()
        ctx[c.NTID : c.NTID + 3] = block
        ctx[c.NCTAID : c.NCTAID + 3] = grid
        ctx[c.FUEL] = device.max_branches
        regions: list[Region] = []
        if checked:
            regions = device.registry.with_arrays(packer.regions + self._variables(program))
            table = rows(regions, race)
            ctx[c.REGIONS], ctx[c.REGION_COUNT] = table.ctypes.data, len(table)
        if race:
            ctx[c.EPOCH] = device.epoch
            ctx[c.FIRST_EPOCH] = device.epoch + 1
        blocks = device.shuffled(grid[0] * grid[1] * grid[2])
        warps = device.shuffled(-(-threads // 32))
        scheduler.run_grid(
            program.address,
            params.ctypes.data,
            ctx.ctypes.data,
            blocks.ctypes.data if len(blocks) else 0,
            warps.ctypes.data if len(warps) else 0,
            device.twist(),
            *w.scheduling,
        )
        if race:
            device.epoch = int(ctx[c.EPOCH])
        if ctx[c.FAULT]:
            raise_fault(ctx, t.name, parse(self.ptx).source, neighbour(regions, packer, w))
        found = [region.take_access() for region in regions] if race else []
        return [access for access in found if access is not None]

    def _variables(self, program: Program) -> list[Region]:
        """The module's own variables as regions; PTX sets them to zero where it gives no value."""
        if self._globals is None:
            self._globals = []
            for name, size, constant in program.translation.globals:
                base = program.global_address(name)
                self._globals.append(Region(base, base + size, None, constant))
        return self._globals


class Kernel:
    """A Numba CUDA kernel that is compiled for an emulated device when it is first launched.

    Args:
        function: a Python function, or what ``@cuda.jit`` made of it.
        device: where it runs; its compute capability is compiled for.
        **options: ``fastmath`` and ``max_registers``, as in ``cuda.jit``.
    """

    def __init__(
        self, function: Callable[..., Any], device: Device | None = None, **options: Any
    ) -> None:
        self.function, self.options = function, options
        self._device = device
        self._variants: dict[Any, PTXKernel] = {}

    @property
    def device(self) -> Device:
        """Where the kernel runs."""
        return self._device or default_device()

    def specialise(self, signature: Any, cc: tuple[int, int]) -> PTXKernel:
        """The kernel for argument types and a compute capability."""
        types = signature_types(signature)
        key = (types, cc)
        if key not in self._variants:
            text = compile_ptx(self.function, types, cc, **self.options)
            self._variants[key] = PTXKernel(text, device=self._device, types=types)
        return self._variants[key]

    def __getitem__(self, configuration: Any) -> Callable[..., None]:
        return _launcher(self, configuration)

    def launch(
        self,
        grid: int | tuple[int, ...],
        block: int | tuple[int, ...],
        arguments: tuple[Any, ...],
        *,
        shared: int = 0,
        device: Device | None = None,
        stream: Stream | None = None,
    ) -> None:
        """As :meth:`PTXKernel.launch`; compiles for the arguments' types where needed."""
        device = device or (stream.device if stream else None) or self._device
        device = device or _device_of(arguments)
        host = tuple(getattr(a, "host", a) for a in arguments)
        kernel = self.specialise(types_of(host), device.cc)
        kernel.launch(grid, block, arguments, shared=shared, device=device, stream=stream)


def compile(
    function: Callable[..., Any],
    signature: Any = None,
    cc: tuple[int, int] | None = None,
    *,
    device: Device | None = None,
    **options: Any,
) -> Kernel | PTXKernel:
    """Prepare a Numba CUDA kernel for the emulator.

    Args:
        function: a Python function, or what ``@cuda.jit`` made of it.
        signature: argument types, ``'void(f4[::1], u4)'`` or a tuple; None takes them from the
            arguments of each launch.
        cc: compute capability; by default the device's.
        device: where it runs; by default a fast device of its own compute capability.
        **options: ``fastmath`` and ``max_registers``, as in ``cuda.jit``.

    Returns:
        A kernel to launch with ``kernel[grid, block](arguments...)``.
    """
    if device is None and cc is not None:
        device = Device(cc=cc)
    kernel = Kernel(function, device, **options)
    if signature is None:
        return kernel
    return kernel.specialise(signature, cc or kernel.device.cc)

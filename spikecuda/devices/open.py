"""Find and open devices by name."""

import functools
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spikecuda.common.fork import follow
from spikecuda.devices.base import Device
from spikecuda.devices.cpu.device import usable_cores
from spikecuda.devices.kinds import CPU, EMULATED, KINDS, SIMULATED, kind_of, split_name
from spikecuda.errors import (
    DeviceError,
    MissingPackageError,
    SpikecudaTypeError,
    SpikecudaValueError,
    nearest,
    shown,
)

# What compiles kernels for CUDA, with a GPU or without: package and module.
COMPILER = (("cuda-python", "cuda.bindings"), ("numba-cuda", "numba_cuda"))
INSTALL = 'pip install "spikecuda[cuda]"'


@dataclass(frozen=True)
class GpuStatus:
    """Whether a CUDA GPU can be used here, and if not, why and what to do.

    Attributes:
        usable: whether kernels can run on a GPU.
        reason: what is missing, in a few words; empty if nothing is.
        remedy: what to do about it.
        count: number of GPUs.
    """

    usable: bool
    reason: str = ""
    remedy: str = ""
    count: int = 0


@functools.cache
def gpu_status() -> GpuStatus:
    """Find out whether a CUDA GPU can be used, without importing numba."""
    if _driver.forked:
        return GpuStatus(
            False,
            "this process was forked from one that uses CUDA",
            'start it with multiprocessing.get_context("spawn")',
        )
    missing = _missing((*COMPILER, ("cuda-core", "cuda.core")))
    if missing:
        return GpuStatus(False, f"{missing} is not installed", INSTALL)
    from cuda.bindings import driver

    try:
        (error,) = driver.cuInit(0)
    except RuntimeError:  # what cuda.bindings raises where libcuda.so.1 is not found
        return GpuStatus(
            False,
            "no CUDA driver (libcuda.so.1 not found)",
            "install the NVIDIA driver of your GPU",
        )
    _driver.started = True
    if error != driver.CUresult.CUDA_SUCCESS:
        return GpuStatus(
            False, f"the CUDA driver says {error.name}", "check the GPU with nvidia-smi"
        )
    error, count = driver.cuDeviceGetCount()
    if error != driver.CUresult.CUDA_SUCCESS or count == 0:
        return GpuStatus(False, "no CUDA GPU found", "check the GPU with nvidia-smi")
    return GpuStatus(True, count=int(count))


class _Driver:
    """What is known of the CUDA driver, which does not work in a child forked after its start."""

    started = forked = False

    def after_fork(self) -> None:
        """Note that the parent process has started it."""
        if self.started:
            self.forked = True
            _status.cache_clear()


_driver, _status = _Driver(), gpu_status
follow(_driver)


def _missing(packages: Sequence[tuple[str, str]]) -> str:
    """Return the first package that is not installed, "" if all are."""
    return next((package for package, module in packages if not _installed(module)), "")


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def choose(use_gpu: bool | None, device: str | None) -> str:
    """Return the name of the device that a pool's options ask for.

    Args:
        use_gpu: True needs a GPU, False the CPU, None takes a GPU if there is one.
        device: a device's name, which overrides None.

    Raises:
        DeviceError: a GPU is asked for and there is none; says what is missing.
        SpikecudaValueError: unknown name, or the two options contradict each other.
    """
    if use_gpu is not None and not isinstance(use_gpu, bool):
        raise SpikecudaTypeError(f"use_gpu must be True, False or None (got {use_gpu!r})")
    if device is not None:
        if not isinstance(device, str):
            raise SpikecudaTypeError(f"device must be a name such as 'cpu' (got {device!r:.80})")
        kind, _, number = device.partition(":")
        if kind not in KINDS or (number and not number.isdigit()):
            raise SpikecudaValueError(
                f"device must be one of {', '.join(KINDS)}, with :N for the N-th (got {device!r})"
                f"{nearest(kind, list(KINDS))}"
            )
        if use_gpu is not None and use_gpu == (kind == CPU):
            raise SpikecudaValueError(
                f"use_gpu={use_gpu} contradicts device={device!r}; give only one of them"
            )
        return device
    if use_gpu is False:
        return "cpu"
    status = gpu_status()
    if status.usable:
        return "cuda:0"
    if use_gpu:
        raise DeviceError(
            f"use_gpu=True needs a CUDA GPU (got none: {status.reason}); {status.remedy}, or leave "
            "use_gpu out to run on the CPU"
        )
    return "cpu"


def open_device(name: str, threads: int | None = None, **options: Any) -> Device:
    """Return a device by name.

    Raises:
        DeviceError: it is not there or not usable, or what compiles for it is not installed.
    """
    kind, number = split_name(name)
    if kind == CPU:
        from spikecuda.devices.cpu.device import CpuDevice

        device = CpuDevice(threads)
        device.name = name
        return device
    if threads is not None:
        raise SpikecudaValueError(
            f"threads belongs to the CPU (got threads={threads} with device {name!r}); leave it out"
        )
    missing = _missing(COMPILER) if kind in (EMULATED, SIMULATED) else ""
    if missing:
        raise MissingPackageError(
            f"device {name!r} cannot be used: {missing} is not installed; {INSTALL}"
        )
    if kind == EMULATED:
        from spikecuda.devices.emulated.device import CudaEmuDevice

        return CudaEmuDevice(number, **options)
    if kind == SIMULATED:
        from spikecuda.devices.simulator.device import CudaSimDevice

        return CudaSimDevice()
    status = gpu_status()
    if not status.usable:
        raise DeviceError(f"device {name!r} cannot be used: {status.reason}; {status.remedy}")
    if number >= status.count:
        raise DeviceError(f"device {name!r} is not there: this machine has {status.count} GPU(s)")
    from spikecuda.devices.cuda.device import CudaDevice

    return CudaDevice(number)


def open_devices(devices: str | Sequence[str | Device], opened: list[Device]) -> list[Device]:
    """Return devices by name; CPU devices that are opened here share the cores.

    Args:
        devices: "auto" (every GPU, else the CPU), a name, or names and open devices.
        opened: is given those that were opened here; if one cannot be opened they are closed.

    Raises:
        DeviceError: one is not there or not usable.
        SpikecudaValueError: none is named, a name is unknown, or an open device comes twice.
    """
    if not isinstance(devices, str | Sequence):
        raise SpikecudaTypeError(
            f'devices must be "auto", a name, or a list of names and devices (got {shown(devices)})'
        )
    given: list[str | Device] = [devices] if isinstance(devices, str) else list(devices)
    if isinstance(devices, str) and devices == "auto":
        given = [f"cuda:{i}" for i in range(gpu_status().count)] or ["cpu"]
    if not given:
        raise SpikecudaValueError('devices must name at least one device (got []); use "auto"')
    for device in given:
        if isinstance(device, Device) and sum(device is other for other in given) > 1:
            raise SpikecudaValueError(
                f"devices must have an open device once (got {device.name} twice); open another"
            )
    for device in given:
        if not isinstance(device, str | Device):
            raise SpikecudaTypeError(
                f"devices must be names or open devices (got {shown(device)} among them)"
            )
        if isinstance(device, str):
            choose(None, device)
    on_cpu = sum(isinstance(d, str) and kind_of(d) == CPU for d in given)
    result = []
    try:
        for device in given:
            if not isinstance(device, Device):
                kind = kind_of(choose(None, device))
                threads = max(1, usable_cores() // on_cpu) if kind == "cpu" else None
                device = open_device(device, threads)
                opened.append(device)
            result.append(device)
    except BaseException:
        for device in opened:
            device.close()
        raise
    return result

"""What this machine is and which versions run on it."""

import functools
import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

# Distributions whose versions matter, in the order shown.
PACKAGES = (
    "spikecuda", "numba", "llvmlite", "numpy", "numba-cuda", "cuda-core", "cuda-python",
    "nvidia-ml-py", "matplotlib",
)  # fmt: skip
VECTOR_FLAGS = ("avx512f", "avx2", "avx", "sse4_2", "asimd", "fma", "f16c")


@dataclass(frozen=True)
class Gpu:
    """A CUDA GPU.

    Attributes:
        index: N of the device name ``cuda:N``.
        name: as the driver gives it.
        memory: bytes.
        compute_capability: such as "9.0".
    """

    index: int
    name: str
    memory: int
    compute_capability: str


@dataclass(frozen=True)
class Machine:
    """A machine and its software.

    Attributes:
        cpu: the processor's name.
        physical_cores: cores, or None where the system does not tell.
        logical_cores: hardware threads.
        usable_cores: those this process may use.
        vector_flags: instruction sets that matter for speed.
        memory: bytes of RAM, within the control group's limit.
        available_memory: bytes that can be allocated now.
        system: operating system and kernel.
        python: version.
        versions: of packages by name; None where one is not installed.
        cuda_driver: the driver's CUDA version, or None.
        gpus: the CUDA GPUs.
        gpu_missing: why there is no usable GPU; empty if there is.
        gpu_remedy: what to do about it.
    """

    cpu: str
    physical_cores: int | None
    logical_cores: int
    usable_cores: int
    vector_flags: list[str]
    memory: int
    available_memory: int
    system: str
    python: str
    versions: dict[str, str | None]
    cuda_driver: str | None
    gpus: list[Gpu]
    gpu_missing: str
    gpu_remedy: str


def describe_machine() -> Machine:
    """Return what this machine is."""
    import psutil

    from spikecuda.common.host_memory import available_memory, cpu_name, total_memory
    from spikecuda.devices.open import gpu_status

    status = gpu_status()
    return Machine(
        cpu=cpu_name(),
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=psutil.cpu_count() or 1,
        usable_cores=usable_cores(),
        vector_flags=_vector_flags(),
        memory=total_memory(),
        available_memory=available_memory(),
        system=f"{platform.system()} {platform.release()} ({platform.machine()})",
        python=platform.python_version(),
        versions={name: _version(name) for name in PACKAGES},
        cuda_driver=_driver_version() if status.usable else None,
        gpus=_gpus(status.count) if status.usable else [],
        gpu_missing=status.reason,
        gpu_remedy=status.remedy,
    )


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        if name == "spikecuda":
            from spikecuda import __version__

            return __version__
        return None


@functools.cache
def _vector_flags() -> list[str]:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.lower().startswith(("flags", "features")):
                words = set(line.split(":", 1)[1].split())
                return [flag for flag in VECTOR_FLAGS if flag in words]
    except OSError:
        pass
    return []


def _driver_version() -> str | None:
    from cuda.bindings import driver

    error, version = driver.cuDriverGetVersion()
    if error != driver.CUresult.CUDA_SUCCESS:
        return None
    return f"{version // 1000}.{version % 1000 // 10}"


def _gpus(count: int) -> list[Gpu]:
    from cuda.bindings import driver

    kinds = driver.CUdevice_attribute
    major = kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    minor = kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR

    def ask(function: Any, *args: Any) -> Any:
        error, *values = function(*args)
        if error != driver.CUresult.CUDA_SUCCESS:
            from spikecuda.errors import DeviceError

            raise DeviceError(f"the CUDA driver says {error.name}; check the GPU with nvidia-smi")
        return values[0]

    result = []
    for i in range(count):
        device = ask(driver.cuDeviceGet, i)
        capability = ".".join(str(ask(driver.cuDeviceGetAttribute, a, device))
                              for a in (major, minor))  # fmt: skip
        name = ask(driver.cuDeviceGetName, 128, device).decode().rstrip("\0")
        memory = int(ask(driver.cuDeviceTotalMem, device))
        result.append(Gpu(i, name, memory, capability))
    return result

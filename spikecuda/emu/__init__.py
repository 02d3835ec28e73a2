"""An emulated CUDA device: runs the compiled PTX of any Numba CUDA kernel on the CPU.

>>> from spikecuda import emu
>>> kernel = emu.compile(my_kernel)              # a Numba CUDA kernel, decorated or not
>>> kernel[blocks, threads](array, n)            # NumPy arrays, updated in place

``emu.Device(mode="check")`` checks every memory access, ``mode="race"`` also finds data races.
See ``docs/emulator.md``.
"""

from .analysis import Contraction, contractions
from .arrays import DeviceArray
from .compile import ARCHITECTURES, compile_ptx
from .device import Device
from .errors import (
    ArgumentError,
    DataRace,
    DivergentBarrier,
    HostError,
    KernelFault,
    LaunchError,
    MemoryFault,
    PTXSyntaxError,
    StreamRace,
    UndefinedResult,
    UninitialisedRead,
    UnsupportedPTXError,
)
from .kernel import Kernel, PTXKernel, compile, default_device
from .store import cache_dir
from .streams import Event, Graph, Stream

__all__ = [
    "ARCHITECTURES",
    "ArgumentError",
    "Contraction",
    "DataRace",
    "Device",
    "DeviceArray",
    "DivergentBarrier",
    "Event",
    "Graph",
    "HostError",
    "Kernel",
    "KernelFault",
    "LaunchError",
    "MemoryFault",
    "PTXKernel",
    "PTXSyntaxError",
    "Stream",
    "StreamRace",
    "UndefinedResult",
    "UninitialisedRead",
    "UnsupportedPTXError",
    "cache_dir",
    "compile",
    "compile_ptx",
    "contractions",
    "default_device",
]

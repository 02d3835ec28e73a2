"""Compile a kernel for CUDA: PTX, cubin, SASS and the resources it takes; no GPU needed."""

import contextlib
import functools
import json
import re
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from spikecuda.common.garbage import collect_later
from spikecuda.errors import MissingPackageError, SpikecudaValueError
from spikecuda.kernels.compile import cache, offline, pipeline
from spikecuda.kernels.compile.compiling import say
from spikecuda.kernels.compile.cpu import signature
from spikecuda.kernels.compile.elf import facts as facts_of
from spikecuda.kernels.compile.offline import ARCHITECTURES, library, plain_ptx, without_device
from spikecuda.kernels.compile.render import digest, load, module_path
from spikecuda.kernels.routines import Spec

# Packages that have a part in what a kernel is compiled to, or in what is read from it.
TOOLS = (
    "numba-cuda", "cuda-bindings", "nvidia-nvvm", "nvidia-nvjitlink", "nvidia-cuda-nvcc",
    "nvidia-cuda-nvrtc", "nvidia-cuda-nvdisasm",
)  # fmt: skip


@dataclass(frozen=True)
class Resources:
    """What a kernel takes of a multiprocessor, as the assembler reports it.

    Attributes:
        registers: 32-bit registers per thread.
        spill_stores, spill_loads: bytes of registers spilled to local memory.
        stack: bytes of local memory per thread.
        shared: bytes of static shared memory per block.
    """

    registers: int
    spill_stores: int
    spill_loads: int
    stack: int
    shared: int


@dataclass(frozen=True)
class CudaKernel:
    """A kernel compiled for one architecture.

    Attributes:
        entry: the kernel's symbol.
        cc: compute capability.
        ptx: PTX after link-time optimisation.
        cubin: machine code.
        resources: registers, spills, stack, shared memory.
    """

    entry: str
    cc: tuple[int, int]
    ptx: str
    cubin: bytes
    resources: Resources

    def sass(self) -> str:
        """Return the disassembly that nvdisasm gives."""
        return disassemble(self.cubin)


def build(spec: Spec, cc: tuple[int, int]) -> CudaKernel:
    """Return a kernel compiled for a compute capability, from the disk cache if it is there."""
    if cc not in ARCHITECTURES:
        known = ", ".join(f"{a}.{b}" for a, b in ARCHITECTURES)
        raise SpikecudaValueError(f"compute capability must be one of {known} (got {cc})")
    _require()
    path, _ = module_path(spec, "cuda")
    stem = f"{path.stem}_{compiling()[:6]}_sm{cc[0]}{cc[1]}"
    entry = cache.cache_dir() / "cuda" / f"{stem}.kernel"
    found = cache.load(entry)
    if found is not None:
        return _unpacked(found, cc)
    say()
    with collect_later():
        code = _front_end(spec)
        with without_device(cc):
            ptx = str(code.get_lto_ptx(cc=cc)).rstrip("\0")
            cubin = bytes(code.get_cubin(cc=cc).code)
    name = entry_name(ptx)
    # Spills come from the assembler's log; the rest from the very cubin that runs, which for
    # cc < 9 takes fewer registers than the PTX assembled once more.
    own = facts_of(cubin, name)
    log = assemble(ptx, cc)[1]
    resources = Resources(own.registers, log.spill_stores, log.spill_loads, own.frame, own.shared)
    result = CudaKernel(name, cc, ptx, cubin, resources)
    cache.save(entry, _packed(result))
    return result


def _packed(kernel: CudaKernel) -> bytes:
    """Return a kernel as an entry of the cache: a line of facts, then PTX, then machine code."""
    ptx = kernel.ptx.encode()
    facts = {"entry": kernel.entry, "ptx": len(ptx), "resources": asdict(kernel.resources)}
    return json.dumps(facts).encode() + b"\n" + ptx + kernel.cubin


def _unpacked(data: bytes, cc: tuple[int, int]) -> CudaKernel:
    head, _, rest = data.partition(b"\n")
    facts = json.loads(head)
    size = facts["ptx"]
    return CudaKernel(
        facts["entry"], cc, rest[:size].decode(), rest[size:], Resources(**facts["resources"])
    )


@functools.cache
def compiling() -> str:
    """Return a hash of how kernels are compiled: this code's way, and the installed tools."""
    files = (__file__, offline.__file__, pipeline.__file__)
    own = (Path(file).read_text(encoding="utf-8") for file in files)
    return digest(tools(), *own)


@functools.cache
def tools() -> str:
    """Return names and versions of the installed compilers, assemblers and disassemblers."""
    found = []
    for name in TOOLS:
        for suffix in ("", "-cu12"):
            with contextlib.suppress(PackageNotFoundError):
                found.append(f"{name}{suffix}={version(name + suffix)}")
    return " ".join(found)


@functools.lru_cache(maxsize=4)
def _front_end(spec: Spec) -> Any:
    """Return Numba's code library of a kernel; what it holds is the same for every architecture."""
    return library(getattr(load(spec, "cuda"), spec.name), signature(spec), (9, 0), ours=True)


@functools.cache
def build_clock(cc: tuple[int, int]) -> CudaKernel:
    """Return the kernel that advances a device's step counter: ``advance_clock(clock, steps)``."""
    _require()
    from numba import cuda, types

    def advance_clock(clock, steps):  # type: ignore[no-untyped-def]
        if cuda.threadIdx.x == 0:
            clock[0] += steps

    arguments = (types.Array(types.int64, 1, "C"), types.int64)
    code = library(advance_clock, arguments, cc)
    with without_device(cc):
        ptx = str(code.get_lto_ptx(cc=cc)).rstrip("\0")
        cubin = bytes(code.get_cubin(cc=cc).code)
    return CudaKernel(entry_name(ptx), cc, ptx, cubin, assemble(ptx, cc)[1])


def contraction_free(spec: Spec, cc: tuple[int, int]) -> tuple[bool, str]:
    """Tell whether the kernel's rounding is independent of the compiler's contraction.

    Compiles with contraction forbidden and allowed and compares the floating-point instructions.

    Returns:
        Whether they are the same, and the difference in words.
    """
    _require()
    code, found = _front_end(spec), []
    for contract in (False, True):
        text = plain_ptx(code, cc, contract=contract)
        counts: dict[str, int] = {}
        for name in re.findall(r"\b((?:fma|mul|add|sub|mad)\.\S*f(?:16|32|64)\S*)", text):
            name = name.replace(".rn", "")
            counts[name] = counts.get(name, 0) + 1
        found.append(counts)
    names = sorted(set(found[0]) | set(found[1]))
    difference = {
        n: (found[0].get(n, 0), found[1].get(n, 0))
        for n in names
        if found[0].get(n, 0) != found[1].get(n, 0)
    }
    return not difference, ", ".join(f"{n}: {a} -> {b}" for n, (a, b) in difference.items())


def entry_name(ptx: str) -> str:
    """Return the symbol of the kernel in a PTX text."""
    found = re.search(r"\.entry\s+([\w$]+)", ptx)
    if found is None:
        raise SpikecudaValueError("the PTX has no .entry (got none); pass the PTX of a kernel")
    return found.group(1)


def assemble(ptx: str, cc: tuple[int, int]) -> tuple[bytes, Resources]:
    """Return the cubin of a PTX text and the resources that the assembler reports."""
    from cuda.bindings import nvjitlink

    handle = nvjitlink.create(2, [f"-arch=sm_{cc[0]}{cc[1]}", "-verbose"])
    try:
        data = ptx.encode() + b"\0"
        nvjitlink.add_data(handle, nvjitlink.InputType.PTX, data, len(data), "kernel")
        nvjitlink.complete(handle)
        cubin = bytearray(nvjitlink.get_linked_cubin_size(handle))
        nvjitlink.get_linked_cubin(handle, cubin)
        log = bytearray(nvjitlink.get_info_log_size(handle))
        nvjitlink.get_info_log(handle, log)
    finally:
        nvjitlink.destroy(handle)
    return bytes(cubin), _resources(log.decode(errors="replace"))


def _resources(log: str) -> Resources:
    def figure(pattern: str) -> int:
        return sum(int(x) for x in re.findall(pattern, log))

    registers = re.findall(r"Used (\d+) registers", log)
    if not registers:
        raise SpikecudaValueError(f"the assembler reports no registers (got {log[:200]!r})")
    return Resources(
        registers=max(int(r) for r in registers),
        spill_stores=figure(r"(\d+) bytes spill stores"),
        spill_loads=figure(r"(\d+) bytes spill loads"),
        stack=figure(r"(\d+) bytes stack frame"),
        shared=figure(r"(\d+) bytes smem"),
    )


def disassemble(cubin: bytes) -> str:
    """Return nvdisasm's listing of a cubin."""
    from cuda import pathfinder

    program = pathfinder.find_nvidia_binary_utility("nvdisasm")
    if program is None:
        raise MissingPackageError(
            "SASS needs nvdisasm (not found); pip install nvidia-cuda-nvdisasm"
        )
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        run: Any = subprocess.run(
            [program, "-c", file.name], capture_output=True, text=True, check=True
        )
    return str(run.stdout)


def _require() -> None:
    try:
        import cuda.bindings  # noqa: F401
        import numba_cuda  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f'compiling for CUDA needs {error.name} (not installed); pip install "spikecuda[cuda]"'
        ) from None

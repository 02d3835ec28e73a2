"""What is slow to find out about a kernel, kept on disk under the hash of all that went into it."""

import functools
import hashlib
import json
from importlib.metadata import distributions
from pathlib import Path

from spikecuda.kernels import compile_cuda
from spikecuda.kernels.cache import cache_dir, write_once
from spikecuda.kernels.render import module_path
from spikecuda.kernels.routines import Spec
from spikecuda.kernels.spec import digest


def listing(cubin: bytes) -> str:
    """Return nvdisasm's listing of a cubin; half a second the first time."""
    path = _folder() / f"{digest(hashlib.sha256(cubin).hexdigest(), _tools())}.sass"
    try:
        return path.read_text()
    except OSError:
        text = compile_cuda.disassemble(cubin)
        write_once(path, text.encode())
        return text


def contraction(spec: Spec, cc: tuple[int, int]) -> tuple[bool, str]:
    """Return what ``compile_cuda.contraction_free`` finds."""
    rendered, _ = module_path(spec, "cuda")
    how = Path(compile_cuda.__file__).read_text()
    path = _folder() / f"{digest(rendered.stem, str(cc), how, _tools())}.contraction.json"
    try:
        free, difference = json.loads(path.read_text())
    except (OSError, ValueError):
        free, difference = compile_cuda.contraction_free(spec, cc)
        write_once(path, json.dumps([free, difference]).encode())
    return bool(free), str(difference)


@functools.cache
def _tools() -> str:
    """Return names and versions of the installed compilers, assemblers and disassemblers."""
    found = {(str(d.metadata["Name"]).lower(), d.version) for d in distributions()}
    names = ("numba-cuda", "nvidia-nvvm", "nvidia-nvjitlink", "nvidia-cuda-")
    return " ".join(
        f"{name}={version}" for name, version in sorted(found) if name.startswith(names)
    )


def _folder() -> Path:
    return cache_dir() / "inspection"

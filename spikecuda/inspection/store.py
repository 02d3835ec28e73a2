"""What is slow to find out about a kernel, kept on disk under the hash of all that went into it."""

import hashlib
import json
from pathlib import Path

from spikecuda.kernels.compile import cache
from spikecuda.kernels.compile import cuda as compile_cuda
from spikecuda.kernels.compile.render import module_path
from spikecuda.kernels.routines import Spec
from spikecuda.kernels.spec import digest


def listing(cubin: bytes) -> str:
    """Return nvdisasm's listing of a cubin; half a second the first time."""
    path = _folder() / f"{digest(hashlib.sha256(cubin).hexdigest(), compile_cuda.tools())}.sass"
    found = cache.load(path)
    if found is not None:
        return found.decode()
    text = compile_cuda.disassemble(cubin)
    cache.save(path, text.encode())
    return text


def contraction(spec: Spec, cc: tuple[int, int]) -> tuple[bool, str]:
    """Return what ``compile_cuda.contraction_free`` finds."""
    rendered, _ = module_path(spec, "cuda")
    name = digest(rendered.stem, str(cc), compile_cuda.compiling())
    path = _folder() / f"{name}.contraction.json"
    found = cache.load(path)
    if found is not None:
        free, difference = json.loads(found)
    else:
        free, difference = compile_cuda.contraction_free(spec, cc)
        cache.save(path, json.dumps([free, difference]).encode())
    return bool(free), str(difference)


def _folder() -> Path:
    return cache.cache_dir() / "inspection"

"""Loops over arrays do not count references to them: their callers hold the memory."""

import pytest

from spikecuda.kernels.compile import cache, cpu
from spikecuda.kernels.spec import PRECISIONS, KernelSpec
from spikecuda.models import LIF


def machine_code(made) -> list[bytes]:
    """Return a compiled loop's entries of the cache: the names of what it calls are in them."""
    stem = made._cache._stem
    return [cache.load(path) for path in stem.parent.glob(f"{stem.name}-*.nbc")]


@pytest.mark.parametrize("name", ["network_run.run_blocks", "network_run.file_spikes", "update"])
def test_loops_do_not_count_references(name):
    if name == "update":
        scheme = LIF.default_scheme()
        spec = KernelSpec(LIF, PRECISIONS["float32"], scheme, receptors=()).anonymous()
        loops = cpu._loops(cpu.load(spec, "cpu"))
        getattr(loops, spec.name)
    else:
        module, loop = name.split(".")
        loops = cpu.load_cpu_loop(module)
        getattr(loops, loop)
    found = machine_code(loops._kept[-1])
    assert found and all(len(code) > 1000 for code in found)
    assert not any(b"NRT_incref" in code or b"NRT_decref" in code for code in found)

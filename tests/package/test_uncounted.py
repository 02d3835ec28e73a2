"""Loops over arrays do not count references to them: their callers hold the memory."""

import ast
import inspect

import pytest

from spikecuda.kernels.compile import cache, cpu, render
from spikecuda.kernels.compile.dependencies import KERNELS
from spikecuda.kernels.compile.entry import Loop, Pointer
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


MAKERS = {"empty", "zeros", "ones", "full", "arange", "sort", "argsort", "copy", "empty_like"}


def makes_arrays(functions, name, seen=()) -> bool:
    """Tell whether a function of a module, or one of it that it calls, makes an array."""
    called = {n.func for n in ast.walk(functions[name]) if isinstance(n, ast.Call)}
    if any(isinstance(f, ast.Attribute) and f.attr in MAKERS for f in called):
        return True
    inside = {f.id for f in called if isinstance(f, ast.Name)} & functions.keys() - {name, *seen}
    return any(makes_arrays(functions, other, (*seen, name)) for other in inside)


def test_loops_that_make_arrays_say_so():
    """Else they do not compile, which only those who need them would notice."""
    found = set()
    for path in (KERNELS / "cpu_loops").glob("network_*.py"):
        module = render.import_cpu_loop(path.stem)
        tree = ast.parse(inspect.getsource(module))
        functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
        for name in functions:
            entry = getattr(module, name)
            if isinstance(entry, Loop | Pointer):
                assert entry.allocates == makes_arrays(functions, name), (path.stem, name)
                found.add(entry.allocates)
    assert found == {True, False}

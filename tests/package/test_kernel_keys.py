"""Kernels are kept under what they use: no more, so that they last; no less, so none is stale."""

import inspect
import json
import os
import shutil
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest

import spikecuda
from spikecuda.kernels.compile import dependencies, render
from spikecuda.kernels.spec import Argument
from spikecuda.runtime.neuron_spec import resolve_neurons

ROOT = Path(spikecuda.__file__).resolve().parent
CPU_LOOPS = (
    "draw", "finite", "network_alone", "network_build", "network_coupled", "network_draw",
    "network_histories", "network_kept", "network_link", "network_near_values", "network_own",
    "network_procedural", "network_rewire", "network_run", "network_sheets", "network_short",
    "network_short_build", "network_space", "network_under_way", "network_weights", "random_input",
    "spikes",
)  # fmt: skip
# Prints the names under which kernels are kept, by what they are.
CODE = f"""
import json
from spikecuda.kernels import routines
from spikecuda.kernels.compile import render
from spikecuda.runtime.neuron_spec import resolve_neurons
spec = resolve_neurons(10, "lif", "float32", 0.1, 0).spec()
names = {{"pool": render.module_path(spec, "cpu")[0].name}}
names["pool on CUDA"] = render.module_path(spec, "cuda")[0].name
names["drawn on CUDA"] = render.module_path(routines.deliver_drawn("range"), "cuda")[0].name
for host in {CPU_LOOPS}:
    names[host] = render.cpu_loop_path(host)[0].name
print(json.dumps(names))
"""


def names(package: Path) -> dict[str, str]:
    env = {**os.environ, "PYTHONPATH": str(package)}
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, env=env, cwd=package
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_changed_file_changes_the_kernels_that_use_it_and_no_others(tmp_path):
    copy = tmp_path / "spikecuda"
    # As it is installed, whether spikecuda/kernels is a link here or not.
    ignored = shutil.ignore_patterns("__pycache__", "kernels")
    shutil.copytree(ROOT, copy, ignore=ignored)
    shutil.copytree(ROOT.parent / "kernels", copy / "kernels", ignore=ignored)
    before = names(tmp_path)

    def touched(path: str) -> set[str]:
        file = copy / "kernels" / path
        text = file.read_text()
        file.write_text(text + "\nSOMETHING_NEW = 1\n")
        after = names(tmp_path)
        file.write_text(text)
        return {name for name in before if after[name] != before[name]}

    assert touched("network/calendar.py") == {"network_link", "network_run"}
    assert touched("network/draw.py") == {
        "network_build", "network_draw", "network_kept", "network_near_values", "network_own",
        "network_procedural", "network_rewire", "network_short_build", "network_space",
        "drawn on CUDA",
    }  # fmt: skip
    # What a kernel does not import itself, but what it imports does.
    plain = {"network_sheets", "network_weights"}
    assert touched("numerics/arithmetic.py") == set(before) - plain
    assert touched("numerics/rows.py") == {"network_coupled", "pool"}
    assert touched("cpu_loops/finite.py") == {"finite"}
    assert touched("numerics/derive.py") == set()


def reached(module: types.ModuleType) -> set[str]:
    """Return the package's modules that the functions of a loaded kernel refer to."""
    found: set[str] = set()
    waiting = list(vars(module).values())
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, types.ModuleType):
            if value.__name__.startswith("spikecuda.kernels"):
                found.add(value.__name__)
                waiting += vars(value).values()
            continue
        function = value
        for held in ("function", "py_func", "_defn"):  # of entries, dispatchers and intrinsics
            function = getattr(function, held, function)
        if inspect.isfunction(function) and function.__module__.startswith("spikecuda.kernels"):
            found.add(function.__module__)
            used = inspect.getclosurevars(function)
            waiting += [*used.globals.values(), *used.nonlocals.values()]
    return found


def test_nothing_that_a_kernel_runs_is_missing_from_its_key():
    spec = resolve_neurons(10, "adex", "float16", 0.1, 0).spec()
    modules = [render.load(spec, "cpu"), render.load(spec, "cuda")]
    modules += [render.import_cpu_loop(name) for name in CPU_LOOPS]
    for module in modules:
        files = dependencies.closure(Path(module.__file__).read_text())
        known = {".".join(p.relative_to(dependencies.KERNELS).with_suffix("").parts) for p in files}
        used = {name.removeprefix("spikecuda.kernels.") for name in reached(module)}
        packages = {name.removesuffix(".__init__") for name in known}
        assert used <= packages, f"{module.__name__} uses {used - packages}, not in its key"


def test_every_host_module_is_tested_here():
    files = {p.stem for p in (dependencies.KERNELS / "cpu_loops").glob("*.py")}
    assert files - {"__init__", "clock"} == set(CPU_LOOPS)


def test_types_of_arguments_belong_to_a_key():
    spec = resolve_neurons(10, "lif", "float32", 0.1, 0).spec()
    other = replace(spec)
    other.__dict__["arguments"] = (Argument("v", "float64", True), *spec.arguments[1:])
    source = render.render(spec, "cpu")
    assert render.render(other, "cpu") == source
    assert render.key(other, source) != render.key(spec, source)


def test_a_changed_compiler_changes_every_key(monkeypatch):
    before = dependencies.fingerprint("import numpy")
    monkeypatch.setattr(dependencies, "_compiler", lambda: "numba 99")
    assert dependencies.fingerprint("import numpy") != before


def test_kernels_import_nothing_of_the_package_outside_the_kernels():
    for name in CPU_LOOPS:
        for path in dependencies.closure(
            (dependencies.KERNELS / "cpu_loops" / f"{name}.py").read_text()
        ):
            assert path.is_relative_to(dependencies.KERNELS)


def test_relative_imports_are_refused():
    with pytest.raises(ImportError, match="full names"):
        dependencies.closure("from .arithmetic import fma\n")

"""The way of the data: imports point one way, and importing spikecuda stays light."""

import ast
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

import spikecuda

ROOT = Path(spikecuda.__file__).resolve().parent
KERNELS = ROOT.parent / "kernels"  # rglob does not follow the link spikecuda/kernels
FILES = sorted([*ROOT.rglob("*.py"), *KERNELS.rglob("*.py")])
# Lower layers first; a module may import from its own layer and from layers before it.
LAYERS = [
    (
        "errors",
        "common.aligned_memory",
        "kernels.language",
        "kernels.spec",
        "common.files",
        "common.garbage",
        "common.notice",
        "common.stack_room",
        "kernels.learn_spec",
        "kernels.models",
        "kernels.plasticity",
        "kernels.receptors",
    ),
    ("kernels", "emu"),
    ("common", "models", "language"),
    ("plasticity",),
    ("devices",),
    ("inputs",),
    ("runtime",),
    ("placement",),
    ("observe",),
    ("sweeps",),
    ("saving",),
    ("analysis",),
    ("plots",),
    ("space",),
    ("view",),
    ("network.model",),
    ("network.device_names", "network.synapses"),
    ("network.run",),
    ("network.memory",),
    ("network.cpu", "network.cuda"),
    ("network.open_partitions", "network.ranks"),
    (
        "network.build_engine",
        "network.described",
        "network.measure",
        "network.results",
        "network.summary",
    ),
    ("network",),
    ("events",),
    ("formats",),
    ("pynn",),
    ("examples",),
    ("pool",),
    ("plan",),
    ("inspection",),
    ("oracle", "report", "verify"),
    ("cli", "__main__"),
]


def module_name(path: Path) -> str:
    base = ROOT if path.is_relative_to(ROOT) else ROOT.parent
    parts = list(path.relative_to(base).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(name: str) -> int:
    found = -1
    best = -1
    for i, prefixes in enumerate(LAYERS):
        for prefix in prefixes:
            if (name == prefix or name.startswith(prefix + ".")) and len(prefix) > best:
                found, best = i, len(prefix)
    return found


@functools.cache
def imports(path: Path, everywhere: bool = True) -> list[str]:
    tree = ast.parse(path.read_text())
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    names = []
    nodes = ast.walk(tree) if everywhere else tree.body
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package[: len(package) - node.level + 1]
                base = ".".join(["spikecuda", *up, *([base] if base else [])])
            named = [f"{base}.{a.name}" for a in node.names]
            # A module of a package is imported, not the package's own names.
            names += named if all(n in MODULES for n in named) else [base, *named]
    return names


MODULES = {f"spikecuda.{module_name(path)}" for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_one_way(path):
    name = module_name(path)
    if not name:  # spikecuda/__init__.py only names what it loads lazily
        return
    mine = layer(name)
    assert mine >= 0, f"{name} belongs to no layer: name it in LAYERS"
    type_checking = {
        ("models.registry", "models.base"),
    }
    for target in imports(path):
        if target.startswith("spikecuda."):
            other = target.removeprefix("spikecuda.")
            if any(name == a and other.startswith(b) for a, b in type_checking):
                continue
            theirs = layer(other)
            assert theirs <= mine, f"{name} imports {other}, which is above it"


def test_engines_do_not_know_each_other():
    for path in FILES:
        name = module_name(path)
        for engine, other in (("cpu", "cuda"), ("cuda", "cpu")):
            if name.startswith(f"network.{engine}"):
                found = [i for i in imports(path) if i.startswith(f"spikecuda.network.{other}")]
                assert not found, f"{name} imports {found}"


# Rooms of few nouns in several files, which may know each other.
CLOSE = ("emu", "models", "network.results")


def test_modules_import_each_other_in_no_circle():
    known = {f"spikecuda.{module_name(path)}": path for path in FILES if path.stem != "__init__"}
    arrows = {name: {i for i in imports(path) if i in known} for name, path in known.items()}

    def reached(name: str) -> set[str]:
        found: set[str] = set()
        waiting = list(arrows[name])
        while waiting:
            if (other := waiting.pop()) not in found:
                found.add(other)
                waiting += arrows[other]
        return found

    everything = {name: reached(name) for name in known}
    for name, others in everything.items():
        circle = sorted(o for o in others if name in everything[o] and o != name)
        rooms = [r for r in CLOSE if name.startswith(f"spikecuda.{r}.")]
        strange = [o for o in circle if not any(o.startswith(f"spikecuda.{r}.") for r in rooms)]
        assert not strange, f"{name} is in an import circle with {', '.join(strange)}"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_cuda_is_imported_in_few_places(path):
    allowed = (
        "kernels.compile.offline", "kernels.compile.cuda", "inspection", "devices.cuda",
        "devices.simulator", "devices.open", "emu", "cli.info", "observe.monitor", "report",
    )  # fmt: skip
    name = module_name(path)
    if name.startswith(allowed):
        return
    for target in imports(path):
        assert not target.startswith(("numba.cuda", "cuda.")), f"{name} imports {target}"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_the_oracle_is_independent(path):
    name = module_name(path)
    for target in imports(path):
        if name.startswith("kernels.reference"):
            assert not target.startswith(
                (
                    "spikecuda.kernels.models",
                    "spikecuda.kernels.numerics",
                    "spikecuda.kernels.network",
                    "spikecuda.models",
                    "spikecuda.network",
                )
            ), f"{name} imports {target}"


def run(code: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT.parent), **env},
    )


def test_import_is_light():
    code = (
        "import sys, time; t = time.perf_counter(); import spikecuda; "
        "print(time.perf_counter() - t); "
        "print(any(m.split('.')[0] in ('numba', 'cuda', 'numba_cuda', 'matplotlib', 'jinja2') "
        "for m in sys.modules))"
    )
    best = 1e9
    for _ in range(3):
        seconds, heavy = run(code).stdout.split()
        assert heavy == "False"
        best = min(best, float(seconds))
    assert best < 0.3


def test_pool_class_does_not_touch_numba_until_it_runs():
    code = (
        "import sys, spikecuda; spikecuda.GPUNeuronPool; "
        "print('numba' in sys.modules, 'matplotlib' in sys.modules)"
    )
    assert run(code).stdout.split() == ["False", "False"]


def test_modules_of_tests_have_names_of_their_own():
    # Those of folders that are no packages are imported by their bare name.
    tests = Path(__file__).resolve().parents[1]
    names = [
        path.name for path in tests.rglob("test_*.py") if not (path.parent / "__init__.py").exists()
    ]
    assert sorted(names) == sorted(set(names))

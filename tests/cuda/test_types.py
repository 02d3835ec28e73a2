"""The adapter agrees with cuda.core's own signatures, as mypy reads them from the wheel."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import stubs

import spikecuda

pytest.importorskip("mypy")

ROOT = Path(spikecuda.__file__).resolve().parent
FILES = ("devices/cuda/device.py", "devices/cuda/memory.py", "devices/cuda/stream.py")
SETTINGS = """
[mypy]
mypy_path = {stubs}
namespace_packages = True
explicit_package_bases = True
follow_imports = silent
disallow_untyped_defs = True
[mypy-cuda.bindings.*,numba.*,numba_cuda.*,llvmlite.*,psutil.*]
ignore_missing_imports = True
"""


def public(path: Path) -> list[str]:
    """Return the names in a stub's ``__all__``."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id == "__all__":
                return [e.value for e in node.value.elts if isinstance(e, ast.Constant)]
    return []


@pytest.fixture(scope="module")
def checker(tmp_path_factory):
    """Return a function that runs mypy on a copy of the adapter and gives its errors.

    ``cuda.core`` fills its namespace when it is imported, which mypy cannot follow: an
    ``__init__.pyi`` that names everything stands for it.
    """
    source, place = stubs.folder(), tmp_path_factory.mktemp("types")
    target = place / "stubs" / "cuda" / "core"
    names = ["from cuda.core import graph as graph"]
    for folder in (source, source / "_memory", source / "graph", source / "_utils"):
        copy = target / folder.relative_to(source)
        copy.mkdir(parents=True)
        found = []
        for path in sorted(folder.iterdir()):
            if path.suffix in (".py", ".pyi") and path.stem != "__init__":
                shutil.copy(path, copy)
                parts = ["cuda", "core", *folder.relative_to(source).parts, path.stem]
                module = ".".join(parts)
                found += [f"from {module} import {n} as {n}" for n in public(path)]
        (copy / "__init__.pyi").write_text("\n".join(found) + "\n")
        names += found if folder.name in (source.name, "_memory") else []
    (target / "__init__.pyi").write_text("\n".join(names) + "\n")
    settings = place / "mypy.ini"
    settings.write_text(SETTINGS.format(stubs=place / "stubs"))

    def check(*files: Path) -> list[str]:
        run = subprocess.run(
            [sys.executable, "-m", "mypy", "--config-file", str(settings), "--cache-dir",
             str(place / "cache"), *map(str, files)],
            capture_output=True, text=True, cwd=ROOT.parent,
            env={**os.environ, "PYTHONPATH": str(ROOT.parent)},
        )  # fmt: skip
        assert run.returncode in (0, 1), run.stdout + run.stderr
        # The stubs themselves are not our concern.
        mine = {str(f.relative_to(ROOT.parent) if f.is_relative_to(ROOT.parent) else f)
                for f in files}  # fmt: skip
        return [line for line in run.stdout.splitlines() if line.split(":")[0] in mine]

    return check


@pytest.mark.slow
def test_the_adapter_type_checks_against_cuda_core(checker):
    assert not checker(*(ROOT / name for name in FILES))


@pytest.mark.slow
def test_mistakes_are_found(checker, tmp_path):
    text = "".join((ROOT / name).read_text() for name in FILES)
    mistakes = {
        "size, stream=self.stream)": "size, on=self.stream)",
        "ipc_enabled=False": "ipc=False",
        "core.LaunchConfig(grid=blocks, block=block)": 'core.LaunchConfig(grid="1", block=block)',
        "self.gpu.create_graph_builder()": "self.gpu.create_graph()",
        "core.ObjectCode.from_cubin(compiled.cubin, name=spec.name)":
            "core.ObjectCode.from_cubin(compiled.cubin, spec.name)",
    }  # fmt: skip
    for right, wrong in mistakes.items():
        assert right in text, right
        text = text.replace(right, wrong, 1)
    copy = tmp_path / "cuda_with_mistakes.py"
    copy.write_text(text)
    errors = [line for line in checker(copy) if ": error:" in line]
    assert len(errors) >= len(mistakes), errors

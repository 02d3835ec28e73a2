"""Which of the package's files a module stands on: the closure of its imports, read from source.

A compiled kernel is kept under a hash of its own source and of these files: a change of a file
that it imports, directly or not, makes another kernel, and a change of any other file does not.
"""

import ast
import functools
from pathlib import Path

from spikecuda.kernels.language.parse import parse
from spikecuda.kernels.spec import digest

PACKAGE = "spikecuda"
KERNELS = Path(__file__).resolve().parents[1]
# ``kernels/`` is installed as ``spikecuda/kernels``, and lies beside the package in a checkout.
HOME = KERNELS.parent if KERNELS.parent.name == PACKAGE else KERNELS.parent / PACKAGE
ROOTS = {f"{PACKAGE}.kernels": KERNELS, PACKAGE: HOME}
# What keeps machine code on the disk has no part in it: its own imports are not followed.
LEAF = KERNELS / "compile" / "numba_cache.py"


@functools.lru_cache(512)
def closure(source: str) -> tuple[Path, ...]:
    """Return the package's files that a module imports, directly or not, in order of their names.

    Args:
        source: of the module; names relative to a package of its own are not followed.
    """
    waiting = list(_imports(source))
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += () if path == LEAF else _imports_of(path)
    return tuple(sorted(found))


def fingerprint(source: str) -> str:
    """Return a hash of the files that a module stands on, and of the compiler's version."""
    return digest(_compiler(), *(_text(path) for path in closure(source)))


@functools.cache
def _compiler() -> str:
    import llvmlite
    import numba

    return f"numba {numba.__version__}, llvmlite {llvmlite.__version__}"


@functools.cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@functools.cache
def _imports_of(path: Path) -> tuple[Path, ...]:
    return _imports(_text(path))


def _imports(source: str) -> tuple[Path, ...]:
    """Return the package's files that a source imports itself, packages on the way included."""
    result: set[Path] = set()
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                result.update(_files(alias.name))
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(f"kernels import by full names (got a relative {node.module!r})")
            base = node.module or ""
            result.update(_files(base))
            for alias in node.names:
                # A name of a package may be a module of its own.
                result.update(_files(f"{base}.{alias.name}"))
    return tuple(result)


def _files(module: str) -> list[Path]:
    """Return a module's file and those of the packages it lies in; nothing of other packages."""
    roots = [root for root in ROOTS if module == root or module.startswith(root + ".")]
    if not roots:
        return []
    root = max(roots, key=len)
    folder = ROOTS[root]
    # What importing ``spikecuda`` itself brings is names for users; no kernel stands on it.
    result = [folder / "__init__.py"] if root != PACKAGE else []
    for part in module.removeprefix(root).split(".")[1:]:
        folder = folder / part
        if folder.with_suffix(".py").is_file():
            return [*result, folder.with_suffix(".py")]
        if not (folder / "__init__.py").is_file():
            break  # a name within the last module
        result.append(folder / "__init__.py")
    return result

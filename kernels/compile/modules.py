"""Import a rendered source as a module, its bytecode from the cache.

Python's own ``.pyc`` files are not used: it runs whatever they hold.
"""

import importlib.util
import linecache
import marshal
import os
import sys
import threading
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType

from spikecuda.kernels.compile import cache

_importing = threading.RLock()


def _renew_lock() -> None:
    """In a forked child, take the lock back from a thread that it does not have."""
    global _importing
    _importing = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def import_source(path: Path, source: str) -> ModuleType:
    """Return the module of a source, imported once in a process.

    Args:
        path: where the source is kept for people and debuggers; its name covers the source.
        source: what is run, whatever the file holds.
    """
    name = f"spikecuda_rendered_{path.stem}"
    with _importing:
        if name in sys.modules:
            return sys.modules[name]
        cache.write_once(path, source.encode())
        # Tracebacks and inspect show the source, even where it could not be written.
        linecache.cache[str(path)] = (len(source), None, source.splitlines(True), str(path))
        module = importlib.util.module_from_spec(ModuleSpec(name, None, origin=str(path)))
        module.__file__ = str(path)
        sys.modules[name] = module
        try:
            exec(_bytecode(path, source), module.__dict__)
        except BaseException:
            del sys.modules[name]
            raise
        return module


def _bytecode(path: Path, source: str) -> CodeType:
    """Return the compiled source; its place in the cache depends on the version of Python."""
    entry = path.with_name(f"{path.stem}.{sys.implementation.cache_tag}.code")
    found = cache.load(entry)
    magic = importlib.util.MAGIC_NUMBER
    if found is not None and found.startswith(magic):
        code = marshal.loads(found[len(magic) :])
        # The folder may have been moved since: tracebacks and entries go by the present name.
        if isinstance(code, CodeType) and code.co_filename == str(path):
            return code
    code = compile(source, str(path), "exec", dont_inherit=True)
    cache.save(entry, magic + marshal.dumps(code))
    return code

"""A function on its way to another process: what is sent, and why it cannot be."""

import functools
import hashlib
import importlib.util
import inspect
import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError, nearest, shown

Function = Callable[..., Any]
REMEDY = (
    "define it at the top of a .py file and import it, or install cloudpickle, which sends any: "
    'pip install "spikecuda[sweep]"'
)
MAIN = "__main__"
# Modules of files, which cannot be imported by their names; by name: the file.
_files: dict[str, str] = {}


@dataclass(frozen=True)
class SentFunction:
    """What another process needs to get a function.

    Attributes:
        name: of the function, for messages.
        data: what pickle or cloudpickle made of it; empty for one of a file.
        file: the .py file that it is read from; empty: it is in ``data``.
        needs_main: whether the process must import the script that was started, to find it.
    """

    name: str
    data: bytes = b""
    file: str = ""
    needs_main: bool = False

    def load(self) -> Function:
        """Return the function.

        Raises:
            SpikecudaError: it cannot be had in this process.
        """
        return _loaded(self)


@functools.lru_cache(maxsize=1)
def _loaded(sent: SentFunction) -> Function:
    try:
        if sent.file:
            return function_of_file(sent.file, sent.name)
        found: Function = pickle.loads(sent.data)
        return found
    except Exception as error:
        raise SpikecudaError(
            f"the function {sent.name} cannot be loaded in another process "
            f"({type(error).__name__}: {error}); {REMEDY}"
        ) from error


def name_of(function: Function) -> str:
    """Return a function's name, for people."""
    if isinstance(function, functools.partial):
        return name_of(function.func)
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def send(function: Function) -> SentFunction:
    """Return what another process can be sent.

    A function of a module is sent by its name.  One of the script that was started, of a notebook
    or within a function is sent with its code, if the package cloudpickle is there.

    Raises:
        SpikecudaTypeError: it cannot be sent; the message says what to do.
    """
    name, problem = name_of(function), ""
    file = _files.get(getattr(function, "__module__", ""))
    if file is not None and getattr(sys.modules[function.__module__], name, None) is function:
        return SentFunction(name, file=file)
    of_main = _belongs_to_main(function)
    if not of_main:
        try:
            return SentFunction(name, _pickled(function, pickle.dumps))
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
    try:
        import cloudpickle
    except ImportError:
        if of_main and _is_script() and "<" not in name:
            return SentFunction(name, _pickled(function, pickle.dumps), needs_main=True)
        problem = problem or "it belongs to an interactive session, which they cannot import"
        raise SpikecudaTypeError(
            f"function must be one that other processes can be sent (got {name}: {problem}); "
            f"{REMEDY}"
        ) from None
    try:
        return SentFunction(name, _pickled(function, cloudpickle.dumps))
    except Exception as error:
        raise SpikecudaTypeError(
            f"function must be one that other processes can be sent (got {name}, with "
            f"{type(error).__name__}: {error}); let it make what it uses itself, and take the rest "
            "as arguments"
        ) from error


def _pickled(function: Function, dumps: Callable[[Any], bytes]) -> bytes:
    """Return a function as bytes that it can be got from again."""
    data = dumps(function)
    if not callable(pickle.loads(data)):
        raise TypeError("what is sent is not callable")
    return data


def _belongs_to_main(function: Function) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    owner = function if hasattr(function, "__qualname__") else type(function)
    return getattr(owner, "__module__", None) == MAIN


def _is_script() -> bool:
    main = sys.modules[MAIN]
    return getattr(main, "__spec__", None) is not None or hasattr(main, "__file__")


def function_of_file(file: str, name: str = "") -> Function:
    """Return a function of a .py file, which is imported once.

    Args:
        file: its path.
        name: of the function; empty: the only one that does not begin with "_".

    Raises:
        SpikecudaValueError: no such file or function.
        SpikecudaError: the file fails.
    """
    if "\0" in file:
        raise SpikecudaValueError(f"a file's name must hold no NUL byte (got {file!r:.80})")
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise SpikecudaValueError(f"no such file of a function: {file}")
    module = _import(path)
    functions = {
        key: value
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and key[0] != "_"
    }
    if not name:
        if len(functions) == 1:
            return next(iter(functions.values()))
        raise SpikecudaValueError(
            f"{file} must have one function, or you name it as {file}:NAME (got "
            f"{', '.join(functions) or 'none'})"
        )
    found = getattr(module, name, None)
    if not callable(found):
        raise SpikecudaValueError(
            f"{file} has the functions {', '.join(functions) or '(none)'} (got {shown(name)})"
            f"{nearest(name, list(functions))}"
        )
    return found


def _import(path: Path) -> ModuleType:
    """Return the module of a file; it can import others that lie beside it, also later."""
    key = f"spikecuda_sweep_{path.stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"
    if key in sys.modules:
        return sys.modules[key]
    spec = importlib.util.spec_from_file_location(key, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module
    _files[key] = str(path)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[key]
        if not isinstance(error, Exception):
            raise
        raise SpikecudaError(f"{path.name} fails: {type(error).__name__}: {error}") from error
    return module

"""The source of a function as a hash: it tells whether results belong to the function as it is."""

import ast
import functools
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from spikecuda.errors import SpikecudaTypeError
from spikecuda.sweeps.values import key_of


def fingerprint(function: Callable[..., Any]) -> str:
    """Return a hash of a function, and of what it uses of its own file.

    These are functions and classes by their source, and numbers, texts, lists and arrays by their
    value.  Comments, docstrings and the format of the source do not count, nor do other files.
    """
    parts: dict[str, str] = {}
    _collect(function, "", parts)
    text = "\n".join(f"{name}: {parts[name]}" for name in sorted(parts))
    return hashlib.sha256(text.encode()).hexdigest()


def _collect(thing: Any, name: str, parts: dict[str, str]) -> None:
    """Add a thing that is used under a name, and what it uses."""
    if isinstance(thing, functools.partial):
        for number, value in enumerate(thing.args):
            _collect(value, f"{name}({number})", parts)
        for key, value in thing.keywords.items():
            _collect(value, f"{name}({key})", parts)
        _collect(thing.func, f"{name}.func", parts)
        return
    thing = inspect.unwrap(thing) if callable(thing) else thing
    if inspect.isfunction(thing) or inspect.isclass(thing):
        key = thing.__qualname__
        if key not in parts:
            parts[key] = _source(thing)
            around = _used(thing) if inspect.isfunction(thing) else _members(thing)
            for used, value in around:
                _collect_own(value, f"{key}.{used}", thing.__module__, parts)
        return
    if inspect.ismethod(thing):
        _collect(thing.__func__, name, parts)
        return
    if callable(thing):  # an object, or what is not written in Python
        parts[name] = getattr(thing, "__qualname__", "")
        if type(thing).__module__ != "builtins":
            _collect(type(thing), name, parts)
        return
    try:
        parts[name] = key_of({"value": thing})
    except (SpikecudaTypeError, RecursionError):
        parts[name] = type(thing).__qualname__


def _collect_own(value: Any, name: str, module: str, parts: dict[str, str]) -> None:
    """Add what a function uses if it is of its own file, or a plain value."""
    if inspect.ismodule(value):
        return
    if not callable(value) or getattr(value, "__module__", None) == module:
        _collect(value, name, parts)


def _members(thing: type) -> Iterator[tuple[str, Any]]:
    """Yield the names and values that make a class."""
    yield "bases", [base.__qualname__ for base in thing.__bases__]
    for name, value in sorted(vars(thing).items()):
        value = getattr(value, "__func__", getattr(value, "fget", value))
        if not name.startswith("__") or inspect.isfunction(value):
            yield name, value


def _used(function: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and values that a function takes from around it."""
    names = sorted(set(_names(function.__code__)))
    yield from ((n, function.__globals__[n]) for n in names if n in function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not yet assigned
            continue
    for number, value in enumerate(function.__defaults__ or ()):
        yield f"default {number}", value
    yield from (function.__kwdefaults__ or {}).items()


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _source(thing: Any) -> str:
    """Return what the source says, in one form; of code without a source, its instructions."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError, ValueError):
        code = getattr(thing, "__code__", None)
        return "no source" if code is None else _instructions(code)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def _instructions(code: CodeType) -> str:
    inner = [c for c in code.co_consts if isinstance(c, CodeType)]
    plain = [repr(c) for c in code.co_consts if not isinstance(c, CodeType)]
    return f"{code.co_code.hex()} {plain} {code.co_names} {[_instructions(c) for c in inner]}"

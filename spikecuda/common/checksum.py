"""A number that tells whether two processes have the same values: of arrays, objects, functions."""

import functools
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

# Deeper, nothing of a description lies.
DEEPEST = 12


def checksum(value: Any, most: int = 1 << 62, within: str = "spikecuda.") -> int:
    """Return the CRC-32 of a value; it is the same in all processes that run the same program.

    Numbers, texts, arrays and collections of them count with what they hold, dataclasses and
    objects of this package with their attributes, functions with their code and what they close
    over.  Of anything else, only the type counts.

    Args:
        value: anything.
        most: elements of an array that are looked at; larger arrays are sampled.
        within: beginning of the modules of objects that are looked into.
    """
    result = 0
    for part in _parts(value, most, within, 0):
        result = zlib.crc32(part, result)
    return result


def _parts(value: Any, most: int, within: str, depth: int) -> Iterator[Any]:
    """Yield what the checksum is of, as bytes."""
    inner = functools.partial(_parts, most=most, within=within, depth=depth + 1)
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        yield repr(value).encode()
    elif isinstance(value, np.ndarray | np.generic) and np.asarray(value).dtype.kind in "biufc":
        array = np.asarray(value)
        yield f"{array.dtype.str}{array.shape}".encode()
        if array.size > most:
            array = array.reshape(-1)[:: -(-array.size // most)]
        yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    elif depth > DEEPEST:
        yield type(value).__qualname__.encode()
    elif isinstance(value, Mapping):
        yield b"{"
        for key, item in value.items():
            yield from inner(key)
            yield from inner(item)
    elif isinstance(value, set | frozenset):
        yield repr(sorted(map(repr, value))).encode()
    elif isinstance(value, list | tuple):
        yield f"[{len(value)}".encode()
        for item in value:
            yield from inner(item)
    elif isinstance(value, type):
        yield f"{value.__module__}.{value.__qualname__}".encode()
    elif isinstance(value, MethodType):
        yield from inner(value.__func__)
        yield from inner(value.__self__)
    elif isinstance(value, functools.partial):
        yield from inner([value.func, value.args, value.keywords])
    elif isinstance(value, FunctionType):
        yield from _code(value.__code__)
        yield from inner([value.__defaults__, value.__kwdefaults__])
        for cell in value.__closure__ or ():
            yield from inner(cell.cell_contents)
    else:
        yield type(value).__qualname__.encode()
        if is_dataclass(value):
            names = [field.name for field in fields(value) if field.init]
            yield from inner({name: getattr(value, name, None) for name in names})
        elif type(value).__module__.startswith(within):
            yield from inner(getattr(value, "__dict__", {}))


def _code(code: CodeType) -> Iterator[bytes]:
    """Yield the instructions of a function and its constants."""
    yield code.co_code
    yield repr(code.co_names).encode()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)
        elif not isinstance(constant, frozenset):
            yield repr(constant).encode()

"""Values of a sweep as JSON and back: numbers, texts, lists, dicts and arrays, without a loss."""

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.sweeps.grid import plain

STORED = "numbers, texts, None, arrays of numbers, and lists, tuples and dicts of them"
# A dict of one such key stands for what JSON does not have.
FLOAT, TUPLE, DICT, ARRAY = "$float", "$tuple", "$dict", "$array"
KINDS = "biuf"


def encode(value: Any, where: str) -> Any:
    """Return a value as what JSON has.

    Args:
        value: any.
        where: what it is, for messages.

    Raises:
        SpikecudaTypeError: a value that is not among ``STORED``.
    """
    value = plain(value)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {FLOAT: repr(float(value))}
    if isinstance(value, tuple):
        return {TUPLE: [encode(item, where) for item in value]}
    if isinstance(value, list):
        return [encode(item, where) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        found = {key: encode(item, f"{where}[{key!r}]") for key, item in value.items()}
        return {DICT: found} if any(key.startswith("$") for key in found) else found
    if isinstance(value, np.ndarray) and value.dtype.kind in KINDS:
        data = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"))
        text = base64.b64encode(data.tobytes()).decode("ascii")
        return {ARRAY: text, "dtype": data.dtype.str, "shape": list(value.shape)}
    raise SpikecudaTypeError(
        f"{where} cannot be kept in a file (got {shown(value)} of type {type(value).__name__}); "
        f"use {STORED}"
    )


def decode(found: Any) -> Any:
    """Return what ``encode`` was given.

    Raises:
        SpikecudaValueError: nothing that it returns.
    """
    if isinstance(found, list):
        return [decode(item) for item in found]
    if not isinstance(found, dict):
        return found
    if FLOAT in found:
        return float(found[FLOAT])
    if TUPLE in found:
        return tuple(decode(item) for item in found[TUPLE])
    if ARRAY in found:
        dtype = np.dtype(found["dtype"])
        if dtype.kind not in KINDS:
            raise SpikecudaValueError(f"an array must be of numbers (got {dtype})")
        data = base64.b64decode(found[ARRAY], validate=True)
        array = np.frombuffer(data, dtype).reshape(found["shape"])
        return array.astype(dtype.newbyteorder("="))
    return {key: decode(item) for key, item in found.get(DICT, found).items()}


def key_of(params: Mapping[str, Any]) -> str:
    """Return a text that is the same for the same parameters, in any order."""
    return json.dumps(
        {name: encode(value, f"the parameter {name}") for name, value in params.items()},
        sort_keys=True,
    )

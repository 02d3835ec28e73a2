"""Check that data read from ``report.json`` has the documented layout."""

import types
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from spikecuda.errors import SpikecudaValueError
from spikecuda.report.results import SCHEMA_VERSION, Report


def validate(data: object) -> None:
    """Raise SpikecudaValueError unless ``data`` is a report of this schema version.

    Args:
        data: what ``json.load`` gave.
    """
    if isinstance(data, dict) and data.get("schema") != SCHEMA_VERSION:
        raise SpikecudaValueError(
            f"schema must be {SCHEMA_VERSION} (got {data.get('schema')!r}); the report comes from "
            "another version of spikecuda"
        )
    check(data, Report, "report")


def check(value: Any, kind: Any, where: str) -> None:
    """Raise unless a value read from JSON has a type."""
    origin = get_origin(kind)
    if kind is Any:
        return
    if is_dataclass(kind):
        _check_object(value, kind, where)
    elif origin in (Union, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return
        (inner,) = (a for a in get_args(kind) if a is not type(None))
        check(value, inner, where)
    elif origin is list:
        _require(isinstance(value, list), where, "a list", value)
        for i, item in enumerate(value):
            check(item, get_args(kind)[0], f"{where}[{i}]")
    elif origin is dict:
        _require(isinstance(value, dict), where, "an object", value)
        for key, item in value.items():
            check(item, get_args(kind)[1], f"{where}.{key}")
    elif kind is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        _require(number, where, "a number", value)
    elif kind is int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        _require(whole, where, "a whole number", value)
    else:
        _require(isinstance(value, kind), where, kind.__name__, value)


def _check_object(value: Any, kind: Any, where: str) -> None:
    _require(isinstance(value, dict), where, f"an object ({kind.__name__})", value)
    hints = get_type_hints(kind)
    names = [f.name for f in fields(kind)]
    for name in names:
        if name not in value:
            raise SpikecudaValueError(f"{where}.{name} is missing")
        check(value[name], hints[name], f"{where}.{name}")
    for name in value:
        if name not in names:
            raise SpikecudaValueError(f"{where}.{name} is unknown; there are {', '.join(names)}")


def _require(holds: bool, where: str, what: str, value: object) -> None:
    if not holds:
        raise SpikecudaValueError(f"{where} must be {what} (got {value!r:.60})")

"""What users write for numbers, distributions, sizes and pairs, read from text."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from spikecuda.errors import SpikecudaValueError, shown

# Multipliers of counts: 10k, 1M.
SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
DISTRIBUTIONS = {"normal": "Normal", "uniform": "Uniform", "lognormal": "LogNormal"}
FORMS = "a number, normal(mean,std), uniform(low,high) or lognormal(mean,std)"


def number(text: object, name: str = "value") -> float:
    """Return a finite number."""
    try:
        if isinstance(text, bool):
            raise ValueError
        value = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise SpikecudaValueError(f"{name} must be a number (got {shown(text)})") from None
    if not math.isfinite(value):
        raise SpikecudaValueError(f"{name} must be finite (got {shown(text)})")
    return value


def count(text: object, name: str = "count") -> int:
    """Return a whole number >= 1 from 1000, 1e6, 10k or 1M."""
    match = re.fullmatch(r"\s*([0-9_]*\.?[0-9]+(?:e[0-9]+)?)\s*([kmg]?)\s*", str(text).lower())
    value = float(match[1].replace("_", "")) * SUFFIXES[match[2]] if match else math.nan
    if not (1 <= value < 2**63 and value == math.floor(value)):
        raise SpikecudaValueError(
            f"{name} must be a whole number >= 1, such as 1000, 10k or 1M (got {shown(text)})"
        )
    return int(value)


def value(text: object, name: str) -> Any:
    """Return a number, a list of numbers, or a distribution from its text.

    Args:
        text: a number, a list of numbers, or text such as ``"normal(-50, 2)"``.
        name: what it is, for messages.
    """
    if isinstance(text, list):
        return [number(item, name) for item in text]
    if not isinstance(text, str):
        return number(text, name)
    match = re.fullmatch(r"\s*([a-z]+)\s*\((.*)\)\s*", text, re.IGNORECASE)
    if match is None:
        try:
            return number(text, name)
        except SpikecudaValueError:
            raise SpikecudaValueError(f"{name} must be {FORMS} (got {shown(text)})") from None
    kind = match[1].lower()
    if kind not in DISTRIBUTIONS:
        raise SpikecudaValueError(f"{name} must be {FORMS} (got {shown(text)})")
    numbers = [number(part, name) for part in match[2].split(",")]
    if len(numbers) != 2:
        raise SpikecudaValueError(f"{name}: {kind} takes two numbers (got {shown(text)})")
    from spikecuda.common import distributions

    return getattr(distributions, DISTRIBUTIONS[kind])(*numbers)


def parts(text: str, names: tuple[str, ...], option: str, optional: int = 0) -> list[str]:
    """Split ``a,uniform(b,c)`` at its outer commas into one text for each name.

    Args:
        text: what the user wrote.
        names: what the parts are.
        option: the option's name, for messages.
        optional: how many of the last parts may be left out.
    """
    _require_text(text, option)
    found = [part.strip() for part in re.split(r",(?![^(]*\))", text)]
    if not len(names) - optional <= len(found) <= len(names) or not all(found):
        raise SpikecudaValueError(f"{option} takes {','.join(names).upper()} (got {shown(text)})")
    return found


def _require_text(value: object, option: str) -> None:
    """Raise for what argparse makes of ``--option=--``: no text at all."""
    if not isinstance(value, str):
        raise SpikecudaValueError(f"{option} takes a value (got --)")


def pairs(items: Iterable[str], option: str) -> dict[str, str]:
    """Return NAME=VALUE texts as a dict."""
    result: dict[str, str] = {}
    for item in items:
        _require_text(item, option)
        name, equals, text = item.partition("=")
        if not (equals and name.strip() and text.strip()):
            raise SpikecudaValueError(f"{option} takes NAME=VALUE (got {item!r})")
        if name.strip() in result:
            raise SpikecudaValueError(f"{option} {name.strip()} is given twice; give it once")
        result[name.strip()] = text.strip()
    return result


def values(items: Mapping[str, object], what: str) -> dict[str, Any]:
    """Return numbers, lists or distributions by name."""
    return {name: value(text, f"{what} {name}") for name, text in items.items()}


def names(text: str | Iterable[str]) -> list[str]:
    """Return the names in a comma-separated text or a list."""
    listed = text.split(",") if isinstance(text, str) else list(text)
    return [name.strip() for name in listed if name.strip()]

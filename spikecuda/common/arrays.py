"""Arrays of users: checked and copied in one place, so that later changes have no effect."""

import numbers

import numpy as np

from spikecuda.common.arguments import as_real, shown
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError

REAL, WHOLE = "fiu", "iu"


def take_array(name: str, value: object, need: str, kinds: str = REAL) -> np.ndarray:
    """Return an own, read-only copy of an array, of its type.

    Args:
        name: of the argument, for messages.
        value: a number, a sequence, an array of NumPy or of another library in host memory.
        need: what is needed, for messages: "an array of numbers".
        kinds: NumPy's letters of the kinds of numbers that are accepted.

    Raises:
        SpikecudaTypeError: not made of such numbers, or rows of several lengths.
        SpikecudaValueError: values are masked.
    """
    array = np.array(view_array(name, value, need, kinds), copy=True, order="C")
    array.flags.writeable = False
    return array


def view_array(name: str, value: object, need: str, kinds: str = REAL) -> np.ndarray:
    """Return an array as it is, without a copy where there can be none; see ``take_array``."""
    if np.ma.is_masked(value):
        raise SpikecudaValueError(
            f"{name} must have no masked values (got {np.ma.count_masked(value)}); fill them"
        )
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        raise SpikecudaTypeError(
            f"{name} must be {need}, its rows of one length and in host memory (got {shown(value)})"
        ) from None
    if array.size and array.dtype.kind not in kinds:
        raise SpikecudaTypeError(f"{name} must be {need} (got {_described(value, array)})")
    return array


def take_reals(name: str, value: object, need: str = "a number or an array") -> np.ndarray:
    """Return an own, read-only float64 array; a number becomes one of shape ()."""
    if isinstance(value, numbers.Number | np.generic):
        try:
            array = np.array(as_real(name, value))
        except SpikecudaValueError:
            raise SpikecudaValueError(
                f"{name} must be a number that fits in float64 (got {shown(value)})"
            ) from None
    else:
        array = np.array(view_array(name, value, need), np.float64, copy=True, order="C")
    array.flags.writeable = False
    return array


def whole_numbers(
    name: str, value: object, need: str, low: int = -(2**63), high: int = 2**63 - 1
) -> np.ndarray:
    """Return an own, read-only int64 array of whole numbers within [low, high].

    Floating-point numbers are taken if they are whole: a file may hold ids so.

    Raises:
        SpikecudaTypeError: not numbers.
        SpikecudaValueError: NaN, infinite, not whole, or out of range; nothing is cut or wrapped.
    """
    array = view_array(name, value, need)
    if array.dtype.kind == "f":
        bad = ~(np.isfinite(array) & (array == np.floor(array)))
        if bad.any():
            raise SpikecudaValueError(f"{name} must be whole numbers (got {_first(array, bad)})")
    if array.size:
        # In Python's integers: no comparison of int64 with uint64 or float64 rounds.
        least, most = int(array.min()), int(array.max())
        if least < low or most > high:
            wrong = least if least < low else most
            raise SpikecudaValueError(f"{name} must be from {low} to {high:,} (got {wrong:,})")
    whole = array.astype(np.int64)
    whole.flags.writeable = False
    return whole


def _first(array: np.ndarray, bad: np.ndarray) -> str:
    """Return the first bad value and where it is."""
    where = int(np.argmax(bad))
    return f"{array.ravel()[where]!r} at {where}" if array.ndim else repr(array[()])


def _described(value: object, array: np.ndarray) -> str:
    return f"{shown(value)}, shape {array.shape}, {array.dtype}" if array.ndim else shown(value)

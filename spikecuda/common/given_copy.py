"""Copies that objects give out: parts of them cannot be assigned, which would have no effect."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaValueError


class GivenCopy(np.ndarray):
    """A read-only copy of a state or of weights.

    ``x.weights[3] = 1.0`` raises and says what to do; ``x.weights *= 2.0`` works, for Python
    assigns the result to the object.
    """

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self.flags.writeable:
            raise SpikecudaValueError(
                "what was read is a read-only copy (got an assignment to a part of it); change a "
                "copy and assign that: a = x.copy(); a[...] = ...; then x = a"
            )
        super().__setitem__(key, value)

    def __array_wrap__(
        self, array: np.ndarray, context: Any = None, return_scalar: bool = False
    ) -> Any:
        """Return what is computed: a sum of all is a number, as of any array."""
        if return_scalar or not array.ndim:
            return array[()]
        return super().__array_wrap__(array, context, return_scalar)

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def __reduce__(self) -> Any:
        return np.asarray(self).__reduce__()


def give_copy(values: np.ndarray) -> np.ndarray:
    """Return an own array of the caller as a ``GivenCopy``."""
    result = values.view(GivenCopy)
    result.flags.writeable = False
    return result


def _in_place(function: Callable[[Any, Any], Any]) -> Callable[[GivenCopy, Any], Any]:
    """Return an augmented assignment that makes a new array where this one is read-only."""

    def work(self: GivenCopy, other: Any) -> Any:
        result = function(np.asarray(self), other)
        if self.flags.writeable:
            self[...] = result
            return self
        return result

    return work


for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(GivenCopy, f"__i{name}__", _in_place(getattr(operator, name)))

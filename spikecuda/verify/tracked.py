"""Numbers that carry a bound of what a kernel's roundings can have done to them.

Running error analysis: Wilkinson (1986) "Error analysis revisited"; Higham (2002) Accuracy and
Stability of Numerical Algorithms, section 3.3.
"""

from typing import Any

import numpy as np

Wide = np.longdouble
# Largest errors of the kernels' functions, in units of the last place (tests/numerics).
FUNCTION_ULP = {"exp": 1.2, "expm1": 2.5, "log": 1.3}


class Tracked:
    """A number and a bound of the absolute error that a kernel's roundings leave in it.

    Attributes:
        value: the exact value, as far as extended precision goes.
        error: bound of ``|kernel's value - value|``.
        unit: unit roundoff of the kernel's arithmetic.
    """

    __slots__ = ("error", "unit", "value")

    def __init__(self, value: Any, error: Any, unit: float) -> None:
        self.value, self.error, self.unit = Wide(value), Wide(error), unit

    def _rounded(self, value: Any, error: Any, ulps: float = 1.0) -> "Tracked":
        """Return a result whose last operation is rounded to within ``ulps`` units."""
        smallest = Wide(1e-45) if self.unit > 1e-10 else Wide(5e-324)
        return Tracked(value, error + ulps * self.unit * (abs(value) + error) + smallest, self.unit)

    def _with(self, other: Any) -> "Tracked":
        return other if isinstance(other, Tracked) else Tracked(other, 0.0, self.unit)

    def __add__(self, other: Any) -> "Tracked":
        other = self._with(other)
        return self._rounded(self.value + other.value, self.error + other.error)

    def __sub__(self, other: Any) -> "Tracked":
        other = self._with(other)
        return self._rounded(self.value - other.value, self.error + other.error)

    def __mul__(self, other: Any) -> "Tracked":
        other = self._with(other)
        return self._rounded(self.value * other.value, self._product_error(other))

    def __truediv__(self, other: Any) -> "Tracked":
        other = self._with(other)
        if abs(other.value) <= other.error:
            return Tracked(self.value, np.inf, self.unit)
        value = self.value / other.value
        error = (self.error + abs(value) * other.error) / (abs(other.value) - other.error)
        return self._rounded(value, error)

    def _product_error(self, other: "Tracked") -> Any:
        return (
            abs(self.value) * other.error + abs(other.value) * self.error + self.error * other.error
        )

    def __neg__(self) -> "Tracked":
        return Tracked(-self.value, self.error, self.unit)

    def __abs__(self) -> "Tracked":
        return Tracked(abs(self.value), self.error, self.unit)

    def _close(self, other: "Tracked") -> None:
        """Note a comparison that rounding could decide either way."""
        if abs(self.value - other.value) <= self.error + other.error:
            raise Undecided

    def _compare(self, other: Any, name: str) -> bool:
        other = self._with(other)
        self._close(other)
        return bool(getattr(np, name)(self.value, other.value))

    def __lt__(self, other: Any) -> bool:
        return self._compare(other, "less")

    def __le__(self, other: Any) -> bool:
        return self._compare(other, "less_equal")

    def __gt__(self, other: Any) -> bool:
        return self._compare(other, "greater")

    def __ge__(self, other: Any) -> bool:
        return self._compare(other, "greater_equal")

    def __eq__(self, other: Any) -> bool:
        return self._compare(other, "equal")

    def __ne__(self, other: Any) -> bool:
        return self._compare(other, "not_equal")

    __hash__ = None  # type: ignore[assignment]


class Undecided(Exception):
    """A comparison within the error bound: the kernel may go either way."""


class Language:
    """The language's functions on tracked numbers.

    Args:
        unit: unit roundoff of the kernel's arithmetic.
    """

    def __init__(self, unit: float) -> None:
        self.unit = unit

    def names(self) -> dict[str, Any]:
        """Return the functions by the names that a model calls them by."""
        return {
            name: getattr(self, f"_{name}")
            for name in (
                "real", "fma", "mul", "div", "select", "exp", "expm1", "log", "sqrt",
                "min", "max", "abs",
            )
        }  # fmt: skip

    def _real(self, value: float) -> Tracked:
        return Tracked(value, abs(value) * self.unit, self.unit)

    def _fma(self, a: Tracked, b: Tracked, c: Tracked) -> Tracked:
        return a._rounded(a.value * b.value + c.value, a._product_error(b) + c.error)

    def _mul(self, a: Tracked, b: Tracked) -> Tracked:
        return a * b

    def _div(self, a: Tracked, b: Tracked) -> Tracked:
        return a / b

    def _select(self, condition: bool, a: Tracked, b: Tracked) -> Tracked:
        return a if condition else b

    def _exp(self, x: Tracked) -> Tracked:
        value = np.exp(self._in_range(x))
        return x._rounded(value, value * np.expm1(x.error), 2 * FUNCTION_ULP["exp"])

    def _expm1(self, x: Tracked) -> Tracked:
        at = self._in_range(x)
        error = np.exp(at) * np.expm1(x.error)
        return x._rounded(np.expm1(at), error, 2 * FUNCTION_ULP["expm1"])

    def _in_range(self, x: Tracked) -> Any:
        """Return the argument that ``exp`` uses for x."""
        low, high = (-87.33, 88.37) if self.unit > 1e-10 else (-708.3, 709.4)
        return np.clip(x.value, Wide(low), Wide(high))

    def _log(self, x: Tracked) -> Tracked:
        if x.value <= x.error:
            raise Undecided
        error = -np.log1p(-x.error / x.value)
        return x._rounded(np.log(x.value), error, 2 * FUNCTION_ULP["log"])

    def _sqrt(self, x: Tracked) -> Tracked:
        if x.value <= x.error:
            raise Undecided
        value = np.sqrt(x.value)
        return x._rounded(value, value - np.sqrt(x.value - x.error))

    def _min(self, a: Tracked, b: Tracked) -> Tracked:
        return -self._max(-a, -b)

    def _max(self, a: Tracked, b: Tracked) -> Tracked:
        # Only what may be the larger counts.
        larger, smaller = (a, b) if a.value >= b.value else (b, a)
        if larger.value - smaller.value > larger.error + smaller.error:
            return larger
        return Tracked(larger.value, max(a.error, b.error), self.unit)

    def _abs(self, a: Tracked) -> Tracked:
        return abs(a)

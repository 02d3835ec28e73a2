"""The language that model functions are written in: a small part of Python.

A model's ``step``, ``threshold`` and ``reset`` are plain Python functions of scalars that use
``+ - * /``, comparisons, ``and or not``, conditional expressions, ``if`` with assignments,
``for`` over a literal ``range``, and the functions below.  Numbers are written ``real(0.04)``, so
that they take the precision of the kernel.  ``check`` refuses everything else at definition, with
the line; ``rewrite`` turns what is left into the arithmetic of ``spikecuda.kernels.numerics``.

The functions here have the same meaning in plain Python (in float64), so a model can also be
called and debugged as it stands.
"""

import math
import random
from fractions import Fraction

Real = float

__all__ = [
    "ANGLES", "FUNCTIONS", "Real", "cos", "exp", "expm1", "fma", "log", "normal", "pow", "real",
    "select", "sin", "sqrt", "uniform",
]  # fmt: skip

# An input of model functions that is a condition: whether the neuron is refractory.
HELD = "refractory"
# Names a model function may call, and the number of arguments of each.
FUNCTIONS = {
    "abs": 1,
    "div": 2,
    "exp": 1,
    "expm1": 1,
    "fma": 3,
    "log": 1,
    "max": 2,
    "min": 2,
    "mul": 2,
    "pow": 2,
    "real": 1,
    "select": 3,
    "sqrt": 1,
}
# More of them, which only functions of the distance may call.
ANGLES = {"cos": 1, "sin": 1}
# Random numbers: a model's step, threshold and reset may call these, each call one number a step.
DRAWS = ("normal", "uniform")


def real(value: float) -> Real:
    """Return a literal number in the precision of the kernel."""
    return float(value)


def fma(a: Real, b: Real, c: Real) -> Real:
    """Return ``a * b + c`` rounded once."""
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        return a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    return float(exact) if exact else a * b + c


def select(condition: bool, a: Real, b: Real) -> Real:
    """Return ``a`` where the condition holds, else ``b``."""
    return a if condition else b


def exp(x: Real) -> Real:
    """Return e^x; arguments beyond the range of the precision are clamped to it."""
    return math.exp(min(max(x, -708.3), 709.4))


def expm1(x: Real) -> Real:
    """Return e^x - 1, accurate near 0; arguments are clamped as for ``exp``."""
    return math.expm1(min(max(x, -708.3), 709.4))


def log(x: Real) -> Real:
    """Return the natural logarithm, NaN for x <= 0."""
    return math.log(x) if x > 0 else math.nan


def sqrt(x: Real) -> Real:
    """Return the square root, NaN for x < 0."""
    return math.sqrt(x) if x >= 0 else math.nan


def cos(x: Real) -> Real:
    """Return the cosine of an angle in radians, NaN beyond 2^20: in functions of the distance."""
    return math.cos(x) if abs(x) <= 2.0**20 else math.nan


def sin(x: Real) -> Real:
    """Return the sine of an angle in radians, NaN beyond 2^20: in functions of the distance."""
    return math.sin(x) if abs(x) <= 2.0**20 else math.nan


def pow(a: Real, b: Real) -> Real:
    """Return a^b for a >= 0, with 0^0 = 1; NaN for a < 0."""
    if a < 0:
        return math.nan
    if b == 0:
        return 1.0
    return exp(b * math.log(a)) if a > 0 else (0.0 if b > 0 else math.inf)


def normal() -> Real:
    """Return a standard normal number.

    In a kernel it is a pure function of seed, trial, neuron and step.  In plain Python it comes
    from ``random``.
    """
    return random.gauss(0.0, 1.0)


def uniform() -> Real:
    """Return a uniform number in [2^-32, 1], of the same kind: ``uniform() <= p`` has chance p."""
    return max(random.random(), 2.0**-32)

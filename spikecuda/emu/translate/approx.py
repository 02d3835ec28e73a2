"""The approximate instructions: how each is computed here, and how accurate that is.

Hardware returns some value within the bound that NVIDIA documents; which one differs between
architectures and is not documented.  The emulator returns a more accurate one: the function in
double (the platform's libm, error below 1 ulp of a double), rounded once to its type.  So a result
here is within ``0.5 + 2**-28`` ulp of the true value, and two machines may differ from it within
NVIDIA's bound.  Code whose result must not depend on the architecture shall not use these.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Approximation:
    """Accuracy of one approximate instruction.

    Attributes:
        here: largest error of the emulator's result, in ulp of the result's type.
        hardware: the error that NVIDIA documents for a GPU, in words.
    """

    here: float
    hardware: str


_HALF_ULP = 0.5 + 2.0**-28

ACCURACY: dict[str, Approximation] = {
    "ex2.approx.f32": Approximation(_HALF_ULP, "2 ulp + 2**-22 relative"),
    "lg2.approx.f32": Approximation(_HALF_ULP, "2**-22 absolute near 1, 2**-22 relative elsewhere"),
    "rcp.approx.f32": Approximation(_HALF_ULP, "1 ulp"),
    "rsqrt.approx.f32": Approximation(_HALF_ULP, "2**-22.4 relative"),
    "sqrt.approx.f32": Approximation(_HALF_ULP, "2**-23 relative"),
    "sin.approx.f32": Approximation(_HALF_ULP, "2**-20.5 absolute in [-pi, pi]"),
    "cos.approx.f32": Approximation(_HALF_ULP, "2**-20.5 absolute in [-pi, pi]"),
    "tanh.approx.f32": Approximation(_HALF_ULP, "2**-11 relative"),
    "div.approx.f32": Approximation(_HALF_ULP, "2 ulp for divisors in [2**-126, 2**126]"),
    "div.full.f32": Approximation(_HALF_ULP, "2 ulp"),
    "ex2.approx.f16": Approximation(_HALF_ULP, "2**-9.9 relative"),
    "tanh.approx.f16": Approximation(_HALF_ULP, "2**-10.987 absolute"),
    "rcp.approx.ftz.f64": Approximation(2.0**33, "the upper 32 bits; 2**-20 relative"),
    "rsqrt.approx.ftz.f64": Approximation(2.0**33, "the upper 32 bits; 2**-20 relative"),
    "rsqrt.approx.f64": Approximation(1.5, "2**-22.4 relative"),
}

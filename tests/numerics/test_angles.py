"""sin and cos of float64: error in units in the last place (ulp), quadrants, limits and NaN."""

import mpmath
import numpy as np
import pytest
from test_elementary import apply, error64, every_binade

from spikecuda.kernels.numerics.angles import LARGEST, cos64, sin64

# Half for the angle that is left, which is rounded once, and 1.5 for what is computed of it.
ULP = 2.0


@pytest.mark.parametrize(("function", "exact"), [(sin64, mpmath.sin), (cos64, mpmath.cos)])
def test_sine_and_cosine_are_within_two_ulp(function, exact):
    near = np.arange(-64, 65) * (np.pi / 4)
    far = np.array([2.0**19, LARGEST, 1e5 * np.pi, 333333.0])
    angles = every_binade(np.float64, np.int64, 4000, 1e-9, LARGEST)
    x = np.concatenate([near, near + 1e-9, far, np.linspace(-7.0, 7.0, 2000), angles, -angles])
    assert error64(function, exact, x).max() < ULP


@pytest.mark.parametrize("function", [sin64, cos64])
def test_angles_that_are_too_large_are_nan(function):
    x = np.array([np.nextafter(LARGEST, np.inf), -1e300, np.inf, -np.inf, np.nan])
    assert np.isnan(apply(function, x)).all()


def test_zero():
    assert apply(sin64, np.zeros(1))[0] == 0.0
    assert apply(cos64, np.zeros(1))[0] == 1.0

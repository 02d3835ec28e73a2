"""How long the slowest of many workers takes, whose times fluctuate."""

import functools
import math

import numpy as np

# Standard deviations on either side, and points of the integral in each of them.
FAR, POINTS = 9.0, 200


@functools.cache
def expected_maximum(count: float) -> float:
    """Return the mean of the largest of ``count`` independent standard normal numbers.

    It is the integral of x over the distribution of the largest, Phi(x)^count, by parts: the
    integral of 1 - Phi^count over x > 0, less that of Phi^count over x < 0.

    Args:
        count: at least 1.

    Source: Tippett (1925) Biometrika 17:364; David & Nagaraja (2003) Order Statistics, 3rd
    edition, chapter 3.  That the time of parallel spiking networks is that of the slowest of
    fluctuating processes: Lober, Diesmann & Kunkel (2026) arXiv:2602.23274.
    """
    x = np.linspace(-FAR, FAR, int(2 * FAR * POINTS) + 1)
    below = np.array([0.5 * math.erfc(-v / math.sqrt(2.0)) for v in x.tolist()]) ** count
    right, left = x >= 0, x <= 0
    return float(np.trapezoid(1.0 - below[right], x[right]) - np.trapezoid(below[left], x[left]))


def scale_of(times: np.ndarray) -> float:
    """Return the standard deviation of normal numbers of which the larger of two lies as far up.

    It is sqrt(pi) times the second L-moment, half the mean difference of two of the numbers.  For
    two workers the wait that follows from it is exact, whatever the distribution.

    Args:
        times: 1-D, two or more.

    Source: Hosking (1990) J R Stat Soc B 52:105, equation 2.4, and table 1 for the normal
    distribution.
    """
    ordered = np.sort(times)
    n = ordered.size
    weights = 2.0 * np.arange(n) - (n - 1)
    return math.sqrt(math.pi) * float(weights @ ordered) / (n * (n - 1))

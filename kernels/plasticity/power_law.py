"""Pair STDP with a power law of potentiation, without an upper bound.

    at a spike of the target:  w += lam w_0^(1 - mu) w^mu x
    at a spike of the source:  w -= alpha lam w y

Source: Morrison, Aertsen & Diesmann (2007) Neural Comput 19:1437, equation 6.
"""

from spikecuda.kernels.language import Real, pow


def potentiate(w: Real, x: Real, step_up: Real, mu: Real) -> Real:
    """Return the weight after a spike of the target; ``step_up`` = lam w_0^(1 - mu)."""
    return w + step_up * pow(w, mu) * x


def depress(w: Real, y: Real, part_down: Real) -> Real:
    """Return the weight after a spike of the source; ``part_down`` = alpha lam."""
    return w - part_down * w * y

"""STDP of Diehl and Cook's network that learns digits: all traces are set to 1 by a spike.

    at a spike of the target:  w += eta_post x o2    o2: just before the spike
    at a spike of the source:  w -= eta_pre o1

Source: Diehl & Cook (2015) Front Comput Neurosci 9:99, and the code published with it.
"""

from spikecuda.kernels.language import Real


def potentiate(w: Real, x: Real, o2: Real, eta_post: Real) -> Real:
    """Return the weight after a spike of the target."""
    return w + eta_post * x * o2


def depress(w: Real, o1: Real, eta_pre: Real) -> Real:
    """Return the weight after a spike of the source."""
    return w - eta_pre * o1

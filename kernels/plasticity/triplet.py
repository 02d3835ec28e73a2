"""Triplet STDP.

r1 and r2 are traces of the source's spikes, o1 and o2 of the target's, each just before the present
one:

    at a spike of the target:  w += r1 (a2_plus + a3_plus o2)
    at a spike of the source:  w -= o1 (a2_minus + a3_minus r2)

Source: Pfister & Gerstner (2006) J Neurosci 26:9673, equations 3 and 4.
"""

from spikecuda.kernels.language import Real


def potentiate(w: Real, r1: Real, o2: Real, a2_plus: Real, a3_plus: Real) -> Real:
    """Return the weight after a spike of the target."""
    return w + r1 * (a2_plus + a3_plus * o2)


def depress(w: Real, o1: Real, r2: Real, a2_minus: Real, a3_minus: Real) -> Real:
    """Return the weight after a spike of the source."""
    return w - o1 * (a2_minus + a3_minus * r2)

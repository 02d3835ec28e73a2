"""STDP that dopamine gates: pairs of spikes make synapses eligible, and dopamine changes them.

    at a spike of the target:  c += a_plus x
    at a spike of the source:  c -= a_minus y
    dw/dt = c (n - b)    c decays with tau_c, and with tau_n n, which a spike raises by 1 / tau_n

Sources: Izhikevich (2007) Cereb Cortex 17:2443; Potjans, Morrison & Diesmann (2010) Front Comput
Neurosci 4:141.
"""

from spikecuda.kernels.language import Real


def eligible_post(w: Real, c: Real, x: Real, a_plus: Real) -> tuple[Real, Real]:
    """Return weight and eligibility after a spike of the target."""
    return w, c + a_plus * x


def eligible_pre(w: Real, c: Real, y: Real, a_minus: Real) -> tuple[Real, Real]:
    """Return weight and eligibility after a spike of the source."""
    return w, c - a_minus * y

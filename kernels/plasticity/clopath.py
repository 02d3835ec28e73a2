"""Voltage-based plasticity.

    each step, where u > theta_plus and u_plus > theta_minus:
        w += a_ltp dt (u - theta_plus) (u_plus - theta_minus) x
    at a spike of the source:  w -= a_ltd (u_minus - theta_minus), where that is positive

u is the target's membrane potential; u_plus and u_minus are what low passes make of it, a spike's
width ago; x is the source's low-passed spike train.

Source: Clopath, Büsing, Vasilaki & Gerstner (2010) Nat Neurosci 13:344, equations 1 and 2.
"""

from spikecuda.kernels.language import Real, real, select


def watch(u: Real, u_plus: Real, theta_plus: Real, theta_minus: Real, gain: Real) -> Real:
    """Return what a step of the target adds for x = 1; ``gain`` = a_ltp dt / tau_x."""
    above = u > theta_plus and u_plus > theta_minus
    return select(above, gain * (u - theta_plus) * (u_plus - theta_minus), real(0))


def potentiate(w: Real, x: Real, watched: Real) -> Real:
    """Return the weight after a step of the target that potentiates."""
    return w + watched * x


def depress(w: Real, u_minus: Real, a_ltd: Real, theta_minus: Real) -> Real:
    """Return the weight after a spike of the source."""
    return w - a_ltd * max(u_minus - theta_minus, real(0))

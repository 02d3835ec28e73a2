"""Izhikevich's simple model.

    dv/dt = c2 v^2 + c1 v + c0 - u + i,    du/dt = a (b v - u)

with c2 = 0.04, c1 = 5 and c0 = 140 in the paper.
Source: Izhikevich (2003) IEEE Trans Neural Netw 14:1569, equations 1 to 3.
"""

from spikecuda.kernels.language import Real, fma


def step_half_steps(
    v: Real, u: Real, current: Real, b: Real, c0: Real, h_half: Real, k1: Real, k2: Real, h_a: Real
) -> tuple[Real, Real]:
    """The paper's scheme: v in two Euler half steps, then u with the new v (order 1).

    ``h_half`` = dt / 2, ``h_a`` = dt a; a half step is v <- (k2 v + k1) v + h_half (c0 - u + i),
    ``k2`` = h_half c2 and ``k1`` = 1 + h_half c1, two dependent operations instead of three.
    """
    drive = h_half * (c0 - u + current)
    middle = fma(fma(k2, v, k1), v, drive)
    v_next = fma(fma(k2, middle, k1), middle, drive)
    return v_next, fma(h_a, fma(b, v_next, -u), u)


def step_semi_implicit_euler(
    v: Real, u: Real, current: Real, b: Real, c0: Real, dt: Real, e1: Real, e2: Real, h_a: Real
) -> tuple[Real, Real]:
    """One Euler step of v, then one of u with the new v (order 1).

    What the scripts of Izhikevich (2004) IEEE Trans Neural Netw 15:1063 do.  ``h_a`` = dt a,
    ``e2`` = dt c2 and ``e1`` = 1 + dt c1.
    """
    v_next = fma(fma(e2, v, e1), v, dt * (c0 - u + current))
    return v_next, fma(h_a, fma(b, v_next, -u), u)


def step_forward_euler(
    v: Real, u: Real, current: Real, b: Real, c0: Real, dt: Real, e1: Real, e2: Real, h_a: Real
) -> tuple[Real, Real]:
    """Forward Euler (order 1): both variables advance by the slopes at the start of the step."""
    v_next = fma(fma(e2, v, e1), v, dt * (c0 - u + current))
    return v_next, fma(h_a, fma(b, v, -u), u)


def threshold(v: Real, v_peak: Real) -> bool:
    """Tell whether the spike has reached its peak."""
    return v >= v_peak


def reset(v: Real, u: Real, c: Real, d: Real) -> tuple[Real, Real]:
    """Return the membrane potential and the recovery variable after a spike."""
    return c, u + d

"""Izhikevich's simple model.

    dv/dt = c2 v^2 + c1 v + c0 - u + i,    du/dt = a (b v - u)

with c2 = 0.04, c1 = 5 and c0 = 140 in the paper.
Source: Izhikevich (2003) IEEE Trans Neural Netw 14:1569, equations 1 to 3.
"""

from spikecuda.kernels.language import Real, fma


def step_half_steps(
    v: Real,
    u: Real,
    current: Real,
    a: Real,
    b: Real,
    c0: Real,
    c1: Real,
    c2: Real,
    h: Real,
    h_half: Real,
) -> tuple[Real, Real]:
    """The paper's scheme: v in two Euler half steps, then u with the new v (order 1)."""
    drive = c0 - u + current
    middle = fma(h_half, fma(v, fma(c2, v, c1), drive), v)
    v_next = fma(h_half, fma(middle, fma(c2, middle, c1), drive), middle)
    return v_next, fma(h * a, fma(b, v_next, -u), u)


def step_euler(
    v: Real, u: Real, current: Real, a: Real, b: Real, c0: Real, c1: Real, c2: Real, h: Real
) -> tuple[Real, Real]:
    """Euler with u after v (order 1), as in Izhikevich (2004) IEEE Trans Neural Netw 15:1063."""
    v_next = fma(h, fma(v, fma(c2, v, c1), c0 - u + current), v)
    return v_next, fma(h * a, fma(b, v_next, -u), u)


def threshold(v: Real, v_peak: Real) -> bool:
    """Tell whether the spike has reached its peak."""
    return v >= v_peak


def reset(v: Real, u: Real, c: Real, d: Real) -> tuple[Real, Real]:
    """Return the membrane potential and the recovery variable after a spike."""
    return c, u + d

"""Quadratic integrate-and-fire, by its exact solution.

    c_m dv/dt = k (v - e_l) (v - v_c) + i,    k = g_l / (v_c - e_l)

With x = v - (e_l + v_c) / 2 and j = i - k (v_c - e_l)^2 / 4 this is c_m dx/dt = k x^2 + j.  For an
input that is constant over a step of dt its solution is a fraction of linear functions of x:

    x(t + dt) = (x + dt j tau / c_m) / (1 - dt k tau x / c_m),    tau = tan(z) / z,

with z^2 = dt^2 k j / c_m^2 (tanh where j < 0).  tan(z) / z is here the fraction (945 - 105 z^2 +
z^4) / (945 - 420 z^2 + 15 z^4), its Padé approximant: off by less than 4e-17 for z^2 < 0.01 and by
2e-7 for z^2 = 1, where a step is a third of the time from -infinity to +infinity.  A denominator
that is not positive means that v has passed infinity within the step.
Source: Latham, Richmond, Nelson & Nirenberg (2000) J Neurophysiol 83:808 (model); Tonnelier,
Belmabrouk & Martinez (2007) Neural Comput 19:3226 (solution).
"""

from spikecuda.kernels.language import Real, fma, real, select


def step(v: Real, current: Real, v_0: Real, j_0: Real, q_j: Real, h_c: Real, h_k: Real) -> Real:
    """Propagate the membrane by one step; beyond infinity it is at 1e9 mV.

    ``v_0`` = (e_l + v_c) / 2, ``j_0`` = -k (v_c - e_l)^2 / 4, ``h_c`` = dt / c_m, ``h_k`` =
    dt k / c_m and ``q_j`` = h_c h_k.
    """
    x = v - v_0
    j = current + j_0
    q = q_j * j
    sine = fma(q, q - real(105), real(945))
    cosine = fma(q, fma(real(15), q, real(-420)), real(945))
    top = fma(h_c * sine, j, x * cosine)
    bottom = fma(-(h_k * sine), x, cosine)
    return select(bottom > real(0), v_0 + top / bottom, real(1e9))


def threshold(v: Real, v_peak: Real) -> bool:
    """Tell whether the upstroke has reached the cut."""
    return v >= v_peak


def reset(v: Real, v_reset: Real) -> Real:
    """Return the membrane potential after a spike."""
    return v_reset

"""Adaptive exponential integrate-and-fire.

    c_m dv/dt = -g_l (v - e_l) + g_l delta_t exp((v - v_t) / delta_t) - w + i
    tau_w dw/dt = a (v - e_l) - w

Source: Brette & Gerstner (2005) J Neurophysiol 94:3637, equations 1 to 3.

``x_cap`` = min((v_peak - v_t) / delta_t, 80) bounds the exponent.  A membrane potential beyond
v_peak has already spiked, and at an exponent of 80 one step takes any membrane far beyond v_peak,
so the bound changes no spike; without it float32 would overflow (docs/decisions/0007).
"""

from spikecuda.kernels.language import Real, exp, fma, real


def step_euler(
    v: Real,
    w: Real,
    current: Real,
    e_l: Real,
    a: Real,
    x_v: Real,
    x_t: Real,
    x_cap: Real,
    k_v: Real,
    k_0: Real,
    k_e: Real,
    h_c: Real,
    h_w: Real,
) -> tuple[Real, Real]:
    """Forward Euler, order 1: both variables advance by the slopes at the start of the step.

    With ``h_c`` = dt / c_m: ``k_v`` = 1 - h_c g_l, ``k_0`` = h_c g_l e_l and ``k_e`` =
    h_c g_l delta_t, so that one operation follows the exponential; ``x_v`` = 1 / delta_t, ``x_t`` =
    -v_t / delta_t and ``h_w`` = dt / tau_w.
    """
    base = fma(k_v, v, fma(h_c, current - w, k_0))
    v_next = fma(k_e, exp(min(fma(v, x_v, x_t), x_cap)), base)
    return v_next, fma(h_w, fma(a, v - e_l, -w), w)


def step_heun(
    v: Real,
    w: Real,
    current: Real,
    v_peak: Real,
    e_l: Real,
    g_l: Real,
    a: Real,
    g_exp: Real,
    x_v: Real,
    x_t: Real,
    x_cap: Real,
    h_c: Real,
    h_w: Real,
) -> tuple[Real, Real]:
    """Heun's method, order 2: the mean of the slopes at the start and at the Euler prediction.

    The prediction is held at v_peak, where the neuron would have spiked; ``g_exp`` = g_l delta_t,
    the rest as in ``step_euler``.
    """
    leak = v - e_l
    upstroke = fma(g_exp, exp(min(fma(v, x_v, x_t), x_cap)), current - w)
    slope_v = fma(-g_l, leak, upstroke)
    slope_w = fma(a, leak, -w)
    v_end = min(fma(h_c, slope_v, v), v_peak)
    w_end = fma(h_w, slope_w, w)
    leak_end = v_end - e_l
    upstroke_end = fma(g_exp, exp(min(fma(v_end, x_v, x_t), x_cap)), current - w_end)
    slope_v_end = fma(-g_l, leak_end, upstroke_end)
    slope_w_end = fma(a, leak_end, -w_end)
    v_next = fma(real(0.5) * h_c, slope_v + slope_v_end, v)
    return v_next, fma(real(0.5) * h_w, slope_w + slope_w_end, w)


def threshold(v: Real, v_peak: Real) -> bool:
    """Tell whether the upstroke has reached the cut."""
    return v >= v_peak


def reset(v: Real, w: Real, v_reset: Real, b: Real) -> tuple[Real, Real]:
    """Return the membrane potential and the adaptation current after a spike."""
    return v_reset, w + b

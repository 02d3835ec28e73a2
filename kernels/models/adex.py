"""Adaptive exponential integrate-and-fire.

    c_m dv/dt = -g_l (v - e_l) + g_l delta_t exp((v - v_t) / delta_t) - w + i
    tau_w dw/dt = a (v - e_l) - w

Source: Brette & Gerstner (2005) J Neurophysiol 94:3637, equations 1 to 3.

``x_cap`` = min((v_peak - v_t) / delta_t, 80) bounds the exponent.  A membrane potential beyond
v_peak has already spiked, and at an exponent of 80 one step takes any membrane far beyond v_peak,
so the bound changes no spike; without it float32 would overflow (docs/decisions/0007).

Scheme ``upstroke`` finds the spike within the step.  With the linear part of dv/dt held at its mean
over the step, dv/dt = l + (g_l delta_t / c_m) exp((v - v_t) / delta_t) has a closed solution: v
runs to infinity when ``growth``, (dt g_l / c_m) exp((v + l dt / 2 - v_t) / delta_t), reaches 1.
"""

from spikecuda.kernels.language import Real, exp, fma, log, real, select


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

    A spike is found at the end of its step and the reset acts from there on.

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
    """Heun's method: the mean of the slopes at the start and at the Euler prediction.

    Order 2 in v and w between spikes, order 1 in spike times: the upstroke is shorter than a step,
    and the reset acts from the end of the step on.  The prediction is held at v_peak, where the
    neuron would have spiked; ``g_exp`` = g_l delta_t, the rest as in ``step_euler``.
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


def step_upstroke(
    v: Real,
    w: Real,
    current: Real,
    g_syn: Real,
    g_e_syn: Real,
    refractory: bool,
    e_l: Real,
    delta_t: Real,
    a: Real,
    v_peak: Real,
    x_v: Real,
    x_t: Real,
    x_top: Real,
    at_peak: Real,
    k_l: Real,
    k_0: Real,
    h_c: Real,
    h_w: Real,
) -> tuple[Real, Real]:
    """Exact upstroke over a linear part held at its mean, order 2, spike times included.

    Beyond infinity v is at 1e9 mV, a spike.  ``drift`` is what the linear part at the start would
    add to v; ``rise`` the mean over the step of what the exponential adds: with q what is left of 1
    at the end, or at v_peak, it is delta_t (1 + q ln(q) / (1 - q)), here by a polynomial that is
    off by less than 0.005 delta_t, and right to second order for a small growth.  ``shape`` is 1 +
    y^2 / 24, the mean of exp over a change of its argument by y, less what the leak takes from the
    upstroke, to second order.

    ``k_l`` = h_c g_l, ``k_0`` = h_c g_l e_l, ``x_top`` = min((v_peak - v_t) / delta_t, 40),
    ``at_peak`` = exp(-(v_peak - v_t) / delta_t), the rest as in ``step_euler``.
    """
    leak = fma(h_c, g_syn, k_l)
    drift = fma(-leak, v, fma(h_c, current - w + g_e_syn, k_0))
    y = drift * x_v
    upstroke = exp(min(fma(real(0.5), y, fma(v, x_v, x_t)), x_top))
    growth = k_l * upstroke
    early = min(growth, real(1))
    sixth = real(0.16666666666666666)
    shape = fma(y * y, real(0.041666666666666664), fma(-(leak * sixth), early + y, real(1)))
    left = fma(-growth, shape, real(1))
    log_left = log(max(left, real(1e-30)))
    q = max(left, upstroke * at_peak)
    log_q = max(log_left, (v - v_peak) * x_v)
    p = real(1) - q
    mean = fma(p, real(7) - p, fma(real(4), q * log_q, real(-0.5) * (early * y))) * sixth
    rise = delta_t * mean
    slope_w = h_w * fma(a, v - e_l, -w)
    change = fma(-leak, fma(real(0.5), drift, rise), fma(real(-0.5) * h_c, slope_w, drift))
    v_next = select(left > real(0), fma(-delta_t, log_left, v + change), real(1e9))
    moved = select(refractory, real(0), fma(real(0.5), drift, rise))
    return v_next, w + fma(h_w, fma(a, moved, real(-0.5) * slope_w), slope_w)


def crossing_upstroke(
    v_before: Real,
    w_before: Real,
    current: Real,
    g_syn: Real,
    g_e_syn: Real,
    x_v: Real,
    x_t: Real,
    x_top: Real,
    at_peak: Real,
    k_l: Real,
    k_0: Real,
    h_c: Real,
) -> Real:
    """Return the part of the step after which v is at v_peak.

    With z = exp((v_t - v) / delta_t), the linear part held at its start and ln(1 + u) by
    u (6 + u) / (6 + 4 u): z falls from exp(y / 2) to q in units of exp(-x), x the exponent in the
    middle of the step, at a rate of first k_l exp(x) + y exp(y / 2) and last ``speed``.
    """
    leak = fma(h_c, g_syn, k_l)
    drift = fma(-leak, v_before, fma(h_c, current - w_before + g_e_syn, k_0))
    y = drift * x_v
    upstroke = exp(min(fma(real(0.5), y, fma(v_before, x_v, x_t)), x_top))
    q = upstroke * at_peak
    # e^(y / 2), to third order
    start = fma(y, fma(y, fma(y, real(0.020833333333333332), real(0.125)), real(0.5)), real(1))
    way = start - q
    speed = max(fma(y, q, k_l * upstroke), real(1e-15))
    top = way * fma(real(6), speed, y * way)
    bottom = speed * fma(real(6), speed, real(4) * (y * way))
    return top / max(bottom, real(1e-30))


def resume_upstroke(
    v: Real,
    w: Real,
    current: Real,
    g_syn: Real,
    g_e_syn: Real,
    refractory: bool,
    part: Real,
    e_l: Real,
    a: Real,
    v_peak: Real,
    x_v: Real,
    k_l: Real,
    k_0: Real,
    k_reset: Real,
    h_c: Real,
    h_w: Real,
) -> tuple[Real, Real]:
    """Return the states a part of a step after the reset: Taylor's series to second order.

    ``k_reset`` = dt (g_l delta_t / c_m) exp((v_reset - v_t) / delta_t): no exponential is needed.
    Where the reset is so deep in the upstroke that the series fails, v is held at v_peak, and the
    growth of the slope within a step is bounded.
    """
    leak = fma(h_c, g_syn, k_l)
    slope = fma(-leak, v, fma(h_c, current - w + g_e_syn, k_0)) + k_reset
    slope_w = h_w * fma(a, v - e_l, -w)
    bend = fma(min(k_reset * x_v, real(1)) - leak, slope, -(h_c * slope_w))
    v_next = min(fma(part, fma(real(0.5) * part, bend, slope), v), v_peak)
    moved = select(refractory, real(0), v_next - v)
    change = fma(real(0.5) * h_w, fma(a, moved, -(part * slope_w)), slope_w)
    return v_next, fma(part, change, w)


def threshold(v: Real, v_peak: Real) -> bool:
    """Tell whether the upstroke has reached the cut."""
    return v >= v_peak


def reset(v: Real, w: Real, v_reset: Real, b: Real) -> tuple[Real, Real]:
    """Return the membrane potential and the adaptation current after a spike."""
    return v_reset, w + b

"""Exponential integrate-and-fire.

    c_m dv/dt = -g_l (v - e_l) + g_l delta_t exp((v - v_t) / delta_t) + i

Source: Fourcaud-Trocmé, Hansel, van Vreeswijk & Brunel (2003) J Neurosci 23:11628.

``x_cap`` = min((v_peak - v_t) / delta_t, 80) bounds the exponent, which changes no spike
(docs/decisions/0007).  Scheme ``upstroke`` is that of ``adex``, without w.
"""

from spikecuda.kernels.language import Real, exp, fma, log, real, select


def step_euler(
    v: Real,
    current: Real,
    x_v: Real,
    x_t: Real,
    x_cap: Real,
    k_v: Real,
    k_0: Real,
    k_e: Real,
    h_c: Real,
) -> Real:
    """Forward Euler, order 1.  A spike is found at the end of its step, where the reset acts.

    With ``h_c`` = dt / c_m: ``k_v`` = 1 - h_c g_l, ``k_0`` = h_c g_l e_l, ``k_e`` =
    h_c g_l delta_t; ``x_v`` = 1 / delta_t and ``x_t`` = -v_t / delta_t.
    """
    upstroke = exp(min(fma(v, x_v, x_t), x_cap))
    return fma(k_e, upstroke, fma(k_v, v, fma(h_c, current, k_0)))


def step_heun(
    v: Real,
    current: Real,
    v_peak: Real,
    x_v: Real,
    x_t: Real,
    x_cap: Real,
    k_l: Real,
    k_0: Real,
    k_e: Real,
    h_c: Real,
) -> Real:
    """Heun's method: the mean of the increments at the start and at the prediction.

    Order 2 in v between spikes, order 1 in spike times, see ``adex``.  The prediction is held at
    v_peak, where the neuron would have spiked; ``k_l`` = h_c g_l, the rest as in ``step_euler``.
    """
    drive = fma(h_c, current, k_0)
    first = fma(k_e, exp(min(fma(v, x_v, x_t), x_cap)), fma(-k_l, v, drive))
    end = min(v + first, v_peak)
    second = fma(k_e, exp(min(fma(end, x_v, x_t), x_cap)), fma(-k_l, end, drive))
    return fma(real(0.5), first + second, v)


def step_upstroke(
    v: Real,
    current: Real,
    g_syn: Real,
    g_e_syn: Real,
    delta_t: Real,
    v_peak: Real,
    x_v: Real,
    x_t: Real,
    x_top: Real,
    at_peak: Real,
    k_l: Real,
    k_0: Real,
    h_c: Real,
) -> Real:
    """Exact upstroke over a linear part held at its mean, order 2, spike times included.

    As in ``adex``.
    """
    leak = fma(h_c, g_syn, k_l)
    drift = fma(-leak, v, fma(h_c, current + g_e_syn, k_0))
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
    change = fma(-leak, fma(real(0.5), drift, delta_t * mean), drift)
    return select(left > real(0), fma(-delta_t, log_left, v + change), real(1e9))


def crossing_upstroke(
    v_before: Real,
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
    """Return the part of the step after which v is at v_peak, as in ``adex``."""
    leak = fma(h_c, g_syn, k_l)
    drift = fma(-leak, v_before, fma(h_c, current + g_e_syn, k_0))
    y = drift * x_v
    upstroke = exp(min(fma(real(0.5), y, fma(v_before, x_v, x_t)), x_top))
    q = upstroke * at_peak
    start = fma(y, fma(y, fma(y, real(0.020833333333333332), real(0.125)), real(0.5)), real(1))
    way = start - q
    speed = max(fma(y, q, k_l * upstroke), real(1e-15))
    top = way * fma(real(6), speed, y * way)
    bottom = speed * fma(real(6), speed, real(4) * (y * way))
    return top / max(bottom, real(1e-30))


def resume_upstroke(
    v: Real,
    current: Real,
    g_syn: Real,
    g_e_syn: Real,
    part: Real,
    v_peak: Real,
    x_v: Real,
    k_l: Real,
    k_0: Real,
    k_reset: Real,
    h_c: Real,
) -> Real:
    """Return v a part of a step after the reset, as in ``adex``."""
    leak = fma(h_c, g_syn, k_l)
    slope = fma(-leak, v, fma(h_c, current + g_e_syn, k_0)) + k_reset
    bend = (min(k_reset * x_v, real(1)) - leak) * slope
    return min(fma(part, fma(real(0.5) * part, bend, slope), v), v_peak)


def threshold(v: Real, v_peak: Real) -> bool:
    """Tell whether the upstroke has reached the cut."""
    return v >= v_peak


def reset(v: Real, v_reset: Real) -> Real:
    """Return the membrane potential after a spike."""
    return v_reset

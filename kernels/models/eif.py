"""Exponential integrate-and-fire.

    c_m dv/dt = -g_l (v - e_l) + g_l delta_t exp((v - v_t) / delta_t) + i

Source: Fourcaud-Trocmé, Hansel, van Vreeswijk & Brunel (2003) J Neurosci 23:11628.

``x_cap`` = min((v_peak - v_t) / delta_t, 80) bounds the exponent, which changes no spike
(docs/decisions/0007).
"""

from spikecuda.kernels.language import Real, exp, fma, real


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
    """Forward Euler, order 1.

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
    """Heun's method, order 2: the mean of the increments at the start and at the prediction.

    The prediction is held at v_peak, where the neuron would have spiked; ``k_l`` = h_c g_l, the
    rest as in ``step_euler``.
    """
    drive = fma(h_c, current, k_0)
    first = fma(k_e, exp(min(fma(v, x_v, x_t), x_cap)), fma(-k_l, v, drive))
    end = min(v + first, v_peak)
    second = fma(k_e, exp(min(fma(end, x_v, x_t), x_cap)), fma(-k_l, end, drive))
    return fma(real(0.5), first + second, v)


def threshold(v: Real, v_peak: Real) -> bool:
    """Tell whether the upstroke has reached the cut."""
    return v >= v_peak


def reset(v: Real, v_reset: Real) -> Real:
    """Return the membrane potential after a spike."""
    return v_reset

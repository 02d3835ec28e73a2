"""Leaky integrate-and-fire with synaptic conductances, by its exact solution over a step.

    c_m dv/dt = -g_l (v - e_l) - sum_k g_k (v - e_k) + i

For conductances and an input that are constant over a step, v relaxes to v_inf = (g_l e_l +
sum_k g_k e_k + i) / g with g = g_l + sum_k g_k:  v(t + dt) = v_inf + (v - v_inf) exp(-dt g / c_m).
With the conductances' means over the step this is of order 2 in changing conductances.
Source: Brette et al. (2007) J Comput Neurosci 23:349, benchmark 1 (equation);
Rotter & Diesmann (1999) Biol Cybern 81:381, section 3.1 (solution).
"""

from spikecuda.kernels.language import Real, exp, fma


def step(
    v: Real, current: Real, g_syn: Real, g_e_syn: Real, g_l: Real, i_l: Real, h_c: Real
) -> Real:
    """Relax the membrane for one step; ``i_l`` = g_l e_l and ``h_c`` = dt / c_m."""
    g = g_l + g_syn
    v_inf = (i_l + g_e_syn + current) / g
    return fma(v - v_inf, exp(-(h_c * g)), v_inf)


def threshold(v: Real, v_th: Real) -> bool:
    """Tell whether the neuron spikes."""
    return v >= v_th


def reset(v: Real, v_reset: Real) -> Real:
    """Return the membrane potential after a spike."""
    return v_reset

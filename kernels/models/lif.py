"""Leaky integrate-and-fire, current-based, by its exact propagator.

    tau_m dv/dt = -(v - v_rest) + (tau_m / c_m) i

For an input that is constant over a step the solution is exact:
v(t + dt) = v_rest + (v - v_rest) p_v + i p_i, with p_v = exp(-dt / tau_m) and
p_i = (tau_m / c_m)(1 - p_v).
Source: Rotter & Diesmann (1999) Biol Cybern 81:381, section 3.1.
"""

from spikecuda.kernels.language import Real, fma


def step(v: Real, current: Real, p_v: Real, p_i: Real, p_rest: Real) -> Real:
    """Propagate the membrane by one step; ``p_rest`` is v_rest (1 - p_v)."""
    return fma(p_v, v, fma(p_i, current, p_rest))


def threshold(v: Real, v_th: Real) -> bool:
    """Tell whether the neuron spikes."""
    return v >= v_th


def reset(v: Real, v_reset: Real) -> Real:
    """Return the membrane potential after a spike."""
    return v_reset

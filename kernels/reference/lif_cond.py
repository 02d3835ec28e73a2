"""Oracle of the leaky integrate-and-fire neuron with synaptic conductances, integrated exactly.

Source: Brette et al. (2007) J Comput Neurosci 23:349, benchmark 1:
``c_m v' = -g_l (v - e_l) - g v + g_e + I`` with g the sum of synaptic conductances and g_e that of
each times its reversal potential; for constant g, g_e and I v relaxes exponentially with
``c_m / (g_l + g)`` towards the potential at which its derivative is zero.
Units: ms, mV, pF, nS, pA.
"""

import math

from numba import njit

from spikecuda.kernels.reference import loop

STATES = ("v",)
PARAMETERS = ("c_m", "g_l", "e_l", "v_th", "v_reset")


@njit
def _integrate(y, p, current, g, g_e, h):
    c_m, g_l, e_l = p[0], p[1], p[2]
    slope = (g_l * (e_l - y[0]) - g * y[0] + g_e + current) / c_m
    rate = (g_l + g) / c_m
    y[0] += slope * -math.expm1(-rate * h) / rate


@njit
def _crossed(y, before, p):
    return y[0] >= p[3]


@njit
def _reset(y, p):
    y[0] = p[4]


def simulate(
    state, params, current, pulses=None, dt=0.1, scheme="exponential", substeps=1, conductance=None
):
    """Simulate; see the package's docstring, and ``loop.simulate`` for the arguments."""
    return loop.simulate(
        (_integrate, _crossed, _reset), loop.CLAMP, STATES, PARAMETERS, state, params, current,
        pulses, dt, substeps, conductance,
    )  # fmt: skip

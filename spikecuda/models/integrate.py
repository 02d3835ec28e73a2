"""The plainest integrate-and-fire neurons, as they are in libraries of trained networks."""

import numpy as np

from spikecuda.kernels.language import fma, real
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State

STAYS = Parameter(
    0.0, "", "0: a spike resets v to v_reset; 1: by subtraction", at_least=0.0, at_most=1.0
)


class IF(Model):
    """A perfect integrator: ``c_m dv/dt = current``, a spike when v > v_th.

    The reset is to ``v_reset + subtract (v - v_th)``.

    Scheme ``step``: exact.  Source: Lapicque (1907), without a leak; the primitive IF of NIR
    (Pedersen et al. (2024) Nat Commun 15:8122) with R = 1 / c_m.
    """

    name = "if"
    source = "Pedersen et al. (2024) Nat Commun 15:8122"
    v = State("mV", initial="v_reset", origin="v_reset", span=20.0, doc="membrane potential")
    c_m = Parameter(200.0, "pF", "membrane capacitance", above=0.0)
    v_th = Parameter(20.0, "mV", "threshold")
    v_reset = Parameter(0.0, "mV", "potential after a spike")
    subtract = STAYS
    requires = (("v_reset", "<", "v_th"),)

    def derive(c_m, dt):
        """Return the gain of a step."""
        return {"gain": dt / c_m}

    def step(v, current, gain):
        """Add the current."""
        return fma(gain, current, v)

    def threshold(v, v_th):
        """Tell whether the neuron spikes."""
        return v > v_th

    def reset(v, v_th, v_reset, subtract):
        """Return the potential after a spike."""
        return fma(subtract, v - v_th, v_reset)


class LIFEuler(Model):
    """Leaky integrate-and-fire in forward Euler, a spike when v > v_th.

    ``v <- v + (dt / tau_m) (v_rest - v + (tau_m / c_m) current)``; the reset is to ``v_reset +
    subtract (v - v_th)``.  Libraries of trained networks compute so (Norse, snnTorch, NIR's
    readers); ``lif`` is exact.

    Source: Pedersen et al. (2024) Nat Commun 15:8122, the primitive LIF of NIR.
    """

    name = "lif_euler"
    source = "Pedersen et al. (2024) Nat Commun 15:8122"
    refractory = True
    v = State("mV", initial="v_rest", origin="v_rest", span=20.0, doc="membrane potential")
    tau_m = Parameter(20.0, "ms", "membrane time constant", above=0.0)
    c_m = Parameter(200.0, "pF", "membrane capacitance", above=0.0)
    v_rest = Parameter(0.0, "mV", "resting potential")
    v_th = Parameter(20.0, "mV", "threshold")
    v_reset = Parameter(0.0, "mV", "potential after a spike")
    subtract = STAYS
    t_ref = Parameter(0.0, "ms", "refractory period, v held at v_reset", at_least=0.0)
    requires = (("v_reset", "<", "v_th"),)

    def derive(tau_m, c_m, dt):
        """Return the part of the way in a step, and the resistance in GOhm."""
        return {"way": dt / tau_m, "r_m": tau_m / c_m}

    def step(v, current, v_rest, way, r_m):
        """Go a part of the way."""
        return fma(way, fma(r_m, current, v_rest - v), v)

    def threshold(v, v_th):
        """Tell whether the neuron spikes."""
        return v > v_th

    def reset(v, v_th, v_reset, subtract):
        """Return the potential after a spike."""
        return fma(subtract, v - v_th, v_reset)


class IntFire1(Model):
    """NEURON's IntFire1: m decays, spikes add to it, and m > 1 is a spike.

    After one m is 0 for t_ref and what arrives is lost.  Input is by pulses, ``Delta`` receptors;
    their weights have no unit.

    Scheme ``step``: exact.  Source: Carnevale & Hines (2006) The NEURON Book, chapter 10.
    """

    name = "intfire1"
    source = "Carnevale & Hines (2006) The NEURON Book, chapter 10"
    refractory = True
    while_refractory = "freeze"
    m = State("", initial=0.0, span=1.0, doc="how near a spike is")
    tau = Parameter(10.0, "ms", "time constant of the decay", above=0.0)
    t_ref = Parameter(5.0, "ms", "refractory period", at_least=0.0)

    def derive(tau, dt):
        """Return what is left after a step."""
        return {"keep": np.exp(-dt / tau)}

    def step(m, keep):
        """Decay."""
        return keep * m

    def threshold(m):
        """Tell whether the neuron spikes."""
        return m > real(1.0)

    def reset(m):
        """Return m after a spike."""
        return real(0.0)

"""Leaky integrate-and-fire: the user's view."""

import numpy as np

from spikecuda.kernels.models import lif
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State


class LIF(Model):
    """Leaky integrate-and-fire neuron with current input and absolute refractory period.

    ``tau_m dv/dt = -(v - v_rest) + (tau_m / c_m) current``; a spike when v >= v_th; v is then
    held at v_reset for t_ref.  Integrated exactly for an input that is constant over a step.

    Source: Rotter & Diesmann (1999) Biol Cybern 81:381, section 3.1; default values: Brunel &
    van Rossum's textbook membrane (tau 20 ms, 200 pF, threshold 15 mV above rest).
    """

    name = "lif"
    source = "Rotter & Diesmann (1999) Biol Cybern 81:381"
    refractory = True
    memory = "tau_m"
    requires = (("v_reset", "<", "v_th"),)

    v = State(
        "mV",
        initial="v_rest",
        origin="v_rest",
        span=lambda v_th, v_rest: np.maximum(np.abs(v_th - v_rest), 1.0),
        doc="membrane potential",
    )
    tau_m = Parameter(20.0, "ms", "membrane time constant", above=0.0)
    c_m = Parameter(200.0, "pF", "membrane capacitance", above=0.0)
    v_rest = Parameter(-65.0, "mV", "resting potential")
    v_reset = Parameter(-65.0, "mV", "potential after a spike")
    v_th = Parameter(-50.0, "mV", "threshold")
    t_ref = Parameter(2.0, "ms", "absolute refractory period", at_least=0.0)

    schemes = {"exact": lif.step}
    threshold = lif.threshold
    reset = lif.reset

    def derive(tau_m, c_m, v_rest, dt):
        """Return the propagators, each computed so that small dt / tau_m keeps its accuracy."""
        loss = -np.expm1(-dt / tau_m)
        return {"p_v": np.exp(-dt / tau_m), "p_i": loss * tau_m / c_m, "p_rest": loss * v_rest}

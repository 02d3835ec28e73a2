"""Izhikevich's simple model: the user's view."""

from spikecuda.kernels.models import izhikevich
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State


class Izhikevich(Model):
    """Izhikevich neuron: quadratic membrane and linear recovery.

    ``dv/dt = c2 v^2 + c1 v + c0 - u + current`` and ``du/dt = a (b v - u)``; at v >= v_peak:
    v <- c, u <- u + d.  v in mV, time in ms; u and current have the unit of dv/dt, mV/ms.

    Schemes, all of order 1: ``half_steps`` (the program of the paper: v in two Euler half steps,
    then u with the new v), ``semi_implicit_euler`` (the scripts of Izhikevich 2004: v in one Euler
    step, then u with the new v) and ``forward_euler`` (both at once).

    Source: Izhikevich (2003) IEEE Trans Neural Netw 14:1569; default values: regular spiking.
    """

    name = "izhikevich"
    source = "Izhikevich (2003) IEEE Trans Neural Netw 14:1569"
    input_unit = "mV/ms"
    requires = (("c", "<", "v_peak"),)

    v = State("mV", initial="c", origin="c", span=lambda v_peak, c: v_peak - c, doc="membrane")
    u = State(
        "mV/ms",
        initial=lambda b, c: b * c,
        origin=lambda b, c: b * c,
        span=10.0,
        doc="recovery variable",
    )
    a = Parameter(0.02, "1/ms", "rate of recovery")
    b = Parameter(0.2, "1/ms", "sensitivity of recovery to v")
    c = Parameter(-65.0, "mV", "potential after a spike")
    d = Parameter(8.0, "mV/ms", "increment of u after a spike")
    c0 = Parameter(140.0, "mV/ms", "constant of the membrane equation")
    c1 = Parameter(5.0, "1/ms", "linear coefficient of the membrane equation")
    c2 = Parameter(0.04, "1/(mV ms)", "quadratic coefficient of the membrane equation")
    v_peak = Parameter(30.0, "mV", "potential at which the upstroke counts as a spike")

    schemes = {
        "half_steps": izhikevich.step_half_steps,
        "semi_implicit_euler": izhikevich.step_semi_implicit_euler,
        "forward_euler": izhikevich.step_forward_euler,
    }
    renamed_schemes = {
        "euler": "what was called 'euler' advances u with the new v and is 'semi_implicit_euler' "
        "now; Euler's method for both variables is 'forward_euler'"
    }
    threshold = izhikevich.threshold
    reset = izhikevich.reset

    def derive(a, c1, c2, dt):
        """Return the constants of the schemes, in the notation of the kernels."""
        half = 0.5 * dt
        return {
            "h_a": dt * a,
            "h_half": half,
            "k1": 1.0 + half * c1,
            "k2": half * c2,
            "e1": 1.0 + dt * c1,
            "e2": dt * c2,
        }

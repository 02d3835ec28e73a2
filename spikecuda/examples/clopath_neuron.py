"""The neuron of the example ``clopath2010``."""

from spikecuda.common.time_grid import nearest_step
from spikecuda.kernels.language import exp, real, select
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State


class ClopathNeuron(Model):
    """Exponential integrate-and-fire with a spike of some width and what follows it.

    After a spike v is held at ``v_clamp`` for ``t_clamp``; then it is reset, a depolarising current
    z begins, and the threshold rises.  Forward Euler.

    Source: Clopath et al. (2010) Nat Neurosci 13:344, methods.
    """

    name = "clopath_neuron"
    source = "Clopath, Büsing, Vasilaki & Gerstner (2010) Nat Neurosci 13:344"

    v = State("mV", initial=-70.6, doc="membrane potential")
    w = State("pA", doc="adaptation")
    z = State("pA", doc="current after a spike")
    v_t = State("mV", initial=-50.4, doc="threshold")
    u_plus = State("mV", initial=-70.6, doc="low pass for potentiation")
    u_minus = State("mV", initial=-70.6, doc="low pass for depression")
    held = State("", doc="steps that v is still held for")

    c_m = Parameter(281.0, "pF", "membrane capacitance", above=0.0)
    g_l = Parameter(30.0, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-70.6, "mV", "resting potential")
    delta_t = Parameter(2.0, "mV", "slope factor", above=0.0)
    v_peak = Parameter(33.0, "mV", "potential at which a spike is sent, and held at")
    v_reset = Parameter(-49.6, "mV", "potential after the spike")
    t_clamp = Parameter(2.0, "ms", "width of the spike", above=0.0)
    a = Parameter(4.0, "nS", "adaptation by the membrane")
    b = Parameter(0.0805, "pA", "adaptation by a spike")
    tau_w = Parameter(144.0, "ms", "time constant of adaptation", above=0.0)
    i_sp = Parameter(400.0, "pA", "current after a spike")
    tau_z = Parameter(40.0, "ms", "time constant of it", above=0.0)
    v_t_rest = Parameter(-50.4, "mV", "threshold at rest")
    v_t_max = Parameter(30.4, "mV", "threshold after a spike")
    tau_t = Parameter(50.0, "ms", "time constant of the threshold", above=0.0)
    tau_plus = Parameter(7.0, "ms", "time constant of u_plus", above=0.0)
    tau_minus = Parameter(10.0, "ms", "time constant of u_minus", above=0.0)

    def step(
        v,
        w,
        z,
        v_t,
        u_plus,
        u_minus,
        held,
        current,
        g_l,
        e_l,
        delta_t,
        v_peak,
        v_reset,
        a,
        b,
        i_sp,
        v_t_rest,
        v_t_max,
        k_v,
        k_w,
        k_z,
        k_t,
        k_plus,
        k_minus,
    ):
        """Return the states after a step; ``k_...`` are the step over the time constants."""
        upstroke = g_l * delta_t * exp(min((v - v_t) / delta_t, real(20)))
        free = v + k_v * (upstroke - g_l * (v - e_l) - w + z + current)
        ends = held > real(0.5) and held < real(1.5)
        new_v = select(held > real(1.5), v_peak, select(ends, v_reset, free))
        new_w = w + k_w * (a * (v - e_l) - w)
        return (
            new_v,
            select(ends, new_w + b, new_w),
            select(ends, i_sp, z - k_z * z),
            select(ends, v_t_max, v_t - k_t * (v_t - v_t_rest)),
            u_plus + k_plus * (v - u_plus),
            u_minus + k_minus * (v - u_minus),
            max(held - real(1), real(0)),
        )

    def threshold(v, v_peak, held):
        """Tell whether a spike begins."""
        return v >= v_peak and held < real(0.5)

    def reset(w, z, v_t, u_plus, u_minus, v_peak, width):
        """Return the states at a spike."""
        return v_peak, w, z, v_t, u_plus, u_minus, width

    def derive(c_m, tau_w, tau_z, tau_t, tau_plus, tau_minus, t_clamp, dt):
        """Return the parts of a step, and the width of a spike in steps."""
        return {
            "k_v": dt / c_m, "k_w": dt / tau_w, "k_z": dt / tau_z, "k_t": dt / tau_t,
            "k_plus": dt / tau_plus, "k_minus": dt / tau_minus,
            "width": float(nearest_step(float(t_clamp), float(dt))),
        }  # fmt: skip

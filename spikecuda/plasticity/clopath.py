"""Plasticity by the target's voltage."""

from spikecuda.kernels.plasticity import clopath
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import PreTrace, TargetState


def _gain(a_ltp: float, tau_x: float, dt: float) -> dict[str, float]:
    """Return what a step potentiates by, for a trace that jumps by 1 at a spike."""
    return {"gain": a_ltp * dt / tau_x}


class ClopathSTDP(SynapseRule):
    """Voltage-based plasticity: what a synapse learns depends on its target's membrane potential.

    In each step in which ``v > theta_plus`` and ``u_plus > theta_minus``, ``w += a_ltp dt (v -
    theta_plus) (u_plus - theta_minus) x``; at a spike of the source ``w -= a_ltd (u_minus -
    theta_minus)``, where that is positive.  x is the source's spike train, low-passed with tau_x.
    The target's model must have the states ``v``, ``u_plus`` and ``u_minus``, the last two being
    low passes of v; the rule sees them ``delay_u`` ms later, so that a spike does not meet itself.

    Source: Clopath, Büsing, Vasilaki & Gerstner (2010) Nat Neurosci 13:344; default values: its
    table 1 for visual cortex, and a delay of the width of a spike.
    """

    name = "clopath_stdp"
    source = "Clopath, Büsing, Vasilaki & Gerstner (2010) Nat Neurosci 13:344"

    a_ltp = Parameter(8e-5, "", "amplitude of potentiation, 1 / mV^2", at_least=0.0)
    a_ltd = Parameter(14e-5, "", "amplitude of depression, 1 / mV", at_least=0.0)
    theta_plus = Parameter(-45.3, "mV", "threshold of v for potentiation")
    theta_minus = Parameter(-70.6, "mV", "threshold of the low passes")
    tau_x = Parameter(15.0, "ms", "time constant of the source's trace", above=0.0)
    delay_u = Parameter(5.0, "ms", "how much later the low passes are seen", at_least=0.0)

    x = PreTrace("tau_x", doc="trace of the source's spikes")
    u = TargetState("v", doc="membrane potential")
    u_plus = TargetState("u_plus", later="delay_u", doc="low pass for potentiation")
    u_minus = TargetState("u_minus", later="delay_u", doc="low pass for depression")

    watch = clopath.watch
    on_post = clopath.potentiate
    on_pre = clopath.depress
    derive = _gain

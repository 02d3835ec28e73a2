"""GIF_cond_exp: escape noise, three after-spike currents, a threshold that moves in three parts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.kernels.language import exp, expm1, fma, real, uniform
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State

# Parts that the model has; those that a population does not give are 0.
PARTS = 3


class GIFConductance(Model):
    """The model ``gif`` with three parts of each kind, and conductances solved as in ``lif_cond``.

    ``c_m dv/dt = -g_l (v - e_l) - sum_k g_k (v - e_k) - sum_j stc_j + current``; the chance of a
    spike in a step is ``1 - exp(-lambda dt)``, ``lambda = lambda_0 exp((v - v_now) / delta_v)``,
    where v_now is the threshold: v_t and the sum of sfa_j.

    Source: Pozzorini et al. (2015) PLoS Comput Biol 11:e1004275, equations 1 to 4.
    """

    name = "_pynn_gif"
    source = "Pozzorini et al. (2015) PLoS Comput Biol 11:e1004275"
    refractory = True
    v = State("mV", initial="e_l", origin="e_l", span=30.0, doc="membrane potential")
    stc_1 = State("pA", initial=0.0, span=100.0, doc="first after-spike current")
    stc_2 = State("pA", initial=0.0, span=100.0, doc="second after-spike current")
    stc_3 = State("pA", initial=0.0, span=100.0, doc="third after-spike current")
    sfa_1 = State("mV", initial=0.0, span=30.0, doc="first part of the threshold's movement")
    sfa_2 = State("mV", initial=0.0, span=30.0, doc="second part of the threshold's movement")
    sfa_3 = State("mV", initial=0.0, span=30.0, doc="third part of the threshold's movement")
    v_now = State("mV", initial="v_t", origin="v_t", span=30.0, doc="threshold")
    c_m = Parameter(80.0, "pF", "membrane capacitance", above=0.0)
    g_l = Parameter(4.0, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-70.0, "mV", "resting potential")
    v_reset = Parameter(-55.0, "mV", "potential after a spike")
    v_t = Parameter(-35.0, "mV", "threshold at rest")
    delta_v = Parameter(0.5, "mV", "how sharp the threshold is", above=0.0)
    lambda_0 = Parameter(1.0, "Hz", "rate of spikes at the threshold", at_least=0.0)
    t_ref = Parameter(4.0, "ms", "refractory period, v held at v_reset", at_least=0.0)
    q_stc_1 = Parameter(0.0, "pA", "jump of the first current")
    q_stc_2 = Parameter(0.0, "pA", "jump of the second current")
    q_stc_3 = Parameter(0.0, "pA", "jump of the third current")
    tau_stc_1 = Parameter(1.0, "ms", "time constant of the first current", above=0.0)
    tau_stc_2 = Parameter(1.0, "ms", "time constant of the second current", above=0.0)
    tau_stc_3 = Parameter(1.0, "ms", "time constant of the third current", above=0.0)
    q_sfa_1 = Parameter(0.0, "mV", "jump of the threshold's first part")
    q_sfa_2 = Parameter(0.0, "mV", "jump of the threshold's second part")
    q_sfa_3 = Parameter(0.0, "mV", "jump of the threshold's third part")
    tau_sfa_1 = Parameter(1.0, "ms", "time constant of the first part", above=0.0)
    tau_sfa_2 = Parameter(1.0, "ms", "time constant of the second part", above=0.0)
    tau_sfa_3 = Parameter(1.0, "ms", "time constant of the third part", above=0.0)

    def derive(
        tau_stc_1, tau_stc_2, tau_stc_3, tau_sfa_1, tau_sfa_2, tau_sfa_3, delta_v, lambda_0, c_m, dt
    ):  # fmt: skip
        """Return the propagators of a step."""
        return {
            "k_1": np.exp(-dt / tau_stc_1), "k_2": np.exp(-dt / tau_stc_2),
            "k_3": np.exp(-dt / tau_stc_3), "s_1": np.exp(-dt / tau_sfa_1),
            "s_2": np.exp(-dt / tau_sfa_2), "s_3": np.exp(-dt / tau_sfa_3),
            "sharp": 1.0 / delta_v, "chance": 1e-3 * dt * lambda_0, "h_c": dt / c_m,
        }  # fmt: skip

    def exponential(
        v, stc_1, stc_2, stc_3, sfa_1, sfa_2, sfa_3, v_now, current, g_syn, g_e_syn, g_l, e_l, v_t,
        h_c, k_1, k_2, k_3, s_1, s_2, s_3,
    ):  # fmt: skip
        """Propagate, with conductances at their mean and currents as at the start of the step."""
        g = g_l + g_syn
        goal = (fma(g_l, e_l, g_e_syn) + current - stc_1 - stc_2 - stc_3) / g
        lost = -expm1(-(g * h_c))
        a = s_1 * sfa_1
        b = s_2 * sfa_2
        c = s_3 * sfa_3
        return (
            v + lost * (goal - v), k_1 * stc_1, k_2 * stc_2, k_3 * stc_3, a, b, c,
            v_t + a + b + c,
        )  # fmt: skip

    def threshold(v, v_now_before, sharp, chance):
        """Draw whether the neuron spikes."""
        above = (v - v_now_before) * sharp
        return uniform() <= -expm1(-(chance * exp(min(above, real(80.0)))))

    def reset(
        stc_1, stc_2, stc_3, sfa_1, sfa_2, sfa_3, v_now, v_reset, q_stc_1, q_stc_2, q_stc_3,
        q_sfa_1, q_sfa_2, q_sfa_3,
    ):  # fmt: skip
        """Return the states after a spike."""
        return (
            v_reset, stc_1 + q_stc_1, stc_2 + q_stc_2, stc_3 + q_stc_3, sfa_1 + q_sfa_1,
            sfa_2 + q_sfa_2, sfa_3 + q_sfa_3, v_now + q_sfa_1 + q_sfa_2 + q_sfa_3,
        )  # fmt: skip

    schemes = {"exponential": exponential}


def gif_parameters(p: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of ``GIFConductance`` beside those of the membrane.

    Args:
        p: PyNN's parameters of ``GIF_cond_exp``; arrays may have up to three parts.
    """
    found = {"delta_v": p["delta_v"], "lambda_0": p["lambda0"], "v_t": p["v_t_star"]}
    for jump, tau, kind, scale in (
        ("a_eta", "tau_eta", "stc", 1000.0), ("a_gamma", "tau_gamma", "sfa", 1.0)
    ):  # fmt: skip
        jumps, taus = _columns(jump, p[jump], 0.0), _columns(tau, p[tau], 1.0)
        for j in range(PARTS):
            found[f"q_{kind}_{j + 1}"] = scale * jumps[..., j]
            found[f"tau_{kind}_{j + 1}"] = taus[..., j]
    return found


def _columns(name: str, value: Any, missing: float) -> np.ndarray:
    """Return the parts of an array parameter, shape (3,) or (neurons, 3)."""
    from spikecuda.pynn.standardmodels.base import NotAvailableError

    rows = [np.asarray(v.value, np.float64) for v in np.ravel(np.asarray(value, object))]
    if max(row.size for row in rows) > PARTS:
        raise NotAvailableError(
            f"{name} of GIF_cond_exp has at most {PARTS} parts here (got "
            f"{max(row.size for row in rows)}); leave out the smallest"
        )
    filled = np.full((len(rows), PARTS), missing)
    for row, values in zip(filled, rows, strict=True):
        row[: values.size] = values
    return filled[0] if len(rows) == 1 and np.ndim(value) == 0 else filled

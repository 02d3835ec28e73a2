"""Generalised leaky integrate-and-fire neurons: the user's view.

Each level adds mechanisms, and so a group of parameters, to the membrane of the first.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from spikecuda.kernels.models import glif, lif
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State

NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)
DOUBLINGS = 6
SOURCE = "Teeter et al. (2018) Nat Commun 9:709"


def _growth(x: np.ndarray) -> np.ndarray:
    """Return (e^x - 1) / x."""
    safe = np.where(x == 0.0, 1.0, x)
    return np.where(x == 0.0, 1.0, np.expm1(safe) / safe)


def _response(fast: np.ndarray, slow: np.ndarray, dt: float) -> np.ndarray:
    """Return y(dt) for y' = -fast y + e^(-slow t), y(0) = 0; rates in 1/ms."""
    return dt * np.exp(-fast * dt) * _growth((fast - slow) * dt)


def _second_response(
    last: np.ndarray, first: np.ndarray, slow: np.ndarray, dt: float
) -> np.ndarray:
    """Return z(dt) for z' = -last z + y, with ``_response``'s y, z(0) = 0.

    By Gauss quadrature over dt / 64, doubled six times by z(2 t) = e^(-last t) z(t) + r(t) y(t) +
    z(t) e^(-slow t), where r(t) is what y becomes in z: sums of positive terms, so that it holds
    for equal rates, and for any as long as none is much above 64 / dt.
    """
    t = dt / 2**DOUBLINGS
    z = sum(
        0.5 * t * w * np.exp(-last * (t - s)) * _response(first, slow, s)
        for s, w in zip(0.5 * t * (NODES + 1.0), WEIGHTS, strict=True)
    )
    for _ in range(DOUBLINGS):
        z = z * (np.exp(-last * t) + np.exp(-slow * t))
        z = z + _response(last, first, t) * _response(first, slow, t)
        t *= 2.0
    return np.asarray(z)


def _membrane(c_m, g_l, e_l, dt):
    """Return the constants of the membrane."""
    rate = g_l / c_m
    loss = -np.expm1(-dt * rate)
    return {"p_v": np.exp(-dt * rate), "p_i": loss / g_l, "p_rest": loss * e_l}


def _reset_rules(e_l, t_ref, f_v, dv, b_s, dt):
    """Return the constants of the reset rules."""
    return {
        "v_add": e_l * (1.0 - f_v) + dv,
        "d_s": np.exp(-b_s * dt),
        "f_s": np.exp(-b_s * t_ref),
    }


def _currents(c_m, g_l, t_ref, k_1, k_2, r_1, r_2, dt):
    """Return the constants of the after-spike currents."""
    rate = g_l / c_m
    return {
        "p_1": _response(rate, k_1, dt) / c_m,
        "p_2": _response(rate, k_2, dt) / c_m,
        "m_1": _growth(-k_1 * dt),
        "m_2": _growth(-k_2 * dt),
        "d_1": np.exp(-k_1 * dt),
        "d_2": np.exp(-k_2 * dt),
        "f_1": r_1 * np.exp(-k_1 * t_ref),
        "f_2": r_2 * np.exp(-k_2 * t_ref),
    }


def _adaptation(c_m, g_l, e_l, k_1, k_2, a_v, b_v, dt):
    """Return the constants of the voltage-dependent threshold."""
    rate = g_l / c_m
    q_v = a_v * _response(b_v, rate, dt)
    q_i, q_1, q_2 = (
        a_v / c_m * _second_response(b_v, rate, k, dt) for k in (np.zeros_like(rate), k_1, k_2)
    )
    return {
        "q_theta": np.exp(-b_v * dt), "q_v": q_v, "q_rest": -q_v * e_l,
        "q_i": q_i, "q_1": q_1, "q_2": q_2,
    }  # fmt: skip


def _time_constant(c_m, g_l):
    """Return the membrane's, ms."""
    return c_m / g_l


class _Membrane:
    memory: ClassVar[str | Callable[..., Any] | None] = _time_constant
    v = State(
        "mV",
        initial="e_l",
        origin="e_l",
        span=lambda v_th, e_l: np.maximum(np.abs(v_th - e_l), 1.0),
        doc="membrane potential",
    )
    c_m = Parameter(58.72, "pF", "membrane capacitance", above=0.0)
    g_l = Parameter(9.43, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-78.85, "mV", "resting potential")
    v_th = Parameter(-51.68, "mV", "threshold without the spikes' and the potential's components")
    t_ref = Parameter(3.75, "ms", "absolute refractory period", at_least=0.0)


class _FixedReset:
    v_reset = Parameter(-78.85, "mV", "potential after a spike")


class _ResetRules:
    theta_s = State("mV", initial=0.0, span=5.0, doc="component of the threshold due to spikes")
    f_v = Parameter(
        0.2, "", "fraction of v - e_l that stays after a spike", at_least=0.0, at_most=1.0
    )
    dv = Parameter(18.51, "mV", "what is added to it")
    b_s = Parameter(0.009, "1/ms", "rate of decay of theta_s", at_least=0.0)
    dtheta_s = Parameter(0.37, "mV", "increment of theta_s after a spike")


class _Currents:
    i_1 = State("pA", initial=0.0, span=50.0, doc="slow after-spike current")
    i_2 = State("pA", initial=0.0, span=100.0, doc="fast after-spike current")
    k_1 = Parameter(0.003, "1/ms", "rate of decay of i_1", at_least=0.0)
    k_2 = Parameter(0.1, "1/ms", "rate of decay of i_2", at_least=0.0)
    r_1 = Parameter(1.0, "", "fraction of i_1 that outlasts a spike", at_least=0.0, at_most=1.0)
    r_2 = Parameter(1.0, "", "fraction of i_2 that outlasts a spike", at_least=0.0, at_most=1.0)
    di_1 = Parameter(-9.18, "pA", "increment of i_1 after a spike")
    di_2 = Parameter(-198.94, "pA", "increment of i_2 after a spike")


class _Adaptation:
    theta_v = State("mV", initial=0.0, span=5.0, doc="component of the threshold due to v")
    a_v = Parameter(0.005, "1/ms", "coupling of theta_v to v - e_l")
    b_v = Parameter(0.09, "1/ms", "rate of decay of theta_v", at_least=0.0)


class GLIF1(_FixedReset, _Membrane, Model):
    """Leaky integrate-and-fire neuron of the Allen Institute's GLIF family (LIF).

    ``c_m dv/dt = -g_l (v - e_l) + current``; a spike when v >= v_th; then v = v_reset for t_ref.
    Integrated exactly for an input that is constant over a step, as all of the family by default.

    Source: Teeter et al. (2018) Nat Commun 9:709; default values of the family: cell 490626718 of
    the Allen Cell Types Database, as in NEST's ``glif_psc``.
    """

    name = "glif1"
    source = SOURCE
    refractory = True
    while_refractory = "freeze"
    requires = (("v_reset", "<", "v_th"),)
    schemes = {"exact": lif.step}
    threshold = lif.threshold
    reset = lif.reset

    def derive(c_m, g_l, e_l, dt):
        """Return the constants of the step, in the notation of the kernel."""
        return _membrane(c_m, g_l, e_l, dt)


class GLIF2(_ResetRules, _Membrane, Model):
    """GLIF neuron with biologically defined reset rules (LIF-R).

    ``glif1`` with ``dtheta_s/dt = -b_s theta_s``; a spike when v >= v_th + theta_s; then
    v <- e_l + f_v (v - e_l) + dv and theta_s <- theta_s exp(-b_s t_ref) + dtheta_s, which stay for
    t_ref.

    Source: Teeter et al. (2018) Nat Commun 9:709 (whose delta V is -dv).
    """

    name = "glif2"
    source = SOURCE
    refractory = True
    while_refractory = "freeze"
    schemes = {"exact": glif.step_2}
    threshold = glif.threshold_s
    reset = glif.reset_2

    def derive(c_m, g_l, e_l, t_ref, f_v, dv, b_s, dt):
        """Return the constants of the step, in the notation of the kernel."""
        return _membrane(c_m, g_l, e_l, dt) | _reset_rules(e_l, t_ref, f_v, dv, b_s, dt)


class GLIF3(_Currents, _FixedReset, _Membrane, Model):
    """GLIF neuron with after-spike currents (LIF-ASC).

    ``glif1`` with i_1 + i_2 added to the current, ``di_j/dt = -k_j i_j``; after a spike i_j <-
    r_j i_j exp(-k_j t_ref) + di_j, which stay for t_ref.

    Schemes: ``exact``, and ``mean_current`` (order 2), in which the after-spike currents act by
    their mean over a step, as in NEST's ``glif_psc``.

    Source: Teeter et al. (2018) Nat Commun 9:709.
    """

    name = "glif3"
    source = SOURCE
    refractory = True
    while_refractory = "freeze"
    requires = (("v_reset", "<", "v_th"),)
    schemes = {"exact": glif.step_3, "mean_current": glif.step_3_mean}
    threshold = lif.threshold
    reset = glif.reset_3

    def derive(c_m, g_l, e_l, t_ref, k_1, k_2, r_1, r_2, dt):
        """Return the constants of the step, in the notation of the kernel."""
        return _membrane(c_m, g_l, e_l, dt) | _currents(c_m, g_l, t_ref, k_1, k_2, r_1, r_2, dt)


class GLIF4(_Currents, _ResetRules, _Membrane, Model):
    """GLIF neuron with reset rules and after-spike currents (LIF-R-ASC): ``glif2`` and ``glif3``.

    Source: Teeter et al. (2018) Nat Commun 9:709.
    """

    name = "glif4"
    source = SOURCE
    refractory = True
    while_refractory = "freeze"
    schemes = {"exact": glif.step_4}
    threshold = glif.threshold_s
    reset = glif.reset_4

    def derive(c_m, g_l, e_l, t_ref, f_v, dv, b_s, k_1, k_2, r_1, r_2, dt):
        """Return the constants of the step, in the notation of the kernel."""
        return (
            _membrane(c_m, g_l, e_l, dt)
            | _reset_rules(e_l, t_ref, f_v, dv, b_s, dt)
            | _currents(c_m, g_l, t_ref, k_1, k_2, r_1, r_2, dt)
        )


class GLIF5(_Adaptation, _Currents, _ResetRules, _Membrane, Model):
    """GLIF neuron with reset rules, after-spike currents and an adapting threshold (LIF-R-ASC-A).

    ``glif4`` with ``dtheta_v/dt = a_v (v - e_l) - b_v theta_v`` added to the threshold; a spike
    leaves theta_v as it is.

    Source: Teeter et al. (2018) Nat Commun 9:709.
    """

    name = "glif5"
    source = SOURCE
    refractory = True
    while_refractory = "freeze"
    schemes = {"exact": glif.step_5}
    threshold = glif.threshold_sv
    reset = glif.reset_5

    def derive(c_m, g_l, e_l, t_ref, f_v, dv, b_s, k_1, k_2, r_1, r_2, a_v, b_v, dt):
        """Return the constants of the step, in the notation of the kernel."""
        return (
            _membrane(c_m, g_l, e_l, dt)
            | _reset_rules(e_l, t_ref, f_v, dv, b_s, dt)
            | _currents(c_m, g_l, t_ref, k_1, k_2, r_1, r_2, dt)
            | _adaptation(c_m, g_l, e_l, k_1, k_2, a_v, b_v, dt)
        )

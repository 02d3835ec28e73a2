"""Standard cell types: PyNN's neurons as models and receptors, and its spike sources."""

from typing import Any, ClassVar

from pyNN.standardmodels import cells

from spikecuda.network import (
    AlphaConductance,
    AlphaCurrent,
    Delta,
    ExpConductance,
    ExpCurrent,
)
from spikecuda.pynn.gif import GIFConductance, gif_parameters
from spikecuda.pynn.standardmodels.base import GAP, THOUSAND, Native, Values, same_names
from spikecuda.pynn.trains import Gamma, Given, InhomogeneousGamma, Poisson, Refractory

SYNAPTIC_CURRENTS = {"isyn_exc": (("i_exc",), 1e-3), "isyn_inh": (("i_inh",), 1e-3)}
SYNAPTIC_CONDUCTANCES = {"gsyn_exc": (("g_exc",), 1e-3), "gsyn_inh": (("g_inh",), 1e-3)}


def _leaky(p: Values) -> dict[str, Any]:
    """Return the parameters of a membrane with a time constant."""
    return {
        "tau_m": p["tau_m"], "c_m": THOUSAND * p["cm"], "v_rest": p["v_rest"],
        "v_reset": p["v_reset"], "v_th": p["v_thresh"], "t_ref": p["tau_refrac"],
    }  # fmt: skip


def _leaking(p: Values) -> dict[str, Any]:
    """Return the parameters of a membrane with a leak conductance."""
    c_m = THOUSAND * p["cm"]
    return {
        "c_m": c_m, "g_l": c_m / p["tau_m"], "e_l": p["v_rest"], "v_reset": p["v_reset"],
        "t_ref": p["tau_refrac"],
    }  # fmt: skip


class _Currents(Native):
    """Synaptic currents of two kinds."""

    kind: ClassVar[Any]

    def receptors(self, p: Values) -> dict[str, Any]:
        """Return the receptors."""
        return {"exc": self.kind(p["tau_syn_E"]), "inh": self.kind(p["tau_syn_I"])}


class _Conductances(Native):
    """Synaptic conductances of two kinds."""

    kind: ClassVar[Any] = ExpConductance

    def receptors(self, p: Values) -> dict[str, Any]:
        """Return the receptors."""
        return {
            "exc": self.kind(p["tau_syn_E"], p["e_rev_E"]),
            "inh": self.kind(p["tau_syn_I"], p["e_rev_I"]),
        }


class _LeakyCurrents(_Currents):
    model = "lif"
    variables = {"v": (("v",), 1.0), **SYNAPTIC_CURRENTS}

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of ``lif``."""
        return _leaky(p)


class _LeakyConductances(_Conductances):
    model = "lif_cond"
    variables = {"v": (("v",), 1.0), **SYNAPTIC_CONDUCTANCES}

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of ``lif_cond``."""
        return {**_leaking(p), "v_th": p["v_thresh"]}


@same_names
class IF_curr_exp(_LeakyCurrents, cells.IF_curr_exp):
    __doc__ = cells.IF_curr_exp.__doc__
    kind = ExpCurrent
    recordable = [*cells.IF_curr_exp.recordable, "isyn_exc", "isyn_inh"]


@same_names
class IF_curr_alpha(_LeakyCurrents, cells.IF_curr_alpha):
    __doc__ = cells.IF_curr_alpha.__doc__
    kind = AlphaCurrent
    recordable = [*cells.IF_curr_alpha.recordable, "isyn_exc", "isyn_inh"]


@same_names
class IF_curr_delta(Native, cells.IF_curr_delta):
    __doc__ = cells.IF_curr_delta.__doc__
    model = "lif"
    weight_scale = 1.0

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of ``lif``."""
        return _leaky(p)

    def receptors(self, p: Values) -> dict[str, Any]:
        """Return the receptors."""
        return {"exc": Delta(), "inh": Delta()}


@same_names
class IF_cond_exp(_LeakyConductances, cells.IF_cond_exp):
    __doc__ = cells.IF_cond_exp.__doc__


@same_names
class IF_cond_alpha(_LeakyConductances, cells.IF_cond_alpha):
    __doc__ = cells.IF_cond_alpha.__doc__
    kind = AlphaConductance


@same_names
class IF_facets_hardware1(_Conductances, cells.IF_facets_hardware1):
    __doc__ = cells.IF_facets_hardware1.__doc__
    model = "lif_cond"
    variables = _LeakyConductances.variables

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of ``lif_cond``."""
        return {
            "c_m": 200.0, "g_l": p["g_leak"], "e_l": p["v_rest"], "v_reset": p["v_reset"],
            "v_th": p["v_thresh"], "t_ref": 1.0,
        }  # fmt: skip

    def receptors(self, p: Values) -> dict[str, Any]:
        """Return the receptors."""
        return {
            "exc": ExpConductance(p["tau_syn_E"], 0.0),
            "inh": ExpConductance(p["tau_syn_I"], p["e_rev_I"]),
        }


@same_names
class IF_cond_exp_gsfa_grr(_Conductances, cells.IF_cond_exp_gsfa_grr):
    __doc__ = cells.IF_cond_exp_gsfa_grr.__doc__
    model = "iaf_sfa_rr"
    variables = {
        "v": (("v",), 1.0), "g_s": (("g_sfa",), 1.0), "g_r": (("g_rr",), 1.0),
        **SYNAPTIC_CONDUCTANCES,
    }  # fmt: skip

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of ``iaf_sfa_rr``."""
        own = {"q_sfa": "q_sfa", "tau_sfa": "tau_sfa", "e_sfa": "e_rev_sfa", "q_rr": "q_rr",
               "tau_rr": "tau_rr", "e_rr": "e_rev_rr"}  # fmt: skip
        return {**_leaking(p), "v_th": p["v_thresh"], **{k: p[name] for k, name in own.items()}}


def _adaptive(p: Values) -> dict[str, Any]:
    """Return the parameters of ``adex``."""
    return {
        **_leaking(p), "a": p["a"], "b": THOUSAND * p["b"], "delta_t": p["delta_T"],
        "tau_w": p["tau_w"], "v_t": p["v_thresh"], "v_peak": p["v_spike"],
    }  # fmt: skip


class _Adaptive(_Conductances):
    model = "adex"
    scheme = "upstroke"
    variables = {"v": (("v",), 1.0), "w": (("w",), 1e-3), **SYNAPTIC_CONDUCTANCES}

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of ``adex``."""
        return _adaptive(p)


@same_names
class EIF_cond_exp_isfa_ista(_Adaptive, cells.EIF_cond_exp_isfa_ista):
    __doc__ = cells.EIF_cond_exp_isfa_ista.__doc__


@same_names
class EIF_cond_alpha_isfa_ista(_Adaptive, cells.EIF_cond_alpha_isfa_ista):
    __doc__ = cells.EIF_cond_alpha_isfa_ista.__doc__
    kind = AlphaConductance


@same_names
class HH_cond_exp(_Conductances, cells.HH_cond_exp):
    __doc__ = cells.HH_cond_exp.__doc__
    model = "hh_traub"
    ports = {**Native.ports, GAP: "gap"}
    variables = {
        "v": (("v",), 1.0), **{gate: ((gate,), 1.0) for gate in "mhn"}, **SYNAPTIC_CONDUCTANCES,
    }  # fmt: skip

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of ``hh_traub``."""
        return {
            "c_m": THOUSAND * p["cm"], "g_l": THOUSAND * p["g_leak"], "e_l": p["e_rev_leak"],
            "g_na": THOUSAND * p["gbar_Na"], "e_na": p["e_rev_Na"], "g_k": THOUSAND * p["gbar_K"],
            "e_k": p["e_rev_K"], "v_t": p["v_offset"],
        }  # fmt: skip


@same_names
class Izhikevich(Native, cells.Izhikevich):
    __doc__ = cells.Izhikevich.__doc__
    model = "izhikevich"
    scheme = "forward_euler"
    variables = {"v": (("v",), 1.0), "u": (("u",), 1.0)}
    weight_scale = 1.0

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of ``izhikevich``."""
        return {name: p[name] for name in "abcd"}

    def receptors(self, p: Values) -> dict[str, Any]:
        """Return the receptors."""
        return {"exc": Delta(), "inh": Delta()}


@same_names
class GIF_cond_exp(_Conductances, cells.GIF_cond_exp):
    __doc__ = cells.GIF_cond_exp.__doc__
    model = GIFConductance
    variables = {
        "v": (("v",), 1.0), "i_eta": (("stc_1", "stc_2", "stc_3"), 1e-3),
        "v_t": (("v_now",), 1.0), **SYNAPTIC_CONDUCTANCES,
    }  # fmt: skip
    derived = {"v_t": "v_t_star"}

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of the GIF model here."""
        return {**_leaking(p), **gif_parameters(p)}


# Components of PointNeuron.


@same_names
class LIF(Native, cells.LIF):
    __doc__ = cells.LIF.__doc__
    model = "lif"

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of ``lif``."""
        return _leaky(p)

    def leaking(self, p: Values) -> dict[str, Any]:
        """Return the parameters of ``lif_cond``."""
        return {**_leaking(p), "v_th": p["v_thresh"]}


@same_names
class AdExp(Native, cells.AdExp):
    __doc__ = cells.AdExp.__doc__
    model = "adex"
    scheme = "upstroke"
    variables = {"v": (("v",), 1.0), "w": (("w",), 1e-3)}

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of ``adex``."""
        return _adaptive(p)


# Spike sources.


@same_names
class SpikeSourceArray(cells.SpikeSourceArray):
    __doc__ = cells.SpikeSourceArray.__doc__
    trains = Given


@same_names
class SpikeSourcePoisson(cells.SpikeSourcePoisson):
    __doc__ = cells.SpikeSourcePoisson.__doc__
    trains = Poisson


@same_names
class SpikeSourcePoissonRefractory(cells.SpikeSourcePoissonRefractory):
    __doc__ = cells.SpikeSourcePoissonRefractory.__doc__
    trains = Refractory


@same_names
class SpikeSourceGamma(cells.SpikeSourceGamma):
    __doc__ = cells.SpikeSourceGamma.__doc__
    # PyNN's 2 would let it round shapes to whole numbers.
    default_parameters = {**cells.SpikeSourceGamma.default_parameters, "alpha": 2.0}
    trains = Gamma


@same_names
class SpikeSourceInhGamma(cells.SpikeSourceInhGamma):
    __doc__ = cells.SpikeSourceInhGamma.__doc__
    trains = InhomogeneousGamma

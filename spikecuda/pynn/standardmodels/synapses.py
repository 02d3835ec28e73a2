"""Synapse types: static, short-term plasticity, stochastic, and pair STDP."""

from typing import Any

import numpy as np
from pyNN.standardmodels import build_translations, synapses

from spikecuda.common.time_grid import nearest_step
from spikecuda.plasticity import STDP, GutigSTDP, QuantalRelease, StochasticRelease, Tsodyks2000
from spikecuda.pynn import simulator
from spikecuda.pynn.standardmodels.base import (
    NotAvailableError,
    Values,
    same_names,
    unavailable,
)


def _steps(lam: float, alpha: float, w_max: float) -> dict[str, float]:
    """Return the steps of both changes: alpha is no ratio here, but A_minus itself."""
    return {"step_up": lam * w_max, "step_down": alpha * w_max, "per_max": 1.0 / w_max}


class AdditivePairs(STDP):
    """``STDP`` with ``lam`` = A_plus and ``alpha`` = A_minus, either of which may be 0."""

    name = "_pynn_additive"
    derive = _steps


class PowerPairs(GutigSTDP):
    """``GutigSTDP`` with ``lam`` = A_plus and ``alpha`` = A_minus, either of which may be 0."""

    name = "_pynn_powers"
    derive = _steps


class _Delayed:
    """What all synapse types share."""

    # Whether it is a gap junction, which has no delay and acts in both directions.
    electric = False
    # Attributes of connections that a rule has, in the order of its groups.
    rule_attributes: tuple[str, ...] = ()

    def _get_minimum_delay(self) -> float:
        return simulator.state.shortest_allowed

    def at_rest(self, variable: str, values: Any, attributes: Values) -> bool:
        """Tell whether start values of a variable are those at rest, which all synapses have.

        Args:
            variable: its name.
            values: for all connections.
            attributes: of the connections.
        """
        return not np.any(values)

    def of_target(self, target: Any, port: str) -> dict[str, Any]:
        """Return what the rule takes from its targets: one number, or one for each of them.

        Args:
            target: population that the synapses arrive at.
            port: name of the receptor there.
        """
        return {}

    def rule(self, values: Values, target: Any, delay: Any, largest: float = 0.0) -> dict[str, Any]:
        """Return arguments of ``Network.connect`` for synapses with these parameters.

        Args:
            values: of ``rule_attributes`` and ``of_target``, one number each.
            target: population that they arrive at.
            delay: of these synapses, ms.
            largest: the largest weight that they may have, in the receptor's unit, > 0.
        """
        return {}


@same_names
class StaticSynapse(_Delayed, synapses.StaticSynapse):
    __doc__ = synapses.StaticSynapse.__doc__


@same_names
class ElectricalSynapse(_Delayed, synapses.ElectricalSynapse):
    __doc__ = synapses.ElectricalSynapse.__doc__
    electric = True


@same_names
class TsodyksMarkramSynapse(_Delayed, synapses.TsodyksMarkramSynapse):
    __doc__ = synapses.TsodyksMarkramSynapse.__doc__
    rule_attributes: tuple[str, ...] = ("U", "tau_rec", "tau_facil")

    def of_target(self, target: Any, port: str) -> dict[str, Any]:
        """Return the receptor's time constant."""
        receptor = target.celltype.receptors(target.values)[port]
        tau = getattr(receptor, "tau", None)
        if tau is None:
            raise NotAvailableError(
                "TsodyksMarkramSynapse needs targets whose receptor has a time constant (got "
                f"{receptor!r:.80} of {target.label}); use another cell type"
            )
        return {"tau_psc": tau}

    def rule(self, values: Values, target: Any, delay: Any, largest: float = 0.0) -> dict[str, Any]:
        """Return the rule of Tsodyks, Uziel & Markram (2000)."""
        return {"plasticity": Tsodyks2000(
            U=values["U"], tau_psc=values["tau_psc"], tau_rec=values["tau_rec"],
            tau_fac=values["tau_facil"],
        )}  # fmt: skip


@same_names
class SimpleStochasticSynapse(_Delayed, synapses.SimpleStochasticSynapse):
    __doc__ = synapses.SimpleStochasticSynapse.__doc__
    rule_attributes = ("p",)

    def rule(self, values: Values, target: Any, delay: Any, largest: float = 0.0) -> dict[str, Any]:
        """Return the rule that sends with a probability."""
        return {"plasticity": StochasticRelease(p=values["p"])}


class _Quantal(_Delayed):
    """Sites that release and recover at random; the weight is that of all sites together."""

    rule_attributes: tuple[str, ...] = ("U", "tau_rec", "tau_facil")

    def at_rest(self, variable: str, values: Any, attributes: Values) -> bool:
        """Tell whether all sites are full; what is released at first does not depend on u."""
        if variable in ("a", "available"):
            return bool(np.all(values == attributes.get("n", 1.0)))
        return variable == "u"

    def rule(self, values: Values, target: Any, delay: Any, largest: float = 0.0) -> dict[str, Any]:
        """Return the rule of sites."""
        return {"plasticity": QuantalRelease(
            w_max=largest, sites=values.get("n", 1.0), U=values["U"], tau_rec=values["tau_rec"],
            tau_fac=values["tau_facil"],
        )}  # fmt: skip


@same_names
class StochasticTsodyksMarkramSynapse(_Quantal, synapses.StochasticTsodyksMarkramSynapse):
    __doc__ = synapses.StochasticTsodyksMarkramSynapse.__doc__


@same_names
class MultiQuantalSynapse(_Quantal, synapses.MultiQuantalSynapse):
    """Short-term plasticity of ``n`` sites; the weight is that of all of them together."""

    rule_attributes = ("U", "n", "tau_rec", "tau_facil")


@same_names
class SpikePairRule(synapses.SpikePairRule):
    __doc__ = synapses.SpikePairRule.__doc__


class _Powers:
    """How a change depends on the weight."""

    mu: tuple[float, float] | None = None

    def exponents(self, values: Values) -> tuple[float, float] | None:
        """Return the exponents of potentiation and depression; None: neither depends on it."""
        return self.mu


@same_names
class AdditiveWeightDependence(_Powers, synapses.AdditiveWeightDependence):
    __doc__ = synapses.AdditiveWeightDependence.__doc__


@same_names
class MultiplicativeWeightDependence(_Powers, synapses.MultiplicativeWeightDependence):
    __doc__ = synapses.MultiplicativeWeightDependence.__doc__
    mu = 1.0, 1.0


@same_names
class AdditivePotentiationMultiplicativeDepression(
    _Powers, synapses.AdditivePotentiationMultiplicativeDepression
):
    __doc__ = synapses.AdditivePotentiationMultiplicativeDepression.__doc__
    mu = 0.0, 1.0


@same_names
class GutigWeightDependence(_Powers, synapses.GutigWeightDependence):
    __doc__ = synapses.GutigWeightDependence.__doc__

    def exponents(self, values: Values) -> tuple[float, float]:
        """Return the exponents of potentiation and depression."""
        return values["mu_plus"], values["mu_minus"]


class STDPMechanism(_Delayed, synapses.STDPMechanism):
    __doc__ = synapses.STDPMechanism.__doc__
    learns = True
    base_translations = build_translations(
        *((name, name) for name in ("weight", "delay", "dendritic_delay_fraction"))
    )

    def __init__(self, *args: Any, **parameters: Any) -> None:
        super().__init__(*args, **parameters)
        parts = self.timing_dependence, self.weight_dependence
        if self.voltage_dependence is not None or None in parts:
            raise NotAvailableError(
                "STDPMechanism has a timing and a weight dependence, and no other (got "
                f"{self.timing_dependence!r}, {self.weight_dependence!r}, "
                f"{self.voltage_dependence!r}); use SpikePairRule and AdditiveWeightDependence, or "
                "ClopathSTDP of spikecuda.plasticity"
            )
        names = [name for part in parts for name in part.get_parameter_names()]
        self.rule_attributes = (*names, "dendritic_delay_fraction")

    def _build_translations(self) -> None:
        self.translations = dict(self.base_translations)
        for part in (self.timing_dependence, self.weight_dependence):
            if part is not None:
                self.translations.update(part.translations)

    def rule(self, values: Values, target: Any, delay: Any, largest: float = 0.0) -> dict[str, Any]:
        """Return the rule of pairs, and the part of the delay behind the synapse."""
        mu, part = self.weight_dependence.exponents(values), values["dendritic_delay_fraction"]
        scale = target.celltype.weight_scale
        if values["w_max"] <= 0 or values["w_min"] < 0:
            raise NotAvailableError(
                "STDPMechanism needs w_max > 0 and w_min >= 0 (got "
                f"w_min={values['w_min']:g}, w_max={values['w_max']:g}); synapses that inhibit "
                "and learn have conductances"
            )
        if mu is not None and values["w_min"] != 0:
            raise NotAvailableError(
                f"{type(self.weight_dependence).__name__} needs w_min = 0 (got "
                f"{values['w_min']:g}); AdditiveWeightDependence has any"
            )
        powers = {} if mu is None else {"mu_plus": mu[0], "mu_minus": mu[1]}
        made = AdditivePairs if mu is None else PowerPairs
        rule = made(
            w_max=scale * values["w_max"], w_min=scale * values["w_min"],
            lam=values["A_plus"], alpha=values["A_minus"], tau_plus=values["tau_plus"],
            tau_minus=values["tau_minus"], timing="brian" if part == 0 else "nest", **powers,
        )  # fmt: skip
        if part == 1:
            return {"plasticity": rule}
        dt = simulator.state.dt
        return {"plasticity": rule, "dendritic": nearest_step(part * delay, dt) * dt}


Vogels2011Rule = unavailable(
    "Vogels2011Rule", "use VogelsSTDP of spikecuda.plasticity, whose learning rate has a unit"
)

"""Receptors: what an arriving spike does to a neuron.

A receptor is given a name when a population is made, ``receptors={"exc": ExpCurrent(tau=5.0)}``;
connections and drives say which one they arrive at.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.models.base import Model
from spikecuda.network.model.equivalent_current import current_equivalents, moments
from spikecuda.network.model.receptor import Receptor, parameter, time_constant


@dataclass(frozen=True, eq=False)
class Delta(Receptor):
    """The membrane jumps by the weight (mV); a spike that arrives in the refractory period is lost.

    Source: Brunel (2000) J Comput Neurosci 8:183, equation 2.
    """

    kind = "delta"
    unit = "mV"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return no constants."""
        return {}


@dataclass(frozen=True, eq=False)
class ExpCurrent(Receptor):
    """A current that jumps by the weight (pA) and decays exponentially.

    Args:
        tau: time constant of the decay in ms, > 0.

    Source: Rotter & Diesmann (1999) Biol Cybern 81:381, section 3.
    """

    tau: float = time_constant("time constant of the decay")
    kind = "exp_current"
    unit = "pA"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the decay of a step and the constant current that has the same effect."""
        to_i, _ = current_equivalents(model, params, self.tau, dt)
        return {"keep": np.exp(np.float64(-dt / self.tau)), "to_i": to_i}


@dataclass(frozen=True, eq=False)
class AlphaCurrent(Receptor):
    """A current ``weight (t / tau) exp(1 - t / tau)``; its peak is the weight (pA).

    Args:
        tau: time from the arrival of a spike to the peak in ms, > 0.

    Source: Rotter & Diesmann (1999) Biol Cybern 81:381, section 3.
    """

    tau: float = time_constant("time to the peak")
    kind = "alpha_current"
    unit = "pA"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the propagators of a step."""
        to_i, to_di = current_equivalents(model, params, self.tau, dt)
        keep = np.exp(np.float64(-dt / self.tau))
        rise = np.float64(math.e / self.tau)
        return {"keep": keep, "drift": dt * keep, "rise": rise, "to_i": to_i, "to_di": to_di}


@dataclass(frozen=True, eq=False)
class ExpConductance(Receptor):
    """A conductance that jumps by the weight (nS, >= 0) and decays exponentially.

    Its current is ``g (e_rev - v)``.

    Args:
        tau: time constant of the decay in ms, > 0.
        e_rev: reversal potential in mV.
    """

    tau: float = time_constant("time constant of the decay")
    e_rev: float = parameter("mV", "reversal potential")
    kind = "exp_conductance"
    unit = "nS"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the decay of a step and the mean over it."""
        mean, _ = moments(np.asarray(dt / self.tau))
        return {
            "keep": np.exp(np.float64(-dt / self.tau)),
            "mean": mean,
            "e_rev": np.float64(self.e_rev),
        }


@dataclass(frozen=True, eq=False)
class AlphaConductance(Receptor):
    """A conductance ``weight (t / tau) exp(1 - t / tau)``; its peak is the weight (nS, >= 0).

    Its current is ``g (e_rev - v)``.

    Args:
        tau: time from the arrival of a spike to the peak in ms, > 0.
        e_rev: reversal potential in mV.
    """

    tau: float = time_constant("time to the peak")
    e_rev: float = parameter("mV", "reversal potential")
    kind = "alpha_conductance"
    unit = "nS"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the propagators of a step and of the mean over it."""
        keep = np.exp(np.float64(-dt / self.tau))
        mean, second = moments(np.asarray(dt / self.tau))
        return {
            "keep": keep, "drift": dt * keep, "rise": np.float64(math.e / self.tau),
            "mean": mean, "mean_drift": dt * second, "e_rev": np.float64(self.e_rev),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Beta(Receptor):
    """What rises and decays: a difference of exponentials whose peak is the weight.

    It is proportional to ``exp(-t / tau_decay) - exp(-t / tau_rise)``.
    """

    tau_rise: float = time_constant("time constant of the rise")
    tau_decay: float = time_constant("time constant of the decay")
    alpha: ClassVar[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not np.all(np.less(self.tau_rise, self.tau_decay)):
            raise SpikecudaValueError(
                f"tau_rise must be < tau_decay (got {self.tau_rise!r}, {self.tau_decay!r}); where "
                f"both are the same it is {self.alpha}"
            )

    def rounding_loss(self, real: str) -> float:
        """Return what rounding can take.

        That is the difference of two states that are ``peak`` times as large, near e / (1 -
        tau_rise / tau_decay): so often each rounding counts.
        """
        distance = float(np.min(1.0 - np.divide(self.tau_rise, self.tau_decay)))
        return math.e / max(distance, 1e-300) * float(np.finfo(real).eps)

    def _decays(self, dt: float) -> dict[str, Any]:
        """Return decays of a step, and the factor that makes the peak 1."""
        rise, decay = self.tau_rise, self.tau_decay
        at = rise * decay / (decay - rise) * _each(math.log, decay / rise)
        peak = 1.0 / (_each(math.exp, -at / decay) - _each(math.exp, -at / rise))
        return {
            "keep_decay": _each(math.exp, -dt / decay), "keep_rise": _each(math.exp, -dt / rise),
            "peak": peak,
        }  # fmt: skip

    def _means(self, dt: float) -> dict[str, Any]:
        """Return the means over a step of what decays."""
        return {
            "mean_decay": moments(np.asarray(dt / self.tau_decay))[0],
            "mean_rise": moments(np.asarray(dt / self.tau_rise))[0],
        }


@dataclass(frozen=True, eq=False)
class BetaCurrent(_Beta):
    """A current that rises and decays; its peak is the weight (pA).

    Args:
        tau_rise, tau_decay: time constants in ms, 0 < tau_rise < tau_decay.

    Source: Roth & van Rossum (2009) in Computational Modeling Methods for Neuroscientists, ch. 6.
    """

    tau_rise: float = time_constant("time constant of the rise")
    tau_decay: float = time_constant("time constant of the decay")
    kind = "beta_current"
    unit = "pA"
    alpha = "AlphaCurrent(tau)"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return decays, the peak's factor, and constant currents with the same effects."""
        values = self._decays(dt)
        values["to_decay"], _ = current_equivalents(model, params, self.tau_decay, dt)
        values["to_rise"], _ = current_equivalents(model, params, self.tau_rise, dt)
        return {name: np.asarray(value, np.float64) for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class BetaConductance(_Beta):
    """A conductance that rises and decays; its peak is the weight (nS, >= 0).

    Its current is ``g (e_rev - v)``.

    Args:
        tau_rise, tau_decay: time constants in ms, 0 < tau_rise < tau_decay.
        e_rev: reversal potential in mV.

    Source: Roth & van Rossum (2009) in Computational Modeling Methods for Neuroscientists, ch. 6.
    """

    tau_rise: float = time_constant("time constant of the rise")
    tau_decay: float = time_constant("time constant of the decay")
    e_rev: float = parameter("mV", "reversal potential")
    kind = "beta_conductance"
    unit = "nS"
    alpha = "AlphaConductance(tau, e_rev)"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return decays of a step, means over it, and the peak's factor."""
        values = {**self._decays(dt), **self._means(dt), "e_rev": self.e_rev}
        return {name: np.asarray(value, np.float64) for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class NMDA(_Beta):
    """A conductance with slow rise and decay, blocked by magnesium at rest.

    ``g(t)`` is proportional to ``exp(-t / tau_decay) - exp(-t / tau_rise)``; its peak is the weight
    (nS, >= 0).  The current is ``B(v) g (e_rev - v)`` with ``B = 1 / (1 + mg / 3.57 mM
    exp(-0.062 v / mV))``.  ``B`` is computed at the start of the step.

    Args:
        tau_rise, tau_decay: time constants in ms, 0 < tau_rise < tau_decay.
        e_rev: reversal potential in mV.
        mg: concentration of magnesium in mM, >= 0.

    Source: Jahr & Stevens (1990) J Neurosci 10:3178, equation 4.
    """

    tau_rise: float = time_constant("time constant of the rise", 2.0)
    tau_decay: float = time_constant("time constant of the decay", 100.0)
    e_rev: float = parameter("mV", "reversal potential", 0.0)
    mg: float = parameter("mM", "concentration of magnesium", 1.0, at_least=0.0)
    kind = "nmda"
    unit = "nS"
    alpha = "AlphaConductance(tau, e_rev)"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return decays of a step, means over it, and the factor that makes the peak 1."""
        values: dict[str, Any] = {
            **self._decays(dt), **self._means(dt),
            "e_rev": self.e_rev, "mg": np.divide(self.mg, 3.57), "steep": -0.062,
        }  # fmt: skip
        return {name: np.asarray(value, np.float64) for name, value in values.items()}


def _each(function: Callable[[float], float], value: Any) -> Any:
    """Return a function of a number, or of each one of an array, with the same bits."""
    if np.ndim(value) == 0:
        return function(value)
    return np.array([function(float(v)) for v in value])

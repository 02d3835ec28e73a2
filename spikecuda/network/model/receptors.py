"""Receptors: what an arriving spike does to a neuron.

A receptor is given a name when a population is made, ``receptors={"exc": ExpCurrent(tau=5.0)}``;
connections and drives say which one they arrive at.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from spikecuda.common.arguments import as_real
from spikecuda.common.arrays import take_reals
from spikecuda.errors import SpikecudaValueError
from spikecuda.kernels.receptors import KINDS, ReceptorSpec
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter
from spikecuda.runtime.neuron_spec import as_constant, by_name

DECLARED = "parameter"
# A step over the membrane's time constant, less that over the receptor's: e^700 fits in float64.
FORGETFUL = 600.0
# What rounding may take of a receptor's effect.
LARGEST_LOSS = 1e-3


def parameter(unit: str, doc: str, default: float | None = None, **range_: float) -> Any:
    """Return a field of a receptor that declares its unit and range (see ``Parameter``)."""
    declared = Parameter(math.nan if default is None else default, unit, doc, **range_)
    metadata = {DECLARED: declared}
    return (
        field(metadata=metadata) if default is None else field(default=default, metadata=metadata)
    )


def _time_constant(doc: str, default: float | None = None) -> Any:
    return parameter("ms", doc, default, above=0.0)


@dataclass(frozen=True, eq=False)
class Receptor(ABC):
    """Base class of receptors; each field is made by ``parameter``, which declares its unit.

    A field is one number for all neurons of a population, or an array with one for each.

    Attributes:
        kind: the kernel's name for it.
        unit: the unit of its weights.
    """

    kind: ClassVar[str]
    unit: ClassVar[str]

    def __post_init__(self) -> None:
        sizes = {}
        for item in fields(self):
            declared: Parameter = item.metadata[DECLARED]
            value: Any = getattr(self, item.name)
            if isinstance(value, list | tuple) or getattr(value, "shape", ()) != ():
                value = take_reals(item.name, value, "a number or one per neuron")
                if value.ndim != 1:
                    raise SpikecudaValueError(
                        f"{item.name} must be one number or one per neuron (got shape "
                        f"{value.shape})"
                    )
                sizes[item.name] = value.size
            else:
                value = as_real(item.name, value, declared.unit)
            declared.validate(item.name, np.asarray(value))
            # What follows from it is worked out in float64, whatever type it was given in.
            object.__setattr__(self, item.name, value)
        if len(set(sizes.values())) > 1:
            raise SpikecudaValueError(
                f"{' and '.join(sizes)} must have one number for each neuron (got "
                f"{' and '.join(map(str, sizes.values()))}); give arrays of one length"
            )

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in self.fields()
        )

    def __hash__(self) -> int:
        values = (np.asarray(getattr(self, name)).tobytes() for name in self.fields())
        return hash((type(self), *values))

    def require_size(self, name: str, count: int) -> None:
        """Raise unless the receptor called ``name`` fits a population of ``count`` neurons."""
        for item in self.fields():
            value = getattr(self, item)
            if np.ndim(value) and value.shape != (count,):
                raise SpikecudaValueError(
                    f"{item} of receptor {name!r} must be one number or one per neuron, shape "
                    f"({count},) (got shape {value.shape})"
                )

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """Return the names of its parameters."""
        return tuple(item.name for item in fields(cls))

    @property
    def positive(self) -> bool:
        """Whether weights must be >= 0: a conductance cannot be negative."""
        return KINDS[self.kind].couples == "conductance"

    def spec(self, name: str) -> ReceptorSpec:
        """Return the kernel's view of the receptor."""
        return ReceptorSpec(name, self.kind)

    @abstractmethod
    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the constants of a step by name, float64, one number or one per neuron."""

    def cast_constants(
        self, name: str, model: type[Model], params: Mapping[str, np.ndarray], dt: float, real: str
    ) -> dict[str, np.ndarray]:
        """Return the constants of the receptor called ``name`` in a kernel's real type.

        Raises:
            SpikecudaValueError: they are not finite there, or not exact enough.
        """
        try:
            values = self.constants(model, params, dt)
            if self.rounding_loss(real) > LARGEST_LOSS:
                raise SpikecudaValueError("time constants so near each other that rounding decides")
            return {key: as_constant(key, value, real) for key, value in values.items()}
        except (ArithmeticError, SpikecudaValueError) as error:
            raise SpikecudaValueError(
                f"receptor {name!r} needs constants that are finite and exact in {real} at dt = "
                f"{dt:g} ms (got {self!r}: {error}); choose other time constants"
            ) from None

    def rounding_loss(self, real: str) -> float:
        """Return about which fraction of the receptor's effect rounding in a type can take."""
        return float(np.finfo(real).eps)


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

    tau: float = _time_constant("time constant of the decay")
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

    tau: float = _time_constant("time to the peak")
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

    tau: float = _time_constant("time constant of the decay")
    e_rev: float = parameter("mV", "reversal potential")
    kind = "exp_conductance"
    unit = "nS"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the decay of a step and the mean over it."""
        mean, _ = _moments(np.asarray(dt / self.tau))
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

    tau: float = _time_constant("time to the peak")
    e_rev: float = parameter("mV", "reversal potential")
    kind = "alpha_conductance"
    unit = "nS"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the propagators of a step and of the mean over it."""
        keep = np.exp(np.float64(-dt / self.tau))
        mean, second = _moments(np.asarray(dt / self.tau))
        return {
            "keep": keep, "drift": dt * keep, "rise": np.float64(math.e / self.tau),
            "mean": mean, "mean_drift": dt * second, "e_rev": np.float64(self.e_rev),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Beta(Receptor):
    """What rises and decays: a difference of exponentials whose peak is the weight.

    It is proportional to ``exp(-t / tau_decay) - exp(-t / tau_rise)``.
    """

    tau_rise: float = _time_constant("time constant of the rise")
    tau_decay: float = _time_constant("time constant of the decay")
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
            "mean_decay": _moments(np.asarray(dt / self.tau_decay))[0],
            "mean_rise": _moments(np.asarray(dt / self.tau_rise))[0],
        }


@dataclass(frozen=True, eq=False)
class BetaCurrent(_Beta):
    """A current that rises and decays; its peak is the weight (pA).

    Args:
        tau_rise, tau_decay: time constants in ms, 0 < tau_rise < tau_decay.

    Source: Roth & van Rossum (2009) in Computational Modeling Methods for Neuroscientists, ch. 6.
    """

    tau_rise: float = _time_constant("time constant of the rise")
    tau_decay: float = _time_constant("time constant of the decay")
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

    tau_rise: float = _time_constant("time constant of the rise")
    tau_decay: float = _time_constant("time constant of the decay")
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

    tau_rise: float = _time_constant("time constant of the rise", 2.0)
    tau_decay: float = _time_constant("time constant of the decay", 100.0)
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


def current_equivalents(
    model: type[Model], params: Mapping[str, np.ndarray], tau: Any, dt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return what turns a decaying current into a constant one with the same effect on a step.

    A current ``(i + di t) exp(-t / tau)`` during a step acts like the constant current
    ``to_i i + to_di di``: for models that say how they remember a current (``Model.memory``,
    as LIF does) the membrane at the end of the step is exact; for others it is the mean over the
    step.

    Returns:
        ``to_i`` (1) and ``to_di`` (ms), float64, one number or one per neuron.
    """
    memory = model.memory
    with np.errstate(all="ignore"):
        rate = np.asarray(0.0 if memory is None else 1.0 / by_name(params, memory), np.float64)
        # What is left at the end of the step of a current of 1, of (i + di t) exp(-t / tau).
        still, _ = _moments(rate * dt)
        first, second = _moments(dt / tau - rate * dt)
        fading = np.exp(-rate * dt)
        # The same from the end of the step back, for a membrane whose memory is so much shorter
        # that ``first`` overflows.
        back, back_second = _moments(rate * dt - dt / tau)
        kept, forgetful = np.exp(-dt / tau), rate * dt - dt / tau > FORGETFUL
        of_i = np.where(forgetful, kept * back, fading * first)
        of_di = np.where(forgetful, kept * (back - back_second), fading * second)
        return np.asarray(of_i / still), np.asarray(of_di * dt / still)


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the integrals over s from 0 to 1 of e^(-x s) and s e^(-x s), to a few roundings."""
    near: Any = np.where(np.abs(x) < 1.0, x, 0.0)
    far = np.where(near == x, 1.0, np.minimum(x, 1e150))
    first: Any
    second: Any
    term: Any
    if near.ndim:
        first, second, term = np.zeros_like(near), np.zeros_like(near), np.ones_like(near)
    else:  # the same operations, without arrays: ten times as fast
        near, first, second, term = float(near), 0.0, 0.0, 1.0
    for k in range(20):
        first, second = first + term / (k + 1), second + term / (k + 2)
        term = term * -near / (k + 1)
    rest = np.exp(-far)
    closed = -np.expm1(-far) / far, (-np.expm1(-far) - far * rest) / far**2
    return np.where(near == x, first, closed[0]), np.where(near == x, second, closed[1])

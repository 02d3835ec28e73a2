"""Receptors: what an arriving spike does to a neuron.

A receptor is given a name when a population is made, ``receptors={"exc": ExpCurrent(tau=5.0)}``;
connections and drives say which one they arrive at.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.kernels.receptors import KINDS, ReceptorSpec
from spikecuda.models.base import Model
from spikecuda.runtime.neuron_spec import by_name

# What a kernel's names for a receptor end in, besides its states and constants.
KERNEL_NAMES = ("scale", "first", "arrival", "now", "block")


@dataclass(frozen=True)
class Receptor(ABC):
    """Base class of receptors.

    Attributes:
        kind: the kernel's name for it.
        unit: the unit of its weights.
    """

    kind: ClassVar[str]
    unit: ClassVar[str]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            unit = "ms" if field.name.startswith("tau") else "mM" if field.name == "mg" else "mV"
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise SpikecudaTypeError(
                    f"{field.name} must be a number in {unit} (got {value!r:.80})"
                )
            if not math.isfinite(value):
                raise SpikecudaValueError(f"{field.name} must be finite (got {value!r})")
            if field.name.startswith("tau") and value <= 0:
                raise SpikecudaValueError(f"{field.name} must be > 0 ms (got {value!r})")
            if field.name == "mg" and value < 0:
                raise SpikecudaValueError(f"mg must be >= 0 mM (got {value!r})")

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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class ExpCurrent(Receptor):
    """A current that jumps by the weight (pA) and decays with ``tau`` (ms).

    Source: Rotter & Diesmann (1999) Biol Cybern 81:381, section 3.
    """

    tau: float
    kind = "exp_current"
    unit = "pA"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the decay of a step and the constant current that has the same effect."""
        to_i, _ = current_equivalents(model, params, self.tau, dt)
        return {"keep": np.exp(np.float64(-dt / self.tau)), "to_i": to_i}


@dataclass(frozen=True)
class AlphaCurrent(Receptor):
    """A current ``weight (t / tau) exp(1 - t / tau)``: its peak, the weight (pA), comes at ``tau``.

    Source: Rotter & Diesmann (1999) Biol Cybern 81:381, section 3.
    """

    tau: float
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


@dataclass(frozen=True)
class ExpConductance(Receptor):
    """A conductance that jumps by the weight (nS) and decays with ``tau`` (ms).

    Its current is ``g (e_rev - v)``, with ``e_rev`` in mV.
    """

    tau: float
    e_rev: float
    kind = "exp_conductance"
    unit = "nS"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the decays of a step and of half a step."""
        return {
            "keep": np.exp(np.float64(-dt / self.tau)),
            "half": np.exp(np.float64(-0.5 * dt / self.tau)),
            "e_rev": np.float64(self.e_rev),
        }


@dataclass(frozen=True)
class AlphaConductance(Receptor):
    """A conductance ``weight (t / tau) exp(1 - t / tau)``: its peak is the weight (nS), at ``tau``.

    Its current is ``g (e_rev - v)``, with ``e_rev`` in mV.
    """

    tau: float
    e_rev: float
    kind = "alpha_conductance"
    unit = "nS"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the propagators of a step and of half a step."""
        keep, half = np.exp(np.float64(-dt / self.tau)), np.exp(np.float64(-0.5 * dt / self.tau))
        return {
            "keep": keep, "drift": dt * keep, "rise": np.float64(math.e / self.tau),
            "half": half, "half_drift": 0.5 * dt * half, "e_rev": np.float64(self.e_rev),
        }  # fmt: skip


@dataclass(frozen=True)
class NMDA(Receptor):
    """A conductance with slow rise and decay, blocked by magnesium at rest.

    ``g(t)`` is proportional to ``exp(-t / tau_decay) - exp(-t / tau_rise)``, with the weight (nS)
    as its peak; the current is ``B(v) g (e_rev - v)`` with ``B = 1 / (1 + mg / 3.57 mM
    exp(-0.062 v / mV))`` and ``mg`` in mM.  ``B`` is taken at the start of the step.

    Source: Jahr & Stevens (1990) J Neurosci 10:3178, equation 4.
    """

    tau_rise: float = 2.0
    tau_decay: float = 100.0
    e_rev: float = 0.0
    mg: float = 1.0
    kind = "nmda"
    unit = "nS"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.tau_rise < self.tau_decay:
            raise SpikecudaValueError(
                f"tau_rise must be < tau_decay (got {self.tau_rise!r}, {self.tau_decay!r})"
            )

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the decays of a step and of half a step, and the factor that makes the peak 1."""
        rise, decay = self.tau_rise, self.tau_decay
        at = rise * decay / (decay - rise) * math.log(decay / rise)
        peak = 1.0 / (math.exp(-at / decay) - math.exp(-at / rise))
        values = {
            "keep_decay": math.exp(-dt / decay), "keep_rise": math.exp(-dt / rise),
            "half_decay": math.exp(-0.5 * dt / decay), "half_rise": math.exp(-0.5 * dt / rise),
            "peak": peak, "e_rev": self.e_rev, "mg": self.mg / 3.57, "steep": -0.062,
        }  # fmt: skip
        return {name: np.float64(value) for name, value in values.items()}  # type: ignore[misc]


def current_equivalents(
    model: type[Model], params: Mapping[str, np.ndarray], tau: float, dt: float
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
    rate = np.asarray(0.0 if memory is None else 1.0 / by_name(params, memory), np.float64)
    # What is left at the end of the step of a current of 1, of (i + di t) exp(-t / tau).
    still, _ = _moments(rate * dt)
    first, second = _moments(dt / tau - rate * dt)
    fading = np.exp(-rate * dt)
    return np.asarray(fading * first / still), np.asarray(fading * second * dt / still)


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the integrals over s from 0 to 1 of e^(-x s) and s e^(-x s), to a few roundings."""
    near = np.where(np.abs(x) < 1.0, x, 0.0)
    far = np.where(near == x, 1.0, x)
    first, second, term = np.zeros_like(near), np.zeros_like(near), np.ones_like(near)
    for k in range(20):
        first, second = first + term / (k + 1), second + term / (k + 2)
        term = term * -near / (k + 1)
    rest = np.exp(-far)
    closed = -np.expm1(-far) / far, (-np.expm1(-far) - far * rest) / far**2
    return np.where(near == x, first, closed[0]), np.where(near == x, second, closed[1])


def as_receptors(
    receptors: Mapping[str, Receptor] | None, model: type[Model]
) -> dict[str, Receptor]:
    """Return checked receptors by name."""
    if receptors is None:
        return {}
    if not isinstance(receptors, Mapping):
        raise SpikecudaTypeError(
            f"receptors must be a dict of name: Receptor (got {receptors!r:.80})"
        )
    for name, receptor in receptors.items():
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            raise SpikecudaValueError(f"a receptor's name must be an identifier (got {name!r})")
        if not isinstance(receptor, Receptor):
            raise SpikecudaTypeError(
                f"receptor {name!r} must be a Receptor such as ExpCurrent(tau=5.0) (got "
                f"{receptor!r:.80})"
            )
        if receptor.positive and "v" not in model.states:
            raise SpikecudaValueError(
                f"receptor {name!r} is a conductance and needs a model with a membrane potential v "
                f"(got {model.name}, with {', '.join(model.states)}); use a current"
            )
    _require_own_names(receptors, model)
    return dict(receptors)


def _require_own_names(receptors: Mapping[str, Receptor], model: type[Model]) -> None:
    """Raise if two states, or two names in a kernel, would be the same."""
    specs = [receptor.spec(name) for name, receptor in receptors.items()]
    public = [*model.states, "refrac"]
    public += [f"{part}_{spec.name}" for spec in specs for part in spec.rules.states]
    kernel = [
        spec.prefix + part
        for spec in specs
        for part in (*spec.rules.states, *spec.rules.constants, *KERNEL_NAMES)
    ]
    for names in (public, kernel):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SpikecudaValueError(
                f"receptors must have names that keep their states apart (got {twice[0]!r} twice); "
                "rename one"
            )

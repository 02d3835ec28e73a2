"""The kernels that are checked: model, scheme, precision and the structure of the input."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.distributions import Uniform
from spikecuda.inputs.ornstein_uhlenbeck import OrnsteinUhlenbeck
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.inputs.stimulus import Constant, Input, Noise, PerStep, Poisson, Ramp, Step
from spikecuda.inputs.trains import CorrelatedPoisson, Renewal
from spikecuda.inputs.waveform import Sine, Waveform
from spikecuda.kernels.spec import KernelSpec
from spikecuda.models.base import as_model
from spikecuda.report.workloads import MODELS, PRECISIONS
from spikecuda.runtime.neuron_spec import resolve_neurons

__all__ = ["MODELS", "PRECISIONS", "STRUCTURES", "Case", "all_cases"]

STRUCTURES = {
    "bias": "one current per neuron",
    "no refractory period": "t_ref = 0, one current per neuron, every state traced",
    "noise": "one current per neuron, Gaussian noise per neuron, a ramp with gains",
    "poisson": "Poisson pulses of one rate, weights per neuron, a step of current",
    "time": "a waveform per neuron, a sine, noise within a time, Poisson pulses of rates over time",
    "drawn": "Ornstein-Uhlenbeck currents, renewal trains and correlated trains",
    "everything": "parameters per neuron; currents per step and neuron, noise, Poisson pulses of "
    "rates per neuron; every state traced",
}
# Currents that make all neurons of a model fire within some steps, in its input's unit, and its
# refractory parameters per neuron.
CURRENTS = {"lif": (200.0, 2000.0), "adex": (400.0, 3000.0), "izhikevich": (0.0, 60.0)}
VARYING = {"lif": ("tau_m", 0.2), "adex": ("tau_w", 0.2), "izhikevich": ("a", 0.2)}
DT, SEED = 0.1, 12345


@dataclass(frozen=True)
class Case:
    """One kernel, apart from the architecture.

    Attributes:
        model, scheme, precision: by name.
        structure: one of ``STRUCTURES``.
    """

    model: str
    scheme: str
    precision: str
    structure: str

    @property
    def name(self) -> str:
        """What it is, in words."""
        return f"{self.model} {self.scheme} {self.precision}, {self.structure}"

    @property
    def default(self) -> bool:
        """Whether the scheme is the model's default."""
        return self.scheme == as_model(self.model).default_scheme()

    @property
    def traces(self) -> tuple[str, ...]:
        """The states that are recorded."""
        traced = self.structure in ("no refractory period", "everything")
        return tuple(as_model(self.model).states) if traced else ()

    def options(self, neurons: int) -> dict[str, Any]:
        """Return the arguments of a pool, besides its place and launches."""
        params: dict[str, Any] = {}
        name, spread = VARYING[self.model]
        if self.structure == "no refractory period":
            params["t_ref"] = 0.0
        if self.structure == "everything":
            value = float(as_model(self.model).resolve({}, 1)[name])
            params[name] = value * np.linspace(1.0 - spread, 1.0 + spread, neurons)
        return {
            "neuron_type": self.model, "scheme": self.scheme, "precision": self.precision,
            "dt": DT, "seed": SEED, "params": params, "initial": {"v": Uniform(-70.0, -50.5)},
        }  # fmt: skip

    def input(
        self, neurons: int, steps: int, first: int = 0, last: int | None = None
    ) -> list[Input]:
        """Return the input of a run.

        Args:
            neurons: size of the population.
            steps: of all runs together.
            first, last: the steps of this run.
        """
        low, high = CURRENTS[self.model]
        rng = np.random.default_rng([SEED, neurons])
        current = rng.uniform(low, high, neurons)
        if self.structure == "noise":
            gains = rng.uniform(0.5, 1.5, neurons)
            ramp = Ramp(0.0, 0.1 * high, 0.2, 4.0, gain=gains)
            return [Constant(current), Noise(0.1 * current), ramp]
        if self.structure == "poisson":
            pulses = Poisson(1500.0, rng.uniform(-0.5, 3.0, neurons))
            return [pulses, Step(0.5 * (low + high), 0.3)]
        if self.structure == "time":
            wave = Waveform(rng.uniform(low, high, (7, neurons)), 0.37, 0.2, after="repeat")
            each = Waveform(rng.uniform(0.0, 3000.0, (5, neurons)), 0.3, after="hold")
            rate = Sine(500.0, 100.0, mean=1500.0)
            currents = [wave, Sine(0.1 * high, 80.0), Noise(0.1 * high, start=0.3, stop=3.0)]
            return [*currents, Poisson(rate, 0.4), Poisson(each, 0.4)]
        if self.structure == "drawn":
            slow = OrnsteinUhlenbeck(0.2 * high, 3.0, 0.5 * (low + high))
            trains = Renewal(rng.uniform(0.0, 900.0, neurons), 0.4, 3.0, 0.3)
            return [slow, trains, CorrelatedPoisson(900.0, 0.4, 0.2)]
        if self.structure == "everything":
            rates = rng.uniform(0.0, 3000.0, neurons)
            drive = rng.uniform(low, high, (steps, neurons))
            return [PerStep(drive[first:last]), Noise(0.05 * high), Poisson(rates, 0.4)]
        return [Constant(current)]

    def spec(self) -> KernelSpec:
        """Return the kernel."""
        given = self.options(2)
        neuron_spec = resolve_neurons(
            2, given["neuron_type"], given["precision"], DT, SEED,
            params=given["params"], initial=given["initial"], scheme=given["scheme"],
        )  # fmt: skip
        drive = ResolvedInput(self.input(2, 3), 2, DT, 3, neuron_spec.precision.real)
        return neuron_spec.spec(drive.spec, self.traces)


def all_cases() -> tuple[Case, ...]:
    """Return every built-in model, scheme, precision and structure; the plain ones first."""
    return tuple(
        Case(model, scheme, precision, structure)
        for structure in STRUCTURES
        for model in MODELS
        for scheme in as_model(model).schemes
        for precision in PRECISIONS
        if as_model(model).refractory or structure != "no refractory period"
    )

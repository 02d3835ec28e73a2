"""The drives that make neurons fire: what reports, benchmarks and first runs use."""

from dataclasses import dataclass
from typing import Any

import numpy as np

MODELS = ("lif", "adex", "izhikevich")
PRECISIONS = ("float16", "float32", "float64")
DT = 0.1


@dataclass(frozen=True)
class Workload:
    """A drive for a built-in model.

    Attributes:
        model: its name.
        low, high: the constant current of a neuron is uniform between them, in ``unit``.
        start: the membrane potential at the start is uniform between these, mV, so that the
            population is not in step.
        sigma: Gaussian noise in unit sqrt(ms), for the noisy case.
        unit: of the current.
    """

    model: str
    low: float
    high: float
    start: tuple[float, float]
    sigma: float
    unit: str

    def current(self, count: int, seed: int = 1) -> np.ndarray:
        """Return one constant current per neuron, shuffled, float64 (count,)."""
        return np.random.default_rng(seed).uniform(self.low, self.high, count)

    def ordered(self, count: int) -> np.ndarray:
        """Return currents that rise from low to high, float64 (count,)."""
        return np.linspace(self.low, self.high, count)

    def initial(self) -> dict[str, Any]:
        """Return the start values for a pool."""
        from spikecuda.common.distributions import Uniform

        return {"v": Uniform(*self.start)}


WORKLOADS = {
    "lif": Workload("lif", 100.0, 250.0, (-65.0, -50.5), 100.0, "pA"),
    "adex": Workload("adex", 500.0, 1000.0, (-70.6, -55.0), 300.0, "pA"),
    "izhikevich": Workload("izhikevich", 0.0, 15.0, (-70.0, -55.0), 4.0, "mV/ms"),
}

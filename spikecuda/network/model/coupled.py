"""The receptor that takes what a population is coupled to."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spikecuda.models.base import Model
from spikecuda.network.model.receptor import Receptor


@dataclass(frozen=True, eq=False)
class Coupled(Receptor):
    """Takes what the population is coupled to, ``net.couple(...)``; no spikes arrive there.

    Its state ``i_<name>`` (pA, or the unit of the model's input) is the sum that was worked out
    before the last step, and part of ``current`` unless the model names it in ``inputs``.
    """

    kind = "coupled"
    unit = "pA"

    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return no constants."""
        return {}

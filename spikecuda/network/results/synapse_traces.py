"""Weights and variables of synapses over time, as a run recorded them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.named import Known
from spikecuda.errors import SpikecudaKeyError, nearest


@dataclass(frozen=True, eq=False)
class SynapseTraces:
    """What was recorded of a projection's synapses: ``traces["weight"]`` and variables.

    Attributes:
        number: of the projection in its network.
        time: float64 (samples,), ms: when the samples were taken.
        source, target: int32 (synapses,), numbers within the populations.
        values: by name, "weight" or a variable: (samples, synapses), in the order of
            ``Projection.connections``.
        units: by name.
    """

    number: int
    time: np.ndarray
    source: np.ndarray
    target: np.ndarray
    values: Mapping[str, np.ndarray]
    units: Mapping[str, str]

    def __post_init__(self) -> None:
        known = Known(self.values, "values of synapses", "net.record(projection, ...) names them")
        object.__setattr__(self, "values", known)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.values)

    def __repr__(self) -> str:
        return (
            f"<{', '.join(self.values)} of {self.source.size:,} synapses at {self.time.size:,} "
            "times>"
        )


class ByProjection(dict[str, SynapseTraces]):
    """Traces of synapses by name of the projection, or by the projection itself."""

    def __missing__(self, key: Any) -> SynapseTraces:
        number, name = getattr(key, "number", None), getattr(key, "name", key)
        for label, traces in self.items():
            if traces.number == number and label.startswith(str(name)):
                return traces
        raise SpikecudaKeyError(
            f"synapses were recorded of {', '.join(self) or 'no projection'} (got {name!r})"
            f"{nearest(str(name), list(self))}; net.record(projection, 'weight', every=...) "
            "records them"
        )

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)


def label_of(projection: Any, others: Mapping[str, Any]) -> str:
    """Return what a result calls a projection: its name, and its number if another has the name.

    Args:
        projection: which.
        others: those that have a label.
    """
    name = str(projection.name)
    return name if name not in others else f"{name} {projection.number}"

"""What a network run records."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikecuda.network.model.trace import Trace
from spikecuda.network.run.neurons import Neurons


@dataclass(eq=False)
class Recorded:
    """What a run brought.

    Attributes:
        steps, neurons: of the spikes of each recorded population, by number, sorted.
        traces: arrays (samples, neurons), one for each ``Trace``.
        counts: spikes of each population.
    """

    steps: dict[int, np.ndarray]
    neurons: dict[int, np.ndarray]
    traces: list[np.ndarray]
    counts: np.ndarray


def cut_samples(
    traces: Sequence[Trace], out: Sequence[np.ndarray], start: int, clock: int
) -> list[np.ndarray]:
    """Return the samples up to step ``clock`` of a run from step ``start`` on that broke off."""
    return [
        rows[: clock // trace.every - start // trace.every]
        for trace, rows in zip(traces, out, strict=True)
    ]


def sample_arrays(
    traces: Sequence[Trace], neurons: Sequence[Neurons], clock: int, steps: int
) -> list[np.ndarray]:
    """Return arrays (samples, neurons) for the samples of a run from step ``clock`` on."""
    result = []
    for trace in traces:
        n = neurons[trace.population]
        kind = n.state[n.public.get(trace.name, trace.name)].dtype
        samples = (clock + steps) // trace.every - clock // trace.every
        result.append(np.empty((samples, trace.ids.size), kind))
    return result

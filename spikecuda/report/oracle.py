"""The oracle that accuracy is measured against: ``spikecuda.kernels.reference``, in float64.

The one place of the report that knows how to ask it.  It runs in slices of time, because the
reference keeps every intermediate value.
"""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

NAME = "spikecuda.kernels.reference (independent float64 loops)"
SLICE = 500


@dataclass(frozen=True)
class Problem:
    """What the oracle and the pools simulate alike.

    Attributes:
        model: a built-in model's name.
        params: parameters by name, float64.
        initial: start values of the states, float64 arrays (neurons,).
        current: constant current per neuron, float64 (neurons,).
        sigma: Gaussian noise, (input unit) sqrt(ms); 0 for none.
        scheme: integration scheme.
        steps: number of steps.
        dt: ms.
        seed: of the noise.
    """

    model: str
    params: Mapping[str, np.ndarray]
    initial: Mapping[str, np.ndarray]
    current: np.ndarray
    sigma: float
    scheme: str
    steps: int
    dt: float
    seed: int


class NoiseRows:
    """Standard normal numbers of the noise stream, slice by slice, kept for the next problem."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed, self._neurons = seed, np.arange(count)
        self._slices: dict[tuple[int, int], np.ndarray] = {}

    def rows(self, first: int, steps: int) -> np.ndarray:
        """Return float64 numbers (steps, neurons)."""
        from spikecuda.kernels.reference import noise

        key = (first, steps)
        if key not in self._slices:
            self._slices[key] = noise.normals(self._seed, 0, first, steps, self._neurons)
        return self._slices[key]


def simulate(problem: Problem, noise: NoiseRows | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give (step, neuron) of the spikes of each slice of time, sorted by step, then neuron."""
    reference: Any = importlib.import_module(f"spikecuda.kernels.reference.{problem.model}")
    state: dict[str, np.ndarray] = dict(problem.initial)
    for first in range(0, problem.steps, SLICE):
        steps = min(SLICE, problem.steps - first)
        current = np.broadcast_to(problem.current, (steps, problem.current.size))
        if problem.sigma:
            assert noise is not None
            rows = noise.rows(first, steps)
            current = current + problem.sigma / np.sqrt(problem.dt) * rows
        spikes, traces = reference.simulate(
            state, problem.params, current, None, problem.dt, problem.scheme, 1
        )
        state = {name: traces[name][-1] for name in (*reference.STATES, "refrac")}
        step, neuron = np.nonzero(spikes)
        yield step + first, neuron.astype(np.int32)

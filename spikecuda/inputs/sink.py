"""The interface between inputs and a run: the target that an input resolves into."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from spikecuda.devices.array_interop import GpuArray
from spikecuda.inputs.timed import Timed
from spikecuda.inputs.values import OnGpu

# A course over time from the number of a step since the last reset, the same since the start of the
# run, and how many steps.
Course = Callable[[int, int, int], np.ndarray]
# Numbers per step and neuron from the number of a step since the last reset, how many steps, and
# which neurons: (steps, neurons).
Read = Callable[[int, int, slice], np.ndarray]


class InputSink(Protocol):
    """Receives the parts of an input; ``ResolvedInput`` turns them into a kernel's arguments.

    Attributes:
        count: neurons of the population.
        dt: ms.
        steps: of the run.
        seed: of random numbers.
        identity: of the first neuron, for random numbers.
    """

    count: int
    dt: float
    steps: int
    seed: int
    identity: int

    def values(self, name: str, value: float | np.ndarray | OnGpu | GpuArray) -> np.ndarray:
        """Return an input's numbers, float64, finite, shape () or (count,); raise for others."""

    def stream(self, first: int, size: int = 1) -> int:
        """Return the next stream of random numbers of a kind, which takes ``size`` of them.

        ``first`` is the kind's first one.
        """

    def add_constant(self, current: np.ndarray) -> None:
        """Add a current that stays the same over the run, shape () or (count,)."""

    def add_course(
        self, course: Course, level: np.ndarray | float = 1.0, most: float | None = None
    ) -> None:
        """Add a current ``level course(t)``; ``level`` has shape () or (count,).

        ``most`` is the largest size of the course, so that a current that does not fit in the
        kernel's numbers is refused before the run; without it, within the run.
        """

    def add_rows(self, rows: np.ndarray, most: float = 0.0) -> None:
        """Add a current per step and neuron, shape (steps, count); ``most``: as for a course."""

    def add_timed(self, read: Read, most: float) -> None:
        """Add a current per step and neuron that is a function of the step.

        ``most``: as for a course.
        """

    def add_noise(self, sigma: np.ndarray, level: Timed | None = None) -> None:
        """Add white noise of intensity ``sigma``, shape () or (count,), times ``level``."""

    def add_pulses(self, rate: np.ndarray, weight: np.ndarray) -> None:
        """Add Poisson pulses of a rate (Hz) and a weight, each of shape () or (count,)."""

    def add_timed_pulses(self, rate: Timed, weight: np.ndarray) -> None:
        """Add Poisson pulses of a rate (Hz) over time, and a weight of shape () or (count,)."""

    def add_events(self, read: Read, weight: np.ndarray) -> None:
        """Add pulses of which ``read`` gives the number in each step, for each neuron."""

    def take_constant(self, array: GpuArray | OnGpu) -> None:
        """Take a constant current per neuron that lies on the device."""

    def take_rows(self, array: GpuArray | OnGpu) -> None:
        """Take a current per step and neuron that lies on the device."""

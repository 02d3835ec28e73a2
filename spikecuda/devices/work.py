"""What work on a device is made of: kernels, host memory of copies, streams, events, graphs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.devices.memory import Buffer


@dataclass(eq=False)
class Kernel:
    """A kernel built for a device."""

    spec: Any
    function: Any
    compile_seconds: float
    needs_cleared_bits: bool = False
    resources: dict[str, int] = field(default_factory=dict)


@dataclass(eq=False)
class Staging:
    """Host memory through which a buffer is filled or read; page-locked where that matters.

    Attributes:
        buffer: the device's side.
        host: the host's side, held like a buffer of the same name, type and size.
        array: the host's side as a NumPy array; use ``edit`` and ``view``.
    """

    buffer: Buffer
    host: Buffer
    array: np.ndarray

    def edit(self, size: int) -> np.ndarray:
        """Return the first ``size`` elements for the host to write."""
        return self.array[:size]

    def view(self, size: int) -> np.ndarray:
        """Return the first ``size`` elements for the host to read."""
        return self.array[:size]


class Event(ABC):
    """A point in a stream's work."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until the work before it is done."""

    @abstractmethod
    def seconds_until(self, later: "Event") -> float:
        """Return the device's time between two events, in seconds; both must be done."""


class Stream(ABC):
    """A queue of work; what is put in one stream runs in order."""

    @abstractmethod
    def record(self, event: Event | None = None) -> Event:
        """Return an event after the work in the stream so far: a new one, or one moved here."""

    @abstractmethod
    def wait(self, event: Event) -> None:
        """Let later work in this stream wait for an event of any stream."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until the stream's work is done."""


class Graph(ABC):
    """Captured launches, replayed with one call.

    Attributes:
        nodes: number of launches in it.
    """

    nodes: int

    @abstractmethod
    def replay(self) -> None:
        """Launch everything again, with the arguments of the capture."""

    @abstractmethod
    def close(self) -> None:
        """Give the graph back."""

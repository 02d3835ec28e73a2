"""Streams, events and graphs of cuda.core, and how errors of CUDA calls are reported."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import cuda.core as core
from cuda.bindings import driver
from cuda.core._utils.cuda_utils import CUDAError  # cuda.core 1.x exports it nowhere else

from spikecuda.devices.base import Device
from spikecuda.devices.work import Event, Graph, Stream
from spikecuda.errors import DeviceError, OutOfMemoryError

P = ParamSpec("P")
R = TypeVar("R")


def check(result: tuple[Any, ...]) -> Any:
    """Return what a driver call returned, or raise CUDAError as cuda.core does."""
    error, *values = result
    if error != driver.CUresult.CUDA_SUCCESS:
        raise raised(error)
    return values[0] if len(values) == 1 else tuple(values)


def raised(error: Any) -> CUDAError:
    """Return an error of the driver as cuda.core raises it."""
    _, text = driver.cuGetErrorString(error)
    return CUDAError(f"{error.name}: {(text or b'').decode()}")


def translated(error: CUDAError) -> DeviceError | OutOfMemoryError:
    """Return an error of a CUDA call as one with the driver's words and a remedy."""
    if "OUT_OF_MEMORY" in str(error):
        return OutOfMemoryError(
            f"the GPU has no memory left ({error}); use fewer neurons or close other programs"
        )
    return DeviceError(
        f"the CUDA driver reports {error}; see nvidia-smi, and compute-sanitizer for a "
        "kernel's fault"
    )


@contextlib.contextmanager
def reporting() -> Iterator[None]:
    """Turn errors of CUDA calls in a block into DeviceError."""
    try:
        yield
    except CUDAError as error:
        raise translated(error) from error


def report_failures(method: Callable[P, R]) -> Callable[P, R]:
    """Turn errors of CUDA calls in a method into DeviceError: at less cost than a block."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except CUDAError as error:
            raise translated(error) from error

    return call


class CudaEvent(Event):
    """A timed CUDA event."""

    def __init__(self, event: core.Event) -> None:
        self.core = event

    @report_failures
    def synchronize(self) -> None:
        """Wait until the work before it is done."""
        self.core.sync()

    @report_failures
    def seconds_until(self, later: Event) -> float:
        """Return the GPU's time between two events, in seconds."""
        assert isinstance(later, CudaEvent)
        return float(later.core - self.core) / 1000.0


class CudaStream(Stream):
    """A CUDA stream."""

    def __init__(self, stream: core.Stream) -> None:
        self.core = stream

    @report_failures
    def record(self, event: Event | None = None) -> Event:
        """Return a timed event after the work that is in the stream now: new, or moved here."""
        if event is None:
            return CudaEvent(self.core.record(options=core.EventOptions(timing_enabled=True)))
        assert isinstance(event, CudaEvent)
        self.core.record(event.core)
        return event

    @report_failures
    def wait(self, event: Event) -> None:
        """Let later work in this stream wait for an event of any stream."""
        assert isinstance(event, CudaEvent)
        self.core.wait(event.core)

    @report_failures
    def synchronize(self) -> None:
        """Wait until the stream's work is done."""
        self.core.sync()


class CudaGraph(Graph):
    """A captured CUDA graph."""

    def __init__(
        self, device: Device, stream: core.Stream, graph: core.graph.Graph, nodes: int
    ) -> None:
        self._device, self._stream = device, stream
        self._graph, self.nodes = graph, nodes

    @report_failures
    def replay(self) -> None:
        """Launch the graph in the device's stream."""
        self._graph.launch(self._stream)
        self._device.launches += self.nodes

    @report_failures
    def close(self) -> None:
        """Give the graph back; what is running of it ends first."""
        self._graph.close()

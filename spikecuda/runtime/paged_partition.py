"""Partitions larger than their device: state stays in host memory and is streamed."""

import contextlib
from typing import Any

import numpy as np

from spikecuda.common.terminal import human_bytes
from spikecuda.devices.array_interop import GpuArray, StateArray
from spikecuda.devices.base import Device
from spikecuda.devices.memory import Buffer
from spikecuda.errors import OutOfMemoryError, SpikecudaValueError
from spikecuda.runtime.neuron_spec import NeuronSpec
from spikecuda.runtime.pool_partition import (
    INPUT_FACTOR,
    WINDOW_STEPS_MIN,
    PoolPartition,
    resident_bytes,
)

# Neurons of a page: enough for every multiprocessor of a large GPU, several times over.
PAGE = 1 << 20
# Pages and their windows take up to this part of the device's memory.
PART = 4
# Spike bits of a page's window: state goes to and fro once a window, so windows are long.
WINDOW_BYTES = 64 << 20


class PagedPartition(PoolPartition):
    """Neurons whose state and constants are in page-locked host memory.

    A page of neurons at a time goes to the device, computes a window and comes back; while one
    page computes, the next one is on its way there and the last one on its way back.

    Args:
        neuron_spec, device, first, count: as for ``PoolPartition``.
        batch_size: neurons of a page, rounded up to words of 32; None takes what suits the device.
        users: how many such partitions share the device's memory.

    Attributes:
        pages: (first, last) of the neurons of each page.

    Raises:
        OutOfMemoryError: host memory does not hold the state, or the device no page.
    """

    def __init__(
        self,
        neuron_spec: NeuronSpec,
        device: Device,
        first: int = 0,
        count: int | None = None,
        batch_size: int | None = None,
        users: int = 1,
    ) -> None:
        self._users = users
        super().__init__(neuron_spec, device, first, count, batch_size)

    def _settle(self, batch_size: int | None) -> None:
        neuron_spec, device = self.neuron_spec, self.device
        states = [*neuron_spec.model.states, *(["refrac"] if neuron_spec.refractory else [])]
        self.states = tuple(states)
        self.paged = (*states, *_varying(neuron_spec))
        self._host: list[Buffer] = []
        size = self.count * neuron_spec.bytes_per_neuron()
        free = device.pinned.source.free()
        if size > free:
            raise OutOfMemoryError(
                f"{self.count:,} neurons out of core need {human_bytes(size)} of host memory "
                f'(available: {human_bytes(free)}); use fewer neurons or precision="float16"'
            )
        each = neuron_spec.bytes_per_neuron() + WINDOW_STEPS_MIN // 8 * (1 + INPUT_FACTOR)
        most = device.available_memory() // (PART * device.slots * each * self._users)
        page = min(batch_size or PAGE, self.count)
        self.span = -(-page // 32) * 32 if batch_size else max(32, min(page, most) // 32 * 32)
        self.pages = [
            (start, min(start + self.span, self.count)) for start in range(0, self.count, self.span)
        ]
        self.batches = [(0, self.span)]
        self.note = f"out of core in {len(self.pages):,} pages of {self.span:,} neurons"
        need = device.slots * self.span * each
        device.require(need, f"a page of {self.span:,} neurons")
        least = self.row_bytes * WINDOW_STEPS_MIN
        room = device.available_memory() // (PART * INPUT_FACTOR * device.slots)
        self._window_bytes = max(least, min(WINDOW_BYTES, room))

    @property
    def window_bytes(self) -> int:
        """How large a page's spike bits may be."""
        return self._window_bytes

    def slots(self, windows: int) -> int:
        """Return how many pages are on the device at once."""
        return min(self.device.slots, len(self.pages))

    def held_by_host(self) -> dict[str, int]:
        """Return the bytes of page-locked host memory held, by name of buffer."""
        return {buffer.name: buffer.nbytes for buffer in self._host}

    def close(self) -> None:
        """Give all buffers back."""
        with contextlib.ExitStack() as stack:
            for buffer in self._host:
                stack.callback(self.device.pinned.give, buffer)
            stack.callback(super().close)
        self._host = []

    def take_over(self, name: str, array: GpuArray) -> None:
        """Refuse: the state is in host memory."""
        raise SpikecudaValueError(
            f"{name} lies in host memory, as the pool is out of core (got an array on a GPU); "
            "bring it to the host"
        )

    def share(self, name: str) -> StateArray:
        """Return a state for other libraries: it is in host memory."""
        buffer, pinned = self.state[name], self.device.pinned
        return StateArray(
            name, buffer.data, 0, buffer.size, buffer.dtype, 0, pinned.share(buffer), lambda: None
        )

    def put(self, name: str, stored: np.ndarray) -> None:
        """Set a state, as the device stores it."""
        self.state[name].data[:] = stored

    def clear(self, name: str) -> None:
        """Set a state to zero."""
        self.state[name].data[:] = 0

    def stored(self, name: str) -> np.ndarray:
        """Return a state as the device stores it."""
        return np.asarray(self.state[name].data)

    def take_constants(self, neuron_spec: NeuronSpec) -> None:
        """Take over the constants and seeds of neurons with the same states."""
        super().take_constants(neuron_spec)
        self.paged = (*self.states, *_varying(neuron_spec))

    def _write_constant(self, buffer: Buffer, values: np.ndarray) -> None:
        buffer.data[:] = values[self.first : self.first + self.count]

    def _array(self, name: str, dtype: Any, values: np.ndarray | None = None) -> Buffer:
        buffer, _ = self.device.pinned.take(name, self.count, dtype)
        self._host.append(buffer)
        buffer.data[:] = 0 if values is None else values[self.first : self.first + self.count]
        return buffer


def _varying(neuron_spec: NeuronSpec) -> list[str]:
    """Return the constants that differ between neurons."""
    return [name for name, value in neuron_spec.constants.items() if value.ndim]


def partition_of(
    neuron_spec: NeuronSpec,
    device: Device,
    first: int,
    count: int,
    batch_size: int | None,
    out_of_core: bool | None,
    users: int = 1,
) -> PoolPartition:
    """Return a partition that stays on its device, or one that streams through it.

    Args:
        neuron_spec, device, first, count, batch_size: as for ``PoolPartition``.
        out_of_core: whether to stream; None streams what does not fit.
        users: how many partitions that stream share the device's memory.

    Raises:
        SpikecudaValueError: streaming is asked for on a device without memory of its own.
        OutOfMemoryError: it does not fit that way.
    """
    if out_of_core and device.shares_host_memory:
        raise SpikecudaValueError(
            f"out_of_core needs a device with memory of its own (got {device.name}, which works in "
            "the host's); leave it out"
        )
    if out_of_core is None and not device.shares_host_memory:
        out_of_core = resident_bytes(neuron_spec, count) > device.available_memory()
    if out_of_core:
        return PagedPartition(neuron_spec, device, first, count, batch_size, users)
    return PoolPartition(neuron_spec, device, first, count, batch_size)

"""A partition: the neurons of a population that one device holds."""

import contextlib
from typing import Any

import numpy as np

from spikecuda.common.finite import first_not_finite
from spikecuda.common.seed import keys
from spikecuda.devices.array_interop import GpuArray, StateArray
from spikecuda.devices.base import Device
from spikecuda.devices.memory import Buffer
from spikecuda.errors import SpikecudaValueError
from spikecuda.kernels.spec import CODEC
from spikecuda.runtime.neuron_spec import NeuronSpec

# Even a huge pool takes this many steps a launch, so that state memory is touched rarely.
WINDOW_STEPS_MIN = 16
# Inputs and traces of a window may take this many times as much as its spike bits.
INPUT_FACTOR = 16
PIECE = 1 << 20


class PoolPartition:
    """Neurons [first, first + count) of a neuron spec, which stay on a device.

    Args:
        neuron_spec: the population.
        device: where.
        first: number of the first neuron, a multiple of 32.
        count: number of neurons; None takes the rest.
        batch_size: neurons per launch, rounded up to words of 32; None lets the device choose.

    Attributes:
        span: neurons that are on the device at once.
        batches: (first, last) of the neurons of each launch.
        paged: arrays that come to the device for each window only.
        note: what a user should know of it, if anything.
        state: buffers of the states by name.
        clock: what the step counter on the device holds; None if that is not known.

    Raises:
        OutOfMemoryError: the partition does not fit; nothing stays allocated.
    """

    paged: tuple[str, ...] = ()
    note = ""

    def __init__(
        self,
        neuron_spec: NeuronSpec,
        device: Device,
        first: int = 0,
        count: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.neuron_spec, self.device, self.first = neuron_spec, device, first
        self.count = neuron_spec.count - first if count is None else count
        self.clock: int | None = None
        self.state: dict[str, Buffer] = {}
        self._buffers: list[Buffer] = []
        self._values: dict[str, Any] = {}
        self._settle(batch_size)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _settle(self, batch_size: int | None) -> None:
        """Settle which neurons go where, and raise OutOfMemoryError if that does not fit."""
        neuron_spec, self.span = self.neuron_spec, self.count
        size = batch_size or self.device.preferred_batch(self.count, neuron_spec.spec())
        size = -(-size // 32) * 32
        self.batches = [
            (start, min(start + size, self.count)) for start in range(0, self.count, size)
        ]
        self.device.require(
            resident_bytes(neuron_spec, self.count), f"a pool of {self.count:,} neurons"
        )

    @property
    def words(self) -> int:
        """Words of a row of spike bits on the device."""
        return (self.span + 31) // 32

    @property
    def window_bytes(self) -> int:
        """How large a window's spike bits may be."""
        return self.device.window_bytes // self.device.slots

    def slots(self, windows: int) -> int:
        """Return how many buffers of each kind a run of so many windows needs."""
        return min(self.device.slots, windows)

    def held(self) -> dict[str, int]:
        """Return the bytes held on the device, by name of buffer."""
        result: dict[str, int] = {}
        for buffer in self._buffers:
            result[buffer.name] = result.get(buffer.name, 0) + buffer.nbytes
        return result

    def held_by_host(self) -> dict[str, int]:
        """Return the bytes that stream through the device from host memory: none."""
        return {}

    def close(self) -> None:
        """Give all buffers back, also if giving back one of them fails."""
        with contextlib.ExitStack() as stack:
            for buffer in list(self._buffers):
                stack.callback(self.free, buffer)

    def allocate(self, name: str, size: int, dtype: Any) -> Buffer:
        """Return a new zeroed buffer that belongs to the partition."""
        buffer = self.device.allocate(name, size, dtype)
        self._buffers.append(buffer)
        return buffer

    def free(self, buffer: Buffer) -> None:
        """Give a buffer back."""
        if buffer in self._buffers:
            self._buffers.remove(buffer)
            self.device.free(buffer)

    def put(self, name: str, stored: np.ndarray) -> None:
        """Set a state, as the device stores it."""
        self.device.write(self.state[name], stored)

    def take_over(self, name: str, array: GpuArray) -> None:
        """Set a state to another library's array on the device: physical units, of its type."""
        self.device.take_over(self.state[name], array)

    def share(self, name: str) -> StateArray:
        """Return a state for other libraries, where it lies."""
        return self.device.share(self.state[name])

    def clear(self, name: str) -> None:
        """Set a state to zero."""
        self.device.clear(self.state[name])

    def stored(self, name: str) -> np.ndarray:
        """Return a state as the device stores it."""
        return self.device.read(self.state[name])

    def read(self, name: str) -> np.ndarray:
        """Return a copy of a state: float32 (float64 for a float64 spec), refrac as int32."""
        stored = self.stored(name)
        if name == "refrac":
            return stored.astype(np.int32)
        codec = self.neuron_spec.codecs.get(name)
        return codec.decode(stored) if codec else stored.copy()

    def encode(
        self, name: str, values: np.ndarray, neuron_spec: NeuronSpec | None = None
    ) -> np.ndarray:
        """Return values as the device stores them.

        Args:
            name: a state, or "refrac".
            values: float64, shape () or (neuron_spec.count,).
            neuron_spec: whose float16 storage is taken, with values of the partition's neurons
                alone; None: as the neurons are.

        Raises:
            SpikecudaValueError: the precision cannot hold them.
        """
        dtype = self.state[name].dtype
        if name == "refrac":
            limit = np.iinfo(dtype).max
            if np.any((values < 0) | (values > limit) | (values != np.floor(values))):
                raise SpikecudaValueError(
                    f"refrac must be whole steps from 0 to {limit} (got {values.ravel()[:3]}...)"
                )
        mine = values
        if values.ndim and neuron_spec is None:
            mine = values[self.first : self.first + self.count]
        mine = np.broadcast_to(mine, (self.count,))
        stored = np.empty(self.count, dtype)
        codec = (neuron_spec or self.neuron_spec).codecs.get(name)
        for start in range(0, self.count, PIECE):
            piece = mine[start : start + PIECE]
            if codec:
                stored[start : start + PIECE] = bits = codec.encode(piece)
                bad = (bits & 0x7C00) == 0x7C00
            else:
                with np.errstate(over="ignore"):
                    stored[start : start + PIECE] = piece.astype(dtype)
                bad = ~np.isfinite(stored[start : start + PIECE])
            if bad.any():
                raise SpikecudaValueError(
                    f"{name} does not fit in {self.neuron_spec.precision.name} (got "
                    f"{float(piece[np.argmax(bad)])!r}); use a wider precision"
                )
        return stored

    def first_not_finite(self) -> tuple[str, int] | None:
        """Return a state and the neuron whose value is NaN or infinite, or None."""
        for name in self.neuron_spec.model.states:
            where = first_not_finite(self.stored(name))
            if where >= 0:
                return name, where
        return None

    @property
    def row_bytes(self) -> int:
        """Bytes of the spike bits of a step."""
        return 4 * self.words

    def arguments(self) -> dict[str, Any]:
        """Return the kernel arguments that every run has, by name; not to be changed."""
        return self._values

    def require_constants(self, neuron_spec: NeuronSpec) -> None:
        """Raise OutOfMemoryError unless the constants fit that become one for each neuron."""
        more = sum(
            self.count * value.dtype.itemsize
            for name, value in neuron_spec.constants.items()
            if value.ndim and not isinstance(self._values[name], Buffer)
        )
        if more:
            self.device.require(more, "parameters with one number for each neuron")

    def take_constants(self, neuron_spec: NeuronSpec) -> None:
        """Take over the constants and seeds of neurons with the same states."""
        self.neuron_spec = neuron_spec
        for name, value in neuron_spec.constants.items():
            held = self._values[name]
            if isinstance(held, Buffer):
                self._write_constant(held, value)
            elif value.ndim:
                self._values[name] = self._array(name, value.dtype, value)
            else:
                self._values[name] = value[()]
        self._values.update(_scalars(neuron_spec))

    def _write_constant(self, buffer: Buffer, values: np.ndarray) -> None:
        """Write a constant of each neuron."""
        self.device.write(buffer, values[self.first : self.first + self.count])

    def _prepare(self) -> None:
        """Allocate state and constants."""
        neuron_spec = self.neuron_spec
        for name in neuron_spec.model.states:
            self.state[name] = self._array(name, neuron_spec.precision.storage)
        if neuron_spec.refractory:
            self.state["refrac"] = self._array("refrac", neuron_spec.spec().refrac)
        values: dict[str, Any] = dict(self.state)
        for name, value in neuron_spec.constants.items():
            if value.ndim:
                values[name] = self._array(name, value.dtype, value)
            else:
                values[name] = value[()]
        values |= _scalars(neuron_spec)
        values["_clock"] = self.allocate("clock", 1, np.int64)
        values["_count"] = np.int64(self.count)
        values["_identity"] = np.uint32(neuron_spec.identity + self.first)
        values["_first"] = values["_last"] = np.int64(0)
        self._values = values

    def _array(self, name: str, dtype: Any, values: np.ndarray | None = None) -> Buffer:
        """Return a new array, one element per neuron: zeros, or values of the neuron spec's."""
        buffer = self.allocate(name, self.count, dtype)
        if values is not None:
            self.device.write(buffer, values[self.first : self.first + self.count])
        return buffer


def _scalars(neuron_spec: NeuronSpec) -> dict[str, Any]:
    """Return what a kernel takes of float16 storage and of the seed of noise, by name."""
    values: dict[str, Any] = {}
    for name, codec in neuron_spec.codecs.items():
        for part in CODEC:
            values[f"_{name}_{part}"] = getattr(codec, part)
    values["_key0"], values["_key1"] = keys(neuron_spec.noise_seed)
    return values


def resident_bytes(neuron_spec: NeuronSpec, count: int) -> int:
    """Return the device memory of neurons that stay there, with a short window's spike bits."""
    return count * neuron_spec.bytes_per_neuron() + 4 * ((count + 31) // 32) * WINDOW_STEPS_MIN

"""A pool's state by name: read and written in physical units."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from spikecuda.distributions import Distribution
from spikecuda.errors import NumericalError, SpikecudaValueError, nearest
from spikecuda.kernels.spec import STREAM_DRAW
from spikecuda.models.parameter import as_values

if TYPE_CHECKING:
    from spikecuda.pool import GPUNeuronPool

# Draws for states count from STREAM_DRAW, draws for parameters from here.
STREAM_DRAW_PARAMETERS = STREAM_DRAW + 64
PIECE = 1 << 20


class Codec:
    """float16 storage of one state: ``stored = (value - origin) / span``.

    Attributes:
        origin: value stored as 0.
        span: value stored as 1, relative to the origin.
    """

    def __init__(self, origin: float, span: float) -> None:
        self.origin, self.span = np.float32(origin), np.float32(span)
        self.gain = np.float32(1.0 / np.float64(self.span))
        self.shift = np.float32(-np.float64(self.origin) / np.float64(self.span))

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return float64 values as float16 bits, rounded to nearest."""
        scaled = (values - np.float64(self.origin)) / np.float64(self.span)
        with np.errstate(over="ignore"):
            return scaled.astype(np.float16).view(np.uint16)

    def decode(self, bits: np.ndarray) -> np.ndarray:
        """Return the float32 values that a kernel sees, bit for bit.

        The product of a half and a float32 is exact in float64, so the float64 sum rounded to
        float32 is the kernel's fma but for double rounding, which needs a tie within 2^-29.
        """
        scaled = bits.view(np.float16).astype(np.float64)
        return (scaled * np.float64(self.span) + np.float64(self.origin)).astype(np.float32)


class StateView(Mapping[str, np.ndarray]):
    """The state variables of a pool, by name.

    ``pool.state["v"]`` is a read-only copy, float32 (float64 for float64 pools), shape
    (num_neurons,); ``pool.state["v"] = value`` sets one number, one per neuron, or a distribution.
    ``refrac`` is the number of refractory steps left, int32.
    """

    def __init__(self, pool: "GPUNeuronPool") -> None:
        self._pool = pool

    def __iter__(self) -> Iterator[str]:
        return iter(self._pool._state)

    def __len__(self) -> int:
        return len(self._pool._state)

    def __getitem__(self, name: str) -> np.ndarray:
        pool = self._pool
        pool._require_open()
        stored = pool.device.read(self._buffer(name))
        if name == "refrac":
            values = stored.astype(np.int32)
        elif name in pool._codecs:
            values = pool._codecs[name].decode(stored)
        else:
            values = stored.copy()
        values.flags.writeable = False
        return values

    def __setitem__(self, name: str, value: object) -> None:
        pool = self._pool
        pool._require_open()
        buffer = self._buffer(name)
        n = pool.num_neurons
        if isinstance(value, Distribution):
            values = value.draw(n, pool._draw_stream(name), pool.seed)
        else:
            values = as_values(name, value, n)
        if not np.isfinite(values).all():
            raise SpikecudaValueError(f"{name} must be finite (got NaN or infinity); replace it")
        if name == "refrac":
            limit = np.iinfo(buffer.dtype).max
            if np.any((values < 0) | (values > limit) | (values != np.floor(values))):
                raise SpikecudaValueError(
                    f"refrac must be whole steps from 0 to {limit} (got {values.ravel()[:3]}...)"
                )
        pool.device.write(buffer, self._stored(name, np.broadcast_to(values, (n,)), buffer.dtype))

    def _buffer(self, name: str):  # type: ignore[no-untyped-def]
        try:
            return self._pool._state[name]
        except KeyError:
            raise SpikecudaValueError(
                f"{self._pool.model.name} has no state {name!r}{nearest(name, list(self))}; it has "
                f"{', '.join(self)}"
            ) from None

    def _stored(self, name: str, values: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Return values as the device stores them; raise if the precision cannot hold them."""
        stored = np.empty(values.size, dtype)
        for start in range(0, values.size, PIECE):
            piece = values[start : start + PIECE]
            if name in self._pool._codecs:
                bits = self._pool._codecs[name].encode(piece)
                bad = (bits & 0x7C00) == 0x7C00
                stored[start : start + PIECE] = bits
            else:
                with np.errstate(over="ignore"):
                    stored[start : start + PIECE] = piece.astype(dtype)
                bad = ~np.isfinite(stored[start : start + PIECE])
            if bad.any():
                raise SpikecudaValueError(
                    f"{name} does not fit in {self._pool.precision} (got "
                    f"{float(piece[np.argmax(bad)])!r}); use a wider precision"
                )
        return stored

    def check(self) -> None:
        """Raise NumericalError if a state is NaN or infinite, naming the neuron."""
        from spikecuda.kernels.render import load_host

        pool = self._pool
        loops = load_host("finite")
        for name, buffer in pool._state.items():
            if name == "refrac":
                continue
            stored = pool.device.read(buffer)
            half = name in pool._codecs
            where = (loops.first_not_finite_half if half else loops.first_not_finite)(stored)
            if where >= 0:
                raise NumericalError(
                    f"{name} of neuron {where} is {self[name][where]} after step {pool.steps} in "
                    f"{pool.precision}; check the input and the parameters, or use a smaller dt, "
                    "more substeps or a wider precision; reset() starts again"
                )

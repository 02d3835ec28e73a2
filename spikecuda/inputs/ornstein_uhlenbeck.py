"""Ornstein-Uhlenbeck currents, exact at every step and for any split of a run."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_positive
from spikecuda.common.seed import keys
from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.input import Input, wide
from spikecuda.inputs.memo import Memo
from spikecuda.inputs.sink import InputSink
from spikecuda.inputs.timed import on_within
from spikecuda.kernels.spec import STREAM_OU

# Values so many time constants apart are independent: their correlation is below 2^-57.
APART = 40.0
# Steps of a block, as a power of two: those that are asked for together, see ``ResolvedInput``.
BLOCK = 6
# No sum of normal numbers of float32 gets that far from its mean.
LARGEST = 50.0


@dataclass(frozen=True, eq=False)
class OrnsteinUhlenbeck(Input):
    """An Ornstein-Uhlenbeck current for each neuron, independent of the others.

    ``dI = (mean - I) / tau dt + sigma sqrt(2 / tau) dW``: normal numbers of mean ``mean`` and
    standard deviation ``sigma`` whose correlation decays as ``exp(-|t| / tau)``.  A step has the
    value at its start.  The values at the steps are exact, whatever dt is: they are drawn from
    their joint distribution, from the coarse to the fine, so that each is a function of seed,
    neuron and step alone.  There is no transient: at ``start`` the process is stationary.

    It is on in the steps that begin within [start, stop).  The numbers are drawn on the host, also
    for pools and networks on a GPU.

    Args:
        sigma: standard deviation in the model's input unit, >= 0, one number or one per neuron.
        tau: time constant in ms, > 0.
        mean: one number or one per neuron.
        start: ms since the last reset, >= 0.
        stop: ms since the last reset, > start; infinity: it never ends.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.

    Source: Uhlenbeck & Ornstein (1930) Phys Rev 36:823; given its neighbours a value at distance h
    has the mean ``(left + right) / (2 cosh(h / tau))`` and the variance ``sigma^2 tanh(h / tau)``.
    """

    sigma: Any
    tau: float
    mean: Any = 0.0
    start: float = 0.0
    stop: float = math.inf
    _memo: Memo = field(default_factory=Memo, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tau", as_positive("tau", self.tau, "ms"))
        self._take_times(stop_may_be_never=True)
        self._take("sigma", "mean")

    def resolve(self, into: InputSink) -> None:
        """Add a current per step and neuron."""
        sigma, mean = into.values("sigma", self.sigma), into.values("mean", self.mean)
        if np.any(sigma < 0):
            raise SpikecudaValueError(f"sigma must be >= 0 (got {sigma.min():g})")
        process = Process(
            self.tau, into.dt, into.seed, into.identity, into.count, into.stream(STREAM_OU),
            self._memo,
        )  # fmt: skip

        within = on_within(self.start, self.stop, into.dt)

        def read(clock: int, steps: int, columns: slice) -> np.ndarray:
            on = within(clock, steps)
            if not on.any():
                return np.zeros((steps, columns.stop - columns.start))
            values = process.read(clock, steps, columns)
            values *= sigma[columns] if sigma.ndim else sigma
            values += mean[columns] if mean.ndim else mean
            if not on.all():
                values *= on[:, None]
            return values

        into.add_timed(read, float((np.abs(mean) + LARGEST * sigma).max()))

    def spread(self, ids: np.ndarray, size: int) -> "OrnsteinUhlenbeck":
        """Return the same for some neurons, 0 for the others."""
        return replace(self, sigma=wide(self.sigma, ids, size), mean=wide(self.mean, ids, size))


class Process:
    """Processes of mean 0 and variance 1, one for each neuron.

    Args:
        tau: ms.
        dt: ms.
        seed: of the random numbers.
        identity: of the first neuron.
        count: neurons.
        stream: of the random numbers.
        memo: where blocks are kept.
    """

    def __init__(
        self, tau: float, dt: float, seed: int, identity: int, count: int, stream: int, memo: Memo
    ) -> None:
        self._key = (tau, dt, seed, identity, stream)
        self._top = max(BLOCK, math.ceil(math.log2(max(APART * tau / dt, 1.0))))
        if self._top > 60:
            raise SpikecudaValueError(
                f"tau must be at most 2^55 steps of dt = {dt:g} ms (got {tau:g} ms); use a Constant"
            )
        # Of half a distance of 2^e steps: 1 / (2 cosh(h)) and sqrt(tanh(h)); nothing overflows.
        h = np.exp2(np.arange(self._top)) * (dt / tau)
        self._carry = np.exp(-h) / (1.0 + np.exp(-2.0 * h))
        self._spread = np.sqrt(-np.expm1(-2.0 * h) / (1.0 + np.exp(-2.0 * h)))
        self._generator = (np.uint32(stream), *keys(seed))
        self._identity, self._memo = identity, memo

    def read(self, clock: int, steps: int, columns: slice) -> np.ndarray:
        """Return the values of some steps and neurons, (steps, neurons)."""
        result = np.empty((steps, columns.stop - columns.start))
        at = 0
        while at < steps:
            first = (clock + at) >> BLOCK << BLOCK
            block = self._block(first, columns)
            some = block[clock + at - first :][: steps - at]
            result[at : at + len(some)] = some
            at += len(some)
        return result

    def _block(self, first: int, columns: slice) -> np.ndarray:
        """Return the values of a block of steps; the last block of these neurons is kept."""
        key = (self._key, columns.start, columns.stop)
        held = self._memo.find(key)
        if isinstance(held, tuple) and held[0] == first:
            block: np.ndarray = held[1]
            return block
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        block = np.empty((1 << BLOCK, columns.stop - columns.start))
        load_cpu_loop("random_input").ornstein_uhlenbeck(
            np.uint32(self._identity + columns.start), *self._generator, first, self._top, BLOCK,
            self._carry, self._spread, block,
        )  # fmt: skip
        self._memo.put(key, (first, block))
        return block

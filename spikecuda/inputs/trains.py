"""Random spike trains that are no Poisson processes: renewal trains, and correlated ones."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_positive, as_real
from spikecuda.common.seed import keys
from spikecuda.common.time_grid import first_step
from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.memo import Memo
from spikecuda.inputs.poisson import Pulses
from spikecuda.inputs.poisson_table import MEAN_LIMIT
from spikecuda.inputs.rate import Places, stays
from spikecuda.inputs.renewal import Trains
from spikecuda.inputs.sink import InputSink
from spikecuda.inputs.timed import Timed, always
from spikecuda.kernels.spec import COPY_STREAMS, STREAM_COMMON, STREAM_COPIES, STREAM_RENEWAL

MOST_SHAPE = 1e6


@dataclass(frozen=True, eq=False)
class Renewal(Pulses):
    """Independent renewal trains: gamma processes, with or without a refractory period.

    An interval is the refractory period plus a time from a gamma distribution.  Its mean is
    ``1 / rate``, and its coefficient of variation ``(1 - rate refractory) / sqrt(shape)``.  So
    ``shape=1`` is a Poisson process with a dead time, larger shapes are more regular, and smaller
    ones burst.  The trains have been going on for ever at ``start``: there is no transient.

    With a rate that changes, the time after a refractory period runs at the speed of the rate
    (time rescaling), so that the rate is followed as long as it changes little in an interval.

    The trains are drawn on the host, also for pools and networks on a GPU.

    Args:
        rate, weight, start, stop: as for ``Poisson``.
        shape: of the gamma distribution, from above 0 to 1e6.
        refractory: ms, >= 0, shorter than the mean interval at any time.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.

    Source: Cox (1962) Renewal Theory, chapters 1 and 5; Brown, Barbieri, Ventura, Kass, Frank
    (2002) Neural Comput 14:325 (time rescaling).
    """

    rate: Any
    weight: Any
    shape: float = 1.0
    refractory: float = 0.0
    start: float = 0.0
    stop: float = math.inf
    _places: Places | None = field(default=None, init=False, repr=False)
    _memo: Memo = field(default_factory=Memo, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = as_positive("shape", self.shape, "")
        if shape > MOST_SHAPE:
            raise SpikecudaValueError(f"shape must be <= {MOST_SHAPE:g} (got {shape:g})")
        object.__setattr__(self, "shape", shape)
        rest = as_real("refractory", self.refractory, "ms")
        if not (math.isfinite(rest) and rest >= 0):
            raise SpikecudaValueError(f"refractory must be >= 0 ms (got {rest!r})")
        object.__setattr__(self, "refractory", rest)

    def resolve(self, into: InputSink) -> None:
        """Add events."""
        weight, timed, dt = into.values("weight", self.weight), self.timed(into.dt), into.dt
        rate: np.ndarray | Timed
        if timed is None or stays(self.rate):  # within [start, stop)
            rate = self.steady(into)
            most = float(rate.max())
        else:
            rate, most = timed, timed.most
            if timed.width:
                timed.require(into.count)
        if most * self.refractory >= 1000.0:
            raise SpikecudaValueError(
                f"refractory must be shorter than the mean interval, {1000.0 / most:g} ms at "
                f"{most:g} Hz (got {self.refractory:g} ms)"
            )
        if most * dt * 1e-3 > MEAN_LIMIT:
            raise SpikecudaValueError(
                f"rate must be <= {MEAN_LIMIT / dt * 1e3:g} Hz at dt = {dt:g} ms (got {most:g}); "
                "use a smaller dt"
            )
        trains = Trains(
            rate, self.shape, self.refractory, first_step(self.start, dt),
            first_step(self.stop, dt), dt, into.seed, into.identity,
            into.stream(STREAM_RENEWAL), self._memo,
        )  # fmt: skip
        into.add_events(trains.read, weight)


@dataclass(frozen=True, eq=False)
class CorrelatedPoisson(Pulses):
    """Poisson trains that share spikes: a multiple-interaction process.

    A common Poisson train has the rate ``rate / correlation``.  Each neuron copies each of its
    spikes with the probability ``correlation``, independently of the others.  So each neuron has a
    Poisson train of the given rate, the counts of any two neurons have the given correlation, and
    many neurons spike in the same step.  Each drive has a common train of its own.

    The trains are drawn on the host, also for pools and networks on a GPU.

    Args:
        rate: as for ``Poisson``, but the same for all neurons: a number, an array (steps, 1), a
            ``Waveform``, a ``Sine`` or a function of t.
        weight, start, stop: as for ``Poisson``.
        correlation: above 0, up to 1 (all trains are the same).

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.

    Source: Kuhn, Aertsen, Rotter (2003) Neural Comput 15:67, section 2.
    """

    rate: Any
    weight: Any
    correlation: float
    start: float = 0.0
    stop: float = math.inf
    _places: Places | None = field(default=None, init=False, repr=False)
    _memo: Memo = field(default_factory=Memo, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        value = as_real("correlation", self.correlation)
        if not 0.0 < value <= 1.0:
            raise SpikecudaValueError(
                f"correlation must be > 0 and <= 1 (got {value!r}); for independent trains use "
                "Poisson"
            )
        object.__setattr__(self, "correlation", value)

    def spread(self, ids: np.ndarray, size: int) -> "CorrelatedPoisson":
        """Return the same for some neurons, of weight 0 for the others: all share the rate."""
        return self.for_view(self.rate, ids, size)

    def resolve(self, into: InputSink) -> None:
        """Add events."""
        weight, timed = into.values("weight", self.weight), self.timed(into.dt)
        if timed is None:
            value = self.steady(into)
            if value.ndim:
                raise _same(value.size)
            timed = always(float(value))
        if timed.width:
            raise _same(timed.width)
        factor = into.dt * 1e-3 / self.correlation
        if timed.most * factor > MEAN_LIMIT:
            raise SpikecudaValueError(
                f"rate must be <= {MEAN_LIMIT / factor:g} Hz at dt = {into.dt:g} ms and this "
                f"correlation (got {timed.most:g}); use a smaller dt"
            )
        common, copies = into.stream(STREAM_COMMON), into.stream(STREAM_COPIES, COPY_STREAMS)
        chance = np.uint64(round(self.correlation * 2.0**32))
        identity, generator = into.identity, keys(into.seed)

        def read(clock: int, steps: int, columns: slice) -> np.ndarray:
            from spikecuda.kernels.compile.cpu import load_cpu_loop

            out = np.empty((steps, columns.stop - columns.start), np.float32)
            load_cpu_loop("random_input").copied_trains(
                np.uint32(identity), np.uint32(identity + columns.start), np.uint32(common),
                np.uint32(copies), *generator, timed.at(clock, steps) * factor, chance, clock, out,
            )  # fmt: skip
            return out

        into.add_events(read, weight)


def _same(width: int) -> SpikecudaValueError:
    return SpikecudaValueError(
        "rate of correlated trains must be the same for all neurons (got one for each of "
        f"{width:,}); drive views with a rate each"
    )

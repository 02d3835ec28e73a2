"""The base of inputs, and what numbers and arrays become.

Units: currents in the model's input unit (pA; mV/ms for Izhikevich), time in ms, rates in Hz.

An input has copies of the arrays that it is given, and says itself how it resolves into what a
kernel takes; a new input is a subclass of ``Input`` with ``resolve`` and ``spread``.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from spikecuda.common.arguments import as_real, shown
from spikecuda.common.arrays import view_array
from spikecuda.devices.array_interop import GpuArray
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.inputs.sink import InputSink
from spikecuda.inputs.timed import Timed
from spikecuda.inputs.values import Adopt, OnGpu, largest_of, per_neuron, per_step, there


class Input:
    """Base class of inputs; ``a + b`` gives both.

    Attributes:
        current: whether it is a current; else it is spikes, which have a ``weight`` and, in a
            network, arrive at a receptor.
        of_one_run: whether it fits runs of one length only.
    """

    current: ClassVar[bool] = True
    of_one_run: ClassVar[bool] = False
    weight: Any

    @property
    def parts(self) -> "tuple[Input, ...]":
        """The inputs that it is the sum of: itself."""
        return (self,)

    def resolve(self, into: InputSink) -> None:
        """Add what the kernel takes to ``into``."""
        raise SpikecudaTypeError(f"{type(self).__name__} needs resolve(into); see Constant")

    def spread(self, ids: np.ndarray, size: int) -> "Input":
        """Return an input of ``size`` neurons: this one for the neurons ``ids``, else nothing."""
        raise SpikecudaTypeError(f"{type(self).__name__} needs spread(ids, size); see Constant")

    def piece(self, total: int, first: int, steps: int) -> "Input":
        """Return the input of a piece of a run: itself, unless its rows are those of one run.

        Args:
            total: steps of the run.
            first: of them, the piece's first one; ``steps``: how many it has.
        """
        return self

    def adopted(self, adopt: Adopt) -> "Input":
        """Return the input with arrays in a GPU's memory made ready for a device."""
        return self

    def as_rate(self, dt: float) -> Timed:
        """Return the input as a rate over time, for those that can be one; ``dt`` in ms."""
        raise SpikecudaTypeError(
            f"a rate must be a number, an array, a Waveform, a Sine or a function of t in ms (got "
            f"{type(self).__name__})"
        )

    def __add__(self, other: object) -> "Sum":
        return Sum((*self.parts, *as_inputs(other)))

    __radd__ = __add__

    def _take(self, *names: str, called: str = "") -> None:
        """Replace fields by own copies: one number or one per neuron; ``called``: in messages."""
        for name in names:
            object.__setattr__(self, name, per_neuron(called or name, getattr(self, name)))

    def _take_times(self, stop_may_be_never: bool) -> None:
        """Replace ``start`` and ``stop`` by floats; raise unless 0 <= start < stop."""
        start, stop = (as_real(name, getattr(self, name), "ms") for name in ("start", "stop"))
        if not (math.isfinite(start) and start >= 0):
            raise SpikecudaValueError(f"start must be >= 0 ms (got {start!r})")
        if not stop > start:
            raise SpikecudaValueError(f"stop must be > start = {start!r} ms (got {stop!r})")
        if not (math.isfinite(stop) or stop_may_be_never):
            raise SpikecudaValueError(f"stop must be finite (got {stop!r})")
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "stop", stop)


@dataclass(frozen=True)
class Sum(Input):
    """Several inputs at once."""

    terms: tuple[Input, ...]

    @property
    def parts(self) -> tuple[Input, ...]:
        """The inputs that it is the sum of."""
        return self.terms


@dataclass(frozen=True, eq=False)
class Constant(Input):
    """A constant current: one number, or one per neuron.

    Args:
        value: in the model's input unit (pA; mV/ms for Izhikevich).
    """

    value: Any

    def __post_init__(self) -> None:
        self._take("value", called="input")

    def resolve(self, into: InputSink) -> None:
        """Add to the current that stays the same over the run."""
        if isinstance(self.value, OnGpu | GpuArray):
            into.take_constant(self.value)
        else:
            into.add_constant(into.values("input", self.value))

    def spread(self, ids: np.ndarray, size: int) -> "Constant":
        """Return the same for some neurons, 0 for the others."""
        return Constant(wide(self.value, ids, size))

    def adopted(self, adopt: Adopt) -> "Constant":
        """Return the input with an array in a GPU's memory made ready for a device."""
        return Constant(self.value.adopt(adopt)) if isinstance(self.value, OnGpu) else self


@dataclass(frozen=True, eq=False)
class PerStep(Input):
    """A current for every step of one run.

    Args:
        values: in the model's input unit, shape (steps,) or (steps, num_neurons).  Row 0 belongs
            to the first step of the run.
    """

    values: Any
    of_one_run = True

    def __post_init__(self) -> None:
        found = there("PerStep", self.values)
        object.__setattr__(self, "values", found or per_step("PerStep", self.values))

    @classmethod
    def borrow(cls, values: Any) -> Self:
        """Return an input that reads the caller's own array, for one run; nothing is copied."""
        made = object.__new__(cls)
        object.__setattr__(made, "values", per_step("PerStep", values, keep=False))
        return made

    def resolve(self, into: InputSink) -> None:
        """Add to the current of each step, of all neurons or of each."""
        if isinstance(self.values, OnGpu | GpuArray):
            into.take_rows(self.values)
            return
        most = largest_of("PerStep", self.values)
        if self.values.shape == (into.steps,):
            course = self.values.astype(np.float64)
            into.add_course(lambda _, offset, steps: course[offset : offset + steps], most=most)
        elif self.values.shape == (into.steps, into.count):
            into.add_rows(self.values, most)
        else:
            raise SpikecudaValueError(
                f"PerStep must have shape ({into.steps},) or ({into.steps}, {into.count}): one row "
                f"for each step of the run (got shape {self.values.shape})"
            )

    def piece(self, total: int, first: int, steps: int) -> "PerStep":
        """Return the rows of a piece of a run."""
        if steps == total:
            return self
        if not isinstance(self.values, np.ndarray):
            raise SpikecudaValueError(
                "PerStep on a GPU drives a run in one piece (got a run with every=); copy it to "
                "the host"
            )
        if len(self.values) != total:
            raise SpikecudaValueError(
                f"PerStep must have one row for each of the {total:,} steps of the run (got shape "
                f"{self.values.shape})"
            )
        return PerStep.borrow(self.values[first : first + steps])

    def spread(self, ids: np.ndarray, size: int) -> "PerStep":
        """Refuse: rows for a view would have to be copied into rows for all neurons."""
        raise SpikecudaValueError(
            "PerStep drives a whole population (got a view); use a Waveform with a column for each "
            f"neuron of the view, or give the others zeros, an array (steps, {size})"
        )

    def adopted(self, adopt: Adopt) -> "PerStep":
        """Return the input with an array in a GPU's memory made ready for a device."""
        return PerStep(self.values.adopt(adopt)) if isinstance(self.values, OnGpu) else self


def as_inputs(value: object, keep: bool = True, adopt: Adopt | None = None) -> tuple[Input, ...]:
    """Return the inputs in a number, an array, an ``Input``, a list of these, or None.

    A 1-D array is a constant current per neuron; a 2-D array is a current per step and neuron.

    Args:
        value: what a user gives.
        keep: whether the inputs outlive the call, so that arrays must be copied.
        adopt: makes arrays in a GPU's memory ready for a device; None: they stay as they are.
    """
    inputs = _inputs(value, keep)
    return inputs if adopt is None else tuple(term.adopted(adopt) for term in inputs)


def _inputs(value: object, keep: bool) -> tuple[Input, ...]:
    if value is None or (isinstance(value, tuple) and not value):
        return ()
    if isinstance(value, Input):
        return value.parts
    if isinstance(value, list | tuple) and any(isinstance(v, Input) for v in value):
        return tuple(term for part in value for term in _inputs(part, keep))
    if found := there("input", value):
        return (PerStep(found) if len(found.shape) == 2 else Constant(found),)
    if isinstance(value, str | bytes | dict | set) or not isinstance(
        value, int | float | np.ndarray | np.generic | Iterable
    ):
        raise SpikecudaTypeError(
            f"input must be a number, an array or an Input (got {shown(value)}); see "
            "spikecuda.inputs.stimulus for what there is"
        )
    array = view_array("input", value, "a number, an array or an Input")
    if array.ndim != 2:
        return (Constant(value if isinstance(value, np.generic) else array),)
    return (PerStep(array) if keep else PerStep.borrow(array),)


def wide(value: Any, ids: np.ndarray, size: int) -> np.ndarray:
    """Return one number per neuron: those of some neurons, 0 for the others."""
    if isinstance(value, OnGpu):
        value.adopt(None)  # which is refused
    result = np.zeros(size)
    result[ids] = value
    return result

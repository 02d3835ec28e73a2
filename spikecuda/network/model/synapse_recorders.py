"""What is recorded of synapses that learn: weights and variables, at intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.arrays import WHOLE, view_array, whole_numbers
from spikecuda.common.time_grid import whole_steps
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest, shown
from spikecuda.network.model.plastic import require_plastic
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.upkeep import require_alone


@dataclass(frozen=True, eq=False)
class SynapseRecord:
    """What is recorded of a projection.

    Attributes:
        projection: whose synapses.
        names: "weight" and variables.
        every: steps between samples.
        which: a slice or ascending numbers, in the order of ``Projection.connections``; None: all.
    """

    projection: Projection
    names: tuple[str, ...]
    every: int
    which: slice | np.ndarray | None

    def expected_bytes(self, steps: int) -> float:
        """Return about how many bytes the samples of a run of some steps have."""
        count, which = self.projection.expected, self.which
        if isinstance(which, slice):
            count = len(range(*which.indices(int(count))))
        elif which is not None:
            count = which.size
        size = np.dtype(self.projection.target.population.neurons.precision.real).itemsize
        return float(count * (steps // self.every + 1) * len(self.names) * size)


class SynapseRecorders:
    """What a user asked to record of projections; at most one record for each.

    Args:
        dt: of the network, in ms.
    """

    def __init__(self, dt: float) -> None:
        self._dt = dt
        self._records: dict[Projection, SynapseRecord] = {}

    def add(self, projection: Projection, what: Any, every: Any, only: Any) -> None:
        """Record something in later runs; None: nothing of it.  See ``Network.record``."""
        if what is None:
            require_alone("what", every=(every, None), only=(only, None))
            self._records.pop(projection, None)
            return
        names = (what,) if isinstance(what, str) else tuple(what)
        require_plastic(projection, f"recorded (got {', '.join(map(str, names))})")
        assert projection.plasticity is not None
        known = ["weight", *projection.plasticity.variables]
        for name in names:
            if not is_name(name, known):
                raise SpikecudaValueError(
                    f"{projection.name} has nothing called {name!r} to record"
                    f"{nearest(str(name), known)}; it has {', '.join(known)}"
                )
        if not names:
            raise SpikecudaValueError("what must name something (got nothing); None: nothing")
        if every is None:
            raise SpikecudaValueError(
                "every must be given for synapses, ms between samples (got None); such as "
                "every=1000.0"
            )
        period = whole_steps("every", every, self._dt, some=True)
        which = None if only is None else as_synapses("only", only, projection)
        names = tuple(dict.fromkeys(names))
        self._records[projection] = SynapseRecord(projection, names, period, which)

    def moved(self, projection_of: Callable[[Projection], Projection]) -> "SynapseRecorders":
        """Return the same of another network.

        Args:
            projection_of: returns the other network's projection that corresponds to one of this's.
        """
        result = SynapseRecorders(self._dt)
        for projection, record in self._records.items():
            other = projection_of(projection)
            result._records[other] = replace(record, projection=other)
        return result

    def restore(self, records: Sequence[SynapseRecord]) -> None:
        """Record what ``records`` of a saved network were."""
        self._records = {record.projection: record for record in records}

    @property
    def records(self) -> Sequence[SynapseRecord]:
        """What later runs record."""
        return list(self._records.values())


def as_synapses(name: str, only: Any, projection: Projection) -> slice | np.ndarray:
    """Return which synapses, in the order of ``Projection.connections``.

    Args:
        name: of the argument.
        only: a slice, ascending numbers, or a mask.
        projection: whose.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: it is something else, or out of range.
    """
    need, count = "a slice, numbers or a mask", len(projection)
    if isinstance(only, slice):
        if only.step is not None and only.step < 1:
            raise SpikecudaValueError(f"{name} must be ascending (got {only}); reverse it")
        for bound in (only.start, only.stop, only.step):
            if bound is not None and not isinstance(bound, int | np.integer):
                raise SpikecudaTypeError(f"{name} must be {need} of whole numbers (got {only})")
        _require_some(name, len(range(*only.indices(count))), only, projection)
        return only
    given = np.atleast_1d(view_array(name, only, need, WHOLE + "b"))
    if given.dtype.kind == "b":
        if given.shape != (count,):
            raise SpikecudaValueError(
                f"{name} must have one entry for each of the {count:,} synapses (got shape "
                f"{given.shape})"
            )
        numbers = np.flatnonzero(given)
        _require_some(name, numbers.size, only, projection)
    else:
        _require_some(name, given.size, only, projection)
        numbers = whole_numbers(name, given, need, 0, count - 1)
    if numbers.ndim != 1 or np.any(numbers[1:] <= numbers[:-1]):
        raise SpikecudaValueError(f"{name} must be ascending, each once (got {str(only)[:60]})")
    return numbers


def _require_some(name: str, chosen: int, only: Any, projection: Projection) -> None:
    """Raise SpikecudaValueError if none of a projection's synapses is chosen."""
    if not chosen:
        raise SpikecudaValueError(
            f"{name} must choose at least one of the {len(projection):,} synapses of "
            f"{projection.name} (got {shown(only)}, which is none); leave it out for all of them"
        )

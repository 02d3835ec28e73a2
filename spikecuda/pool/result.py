"""What a run of a system recorded."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.common.notebook import table_html
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaValueError
from spikecuda.runtime.pace import Lateness
from spikecuda.runtime.result import RunResult, join_runs, pool_frame
from spikecuda.runtime.spikes import Spikes, merge_spikes

if TYPE_CHECKING:
    from spikecuda.view.results import ResultView


@dataclass(frozen=True, eq=False)
class SystemResult:
    """What a run of a system recorded.

    Attributes:
        parts: each type's own result, with neurons counted from 0.
        first: number of each type's first neuron.
    """

    parts: dict[str, RunResult]
    first: dict[str, int]

    def __add__(self, other: object) -> "SystemResult":
        """Return what this run and the next one recorded, as one result."""
        return join_systems([self, other]) if isinstance(other, SystemResult) else NotImplemented

    def view(self, *, port: int = 0, open: bool = False, height: int = 760) -> "ResultView":
        """Serve a page that shows the result in a browser; see ``spikecuda.view.show``.

        Args:
            port: of the loopback address, 0 to 65535; 0: a free one.
            open: whether to open it in a browser.
            height: of the frame in notebooks, 100 to 10,000 pixels.

        Returns:
            The page, until it is closed: a context manager, whose ``url`` is the address.

        Raises:
            SpikecudaError, SpikecudaValueError, SpikecudaTypeError: no spikes were recorded, the
                port is not free, or an argument cannot be used.
            MissingPackageError: websockets is not installed.
        """
        from spikecuda.view.results import show

        return show(self, port=port, open=open, height=height)

    @property
    def lateness(self) -> Lateness | None:
        """How well a run with ``realtime=True`` kept to the clock; None: of other runs."""
        return next((part.lateness for part in self.parts.values()), None)

    def timed(self, lateness: Lateness) -> "SystemResult":
        """Return the result with the lateness of its run."""
        parts = {name: part.timed(lateness) for name, part in self.parts.items()}
        return SystemResult(parts, self.first)

    def __radd__(self, other: object) -> "SystemResult":
        """Let ``sum(results)`` join runs."""
        return self if other == 0 else NotImplemented

    def __repr__(self) -> str:
        return f"<SystemResult: {self.num_spikes:,} spikes of {', '.join(self.parts)}>"

    def _repr_html_(self) -> str:
        title = "" if self.lateness is None else f"in real time, {self.lateness}"
        return table_html(title, ("type", "spikes", "steps"), [
            (name, f"{part.num_spikes:,}", f"{part.steps:,}") for name, part in self.parts.items()
        ])  # fmt: skip

    @property
    def num_spikes(self) -> int:
        """Spikes of the run, recorded or not."""
        return sum(part.num_spikes for part in self.parts.values())

    def to_dataframe(
        self, what: str = "spikes", start: float | None = None, stop: float | None = None
    ) -> Any:
        """Return a pandas DataFrame, with the column ``type``; neurons count from 0 in each type.

        Args:
            what, start, stop: see ``RunResult.to_dataframe``.

        Raises:
            SpikecudaValueError: it was not recorded.
            MissingPackageError: pandas is not installed.
        """
        return pool_frame(self.parts, "type", what, start, stop)

    @functools.cached_property
    @out_of_memory("the spikes of all types in one list", "take them by type, from parts")
    def spikes(self) -> Spikes:
        """All spikes with global neuron numbers.

        Raises:
            SpikecudaValueError: they were not recorded.
        """
        lists = []
        for name, part in self.parts.items():
            first = np.int32(self.first[name])
            # The neurons of the first type have their global numbers already.
            neuron = part.spikes.neuron + first if first else part.spikes.neuron
            lists.append((part.spikes.step, neuron))
        return Spikes(*merge_spikes(lists), next(iter(self.parts.values())).dt)


def join_systems(results: Sequence[SystemResult]) -> SystemResult:
    """Return runs one after the other as one.

    Raises:
        SpikecudaValueError: they are of other systems, do not follow each other, or did not record
            the same.
    """
    first = results[0]
    for result in results:
        if result.first != first.first:
            raise SpikecudaValueError(
                f"results of one system join (got {first!r} and {result!r} of another)"
            )
    parts = {name: join_runs([r.parts[name] for r in results]) for name in first.parts}
    return SystemResult(parts, first.first)

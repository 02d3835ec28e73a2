"""EnsembleResult: what a run of an ensemble recorded, by replica and as one table."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

import numpy as np

from spikecuda.analysis.interval import ENOUGH
from spikecuda.common.arguments import is_name
from spikecuda.common.fixed import Fixed
from spikecuda.common.notebook import table_html
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.terminal import table as make_table
from spikecuda.errors import (
    MissingPackageError,
    SpikecudaError,
    SpikecudaIndexError,
    SpikecudaTypeError,
    SpikecudaValueError,
    nearest,
    shown,
)
from spikecuda.network.results.join import join
from spikecuda.network.results.result import NetworkResult

if TYPE_CHECKING:
    from rich.table import Table

R = TypeVar("R")


class EnsembleResult(Fixed, Sequence[NetworkResult]):
    """What a run of an ensemble recorded: a sequence with a ``NetworkResult`` for each replica.

    Args:
        replicas: the results, in the order of the replicas.
        seconds: wall-clock time of the run.

    Attributes:
        seconds: wall-clock time of the run; those of the replicas are their own.
    """

    def __init__(self, replicas: Sequence[NetworkResult], seconds: float) -> None:
        self._replicas, self.seconds = tuple(replicas), seconds
        self._fix()

    @overload
    def __getitem__(self, index: int) -> NetworkResult: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[NetworkResult, ...]: ...

    def __getitem__(self, index: int | slice) -> NetworkResult | tuple[NetworkResult, ...]:
        return pick(self._replicas, index, "result")

    def __iter__(self) -> Iterator[NetworkResult]:
        return iter(self._replicas)

    def __len__(self) -> int:
        return len(self._replicas)

    @property
    def start(self) -> float:
        """Model time at the start of the run, ms."""
        return self._replicas[0].start

    @property
    def stop(self) -> float:
        """Model time at the end of the run, ms."""
        return self._replicas[0].stop

    @property
    def duration(self) -> float:
        """Length of the run, ms."""
        return self._replicas[0].duration

    @property
    def num_spikes(self) -> int:
        """Spikes recorded, of all replicas."""
        return sum(result.num_spikes for result in self)

    def rates(self, start: float | None = None, stop: float | None = None) -> dict[str, np.ndarray]:
        """Return the mean rate of each population in each replica, Hz: float64 (replicas,).

        Args:
            start, stop: part of the run, ms.
        """
        return _columns(self._each(lambda result: result.rates(start, stop)))

    def cv(
        self, start: float | None = None, stop: float | None = None, min_intervals: int = ENOUGH
    ) -> dict[str, np.ndarray]:
        """Return the mean CV of intervals of each population in each replica: (replicas,).

        Args:
            start, stop, min_intervals: as for ``NetworkResult.cv``.
        """
        return _columns(self._each(lambda result: result.cv(start, stop, min_intervals)))

    def synchrony(
        self, start: float | None = None, stop: float | None = None, **options: Any
    ) -> dict[str, np.ndarray]:
        """Return the synchrony of each population in each replica: (replicas,).

        Args:
            start, stop, options: as for ``NetworkResult.synchrony``.
        """
        return _columns(self._each(lambda result: result.synchrony(start, stop, **options)))

    def traces(self, population: str, variable: str) -> np.ndarray:
        """Return a recorded variable of all replicas, an array (replicas, samples, neurons).

        Their times and units are those of each replica's result.

        Raises:
            SpikecudaValueError: it was not recorded.
        """
        known = [f"{name}.{v}" for name, states in self[0].traces.items() for v in states]
        if not is_name(population, self[0].traces) or variable not in self[0].traces[population]:
            asked = f"{population}.{variable}"
            raise SpikecudaValueError(
                f"traces are there of {', '.join(known) or 'nothing'} (got {shown(asked)})"
                f"{nearest(asked, known)}; ensemble.record(name, variable) records them"
            )
        return np.stack([result.traces[population][variable] for result in self])

    @out_of_memory("a DataFrame", "take a shorter time, or fewer populations, neurons or samples")
    def to_dataframe(
        self, what: str = "spikes", start: float | None = None, stop: float | None = None
    ) -> Any:
        """Return a pandas DataFrame of all replicas, with the column ``replica`` in front.

        Args:
            what, start, stop: as for ``NetworkResult.to_dataframe``.

        Raises:
            SpikecudaValueError: it was not recorded.
            MissingPackageError: pandas is not installed.
        """
        frames = self._each(lambda result: result.to_dataframe(what, start, stop))
        try:
            import pandas
        except ImportError as error:  # which to_dataframe has said already
            raise MissingPackageError(str(error)) from error
        table = pandas.concat(frames, ignore_index=True)
        table.insert(0, "replica", np.repeat(np.arange(len(frames)), [len(f) for f in frames]))
        return table

    def table(self, start: float | None = None, stop: float | None = None) -> "Table":
        """Return a rich table with a row for each replica: spikes, and each population's rate.

        Args:
            start, stop: part of the run, ms.
        """
        return make_table(*self._contents(start, stop))

    def view(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: a page shows the result of one network.

        Raises:
            SpikecudaError: always; it says what can be viewed.
        """
        raise SpikecudaError(
            f"the result of an ensemble has no view (got one of {len(self)} replicas); "
            "result[k].view() shows replica k"
        )

    def summary(self, start: float | None = None, stop: float | None = None) -> None:
        """Print ``table()``.

        Args:
            start, stop: part of the run, ms.
        """
        from spikecuda.common.terminal import console

        console().print(self.table(start, stop))

    def _each(self, ask: Callable[[NetworkResult], R]) -> list[R]:
        """Ask all results; what they advise is said of the ensemble."""
        try:
            return [ask(result) for result in self]
        except SpikecudaError as error:
            raise type(error)(str(error).replace("net.record", "ensemble.record")) from error

    def _contents(
        self, start: float | None, stop: float | None
    ) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
        rates = self.rates(start, stop) if self.duration else {}
        rows = [
            (f"{i}", f"{result.num_spikes:,}", *(f"{rates[name][i]:.3g}" for name in rates))
            for i, result in enumerate(self)
        ]
        first = self.start if start is None else start
        last = self.stop if stop is None else stop
        title = f"{counted(len(self))}, {first:g} to {last:g} ms, in {self.seconds:.3g} s"
        return title, ("replica", "spikes", *(f"rate of {name} (Hz)" for name in rates)), rows

    def __add__(self, other: object) -> "EnsembleResult":
        """Return what this run and the next one of the ensemble recorded, as one result.

        Raises:
            SpikecudaValueError: the other run does not follow, or did not record the same.
        """
        if not isinstance(other, EnsembleResult):
            return NotImplemented
        return join_runs([self, other])

    def __radd__(self, other: object) -> "EnsembleResult":
        """Let ``sum(results)`` join runs."""
        return self if other == 0 else NotImplemented

    def __rich__(self) -> "Table":
        return self.table()

    def _repr_html_(self) -> str:
        return table_html(*self._contents(None, None))

    def __repr__(self) -> str:
        return (
            f"<EnsembleResult: {counted(len(self))}, {self.num_spikes:,} spikes; "
            f"{self.start:g} to {self.stop:g} ms, in {self.seconds:.3g} s>"
        )


def join_runs(results: Sequence[EnsembleResult]) -> EnsembleResult:
    """Return runs one after the other as one.

    Raises:
        SpikecudaValueError: they do not follow each other, or did not record the same.
    """
    if len(results) == 1:
        return results[0]
    sizes = {len(result) for result in results}
    if len(sizes) > 1:
        raise SpikecudaValueError(
            f"results of one ensemble join (got some of {' and '.join(map(str, sorted(sizes)))} "
            "replicas)"
        )
    replicas = [join(parts) for parts in zip(*results, strict=True)]
    return EnsembleResult(replicas, sum(result.seconds for result in results))


def _columns(rows: Sequence[dict[str, float]]) -> dict[str, np.ndarray]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def counted(size: int) -> str:
    """Return a number of replicas in words."""
    return f"{size:,} replica{'' if size == 1 else 's'}"


def pick(replicas: Sequence[Any], index: Any, what: str) -> Any:
    """Return one of the replicas by its number, or several by a slice.

    Args:
        replicas: or what belongs to each of them.
        index: number or slice.
        what: has them.

    Raises:
        SpikecudaIndexError, SpikecudaTypeError: there is no such one.
    """
    try:
        return replicas[index]
    except IndexError:
        kind: type[SpikecudaError] = SpikecudaIndexError
    except TypeError:
        kind = SpikecudaTypeError
    numbers = f"0 to {len(replicas) - 1:,}" if len(replicas) > 1 else "0 alone"
    raise kind(
        f"the {what} has the replicas {numbers} (got {shown(index)}); take one by its number, or "
        "several by a slice"
    )

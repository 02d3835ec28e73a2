"""RunResult: what a run of a pool recorded; results of runs one after the other join."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikecuda.common.named import Known
from spikecuda.common.notebook import facts_html
from spikecuda.errors import SpikecudaValueError
from spikecuda.runtime import frames
from spikecuda.runtime.pace import Lateness
from spikecuda.runtime.spikes import Spikes, join_spikes


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run of a pool recorded.

    Attributes:
        recorded_spikes: the spikes, or None if they were not recorded; see ``spikes``.
        traces: state variables at the end of every step, by name: arrays (steps, num_neurons).
        steps: number of steps of the run.
        start: number of the first step, counted from the last reset.
        dt: length of a step in ms.
        num_spikes: number of spikes of the run, recorded or not.
        num_neurons: number of neurons.
        lateness: how well a run with ``realtime=True`` kept to the clock; None: of other runs.  Of
            runs joined, that of the last.
    """

    recorded_spikes: Spikes | None
    traces: dict[str, np.ndarray]
    steps: int
    start: int
    dt: float
    num_spikes: int
    num_neurons: int
    lateness: Lateness | None = None

    def __post_init__(self) -> None:
        traces = Known(self.traces, "traces", "record= of run names what is recorded")
        object.__setattr__(self, "traces", traces)

    @property
    def spikes(self) -> Spikes:
        """The spikes.

        Raises:
            SpikecudaValueError: they were not recorded.
        """
        return require_recorded(self.recorded_spikes)

    @property
    def time(self) -> np.ndarray:
        """Times of the traces' rows in ms: the ends of the steps."""
        return (np.arange(self.start, self.start + self.steps) + 1) * self.dt

    def view(self, *, port: int = 0, open: bool = False, height: int = 760) -> Any:
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
        # The view is above this layer, and loaded only here.
        show = importlib.import_module("spikecuda.view.results").show
        return show(self, port=port, open=open, height=height)

    def to_dataframe(
        self, what: str = "spikes", start: float | None = None, stop: float | None = None
    ) -> Any:
        """Return a pandas DataFrame.

        Args:
            what: "spikes": a row for each spike, with neuron and time (ms); "traces": a row for
                each sample and neuron, with neuron, time (ms) and the recorded states; "rates": a
                row for each neuron, with neuron, spikes and rate (Hz).
            start, stop: part of the run, ms of model time; None: all of it.  What happens at the
                end of a step belongs to the step.

        Raises:
            SpikecudaValueError: it was not recorded.
            MissingPackageError: pandas is not installed.
        """
        return pool_frame({"": self}, "", what, start, stop)

    def __add__(self, other: object) -> "RunResult":
        """Return what this run and the next one recorded, as one result."""
        return join_runs([self, other]) if isinstance(other, RunResult) else NotImplemented

    def timed(self, lateness: Lateness) -> "RunResult":
        """Return the result with the lateness of its run."""
        return replace(self, lateness=lateness)

    def __radd__(self, other: object) -> "RunResult":
        """Let ``sum(results)`` join runs."""
        return self if other == 0 else NotImplemented

    def __repr__(self) -> str:
        traced = f"; {', '.join(self.traces)} recorded" if self.traces else ""
        return f"<RunResult: {self.num_spikes:,} spikes in {self.steps:,} steps{traced}>"

    def _repr_html_(self) -> str:
        return facts_html("", [
            ("spikes", f"{self.num_spikes:,}"), ("steps", f"{self.start:,} + {self.steps:,}"),
            ("traces", ", ".join(self.traces) or "none"),
            *([] if self.lateness is None else [("in real time", str(self.lateness))]),
        ])  # fmt: skip


def pool_frame(
    parts: Mapping[str, RunResult],
    owner: str,
    what: str,
    start: float | None,
    stop: float | None,
) -> Any:
    """Return a DataFrame of the results of one or several pools; see ``RunResult.to_dataframe``.

    Args:
        parts: results by name, of one run.
        owner: name of the column of names; empty: there is none.
        what, start, stop: see ``RunResult.to_dataframe``.
    """
    kind = frames.as_kind(what)
    one = next(iter(parts.values()))
    ends = (one.start * one.dt, (one.start + one.steps) * one.dt)
    window = frames.as_window(start, stop, *ends, one.dt)
    neurons = {name: np.arange(part.num_neurons) for name, part in parts.items()}
    if kind == "traces":
        if not one.traces:
            raise SpikecudaValueError(
                'no traces were recorded (got "traces"); record= of run names what is recorded'
            )
        traces = {name: part.traces for name, part in parts.items()}
        times = {name: part.time for name, part in parts.items()}
        return frames.trace_frame(owner, traces, times, neurons, window, one.dt)
    spikes = {name: part.spikes for name, part in parts.items()}
    if kind == "rates":
        return frames.rate_frame(owner, spikes, neurons, window)
    return frames.spike_frame(owner, spikes, window)


def require_recorded(spikes: Spikes | None) -> Spikes:
    """Return the spikes of a run; raise if they were not recorded."""
    if spikes is None:
        raise SpikecudaValueError(
            "spikes were not recorded in this run, only counted (num_spikes); run without "
            "record=None and spikes=False"
        )
    return spikes


def join_runs(results: Sequence[RunResult]) -> RunResult:
    """Return runs one after the other as one.

    Raises:
        SpikecudaValueError: they do not follow each other, or did not record the same.
    """
    first = results[0]
    if len(results) == 1:
        return first
    at = first.start
    for result in results:
        if result.start != at or result.dt != first.dt:
            raise SpikecudaValueError(
                f"results join that follow each other: one must begin at step {at:,} with dt "
                f"{first.dt:g} ms (got step {result.start:,} and {result.dt:g} ms)"
            )
        alike = (result.recorded_spikes is None) == (first.recorded_spikes is None)
        shapes = [(name, rows.shape[1:]) for name, rows in result.traces.items()]
        alike = alike and result.num_neurons == first.num_neurons
        if not alike or shapes != [(name, rows.shape[1:]) for name, rows in first.traces.items()]:
            raise SpikecudaValueError(
                f"results join that recorded the same (got {first!r} and {result!r})"
            )
        at += result.steps
    spikes = None
    if first.recorded_spikes is not None:
        lists = [r.recorded_spikes for r in results if r.recorded_spikes is not None]
        spikes = Spikes(*join_spikes([(s.step, s.neuron) for s in lists]), first.dt)
    traces = {name: np.concatenate([r.traces[name] for r in results]) for name in first.traces}
    return RunResult(
        spikes, traces, at - first.start, first.start, first.dt, sum(r.num_spikes for r in results),
        first.num_neurons, results[-1].lateness,
    )  # fmt: skip

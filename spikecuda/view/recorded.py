"""Results as pages show them: what a run recorded, once it is over."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.common.time_grid import nearest_step
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.view.blocks import Block, Rates, Samples
from spikecuda.view.feed import BIN, MOST_WATCHED
from spikecuda.view.protocol import Message
from spikecuda.view.subject import Histogram, Shown, Watched

# Points of a block, and steps: a page looks through all points of the blocks that it shows.
BLOCK_POINTS, BLOCKS = 100_000, 2_000
# Points that a page can hold.
MOST_POINTS = 6_000_000


@dataclass(frozen=True, eq=False)
class Recording:
    """What a run recorded.

    Attributes:
        title: in a few words.
        dt: length of a step, ms.
        start, stop: the run's steps, [start, stop).
        shown: the populations.
        spikes: steps and neurons of each, in the order of time.
        watched: variables that were recorded; ``samples``: of each.
        weights: at the end, of projections that learned.
    """

    title: str
    dt: float
    start: int
    stop: int
    shown: Sequence[Shown]
    spikes: Sequence[tuple[np.ndarray, np.ndarray]]
    watched: Sequence[Watched] = ()
    samples: Sequence[Samples] = ()
    weights: Sequence[Histogram] = field(default_factory=tuple)

    @property
    def points(self) -> int:
        """How many spikes there are."""
        return sum(step.size for step, _ in self.spikes)

    def hello(self) -> dict[str, Any]:
        """Return what a page is told first."""
        return {
            "title": self.title, "dt": self.dt, "bin": max(1, nearest_step(BIN, self.dt)),
            "live": False,
            "populations": [
                {"name": p.name, "size": p.size, "about": p.about, "colour": p.colour,
                 "variables": dict(p.variables)} for p in self.shown
            ],
        }  # fmt: skip

    def news(self) -> dict[str, dict[str, Any]]:
        """Return the messages by kind that a page gets beside the blocks."""
        watched = [
            {"number": w.number, "population": w.population, "neuron": w.neuron,
             "variable": w.variable, "unit": w.unit} for w in self.watched
        ]  # fmt: skip
        return {"hello": self.hello(), "watched": {"found": watched}}

    def blocks(self) -> Iterator[Block]:
        """Yield everything, in the order of time, thinned to what a page can hold."""
        every = -(-self.points // MOST_POINTS) or 1
        rates = Rates(len(self.shown), max(1, nearest_step(BIN, self.dt)))
        rates.begin(self.start)
        offsets = np.cumsum([0, *(p.size for p in self.shown)])
        parts = max(1, min(BLOCKS, -(-self.points // BLOCK_POINTS), self.stop - self.start))
        length = max(1, math.ceil((self.stop - self.start) / parts))
        total, samples = 0, tuple(self.samples)
        for first in range(self.start, max(self.stop, self.start + 1), length):
            stop = min(first + length, self.stop)
            found = []
            for step, neuron in self.spikes:
                a, z = np.searchsorted(step, [first, stop])
                found.append((step[a:z], neuron[a:z]))
            begin, counts = rates.add([step for step, _ in found], stop)
            total += sum(step.size for step, _ in found)
            yield Block(
                first, stop,
                np.concatenate([(step[::every] - first).astype(np.uint32) for step, _ in found]),
                np.concatenate([
                    (neuron[::every] + offset).astype(np.uint32)
                    for (_, neuron), offset in zip(found, offsets[:-1], strict=True)
                ]), begin, counts, samples, 0, total, every,
            )  # fmt: skip
            samples = ()


class Recorded:
    """What the server of a recording shows.

    Args:
        recording: what a run recorded.
    """

    lossless = True

    def __init__(self, recording: Recording) -> None:
        self._blocks, self._news = list(recording.blocks()), recording.news()

    def take(self) -> tuple[list[Block], int, dict[str, dict[str, Any]], list[str]]:
        """Return everything once; the server keeps it."""
        blocks, news = self._blocks, self._news
        self._blocks, self._news = [], {}
        return blocks, 0, news, []

    def count(self, pages: int, weights: bool) -> None:
        """Take notice of how many pages look on; nothing follows from it."""

    def hear(self, message: Message) -> None:
        """Take notice of what a page says; nothing can be changed."""

    def status(self) -> dict[str, Any]:
        """Return that it is recorded."""
        return {"state": "recorded"}

    def close(self) -> None:
        """Nothing is held."""


def recording_of(result: Any) -> Recording:
    """Return a result as pages show it.

    Args:
        result: a ``NetworkResult``, a ``RunResult`` of a pool, or a ``SystemResult``.

    Raises:
        SpikecudaTypeError: it is something else.
        SpikecudaValueError: it has no spikes.
    """
    if isinstance(result, Recording):
        return result
    if hasattr(result, "trace_times"):
        return _of_network(result)
    if hasattr(result, "parts") and hasattr(result, "first"):
        return _of_pools(result.parts)
    if hasattr(result, "recorded_spikes"):
        return _of_pools({"neurons": result})
    raise SpikecudaTypeError(
        f"result must be what run() of a network, a pool or a system returned (got "
        f"{shown(result)}); an ensemble's result has one for each replica"
    )


def _of_network(result: Any) -> Recording:
    from spikecuda.plots.colours import kind

    if not result.spikes:
        raise SpikecudaValueError(
            'result must have spikes (got none recorded); net.record(name, "spikes") records them'
        )
    start, stop = (nearest_step(t, result.dt) for t in (result.start, result.stop))
    watched: list[Watched] = []
    samples: list[Samples] = []
    for name, states in result.traces.items():
        times = result.trace_times[name]
        if times.size < 2 or name not in result.spikes:
            continue
        first, second = (nearest_step(t, result.dt) for t in times[:2])
        every = second - first
        for column, neuron in enumerate(result.trace_neurons(name)[:MOST_WATCHED]):
            for variable, values in states.items():
                if len(watched) == MOST_WATCHED:
                    break
                unit = result.units.get(name, {}).get(variable, "")
                number = len(watched)
                watched.append(Watched(number, name, int(neuron), variable, unit))
                samples.append(Samples(number, first, every, values[:, column].astype(np.float32)))
    sizes = result.sizes
    populations = [Shown(name, sizes[name], colour=kind(name) or "") for name in result.spikes]
    spikes = [(s.step, s.neuron) for s in result.spikes.values()]
    title = f"{', '.join(result.spikes)}; {result.start:g} to {result.stop:g} ms"
    return Recording(title, result.dt, start, stop, populations, spikes, watched, samples)


def _of_pools(parts: Mapping[str, Any]) -> Recording:
    one = next(iter(parts.values()))
    watched: list[Watched] = []
    samples: list[Samples] = []
    for name, part in parts.items():
        for variable, values in part.traces.items():
            for neuron in range(min(part.num_neurons, 3)):
                if len(watched) < MOST_WATCHED:
                    watched.append(Watched(len(watched), name, neuron, variable))
                    column = values[:, neuron].astype(np.float32)
                    samples.append(Samples(len(watched) - 1, part.start + 1, 1, column))
    shown = [Shown(name, part.num_neurons) for name, part in parts.items()]
    spikes = [(part.spikes.step, part.spikes.neuron) for part in parts.values()]
    stop = one.start + one.steps
    title = f"{', '.join(parts)}; {one.start * one.dt:g} to {stop * one.dt:g} ms"
    return Recording(title, one.dt, one.start, stop, shown, spikes, watched, samples)

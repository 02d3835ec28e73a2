"""The seam between the thread of a run and the thread that serves pages.

The run hands over what happened in a piece, and asks between pieces what to change.  It never waits
for a page: what it hands over is put down, and picked up by the other thread.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from spikecuda.common.time_grid import nearest_step
from spikecuda.errors import SpikecudaError
from spikecuda.view.blocks import KEPT, PIECES, Block, Rates, Samples
from spikecuda.view.controls import Control, range_of
from spikecuda.view.subject import Shown, Subject, Watched

# ms of model time in which spikes are counted for rates.
BIN = 5.0
# Neurons that are traced at once.
MOST_WATCHED = 8
# Seconds of a piece while no page looks on; steps of the first one, which shows how fast a run is;
# how much longer than their share of a processor pieces may take on a machine that is busy.
ALONE, FIRST_STEPS, STRETCH = 0.1, 16, 3.0
# Seconds between two readings of what can be changed, and the share of a run that they, and those
# of weights, may take.
REFRESH, SHARE = 1.0, 0.005
# What can be changed at most, drives first.
MOST_CONTROLS = 600
# Seconds between runs that follow each other at once.
BACK_TO_BACK = 0.02
# Changes that are remembered.
REMEMBERED = 10_000

# What the run's thread decides between pieces: changes that were asked for, whether weights are
# read, whether the run ends, steps of the next piece, what is traced in it.
Decision = tuple[dict[str, float], bool, bool, int, tuple[Watched, ...]]
# Of each population: steps and neurons of its spikes; None: there are none.
PieceSpikes = Sequence[tuple[np.ndarray, np.ndarray] | None]


def join(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return arrays one after the other; one is not copied."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


class Feed:
    """What a run and the pages that look at it tell each other.

    Args:
        subject: what runs.

    Attributes:
        subject: what runs.
        share: over several processes, returns what the one with the page decides, in all of them;
            None: there is one.
        pages: how many look on.
        weights_wanted: whether a page shows weights.
        changes: (model time in ms, what, new value) of each change that a page made.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.share: Callable[[Decision], Decision] | None = None
        self._next, self._traced = FIRST_STEPS, tuple[Watched, ...]()
        self.pages, self.weights_wanted = 0, False
        self.changes: deque[tuple[float, str, float]] = deque(maxlen=REMEMBERED)
        self._lock, self._process = threading.Lock(), os.getpid()
        self._arrived: deque[Block] = deque()
        self._waiting = self._skipped = 0
        self._news: dict[str, dict[str, Any]] = {}
        self._notes: deque[str] = deque(maxlen=20)
        self._asked: dict[str, float] = {}
        self._stop = False
        self._watched: tuple[Watched, ...] = ()
        self._number = 0
        self._shown: list[Shown] = []
        self._offsets: list[int] = []
        self._rates = Rates(0, 1)
        self._known: frozenset[str] = frozenset()
        self._ranges: dict[str, tuple[float, float]] = {}
        # What a run is at.
        self.state, self.ended, self.total, self.done = "idle", "", 0, 0
        self._clock, self._trial, self._spikes = -1, 0, 0
        # Seconds of a step: on the clock, and of the run's thread.
        self._pace = self._work = self._worked = 0.0
        self._at = self._refreshed = self._weighed = 0.0
        self._weighing = self._refreshing = 0.0
        self._lay_out()

    # In the thread of the run.

    @property
    def lost(self) -> bool:
        """Whether this process was forked from the one that serves pages."""
        return os.getpid() != self._process

    def begin(self, total: int, clock: int) -> None:
        """Begin a run of some steps.

        Args:
            total: how many.
            clock: steps done before.
        """
        if [p.name for p in self._shown] != [p.name for p in self.subject.shown()]:
            self._lay_out()
            self._clock = -1
        if clock != self._clock:
            self._trial, self._spikes = self._trial + 1, 0
            self._rates.begin(clock)
        self.state, self.ended, self.total, self.done = "running", "", total, 0
        self._clock, self._stop = clock, False
        with self._harmless():
            if time.perf_counter() - self._at > max(BACK_TO_BACK, 20.0 * self._refreshing):
                self._refresh()  # other input, perhaps
        self._settle()
        self._begin_piece()

    def steps(self) -> int:
        """Return how many steps the next piece should have."""
        return self._next if self.share else self._steps()

    def _steps(self) -> int:
        if not self._pace:
            return FIRST_STEPS
        seconds = self.subject.piece_seconds if self.pages else ALONE
        # A piece costs processor time, which should be a small part of it: where the run gets a
        # part of a processor only, pieces take longer.
        fits = min(STRETCH * seconds / self._pace, seconds / max(self._work, 1e-9))
        return max(1, min(self.subject.most_steps(self._watched), int(fits)))

    def watched(self) -> tuple[Watched, ...]:
        """Return what pages trace in the next piece."""
        return self._traced if self.share else self._watched

    def tell(self, first: int, stop: int, spikes: PieceSpikes, samples: Sequence[Samples]) -> None:
        """Hand over what happened in a piece.

        Args:
            first, stop: its steps, [first, stop).
            spikes: of each population.
            samples: of what is watched.
        """
        with self._harmless():
            self._put_down(first, stop, spikes, samples)
        now, worked, self._clock = time.perf_counter(), time.thread_time(), stop
        self.done += stop - first
        if stop > first:
            pace, work = (now - self._at) / (stop - first), (worked - self._worked) / (stop - first)
            self._pace = pace if not self._pace else 0.5 * (self._pace + pace)
            self._work = work if not self._work else 0.5 * (self._work + work)

    def _put_down(
        self, first: int, stop: int, spikes: PieceSpikes, samples: Sequence[Samples]
    ) -> None:
        nothing = [np.empty(0, np.uint32)]
        found = [(s, offset) for s, offset in zip(spikes, self._offsets, strict=True) if s]
        step = join([np.subtract(s[0], first).astype(np.uint32) for s, _ in found] or nothing)
        neuron = join(
            [s[1].astype(np.uint32) + np.uint32(offset) for s, offset in found] or nothing
        )
        self._spikes += step.size
        every = -(-step.size // KEPT) or 1  # more than pages can have anyway
        bin, counts = self._rates.add([None if s is None else s[0] for s in spikes], stop)
        block = Block(
            first, stop, step[::every], neuron[::every], bin, counts, tuple(samples), self._trial,
            self._spikes, every,
        )  # fmt: skip
        with self._lock:
            self._arrived.append(block)
            self._waiting += block.points + block.sampled
            self._skipped += step.size - block.points
            while len(self._arrived) > 1 and (
                self._waiting > 2 * KEPT or len(self._arrived) > PIECES
            ):
                gone = self._arrived.popleft()
                self._waiting -= gone.points + gone.sampled
                self._skipped += gone.points

    def between(self) -> bool:
        """Do what pages asked for; return whether the run goes on."""
        ends = self._settle()
        self._begin_piece()
        return not ends

    def end(self, why: str) -> None:
        """End the run.

        Args:
            why: "done", "stopped", or what broke it off.
        """
        self.state, self.ended = "idle", "stopped" if self._stop and why == "done" else why
        self._stop = False
        now = self._at = time.perf_counter()
        with self._harmless():
            # Short runs, one after the other, are not held up.
            if now - self._refreshed > max(REFRESH, 20.0 * self._refreshing):
                self._refresh()
            alone = self.share is None  # others may not be here
            wanted = alone and self.pages and self.weights_wanted
            if wanted and now - self._weighed > 20.0 * self._weighing:
                self._weigh()

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        """Let no error of showing something reach the run; pages are told of it."""
        try:
            yield
        except Exception as error:
            self._note(f"this page failed to show something: {type(error).__name__}: {error}")

    def _begin_piece(self) -> None:
        self._at, self._worked = time.perf_counter(), time.thread_time()

    def _settle(self) -> bool:
        """Do what is decided between two pieces, of all processes together; tell whether to end."""
        decided = self._decide()
        if self.share is not None:
            decided = self.share(decided)
        asked, weigh, ends, self._next, self._traced = decided
        with self._harmless():
            self._apply(asked)
        # What processes do together must reach all of them, also what goes wrong.
        with self._harmless() if self.share is None else nullcontext():
            if weigh:
                self._weigh()
        if ends:
            self._stop = True
        return ends

    def _decide(self) -> Decision:
        """Return what pages ask for now."""
        with self._lock:
            asked, self._asked = self._asked, {}
        # Reading weights takes no more than its share of the run's time.
        every = max(REFRESH, self._weighing / SHARE)
        weigh = bool(self.pages and self.weights_wanted) and (
            time.perf_counter() - self._weighed > every
        )
        return asked, weigh, self._stop, self._steps(), self._watched

    def _apply(self, asked: dict[str, float]) -> None:
        """Change what pages asked for, and read what they show, if it is time."""
        if asked:
            known = {control.name: control for control in self.subject.controls()}
            for name, value in asked.items():
                self._change(name, known.get(name), value)
            self._refresh()
            return
        spent = time.perf_counter() - self._refreshed
        if self.pages and spent > max(REFRESH, self._refreshing / SHARE):
            self._refresh()

    def _weigh(self) -> None:
        """Read the weights that are learned."""
        begin = time.perf_counter()
        found = self.subject.weights()
        self._weighed = time.perf_counter()
        self._weighing = self._weighed - begin
        self._publish("weights", {"found": [
            {"name": h.name, "unit": h.unit, "low": h.low, "high": h.high, "mean": h.mean,
             "counts": h.counts.tolist()} for h in found
        ], "time": self._clock * self.subject.dt})  # fmt: skip

    def _change(self, name: str, control: Control | None, value: float) -> None:
        if control is None:
            self._note(f"{name} is no longer there to be changed")
            return
        what = f"{control.group} {control.label}"
        try:
            control.change(value)
        except SpikecudaError as error:
            self._note(f"{what} = {value:g}: {error}")
            return
        except Exception as error:  # of a function of the user's model
            self._note(f"{what} = {value:g}: {type(error).__name__}: {error}")
            return
        self.changes.append((max(0, self._clock) * self.subject.dt, what, value))

    def _refresh(self) -> None:
        """Read what can be changed."""
        # They hold what runs, which is not kept alive from here.
        begin = time.perf_counter()
        every = self.subject.controls()
        found = sorted(every, key=lambda control: not control.name.startswith("drive"))
        found = found[:MOST_CONTROLS]
        self._known = frozenset(control.name for control in found)
        self._refreshed = time.perf_counter()
        self._refreshing = self._refreshed - begin
        for control in found:
            low, high = self._ranges.setdefault(control.name, range_of(control.value, control.unit))
            self._ranges[control.name] = min(low, control.value), max(high, control.value)
        self._publish("controls", {"more": len(every) - len(found), "found": [
            {"name": c.name, "group": c.group, "label": c.label, "unit": c.unit, "value": c.value,
             "low": self._ranges[c.name][0], "high": self._ranges[c.name][1]}
            for c in found
        ]})  # fmt: skip

    def _lay_out(self) -> None:
        """Take notice of the populations."""
        self._shown = self.subject.shown()
        sizes = [p.size for p in self._shown]
        self._offsets = [sum(sizes[:i]) for i in range(len(sizes))]
        self._width = max(1, nearest_step(BIN, self.subject.dt))
        self._rates = Rates(len(sizes), self._width)
        names = {p.name for p in self._shown}
        self._watched = tuple(w for w in self._watched if w.population in names)
        self._publish("hello", {
            "title": self.subject.title, "dt": self.subject.dt, "bin": self._width,
            "live": True,
            "populations": [
                {"name": p.name, "size": p.size, "about": p.about, "colour": p.colour,
                 "variables": dict(p.variables)} for p in self._shown
            ],
        })  # fmt: skip
        self._tell_watched()
        self._refresh()

    # In the thread that serves pages.

    def take(self) -> tuple[list[Block], int, dict[str, dict[str, Any]], list[str]]:
        """Return what arrived: blocks, spikes that were left out, messages by kind, and notes."""
        with self._lock:
            blocks, news = list(self._arrived), self._news
            skipped, notes = self._skipped, list(self._notes)
            self._arrived.clear()
            self._notes.clear()
            self._waiting = self._skipped = 0
            self._news = {}
        return blocks, skipped, news, notes

    def ask(self, control: str, value: float) -> None:
        """Ask for a change; of several of one number, the last one is made."""
        if control not in self._known:
            self._note(f"there is no {control!r:.80} to change")
            return
        with self._lock:
            self._asked[control] = value
        if self.state != "running":
            self._note("no run goes on: the change acts at the beginning of the next one")

    def ask_stop(self) -> None:
        """Ask the run to end after the piece that it is in."""
        if self.state == "running":
            self._stop = True
        else:
            self._note("no run goes on that could be stopped")

    def watch(self, population: str, neuron: int, variable: str) -> None:
        """Trace a variable of a neuron from the next piece on."""
        found = next((p for p in self._shown if p.name == population), None)
        if found is None or neuron >= found.size or variable not in found.variables:
            self._note(f"there is no {variable!r:.40} of neuron {neuron} of {population!r:.80}")
            return
        if any((w.population, w.neuron, w.variable) == (population, neuron, variable)
               for w in self._watched):  # fmt: skip
            return
        if len(self._watched) == MOST_WATCHED:
            self._note(f"at most {MOST_WATCHED} neurons are traced; take one away first")
            return
        self._number += 1
        unit = found.variables[variable]
        self._watched += (Watched(self._number, population, neuron, variable, unit),)
        self._tell_watched()

    def unwatch(self, number: int) -> None:
        """Trace something no longer."""
        self._watched = tuple(w for w in self._watched if w.number != number)
        self._tell_watched()

    # In either.

    def _tell_watched(self) -> None:
        self._publish("watched", {"found": [
            {"number": w.number, "population": w.population, "neuron": w.neuron,
             "variable": w.variable, "unit": w.unit} for w in self._watched
        ]})  # fmt: skip

    def _publish(self, kind: str, values: dict[str, Any]) -> None:
        with self._lock:
            self._news[kind] = values

    def _note(self, words: str) -> None:
        with self._lock:
            self._notes.append(words)

"""Runs piece by piece: between pieces a function sees the last one and may change what runs."""

import contextlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from spikecuda.common.arguments import as_flag, as_path
from spikecuda.common.exclusive_use import RUNNING, ExclusiveUse
from spikecuda.common.files import require_writable
from spikecuda.common.garbage import old_left_out
from spikecuda.common.interrupt import held_interrupt
from spikecuda.common.time_grid import nearest_step, whole_steps
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.runtime.pace import Pace

R = TypeVar("R")
# Results are joined when there are so many, and those again, so that pieces of a long run take no
# more memory.  Joining takes 8 µs a piece: with many at once, a run in real time would be late.
TOGETHER = 16
# Model time between two looks at the clock, in ms, unless a run says how long its pieces are.
TICK = 1.0


@dataclass(frozen=True)
class Loop:
    """How a run is cut into pieces, and what is asked after each.

    Attributes:
        every: steps of a piece.
        call: called with what runs and the result of the piece; False ends the run.
        until: called likewise; the run ends once it returns True.
        saves: what saves what runs to a file, if that is asked for.
        pace: what keeps the run from running ahead of the clock, if that is asked for.
    """

    every: int
    call: Callable[[Any, Any], object] | None
    until: Callable[[Any, Any], object] | None
    saves: "Saves | None" = None
    pace: Pace | None = None

    @property
    def asks(self) -> bool:
        """Whether a function is called after each piece."""
        return self.call is not None or self.until is not None

    def goes_on(self, owner: object, piece: object) -> bool:
        """Tell whether another piece is to follow."""
        answer = True if self.call is None else self.call(owner, piece)
        goes = not (isinstance(answer, bool | np.bool_) and not answer)
        return goes and not (self.until is not None and _truth(self.until(owner, piece)))


def _truth(answer: object) -> bool:
    """Return whether what ``until`` returned means yes; raise for arrays of several answers."""
    try:
        return bool(answer)
    except (ValueError, TypeError):
        raise SpikecudaTypeError(
            f"until must return True or False (got {shown(answer)}); of an array, return its all() "
            "or any()"
        ) from None


class Savable(Protocol):
    """What runs and can be saved."""

    def save(self, path: str | os.PathLike[str]) -> object:
        """Save it to a file."""


@dataclass(frozen=True)
class Saves:
    """When a run is saved, and where.

    Attributes:
        every: steps between two times, whole pieces.
        path: the file, which is replaced each time.
    """

    every: int
    path: str | os.PathLike[str]

    def after(self, done: int, ended: bool, owner: Savable) -> None:
        """Save what runs after so many steps of the run, if it is time; ``ended``: it is."""
        if ended or done % self.every == 0:
            owner.save(self.path)


def as_saves(save_every: object, save_to: object, every: object, dt: float) -> Saves | None:
    """Return when a run is saved; None: never.

    Args:
        save_every: ms between two times, a multiple of dt and of ``every``.
        save_to: the file.
        every: length of a piece in ms, or None.
        dt: ms.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: one of them is missing, or cannot be used.
        OSError: nothing can be written there.
    """
    if save_every is None and save_to is None:
        return None
    if save_every is None or save_to is None:
        given = "save_to" if save_every is None else "save_every"
        missing = "save_every" if save_every is None else "save_to"
        raise SpikecudaValueError(
            f"{missing} must be given with {given}: save_every, the ms between two times, and "
            "save_to, the file (got None)"
        )
    steps = whole_steps("save_every", save_every, dt, some=True)
    if every is not None and steps % whole_steps("every", every, dt, some=True):
        raise SpikecudaValueError(
            f"save_every must be a multiple of every = {every} ms (got {save_every}); runs are "
            "saved between their pieces"
        )
    path = as_path(save_to, "save_to")
    require_writable(path, "save_to")
    return Saves(steps, path)


def as_loop(
    every: object,
    call: object,
    until: object,
    dt: float,
    save_every: object = None,
    save_to: object = None,
    realtime: object = False,
) -> Loop | None:
    """Return how a run is cut into pieces; None: it is not.

    Args:
        every: length of a piece in ms, a multiple of dt.
        call, until: functions, or None.
        dt: ms.
        save_every, save_to: as for ``as_saves``.
        realtime: whether model time keeps to the clock, in pieces of ``TICK`` by default.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: one is of another type, or goes with what is not
            given.
    """
    for name, function in (("call", call), ("until", until)):
        if function is not None and not callable(function):
            raise SpikecudaTypeError(
                f"{name} must be a function of what runs and of a piece's result (got "
                f"{shown(function)})"
            )
    saves = as_saves(save_every, save_to, every, dt)
    pace = Pace(dt) if as_flag("realtime", realtime) else None
    if every is None and pace is not None:
        tick = max(1, nearest_step(TICK, dt))
        tick = math.gcd(tick, saves.every) if saves else tick
        return Loop(tick, call, until, saves, pace)  # type: ignore[arg-type]
    if every is None:
        if call is None and until is None:
            return None if saves is None else Loop(saves.every, None, None, saves)
        raise SpikecudaValueError(
            f"every must be given with {'call' if call is not None else 'until'}: the ms between "
            "two calls (got None)"
        )
    if call is None and until is None and saves is None and pace is None:
        raise SpikecudaValueError(
            f"every goes with call or until, which is called so often, or realtime (got "
            f"every={shown(every)} alone); run() without it gives the same"
        )
    steps = whole_steps("every", every, dt, some=True)
    return Loop(steps, call, until, saves, pace)  # type: ignore[arg-type]


class Watcher(Protocol):
    """What looks on: it is told of parts of a run's pieces, and asks for changes between them."""

    def steps(self) -> int:
        """Return how many steps the next part should have, at least one."""

    def between(self) -> bool:
        """Change what was asked for, between two parts; return whether the run goes on."""


class Pieces(Generic[R]):
    """The results of a run's pieces, as one result.

    Args:
        join: joins results that follow each other.
        before: the result that the run goes on with, see ``carried``; None: it begins anew.
        pace: what keeps the run to the clock: the result, which has ``timed``, has its lateness.
    """

    def __init__(
        self, join: Callable[[Sequence[R]], R], before: R | None = None, pace: Pace | None = None
    ) -> None:
        self._join, self._before, self._pace = join, before, pace
        self._timed = -1
        self._found: list[R] = []
        self._groups: list[R] = []
        self._joined: list[R] = []

    def join(self, parts: Sequence[R]) -> R:
        """Return results that follow each other as one."""
        return parts[0] if len(parts) == 1 else self._join(parts)

    def add(self, piece: R) -> None:
        """Take the result of the next piece."""
        self._found.append(piece)
        if len(self._found) == TOGETHER:
            self._groups.append(self._join(self._found))
            self._found = []
        if len(self._groups) == TOGETHER:
            self._joined.append(self._join(self._groups))
            self._groups = []

    @property
    def own(self) -> R | None:
        """The results so far as one, of this run alone; None if there is none."""
        found = [*self._joined, *self._groups, *self._found]
        if len(found) > 1:  # one is not copied
            found = [self._join(found)]
            self._joined, self._groups, self._found = found, [], []
        if found and self._pace is not None and self._timed != self._pace.pieces:
            timed: Any = found[0]
            found = [timed.timed(self._pace.lateness)]
            self._joined, self._groups, self._found = found, [], []
            self._timed = self._pace.pieces
        return found[0] if found else None

    @property
    def result(self) -> R | None:
        """The results so far as one, after what the run goes on with; None if there is none."""
        own = self.own
        if self._before is None:
            return own
        return self._before if own is None else self._join([self._before, own])


def carried(
    loop: Loop | None,
    before: R | None,
    adjoins: bool,
    nothing: Callable[[], R],
    join: Callable[[Sequence[R]], R],
) -> R | None:
    """Return the result that a run goes on with, so that its saves have both; None: there is none.

    Args:
        loop: of the run.
        before: what the file has that was loaded, or that the last run saved.
        adjoins: whether that ended where the run begins.
        nothing: returns what a run of 0 steps records.
        join: joins results that follow each other.

    Raises:
        SpikecudaValueError: the run will not record the same.
    """
    if loop is None or loop.saves is None or before is None or not adjoins:
        return None
    try:
        join([before, nothing()])
    except SpikecudaValueError as error:
        raise SpikecudaValueError(
            f"save_to must be of a run that records what the saved result has, which it goes on "
            f"with ({error}); record the same, or run(0) first, which lets go of that result"
        ) from None
    return before


def run_pieces(
    loop: Loop,
    turn: ExclusiveUse,
    total: int,
    advance: Callable[[int, int], R],
    partial: Callable[[], R | None],
    owner: Any,
    pieces: Pieces[R],
    watcher: Watcher | None = None,
) -> None:
    """Run piece by piece until the steps are done or a function ends the run.

    Args:
        loop: how.
        turn: of what runs; it is in a ``loop``.
        total: steps of the run.
        advance: advances by a piece, given its first step in the run and its steps.
        partial: returns what a piece that broke off recorded; None: nothing.
        owner: what the functions are called with.
        pieces: is given the results, also that of a piece that broke off.
        watcher: cuts pieces into parts, and can end the run after each; None: nobody looks on.
    """

    def part_of(first: int, size: int) -> R:
        with turn.occupied(RUNNING):
            try:
                return advance(first, size)
            except BaseException:
                if (broken := partial()) is not None:
                    pieces.add(broken)
                raise

    done = 0
    with contextlib.nullcontext() if loop.pace is None else old_left_out():
        if loop.pace is not None:
            loop.pace.begin()
        while True:
            parts: list[R] = []
            gone, steps, goes = 0, min(loop.every, total - done), True
            while not parts or (goes and gone < steps):
                if watcher is None:
                    part, size = part_of(done, steps), steps
                    pieces.add(part)
                else:
                    # Parts are short: Ctrl-C waits, so that none is lost that was done.
                    with held_interrupt():
                        size = min(steps - gone, watcher.steps())
                        part = part_of(done + gone, size)
                        pieces.add(part)
                        goes = watcher.between()
                gone += size
                # What nobody asks for is not joined.
                parts = [*parts, part] if loop.asks else [part]
            done += gone
            if loop.pace is not None and gone:
                loop.pace.wait(done)
            asked = not (steps and loop.asks) or loop.goes_on(owner, pieces.join(parts))
            ends = not (steps and goes and asked) or done == total
            if loop.saves is not None:
                loop.saves.after(done, ends, owner)
            if ends:
                return


def require_result(what: str, result: R | None) -> R:
    """Return the result of the last run; raise if there is none.

    Args:
        what: what ran.
        result: of the last run.
    """
    if result is None:
        raise SpikecudaError(
            f"the {what} has no result (got none of a run, or one that broke off within a step); "
            "run() makes one"
        )
    return result

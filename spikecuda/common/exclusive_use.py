"""One thread at a time, one run at a time, and not in the wrong process."""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from spikecuda.common.fork import follow
from spikecuda.errors import SpikecudaError

P = ParamSpec("P")
R = TypeVar("R")

# What may go on, and whose return is to be waited for.
RUNNING, BUILDING = "running; wait until run", "being built; wait until build"


class ExclusiveUse:
    """Lets one thread at a time use something; another one is refused at once.

    In a child process made by ``os.fork`` it can be used on, unless another thread was at it.

    Args:
        what: the word for it in messages, such as "pool".
        parts: of the devices that it works on; they are used together with it.
        stays: why it cannot be used in a forked child; empty if it can.
    """

    def __init__(self, what: str, parts: Sequence["ExclusiveUse"] = (), stays: str = "") -> None:
        self.what, self.parts, self._stays = what, tuple(parts), stays
        self._lock = threading.RLock()
        self._owner = 0
        self._doing = ""
        self._lost = ""
        self._between = 0
        follow(self)

    @property
    def doing(self) -> str:
        """What goes on: RUNNING, BUILDING or nothing."""
        return self._doing

    def refusal(self) -> SpikecudaError:
        """Return the error for what cannot happen meanwhile."""
        return SpikecudaError(f"the {self.what} is {self._doing}() has returned")

    @property
    def lost(self) -> str:
        """Why it cannot be used in this process; empty if it can."""
        return next((turn._lost for turn in (self, *self.parts) if turn._lost), "")

    def after_fork(self) -> None:
        """Take the lock back from threads that the child process does not have."""
        if self._stays:
            self._lost = self._lost or self._stays
        if self._owner == threading.get_ident():
            return
        if self._owner:
            self._lost = self._lost or (
                f"the {self.what} was in use in another thread when this process was forked from "
                f"its parent; make a new {self.what} here"
            )
        self._lock, self._owner, self._doing, self._between = threading.RLock(), 0, "", 0

    @contextmanager
    def use(self) -> Iterator[None]:
        """Use it: reading state, in the running thread also from within a run.

        Raises:
            SpikecudaError: another thread is at it, or was when this process was forked.
        """
        if self.lost:
            raise SpikecudaError(self.lost)
        held: list[tuple[ExclusiveUse, int]] = []
        try:
            for turn in (self, *self.parts):
                if not turn._lock.acquire(blocking=False):
                    kind = turn.what.split()[0]
                    article = "an" if kind[0] in "aeio" else "a"
                    raise SpikecudaError(
                        f"the {turn.what} is in use in another thread; give each thread {article} "
                        f"{kind} of its own"
                    )
                held.append((turn, turn._owner))
                turn._owner = threading.get_ident()
            yield
        finally:
            for turn, owner in reversed(held):
                turn._owner = owner
                turn._lock.release()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Use it for what cannot happen within a run: resetting, closing, another run.

        Raises:
            SpikecudaError: another thread is at it, or a run is going on.
        """
        with self.use():
            if self._doing:
                raise self.refusal()
            yield

    @contextmanager
    def restart(self) -> Iterator[None]:
        """Use it for what also cannot happen between the pieces of a run, such as resetting.

        Raises:
            SpikecudaError: as for ``change``, or a function that ``run`` calls wants it.
        """
        with self.change():
            if self._between:
                raise SpikecudaError(
                    f"the {self.what} is within run(call=...), which goes on from here; let the "
                    "function return False, and do this when run() has returned"
                )
            yield

    @contextmanager
    def run(self) -> Iterator[None]:
        """Run it; see ``restart``."""
        with self.restart(), self.occupied(RUNNING):
            yield

    @contextmanager
    def loop(self) -> Iterator[None]:
        """Run it piece by piece: changes are possible between the pieces, restarts are not.

        Each piece is ``occupied`` with running.
        """
        with self.restart():
            self._between += 1
            try:
                yield
            finally:
                self._between -= 1

    @contextmanager
    def occupied(self, doing: str) -> Iterator[None]:
        """Refuse changes, also to the devices, while the thread that uses it does something."""
        # A device may be run by several objects in one thread, one within the other's run.
        turns = (self, *self.parts)
        before = [turn._doing for turn in turns]
        try:
            for turn in turns:
                turn._doing = doing
            yield
        finally:
            for turn, earlier in zip(turns, before, strict=True):
                turn._doing = earlier


class Exclusive(Protocol):
    """What one thread at a time may use."""

    turn: ExclusiveUse


X = TypeVar("X", bound=Exclusive)


def changes(method: Callable[Concatenate[X, P], R]) -> Callable[Concatenate[X, P], R]:
    """Let a method be refused in another thread and within a run."""

    @functools.wraps(method)
    def call(self: X, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.turn.change():
            return method(self, *args, **kwargs)

    return call


def restarts(method: Callable[Concatenate[X, P], R]) -> Callable[Concatenate[X, P], R]:
    """Let a method be refused in another thread, within a run, and between its pieces."""

    @functools.wraps(method)
    def call(self: X, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.turn.restart():
            return method(self, *args, **kwargs)

    return call


def uses(method: Callable[Concatenate[X, P], R]) -> Callable[Concatenate[X, P], R]:
    """Let a method be refused while another thread uses the object."""

    @functools.wraps(method)
    def call(self: X, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.turn.use():
            return method(self, *args, **kwargs)

    return call


class Unique:
    """What is not copied or pickled, because it has memory of devices and threads."""

    def __reduce_ex__(self, protocol: object) -> str:
        name = type(self).__name__
        article = "an" if name[0] in "AEIO" else "a"
        raise SpikecudaError(
            f"{article} {name} cannot be copied or pickled: it holds memory of devices and threads "
            "(got copy or pickle); make another one with the same arguments, and copy or pickle "
            "results and arrays of state instead"
        )

"""Waiting for other processes has an end: one that is stopped, or gone, is not waited for for ever.

A launcher ends all processes when one of them dies.  This is for those that do not, and for
processes that hang.
"""

import os
import sys
import threading
import time
from collections.abc import Callable

from spikecuda.errors import SpikecudaValueError
from spikecuda.network.ranks.told import WRITTEN

# Which says nothing more; see ``told``.
LEAVE = os._exit
VARIABLE = "SPIKECUDA_MPI_PATIENCE"
# Seconds that a process waits for others; what they do between two calls may take long.
PATIENCE = 1800.0
# Others are not here at once: less would end runs that are well.  More is a slip, of a year.
SHORTEST, LONGEST = 1.0, 3e7


def patience() -> float:
    """Return the seconds that a process waits for others; 0: for ever.

    Raises:
        SpikecudaValueError: the variable is no such number.
    """
    given = os.environ.get(VARIABLE, "").strip()
    try:
        seconds = float(given) if given else PATIENCE
    except ValueError:
        seconds = -1.0
    if not (seconds == 0.0 or SHORTEST <= seconds <= LONGEST):
        raise SpikecudaValueError(
            f"{VARIABLE} must be the seconds that a process of MPI waits for others, from "
            f"{SHORTEST:g} to {LONGEST:g}, or 0 for ever (got {given!r:.40}); leave it out for "
            f"{PATIENCE:g}"
        )
    return seconds


class Watch:
    """A thread that ends this process once it has waited too long; the launcher ends the others.

    Args:
        seconds: how long it may wait; 0: for ever.
        meetings: returns how often it has met others.
        who: returns what this process is called, and what it does.

    Attributes:
        waiting: whether it waits, or is about to: a number above 0.
        windows: within a run, returns how many windows are done; None: there is no run.
    """

    def __init__(self, seconds: float, meetings: Callable[[], int], who: Callable[[], str]) -> None:
        self.waiting = 0
        self.windows: Callable[[], int] | None = None
        self._seconds, self._meetings, self._who = seconds, meetings, who
        if seconds:
            threading.Thread(target=self._look, name="spikecuda patience", daemon=True).start()

    def _look(self) -> None:
        """See now and then whether anything has moved."""
        pause = min(1.0, self._seconds / 4.0)
        last, waited, before = None, 0.0, time.monotonic()
        while waited <= self._seconds:
            time.sleep(pause)
            now, windows = time.monotonic(), self.windows
            state = self._meetings(), None if windows is None else windows()
            moves = state != last or not (self.waiting or windows)
            # While this process was stopped itself, it did not wait.
            waited = 0.0 if moves else waited + min(now - before, 2.0 * pause)
            last, before = state, now
        print(
            f"{self._who()} has waited {waited:.0f} s for another process, which is stopped, hangs "
            f"or is gone; all processes end ({VARIABLE} sets the seconds, 0 for ever)",
            file=sys.stderr, flush=True,
        )  # fmt: skip
        time.sleep(WRITTEN)
        LEAVE(1)

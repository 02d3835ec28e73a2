"""Delay Ctrl-C until the work can be interrupted."""

import signal
import threading
from _signal import getsignal as get_handler  # type: ignore[import-not-found]
from _signal import signal as set_handler
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# The functions behind those of ``signal``, which look every handler up among its enumerations: a
# run of a millisecond holds Ctrl-C, too.
SIGINT = int(signal.SIGINT)


@contextmanager
def held_interrupt() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the function that is given is called, or the block ends.

    A second Ctrl-C acts at once.  Only the main thread receives signals; elsewhere, and where the
    program ignores Ctrl-C, nothing is changed.
    """
    before = get_handler(SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield lambda: None
        return
    held: list[tuple[int, FrameType | None]] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if held:
            held.clear()
            before(number, frame)
        else:
            held.append((number, frame))

    def release() -> None:
        if held:
            before(*held.pop())

    set_handler(SIGINT, hold)
    try:
        yield release
    finally:
        set_handler(SIGINT, before)
    release()

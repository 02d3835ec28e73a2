"""Python's garbage collector waits while kernels are compiled, and keeps runs on the clock quick.

Numba makes millions of objects for a kernel and keeps most of them, which the collector looks
through again and again: a seventh of the time that a network's first run takes, and 80 ms at once
in a run in real time.
"""

import contextlib
import gc
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_waiting = 0  # how many blocks the collector waits for
_was_on = False
_frozen = 0  # how many blocks the objects are left out for


@contextlib.contextmanager
def collect_later() -> Iterator[None]:
    """Collect no garbage within this block, in any thread; afterwards as before."""
    global _waiting, _was_on
    with _lock:
        if not _waiting:
            _was_on = gc.isenabled()
            gc.disable()
        _waiting += 1
    try:
        yield
    finally:
        with _lock:
            _waiting -= 1
            if not _waiting and _was_on:
                gc.enable()


@contextlib.contextmanager
def old_left_out() -> Iterator[None]:
    """Let the collector not look through what there is before this block, in any thread.

    What is made within it is collected as ever.  Objects that the program itself has frozen stay
    so: then nothing is done.
    """
    global _frozen
    with _lock:
        ours = _frozen > 0 or not gc.get_freeze_count()
        if ours:
            if not _frozen:
                gc.freeze()
            _frozen += 1
    try:
        yield
    finally:
        with _lock:
            if ours:
                _frozen -= 1
                if not _frozen:
                    gc.unfreeze()

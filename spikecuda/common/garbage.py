"""Python's garbage collector waits while kernels are compiled.

Numba makes millions of objects for a kernel and keeps most of them, which the collector looks
through again and again: a seventh of the time that a network's first run takes.
"""

import contextlib
import gc
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_waiting = 0  # how many blocks the collector waits for
_was_on = False


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

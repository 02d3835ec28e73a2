"""What code costs: in calls, the same on every machine, and in time as in a process of its own."""

import contextlib
import gc
import sys


def calls(function):
    """Return how many functions, of Python and of C, are called while ``function`` runs."""
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


@contextlib.contextmanager
def small_heap():
    """Hide from the garbage collector what other tests have left: it would be timed, too."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()

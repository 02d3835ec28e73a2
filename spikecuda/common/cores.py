"""How many cores the work that goes on here may use."""

import contextlib
import contextvars
import os
from collections.abc import Iterator

_most: contextvars.ContextVar[int | None] = contextvars.ContextVar("spikecuda_cores", default=None)


def usable_cores() -> int:
    """Return how many cores this process may use, or fewer within ``cores_limited``."""
    found = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    most = _most.get()
    return found if most is None else min(found, most)


@contextlib.contextmanager
def cores_limited(most: int) -> Iterator[None]:
    """Let pools and networks that are made in this block, by this thread, use so many cores.

    Args:
        most: at least 1; ``threads=`` of a pool or a network overrides it.
    """
    token = _most.set(most)
    try:
        yield
    finally:
        _most.reset(token)

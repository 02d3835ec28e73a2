"""``--view``: a page that shows a run of the command line."""

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Seconds between two looks at whether to end.
NAP = 0.5


@contextmanager
def viewed(what: Any, port: int | None) -> Iterator[None]:
    """Serve a page while something runs, and on terminals until Ctrl-C afterwards.

    Args:
        what: a network or a pool, which has ``view``.
        port: of the page, 0: a free one; None: there is no page.
    """
    if port is None:
        yield
        return
    with what.view(port=port) as view:
        print(f"view: {view.url}", file=sys.stderr, flush=True)
        yield
        if sys.stderr.isatty() and sys.stdin.isatty():
            stay("the run is over; its page stays until Ctrl-C")


def stay(words: str) -> None:
    """Say something, and wait for Ctrl-C."""
    print(words, file=sys.stderr, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(NAP)

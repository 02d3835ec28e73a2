"""``--view``: a page that shows a run of the command line."""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Seconds between two looks at whether to end.
NAP = 0.5
MOST_PORT = 65535


def as_port(text: str) -> int:
    """Return the port of ``--view``.

    Raises:
        argparse.ArgumentTypeError: it is none, such as the name of a network that follows.
    """
    if text.isascii() and text.isdigit() and int(text) <= MOST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"PORT must be a number from 0 to {MOST_PORT} (got {text!r:.80}); if that is the name of "
        f"what runs, write it before --view, or --view 0 {text:.80}"
    )


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
    from spikecuda.network.ranks.library import launched, launched_rank

    with what.view(port=port) as view:
        if launched_rank() == 0:
            print(f"view: {view.url}", file=sys.stderr, flush=True)
        yield
        if launched() == 1 and sys.stderr.isatty() and sys.stdin.isatty():
            stay("the run is over; its page stays until Ctrl-C")


def stay(words: str) -> None:
    """Say something, and wait for Ctrl-C."""
    print(words, file=sys.stderr, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(NAP)

"""Progress of long work on the terminal."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from spikecuda.common.notebook import in_notebook
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, shown
from spikecuda.observe.bars import Expendable, NotebookBar, TerminalBar
from spikecuda.observe.live_view import LiveView, Snapshot

# What a run accepts: no progress, a bar, the live view, or a function of (steps done, steps).
Progress = Callable[[int, int], None] | bool | Literal["live"]


@contextmanager
def reporter(
    progress: Progress, total: int, title: str, look: Callable[[], Snapshot] | None = None
) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many of ``total`` steps are done.

    Args:
        progress: what the user asked for.
        total: steps of the run.
        title: of the run.
        look: gives the figures of the live view; None where there is none.
    """
    if progress is False or progress is None:
        yield lambda done: None
    elif isinstance(progress, str) and progress == "live" and look is not None:
        with Expendable(LiveView(title.strip("<>"), total, look)):
            yield lambda done: None
    elif progress is True:
        bar = NotebookBar if in_notebook() else TerminalBar
        with Expendable(bar(title.strip("<>"), total)) as display:
            yield display.update
    elif callable(progress):
        process, call = os.getpid(), progress

        def tell(done: int) -> None:
            call(done, total)
            if os.getpid() != process:
                raise SpikecudaError(
                    "this process was forked within run(), which goes on in its parent only; end "
                    "it with os._exit(), or run something else"
                )

        yield tell
    else:
        live = ', "live"' if look is not None else ""
        raise SpikecudaTypeError(
            f"progress must be True, False{live} or a function (got {shown(progress)})"
        )

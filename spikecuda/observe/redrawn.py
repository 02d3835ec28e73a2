"""A display in a notebook that is redrawn from time to time."""

import contextlib
import contextvars
import io
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from spikecuda.common.notebook import InPlace, escape

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH = 100


class Redrawn:
    """What a function draws, in a cell's output.

    Args:
        draw: returns what to show; called from another thread.
        interval: seconds between two drawings.
    """

    def __init__(self, draw: "Callable[[], RenderableType]", interval: float) -> None:
        self._draw, self._interval = draw, interval
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Show it from now on."""
        self._output = InPlace(self._html())
        # The cell that the output belongs to is a part of the context.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(
            target=run, args=(self._loop,), name="spikecuda-view", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Draw once more; that stays."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._output.show(self._html())

    def _loop(self) -> None:
        while not self._stop.wait(self._interval):
            with contextlib.suppress(Exception):
                self._output.show(self._html())

    def _html(self) -> str:
        from rich.console import Console

        text = io.StringIO()
        Console(file=text, width=WIDTH, force_jupyter=False, markup=False, highlight=False).print(
            self._draw()
        )
        return f"<pre>{escape(text.getvalue())}</pre>"

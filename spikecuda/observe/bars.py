"""Progress bars on the terminal and in notebooks."""

import contextlib
import time
from types import TracebackType
from typing import Protocol

from spikecuda.common.notebook import InPlace, escape
from spikecuda.common.terminal import console

# Seconds between two drawings in a notebook.
REDRAW = 0.1


class Display(Protocol):
    """What shows how far work is."""

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Expendable:
    """A display whose errors do not reach the work that it shows.

    Args:
        display: which.
    """

    def __init__(self, display: Display) -> None:
        self._display, self._shown = display, False

    def update(self, done: int) -> None:
        """Tell how many steps are done."""
        if self._shown:
            with contextlib.suppress(Exception):
                self._display.update(done)  # type: ignore[attr-defined]

    def __enter__(self) -> "Expendable":
        with contextlib.suppress(Exception):
            self._display.__enter__()
            self._shown = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            with contextlib.suppress(Exception):
                self._display.__exit__(kind, error, trace)


class TerminalBar:
    """A bar on standard error, where the live view is, too.

    Args:
        title: beside it.
        total: steps in all.
    """

    def __init__(self, title: str, total: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as Remaining

        self._bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(), Remaining(),
            console=console(stderr=True, expendable=True),
        )  # fmt: skip
        self._task = self._bar.add_task(title, total=total)

    def update(self, done: int) -> None:
        """Tell how many steps are done."""
        self._bar.update(self._task, completed=done)

    def __enter__(self) -> "TerminalBar":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()


class NotebookBar:
    """A bar in a cell's output; it needs no widgets.

    Args:
        title: beside it.
        total: steps in all.
    """

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total, self._done = title, total, 0
        self._begin, self._drawn = time.perf_counter(), 0.0

    def update(self, done: int) -> None:
        """Tell how many steps are done."""
        self._done = done
        if time.perf_counter() - self._drawn > REDRAW:
            self._draw()

    def __enter__(self) -> "NotebookBar":
        self._output = InPlace(self._html())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._draw()

    def _draw(self) -> None:
        self._drawn = time.perf_counter()
        self._output.show(self._html())

    def _html(self) -> str:
        spent, most = time.perf_counter() - self._begin, max(1, self._total)
        return (
            f'<div>{escape(self._title)} <progress value="{self._done}" max="{most}"></progress> '
            f"{self._done / most:.0%} in {spent:.1f} s</div>"
        )

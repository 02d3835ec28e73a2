"""Progress of long work on the terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from spikecuda.errors import SpikecudaTypeError


@contextmanager
def reporter(
    progress: Callable[[int, int], None] | bool, total: int, title: str
) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many of ``total`` steps are done."""
    if progress is False or progress is None:
        yield lambda done: None
    elif progress is True:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as Remaining

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
        )
        with Progress(*columns, TimeElapsedColumn(), Remaining()) as bar:
            task = bar.add_task(title.strip("<>"), total=total)
            yield lambda done: bar.update(task, completed=done)
    elif callable(progress):
        yield lambda done: progress(done, total)
    else:
        raise SpikecudaTypeError(f"progress must be True, False or a function (got {progress!r})")

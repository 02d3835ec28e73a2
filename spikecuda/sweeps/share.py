"""Which points of a sweep a task of several does, such as one of a Slurm array."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spikecuda.common.arguments import as_count
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError, shown

SLURM = "slurm"
NUMBER, COUNT, FIRST, STEP = (f"SLURM_ARRAY_TASK_{name}" for name in ("ID", "COUNT", "MIN", "STEP"))
MOST_TASKS = 10**6
Task = tuple[int, int] | str | None


@dataclass(frozen=True)
class Share:
    """Every ``count``-th point, from ``number`` on.

    Attributes:
        number: of the task, from 0.
        count: tasks.
    """

    number: int
    count: int

    def points(self, total: int) -> range:
        """Return the numbers of the points of this task."""
        return range(self.number, total, self.count)

    def file(self, path: Path) -> Path:
        """Return the task's own file beside that of the sweep."""
        return path.with_name(f"{path.stem}.task{self.number}of{self.count}{path.suffix}")


def files_of_tasks(path: Path) -> list[Path]:
    """Return the files of tasks that are beside that of a sweep."""
    found = []
    for other in path.parent.glob("*"):
        middle = other.name.removeprefix(f"{path.stem}.task").removesuffix(path.suffix)
        number, of, count = middle.partition("of")
        if other.name != middle and of and number.isdecimal() and count.isdecimal():
            share = Share(int(number), int(count))
            if other == share.file(path):
                found.append(other)
    return sorted(found)


def as_share(task: Task) -> Share | None:
    """Return a task's share, None for the whole sweep.

    Args:
        task: (number from 0, count); or "slurm": those of the Slurm array that this process is in.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: no such task.
        SpikecudaError: "slurm" outside an array, or in one whose numbers have gaps.
    """
    if task is None:
        return None
    if isinstance(task, str) and task == SLURM:
        return _slurm()
    if isinstance(task, str) or not isinstance(task, Sequence) or len(task) != 2:
        raise SpikecudaTypeError(
            f'task must be (number, count), "slurm" or None (got {shown(task)})'
        )
    count = as_count("count of task", task[1], 1, MOST_TASKS)
    return Share(as_count("number of task", task[0], 0, count - 1), count)


def _slurm() -> Share:
    if NUMBER not in os.environ:
        raise SpikecudaError(
            f'task="slurm" needs a Slurm array (got no {NUMBER}); submit with sbatch --array=0-9, '
            "or give task=(number, count)"
        )
    count = _variable(COUNT, 1)
    first, step = _variable(FIRST, 0), max(1, _variable(STEP, 1))
    number, rest = divmod(_variable(NUMBER, 0) - first, step)
    if rest or not 0 <= number < count:
        raise SpikecudaError(
            f"a Slurm array must count evenly, as --array=0-9 does (got {NUMBER} = "
            f"{os.environ[NUMBER]} of {count} from {first}); to run some tasks again, give "
            "task=(number, count)"
        )
    return Share(number, count)


def _variable(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise SpikecudaValueError(f"{name} must be a whole number (got {text!r:.80})") from None

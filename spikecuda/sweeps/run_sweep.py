"""Call a function for each point of a grid, many at a time."""

import contextlib
import inspect
import os
import pickle
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from spikecuda.common.arguments import as_count, as_flag, as_path
from spikecuda.common.cores import usable_cores
from spikecuda.common.notice import notice
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.observe.progress import Progress, reporter
from spikecuda.sweeps.executor import Executor, ExecutorWork
from spikecuda.sweeps.file import SweepFile
from spikecuda.sweeps.fingerprint import fingerprint
from spikecuda.sweeps.grid import Grid, Point, make_points
from spikecuda.sweeps.local_workers import LocalWorkers
from spikecuda.sweeps.script import require_protected
from spikecuda.sweeps.sent_function import name_of, send
from spikecuda.sweeps.share import NUMBER, Task, as_share
from spikecuda.sweeps.table import SweepTable
from spikecuda.sweeps.work import Outcome

MOST_WORKERS = 1024
Jobs = Sequence[tuple[int, Point]]


def sweep(
    function: Callable[..., Any],
    grid: Grid,
    executor: Executor | None = None,
    *,
    seeds: int | Sequence[int] | None = None,
    workers: int | None = None,
    path: str | os.PathLike[str] | None = None,
    task: Task = None,
    call: Callable[[SweepTable], object] | None = None,
    progress: Progress = False,
    same_function: bool = True,
) -> SweepTable:
    """Call a function for each point of a grid, and return a table of what it returned.

    Points are independent: each is done by one worker, on one core.  A point that fails is a row
    with its error and traceback, and the sweep goes on.  Ctrl-C ends the sweep, says so, and
    returns the rows that are there; a second one ends at once.

    Args:
        function: takes a point's parameters by name; returns a dict of results by name, another
            value (the column ``result``), or None.
        grid: a dict of lists of values, all combinations of which are points, the last name
            varying fastest; or a list of dicts, one for each point.
        executor: where points are done: any executor of ``concurrent.futures``, or one like it,
            such as mpi4py's ``MPIPoolExecutor`` and Dask's ``client.get_executor()``, which is not
            shut down; None: processes of this machine.
        seeds: for each combination, as the argument ``seed``: a list, or how many, from 0 on.
        workers: processes of this machine; None: one for each core that this process may use.
        path: a file that keeps the rows: a later call with the same path does only what is
            missing or has failed.  The grid may grow meanwhile.  Results must then be numbers,
            texts, None, arrays of numbers, or lists, tuples and dicts of them.
        task: (number from 0, count) does every count-th point only, and keeps the rows in a file
            beside ``path``; "slurm": the number and count of the Slurm array that this process is
            in.  A call without it, with the same path, has the rows of all tasks.
        call: called with the table after each point; False ends the sweep.
        progress: True shows a bar; a function is called with (points done, points).
        same_function: whether a file's rows must be of the function as it is now, of what it uses
            of its own file, and of this version of spikecuda; False keeps them in any case.

    Returns:
        A ``SweepTable``, in the order of the points.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: an argument cannot be used; a function or a
            parameter that other processes cannot be sent; a file of another grid or function, or
            in no folder.  All before anything starts.
        SpikecudaError: workers cannot start.
        OSError: the file cannot be written.
    """
    points = make_points(grid, seeds)
    _require_callable(function, points[0])
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise SpikecudaTypeError(
            "executor must have a method submit, as those of concurrent.futures have (got "
            f"{shown(executor)})"
        )
    if executor is not None and workers is not None:
        raise SpikecudaValueError(
            f"workers is for processes of this machine (got {shown(workers)} and an executor, "
            "which has its own); leave one of them out"
        )
    count = usable_cores() if workers is None else as_count("workers", workers, 1, MOST_WORKERS)
    if call is not None and not callable(call):
        raise SpikecudaTypeError(f"call must be a function of the table (got {shown(call)})")
    as_flag("same_function", same_function)
    share = as_share(task)
    if share is not None and path is None:
        raise SpikecudaValueError(
            f"task needs path, a file beside which the tasks keep their rows (got {shown(task)})"
        )
    if share is None and NUMBER in os.environ:
        notice(f'{NUMBER} is set, and all points are done here; task="slurm" does a share of them')
    table = SweepTable(points, name_of(function))
    file = None
    if path is not None:
        file = SweepFile(
            Path(as_path(path)), share, points, name_of(function), fingerprint(function),
            same_function,
        )  # fmt: skip
        for outcome in file.read().values():
            _enter(table, outcome)
    mine = range(len(points)) if share is None else share.points(len(points))
    done = {row["point"] for row in table if not row["error"]}
    jobs = [(i, points[i]) for i in mine if i not in done]
    if file is not None:
        file.write()  # a name that cannot be written is found before the work, not after it
    if jobs:
        work = _work(function, jobs, executor, count)
        _collect(table, file, work, jobs, len(mine), call, progress)
    return table


def _require_callable(function: object, point: Point) -> None:
    """Raise for what cannot be called with the parameters."""
    if not callable(function):
        raise SpikecudaTypeError(
            f"function must be called with the parameters of a point (got {shown(function)})"
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a function that is not written in Python
        return
    try:
        signature.bind(**point)
    except TypeError as error:
        raise SpikecudaTypeError(
            f"function must take the parameters {', '.join(point)} by name (got "
            f"{name_of(function)}{signature}: {error})"
        ) from None


def _work(
    function: Callable[..., Any], jobs: Jobs, executor: Executor | None, count: int
) -> ExecutorWork | LocalWorkers:
    """Return what does the points; raise for what cannot be sent."""
    if isinstance(executor, ThreadPoolExecutor):
        return ExecutorWork(function, executor)
    sent = send(function)
    for index, point in jobs:
        try:
            pickle.dumps(point)
        except Exception as error:
            raise SpikecudaTypeError(
                f"parameters must be ones that other processes can be sent (got "
                f"{dict(point)!r:.200} for point {index}: {type(error).__name__}: {error})"
            ) from None
    if executor is not None:
        return ExecutorWork(sent, executor)
    if sent.needs_main:
        require_protected()
    return LocalWorkers(sent, min(count, len(jobs)))


def _collect(
    table: SweepTable,
    file: SweepFile | None,
    work: ExecutorWork | LocalWorkers,
    jobs: Jobs,
    total: int,
    call: Callable[[SweepTable], object] | None,
    progress: Progress,
) -> None:
    """Take outcomes as they come, until there are no more, or Ctrl-C, or ``call`` ends it."""
    title = f"{table._title}, {total:,} point{'s' if total > 1 else ''}"
    begin, done = time.monotonic(), total - len(jobs)

    def enter(outcome: Outcome) -> None:
        _enter(table, outcome if file is None else file.add(outcome))

    with contextlib.ExitStack() as stack:
        if file is not None:
            stack.callback(file.finish)
        report = stack.enter_context(reporter(progress, total, title))
        outcomes = work.run(jobs)
        stack.callback(outcomes.close)
        report(done)
        try:
            for outcome in outcomes:
                enter(outcome)
                done += 1
                report(done)
                if call is not None and call(table) is False:
                    break
            for outcome in work.rest():
                enter(outcome)
        except KeyboardInterrupt:
            for outcome in work.rest():
                enter(outcome)
            kept = f"; {file.path} has them, too" if file is not None else ""
            notice(
                f"interrupted after {time.monotonic() - begin:.1f} s: the table has "
                f"{len(table):,} of {len(table.points):,} points{kept}"
            )


def _enter(table: SweepTable, outcome: Outcome) -> None:
    table._add(outcome.index, outcome.results(), outcome.seconds, outcome.error, outcome.traceback)

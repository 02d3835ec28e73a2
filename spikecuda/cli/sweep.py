"""``spikecuda sweep``: a function of a file for each point of a grid, many at a time."""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikecuda.cli import values
from spikecuda.errors import SpikecudaValueError, shown

if TYPE_CHECKING:
    from spikecuda.sweeps import SweepTable

# Exit codes: some points failed; broken off by Ctrl-C.
EXIT_FAILURES, EXIT_INTERRUPTED = 1, 130
NOWHERE = "none"
SHOWN_FAILURES = 3
MOST_VALUES = 1_000_000


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "sweep",
        parents=[common],
        help="call a function of a Python file for each point of a grid of parameters",
        description="Call a function for each combination of the given parameters, one process and "
        "thread a core, and print a table of what it returned: a dict of results by name. Rows are "
        "kept in a file as they come, and the same command goes on where the last one ended. "
        "Points that fail are rows with their error; the exit code is then 1.",
        epilog="examples: spikecuda sweep point.py --grid g=4,5,6 --grid rate=0.5:2:4 --seeds 3; "
        "sbatch --array=0-9 --wrap 'spikecuda sweep point.py --grid g=3:8:50 --task slurm'",
    )
    parser.add_argument(
        "file", metavar="FILE[:FUNCTION]",
        help="a .py file and its function; without the name, the only one without a leading _",
    )  # fmt: skip
    parser.add_argument(
        "--grid", "-g", action="append", default=[], metavar="NAME=VALUES",
        help="4,5,6, or first:last:count for numbers at equal distances; repeatable; or a .json "
        "file of a dict of lists, or of a list of dicts",
    )  # fmt: skip
    parser.add_argument(
        "--seeds", type=int, metavar="N", help="each point N times, with the argument seed 0 to N-1"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: all cores)")
    parser.add_argument(
        "--task", metavar="I/N",
        help="only every N-th point, from the I-th of 0 to N-1 on; slurm: as the Slurm array says",
    )  # fmt: skip
    parser.add_argument(
        "--out", "-o", metavar="FILE.json",
        help="keeps the rows (default: the function's file with the ending .sweep.json); none: "
        "nothing",
    )  # fmt: skip
    parser.add_argument("--csv", metavar="FILE.csv", help="write the table there, too")
    parser.add_argument(
        "--any-source", action="store_true",
        help="keep rows of the function as it was before a change",
    )  # fmt: skip
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress, no table")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Run the sweep, print its table; return 1 if a point failed, 130 after Ctrl-C."""
    from spikecuda.cli.terminal import progress
    from spikecuda.sweeps import sweep
    from spikecuda.sweeps.sent_function import function_of_file

    file, name = _file_and_function(args.file)
    grid = as_grid(args.grid, args.seeds is not None)
    task = _task(args.task)
    function = function_of_file(file, name)
    out = None if args.out == NOWHERE else Path(args.out or Path(file).with_suffix(".sweep.json"))
    with progress(not args.quiet) as bar:
        line = bar.add_task(function.__name__, total=None)
        table = sweep(
            function, grid, seeds=args.seeds, workers=args.workers, path=out, task=task,
            progress=lambda done, total: bar.update(line, completed=done, total=total),
            same_function=not args.any_source,
        )  # fmt: skip
    if args.csv is not None:
        table.save_csv(args.csv)
    if not args.quiet:
        _print(table, out)
    return _code(table, task)


def as_grid(items: list[str], may_be_empty: bool = False) -> Any:
    """Return a grid of what ``--grid`` gives.

    Args:
        items: NAME=VALUES, or one name of a .json file.
        may_be_empty: whether there are seeds, so that no parameter is needed.
    """
    if len(items) == 1 and "=" not in items[0] and items[0].endswith(".json"):
        try:
            return json.loads(Path(items[0]).read_bytes().decode())
        except (ValueError, RecursionError) as error:
            raise SpikecudaValueError(f"{items[0]} must be a JSON text ({error})") from None
    if not items:
        if may_be_empty:
            return [{}]
        raise SpikecudaValueError(
            "--grid must give at least one parameter, such as --grid g=4,5,6 (got none)"
        )
    return {
        name: parameter_values(name, text) for name, text in values.pairs(items, "--grid").items()
    }


def parameter_values(name: str, text: str) -> list[Any]:
    """Return the values of ``4,5,6`` or ``first:last:count``."""
    if text.count(":") == 2:
        import numpy as np

        first, last, count = text.split(":")
        number = values.count(count, f"the count of --grid {name}")
        if number > MOST_VALUES:
            raise SpikecudaValueError(
                f"--grid {name} must have at most {MOST_VALUES:,} values (got {number:,})"
            )
        low, high = (values.number(end, f"--grid {name}") for end in (first, last))
        return list(np.linspace(low, high, number))
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise SpikecudaValueError(f"--grid {name} must have a value at each place (got {text!r})")
    return [_value(part) for part in parts]


def _value(text: str) -> Any:
    """Return a whole number, a number, true or false, or the text."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _file_and_function(text: str) -> tuple[str, str]:
    path, colon, name = text.rpartition(":")
    if colon and path.endswith(".py"):
        return path, name
    if not text.endswith(".py"):
        raise SpikecudaValueError(
            f"FILE must be a Python file, or FILE.py:FUNCTION (got {shown(text)})"
        )
    return text, ""


def _task(text: str | None) -> Any:
    """Return ``(number, count)`` of "3/10"; other texts as they are."""
    if text is None or text == "slurm":
        return text
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise SpikecudaValueError(f"--task must be I/N, such as 0/10, or slurm (got {text!r})")
    return int(number), int(count)


def _print(table: "SweepTable", out: Path | None) -> None:
    from spikecuda.cli.terminal import console

    screen = console()
    screen.print(table.table())
    for row in table.failures[:SHOWN_FAILURES]:
        shown_point = ", ".join(f"{name}={row[name]!r}" for name in table.parameters)
        screen.print(f"{shown_point}: {row['error']}")
    if out is not None:
        screen.print(f"rows: {os.fspath(out)}")


def _code(table: "SweepTable", task: Any) -> int:
    if table.failures:
        return EXIT_FAILURES
    if table.missing and task is None:
        return EXIT_INTERRUPTED
    return 0

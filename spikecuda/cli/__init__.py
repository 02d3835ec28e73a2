"""The command line: ``spikecuda <command>``, one file for each command.

Modules of this package import what is heavy inside the functions that need it, so that
``spikecuda --help`` answers at once.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from spikecuda import __version__
from spikecuda.cli.processes import require_alone
from spikecuda.cli.terminal import prepare_streams
from spikecuda.errors import SpikecudaError

# Exit codes: 2 for errors of use, as argparse has it; 128 + signal for signals, as shells have it.
EXIT_ERROR = 2
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_BROKEN_PIPE = 141

# Commands that know nothing of other processes: several would write the same files.
ALONE = ("view", "join", "sweep", "plan", "report", "bench", "verify")


class Parser(argparse.ArgumentParser):
    """A parser, of commands too, that takes options by their whole name: --g is not --gpu."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    from spikecuda.cli import (
        bench,
        cache,
        info,
        join,
        kernels,
        plan,
        report,
        run,
        sweep,
        verify,
        view,
    )  # fmt: skip

    result = Parser(
        prog="spikecuda",
        description="Spiking neurons on GPUs and CPUs: the same spikes, bit for bit.",
        epilog="'spikecuda COMMAND --help' tells more; 'spikecuda report' is a good first try.",
    )
    result.add_argument("--version", action="version", version=f"spikecuda {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--debug", action="store_true", help="show the Python traceback of an error"
    )
    commands = result.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (info, run, view, join, sweep, plan, report, bench, verify, kernels, cache):
        module.add(commands, common)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    Args:
        argv: arguments without the program's name; None takes those of the process.
    """
    prepare_streams()
    args = parser().parse_args(argv)
    try:
        if args.command in ALONE:
            require_alone(f"spikecuda {args.command}", "start it without mpiexec")
        code = int(args.execute(args))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        if args.debug:
            raise
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; keep the interpreter from complaining.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except (SpikecudaError, OSError, MemoryError) as error:
        if args.debug:
            raise
        text = str(error) or "out of memory; use fewer neurons"
        print(f"error{_of_rank()}: {text}", file=sys.stderr)
        return EXIT_ERROR


def _of_rank() -> str:
    """Return which process of an MPI job this is, in words; "" if it is none of several."""
    from spikecuda.network.ranks.library import launched, launched_rank

    return f" on rank {launched_rank()} of {launched()}" if launched() > 1 else ""

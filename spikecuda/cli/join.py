"""``spikecuda join``: one file of the parts of a result that processes of MPI wrote."""

import argparse
from typing import Any

from spikecuda.errors import SpikecudaValueError


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "join",
        parents=[common],
        help="make one file of the parts of a result that processes of MPI wrote",
        description="Read the files of all processes of a run with gather=False, or of spikecuda "
        "run --parts, and write one. It has the bits of a run that gathered its result.",
        epilog="example: spikecuda join 'microcircuit/spikes.{rank}.npz' --out spikes.npz",
    )
    parser.add_argument(
        "file", metavar="FILE", help="the files, with {rank} in place of the number of the process"
    )
    parser.add_argument("--out", "-o", metavar="FILE.npz", required=True, help="is written")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Join the parts; say what there was."""
    from spikecuda.cli.terminal import console
    from spikecuda.network.results.exports import RANK
    from spikecuda.network.results.result import NetworkResult

    if RANK not in args.file:
        raise SpikecudaValueError(
            f"FILE must have {RANK} in place of the number of the process (got "
            f"{args.file!r:.200}); quote it, such as 'spikes.{RANK}.npz'"
        )
    result = NetworkResult.load(args.file)
    written = result.save(args.out)
    console().print(f"{written}: {result!r}", markup=False, highlight=False)
    return 0

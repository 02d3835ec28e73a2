"""``spikecuda kernels``: the kernels behind the models; ``list``, ``show`` and ``rules``."""

import argparse
from typing import Any


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command and its subcommands to the parser."""
    from spikecuda.cli import inspect, kernellist, kernelrules, kernelshow

    parser = commands.add_parser(
        "kernels",
        help="list kernels with their resources; show source, PTX, SASS, assembly",
        description="Look at the kernels that models become.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for module in (kernellist, kernelshow, kernelrules, inspect):
        module.add(actions, common)

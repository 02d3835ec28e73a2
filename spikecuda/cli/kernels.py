"""``spikecuda kernels``: the kernels behind the models; ``list`` and ``show``."""

import argparse
from typing import Any


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command and its subcommands to the parser."""
    from spikecuda.cli import inspect, kernellist, kernelshow

    parser = commands.add_parser(
        "kernels",
        help="list kernels with their resources; show source, PTX, SASS, assembly",
        description="Look at the kernels that models become.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for module in (kernellist, kernelshow, inspect):
        module.add(actions, common)


def add_structure(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a kernel's structure."""
    parser.add_argument(
        "--input", default="constant", metavar="KIND",
        help="none, constant (one current for all), per-neuron, wave, drive, noise, poisson; "
        "several joined with + (default: constant)",
    )  # fmt: skip
    parser.add_argument("--substeps", type=int, default=1, metavar="K", help="default 1")
    parser.add_argument(
        "--arch", default="9.0", metavar="X.Y", help="compute capability (default 9.0)"
    )

"""Commands that an MPI launcher starts several times: one network over all, one that speaks."""

import argparse


def take_part(args: argparse.Namespace) -> bool:
    """Let a network run over the processes of MPI if there are several; tell whether to speak.

    ``mpiexec -n 4 spikecuda run NAME`` needs no option for it.

    Args:
        args: of the command; ``device`` becomes "mpi" unless another one is asked for, and a list
            if there are commas in it.

    Raises:
        DeviceError: mpi4py or an MPI is missing.
    """
    from spikecuda.network.device_names import MPI
    from spikecuda.network.ranks.library import launched
    from spikecuda.network.ranks.ranks import all_ranks

    if args.device is None and launched() > 1:
        args.device = MPI
    names = (args.device or "").split(",")
    if len(names) > 1:
        args.device = names
    return names[0] != MPI or all_ranks().rank == 0

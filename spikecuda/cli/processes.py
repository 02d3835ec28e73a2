"""Commands that an MPI launcher starts several times: one network over all, one that speaks."""

import argparse

from spikecuda.errors import SpikecudaValueError


def take_part(args: argparse.Namespace) -> bool:
    """Let a network run over the processes of MPI if there are several; tell whether to speak.

    ``mpiexec -n 4 spikecuda run NAME`` needs no option for it.

    Args:
        args: of the command; ``device`` becomes "mpi" unless another one is asked for, and a list
            if there are commas in it.

    Raises:
        DeviceError: mpi4py or an MPI is missing.
        SpikecudaValueError: there are several, and each would simulate the whole network.
    """
    from spikecuda.network.device_names import MPI
    from spikecuda.network.ranks.library import launched
    from spikecuda.network.ranks.ranks import all_ranks

    if args.device is None and launched() > 1:
        args.device = MPI
    names = (args.device or "").split(",")
    if len(names) > 1:
        args.device = names
    if names[0] == MPI:
        return all_ranks().rank == 0
    remedy = ",".join([MPI, *(name for name in names if name != MPI)])
    require_alone(f"--device {','.join(names)}", f"use --device {remedy}")
    return True


def require_alone(what: str, remedy: str) -> None:
    """Raise SpikecudaValueError if a launcher of MPI started this process several times.

    Args:
        what: is for one process.
        remedy: what to do instead.
    """
    from spikecuda.network.ranks.library import launched

    count = launched()
    if count > 1:
        raise SpikecudaValueError(
            f"{what} is for one process (got {count} of an MPI job), of which each would do "
            f"and write the whole; {remedy}"
        )

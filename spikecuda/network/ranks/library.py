"""Where the MPI that mpi4py uses is, and whether it started this process."""

import os

# Variables that launchers set: MPICH and Intel, Open MPI, Slurm with PMIx.
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK")


def launched() -> int:
    """Return of how many processes a launcher of MPI made this one; 1: none did."""
    for name in SIZES:
        value = os.environ.get(name, "")
        if value.isdigit():
            return int(value)
    return 1


def launched_rank() -> int:
    """Return which of the processes of a launcher this one is, from 0 on."""
    for name in RANKS:
        value = os.environ.get(name, "")
        if value.isdigit():
            return int(value)
    return 0


def library_of(extension: str) -> str | None:
    """Return the path of the MPI that mpi4py's extension module is linked to; None: look anywhere.

    Args:
        extension: path of the module.
    """
    try:
        with open("/proc/self/maps", encoding="utf-8") as maps:
            paths = {line.split()[-1] for line in maps if "/libmpi" in line}
    except OSError:
        return None
    named = [
        path for path in paths if os.path.basename(path).startswith(("libmpi.so", "libmpi_abi"))
    ]
    return min(named or paths, key=len, default=None)

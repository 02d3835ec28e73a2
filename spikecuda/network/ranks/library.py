"""Where the MPI that mpi4py uses is."""

import os


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

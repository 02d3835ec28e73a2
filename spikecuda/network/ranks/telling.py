"""What all processes of an MPI job do together, and must know of if one of them fails."""

import contextlib
from collections.abc import Sequence

from spikecuda.devices.base import Device
from spikecuda.network.device_names import MPI
from spikecuda.network.ranks.library import launched
from spikecuda.network.ranks.ranks import all_ranks


def join_job(devices: Sequence[str | Device]) -> None:
    """Meet the other processes of a network over several: if one fails from now on, all end.

    Where no launcher is known, a network that is only described needs no MPI.

    Args:
        devices: of the network.

    Raises:
        DeviceError: mpi4py or an MPI is missing.
    """
    if MPI in devices and launched() > 1:
        all_ranks()


def telling(
    devices: Sequence[str | Device], later: bool = False
) -> contextlib.AbstractContextManager[None]:
    """Tell all processes of a network, if it is over several, what one raises in the block.

    Args:
        devices: of the network.
        later: when processes next meet, and not now.
    """
    if MPI not in devices:
        return contextlib.nullcontext()
    return all_ranks().telling(later)

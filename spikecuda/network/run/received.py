"""What a transport to other processes hands over, checked before kernels and loops read it."""

from collections.abc import Sequence

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.network.run.partition import NUMBER, STEP_BITS


def require_spikes(
    received: object, partitions: int, first: int, end: int, neurons: int
) -> list[np.ndarray]:
    """Return what ``SpikeExchange.swap`` returned; raise if it is not a window's spikes.

    Args:
        received: what it returned.
        partitions: lists that there must be.
        first, end: the window's first step, and the one after its last.
        neurons: of the network; their numbers are below it.
    """
    if not isinstance(received, Sequence) or len(received) != partitions:
        raise SpikecudaTypeError(
            f"exchange.swap must return a list of {partitions} arrays, one for each partition here "
            f"(got {shown(received)})"
        )
    for spikes in received:
        if not isinstance(spikes, np.ndarray) or spikes.dtype != np.int64 or spikes.ndim != 1:
            raise SpikecudaTypeError(
                "exchange.swap must return 1-D int64 arrays, spikes as it was given them (got "
                f"{shown(spikes)})"
            )
        if not spikes.size:
            continue
        numbers = spikes & NUMBER
        inside = first << STEP_BITS <= spikes[0] and spikes[-1] < end << STEP_BITS
        if not inside or numbers.max() >= neurons or (spikes[1:] < spikes[:-1]).any():
            raise SpikecudaValueError(
                f"exchange.swap must return sorted spikes (step << {STEP_BITS} | neuron) of the "
                f"steps {first:,} to {end - 1:,} and the neurons 0 to {neurons - 1:,} (got "
                f"{shown(spikes)})"
            )
    return list(received)

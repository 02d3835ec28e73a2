"""Lists of devices, and histories that are as short as can be, for tests of synapses on devices."""

import contextlib
from unittest import mock

from spikecuda.network.run import device_histories

DEVICES = (
    ["cuda-emu:0"], ["cuda-emu:0", "cpu:0"], ["cuda-emu:0", "cuda-emu:1"],
    ["cpu:0", "cuda-emu:0", "cuda-emu:0"],
)  # fmt: skip


@contextlib.contextmanager
def short_histories():
    """Let histories hold what they must and no more, so that sweeps are frequent."""
    with (
        mock.patch.object(device_histories, "SPARE", 0),
        mock.patch.object(device_histories, "SECTOR", 1),
    ):
        yield

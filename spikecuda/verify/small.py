"""A small run of every kind of kernel: ``python -m spikecuda.verify.small cuda:0``.

It is what compute-sanitizer watches: sizes that do not fill the last warp, several batches, a
replayed graph.
"""

import sys
from collections.abc import Sequence

from spikecuda.devices.base import Device
from spikecuda.devices.open import open_device
from spikecuda.verify.cases import Case
from spikecuda.verify.correctness import SPIKE_BYTES, Variation, simulate

WAY = Variation(neurons=129, splits=(20,), batch=64, block=64, window=8)
CASES = (
    Case("lif", "exact", "float16", "everything"),
    Case("adex", "euler", "float32", "bias"),
    Case("izhikevich", "half_steps", "float64", "noise"),
)


def small_run(device: Device, cases: Sequence[Case] | None = None) -> str:
    """Run one case of each model, or the cases given; return in words what was done."""
    spikes = 0
    for case in cases or CASES:
        device.block = WAY.block
        spikes += len(simulate(case, WAY, device)["spikes"]) // SPIKE_BYTES
    names = ", ".join(case.name for case in cases or CASES)
    return f"{names}: {WAY.neurons} neurons, {sum(WAY.splits)} steps, {spikes} spikes"


def main(name: str) -> None:
    """Run on a device given by its name."""
    device = open_device(name)
    try:
        print(small_run(device))
    finally:
        device.close()


if __name__ == "__main__":
    main(sys.argv[1])

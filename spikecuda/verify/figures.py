"""A seam to ``kernels.inspection``: what a GPU's figures allow a kernel at most."""

import math
from typing import Any

from spikecuda.devices.base import Device
from spikecuda.errors import DeviceError, SpikecudaError
from spikecuda.inspection import inspected, lower_bound, profile
from spikecuda.inspection.gpus import GPU, GPUS
from spikecuda.kernels.spec import KernelSpec
from spikecuda.report.results import Skipped
from spikecuda.verify.results import Figures


def figures_of(device: Device) -> tuple[Figures | None, str]:
    """Return a device's figures, or None and why there are none.

    A GPU's driver tells them; where it leaves some out, and for an emulated device, they are the
    published ones of a GPU of the same name or compute capability.
    """
    ask = getattr(device, "figures", None)
    cc: tuple[int, int] = getattr(device, "cc", (0, 0))
    try:
        told: dict[str, Any] = ask() if ask is not None else {}
    except DeviceError as error:
        return None, str(error)
    if told and all(value > 0 for value in told.values()):
        told["multiprocessors"] = int(told["multiprocessors"])
        return Figures(device.description.split(",")[0], source="the driver", **told), ""
    for gpu in sorted(GPUS, key=lambda g: -len(g.name)):
        named = gpu.name.replace("RTX ", "") in device.description
        if gpu.cc == cc and (named or not told):
            return Figures(
                gpu.name, gpu.multiprocessors, gpu.clock, gpu.bandwidth, gpu.l2, gpu.source
            ), ""
    missing = ", ".join(name for name, value in told.items() if not value > 0)
    return None, f"the driver does not tell {missing or 'anything'} of {device.description}"


class Bounds:
    """Upper bounds of throughput on one GPU.

    Args:
        figures: of the GPU, or None if they are unknown.
        cc: compute capability of its kernels.
        missing: why the figures are unknown.

    Attributes:
        skipped: bounds that could not be computed, and why.
    """

    def __init__(self, figures: Figures | None, cc: tuple[int, int], missing: str = "") -> None:
        self.skipped: list[Skipped] = []
        self._profiles: dict[tuple[KernelSpec, float], Any] = {}
        self._gpu: GPU | None = None
        if figures is None:
            self.skipped.append(Skipped("bounds of throughput", missing))
        else:
            self._gpu = GPU(
                figures.name, cc, figures.multiprocessors, figures.clock, figures.bandwidth,
                figures.l2, figures.source,
            )  # fmt: skip

    def rate(
        self, spec: KernelSpec, neurons: int, steps: int, spikes: float
    ) -> tuple[float | None, str]:
        """Return the most neuron updates per second, or None, and what limits them.

        Args:
            spec: the kernel.
            neurons: in a launch.
            steps: in a launch.
            spikes: mean rate of a neuron, Hz.
        """
        if self._gpu is None:
            return None, ""
        # Twice the rate hardly changes a bound: one profile for each factor of two.
        rate = 2.0 ** round(math.log2(max(spikes, 1.0)))
        key = (spec, rate)
        if key not in self._profiles:
            try:
                self._profiles[key] = profile(inspected(spec, self._gpu.cc), rate=rate)
            except SpikecudaError as error:
                self._profiles[key] = None
                self.skipped.append(Skipped(f"bound of {spec.name}", str(error)))
        if self._profiles[key] is None:
            return None, ""
        found = lower_bound(self._profiles[key], self._gpu, neurons, steps)
        return found.updates, found.binding

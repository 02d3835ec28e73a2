"""A lower bound of the time that a launch takes, from published figures only.

Never a measurement: no instruction latency, no cache miss, no launch overhead is in it, so a real
GPU takes longer.  ``docs/inspection.md`` states the model.
"""

import math
from dataclasses import dataclass

from spikecuda.devices.occupancy import Occupancy, occupancy
from spikecuda.errors import SpikecudaValueError
from spikecuda.inspection.gpus import GPU
from spikecuda.inspection.mix import Profile
from spikecuda.inspection.pipes import RESOURCES

BLOCK = 128  # threads, as spikecuda.devices.cuda.device launches
WARP = 32


@dataclass(frozen=True)
class Prediction:
    """The least time of one launch.

    Attributes:
        gpu: which GPU.
        neurons: in the launch.
        steps: time steps in the launch, K.
        limits: seconds that each limit alone asks for, by its name.
        occupancy: of the kernel on this GPU.
    """

    gpu: GPU
    neurons: int
    steps: int
    limits: dict[str, float]
    occupancy: Occupancy

    @property
    def seconds(self) -> float:
        """The largest of the limits."""
        return max(self.limits.values())

    @property
    def binding(self) -> str:
        """Which limit binds."""
        return max(self.limits, key=lambda name: self.limits[name])

    @property
    def updates(self) -> float:
        """Neuron updates per second at most."""
        return self.neurons * self.steps / self.seconds


def lower_bound(profile: Profile, gpu: GPU, neurons: int, steps: int) -> Prediction:
    """Return the least time that a launch can take.

    Args:
        profile: of the kernel, compiled for the GPU's compute capability.
        gpu: published figures.
        neurons: in the launch.
        steps: time steps in the launch, K.

    Raises:
        SpikecudaValueError: the kernel is compiled for another GPU, or there is nothing to do.
    """
    subject = profile.subject
    if subject.cc != gpu.cc:
        raise SpikecudaValueError(
            f"{gpu.name} needs a kernel for compute capability {gpu.cc} (got {subject.cc}); "
            "inspect the kernel for that one"
        )
    if neurons < 1 or steps < 1:
        raise SpikecudaValueError(
            f"neurons and steps must be >= 1 (got {neurons} and {steps}); pass larger numbers"
        )
    loop = profile.main if steps >= profile.main.steps else profile.single
    # The multiprocessor with the most blocks is the last to finish.
    blocks = math.ceil(math.ceil(neurons / BLOCK) / gpu.multiprocessors)
    warps = blocks * (BLOCK // WARP)
    limits = {}
    for resource in RESOURCES[gpu.cc]:
        results = WARP * sum(profile.once[p] + steps * loop.per_step[p] for p in resource.pipes)
        if results:
            limits[resource.name] = warps * results / resource.lanes / (gpu.clock * 1e6)
    moved = neurons * (
        sum(profile.launch_bytes.values()) + steps * sum(profile.step_bytes.values())
    )
    # What the L2 cache holds may never go to memory, or come from it.
    limits["DRAM"] = max(0.0, moved - gpu.l2 * 1e6) / (gpu.bandwidth * 1e9)
    return Prediction(
        gpu,
        neurons,
        steps,
        limits,
        occupancy(gpu.cc, subject.facts.registers, BLOCK, subject.facts.shared),
    )

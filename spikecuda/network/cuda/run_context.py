"""What the parts of a run on a CUDA device share: the request, and memory for the run."""

import contextlib
from typing import Any

import numpy as np

from spikecuda.devices.memory import Buffer
from spikecuda.devices.work import Staging
from spikecuda.network.cuda.resident import Resident
from spikecuda.network.run.partition import RunRequest
from spikecuda.network.run.window import chunk_steps

# Samples that are held on the device, in bytes.
TRACE_BYTES = 16 << 20


class RunContext:
    """What the parts of one run on a device share, and buffers that are freed at its end.

    Args:
        resident: what stays on the device between runs.
        request: what the run asks.

    Attributes:
        device: where it runs.
        most_steps: the most steps of one call of ``DeviceRun.advance``.
    """

    def __init__(self, resident: Resident, request: RunRequest) -> None:
        self.resident, self.request, self.device = resident, request, resident.device
        samples = sum(t.ids.size * 8 / t.every for t in request.traces)
        fits = int(TRACE_BYTES / samples) if samples else request.steps
        longest = chunk_steps(request.drives, request.window)
        self.most_steps = max(request.window, min(resident.windows * request.window, longest, fits))
        self._temporary: list[Buffer] = []
        self._staged: list[Staging] = []

    def new(self, name: str, size: int, dtype: Any) -> Buffer:
        """Return a zeroed buffer that is given back at the end of the run."""
        buffer = self.resident.allocate(name, size, dtype)
        self._temporary.append(buffer)
        return buffer

    def put(self, name: str, values: np.ndarray) -> Buffer:
        """Return such a buffer with values."""
        buffer = self.resident.put(name.strip("_"), np.ascontiguousarray(values))
        self._temporary.append(buffer)
        return buffer

    def staged(self, name: str, size: int, dtype: Any) -> Staging:
        """Return such a buffer with host memory that it is copied from or to."""
        staging = self.device.stage(self.new(name, size, dtype))
        self._staged.append(staging)
        return staging

    def close(self) -> None:
        """Give the buffers back."""
        with contextlib.ExitStack() as stack:
            for buffer in self._temporary:
                stack.callback(self.resident.free, buffer)
            for staging in self._staged:
                stack.callback(self.device.unstage, staging)
        self._temporary, self._staged = [], []

"""A run of a partition, window by window."""

import contextlib
from typing import Any

import numpy as np

from spikecuda.backends.base import Buffer, Graph, Kernel
from spikecuda.drive import Drive
from spikecuda.kernels.spec import STREAM_DITHER_STEP
from spikecuda.partition import Partition
from spikecuda.seed import keys


class PartitionRun:
    """One run of a partition: its buffers, its graph, its windows.

    Args:
        partition: whose run.
        kernel: built for the partition's device.
        drive: the input, of the whole population.
        start: number of the first step.
        total: steps of the run.
        window: steps of a launch.
        traced: states that are recorded.
    """

    def __init__(
        self,
        partition: Partition,
        kernel: Kernel,
        drive: Drive,
        start: int,
        total: int,
        window: int,
        traced: tuple[str, ...],
    ) -> None:
        self.partition, self.kernel, self.drive = partition, kernel, drive
        self.device, self.window, self.start, self.done = partition.device, window, start, 0
        self._traced = traced
        self._temporary: list[Buffer] = []
        self._graph: Graph | None = None
        self._whole = partition.count == drive.count
        try:
            self._values = self._buffers()
            self.device.write(self._values["_clock"], np.array([start], np.int64))
            if total >= 2 * window:
                self._graph = self.device.capture(lambda: self.enqueue(window))
        except BaseException:
            self.close()
            raise

    def feed(self, steps: int) -> None:
        """Write the inputs of the next window."""
        window = self.drive.window(self.start + self.done, self.done, steps)
        for name, array in window.items():
            if name == "_drive" and not self._whole:
                first = self.partition.first
                part = array.reshape(steps, -1)[:, first : first + self.partition.count]
                array = np.ascontiguousarray(part).reshape(-1)
            self.device.write(self._values[name], array)
        words = self.kernel.spec.dither_words
        if words:
            self.device.write(self._values["_dither"], self._step_words(steps, words))

    def launch(self, steps: int) -> None:
        """Run a window and wait for it."""
        if self._graph is not None and steps == self.window:
            self._graph.replay()
        else:
            self.enqueue(steps)
        self.device.synchronize()
        self.done += steps

    def bits(self, steps: int) -> np.ndarray:
        """Return the spike bits of the last window, uint32, ``steps`` rows of words."""
        return self.device.read(self._values["_bits"], steps * self.partition.words)

    def trace(self, name: str, steps: int) -> np.ndarray:
        """Return a recorded state of the last window, shape (steps, neurons)."""
        rows = self.device.read(self._values[f"_trace_{name}"], steps * self.partition.count)
        return rows.reshape(steps, self.partition.count)

    def close(self) -> None:
        """Give back what only the run needs."""
        with contextlib.ExitStack() as stack:
            for buffer in self._temporary:
                stack.callback(self.partition.free, buffer)
            if self._graph is not None:
                stack.callback(self._graph.close)
        self._graph, self._temporary = None, []

    def enqueue(self, steps: int) -> None:
        """Launch a window: what a graph captures."""
        if self.kernel.needs_cleared_bits:
            self.device.clear(self._values["_bits"])
        values = {**self._values, "_steps": np.int64(steps)}
        arguments = [values[a.name] for a in self.kernel.spec.arguments]
        self.device.launch(self.kernel, arguments, self.partition.batches)
        self.device.advance(values["_clock"], steps)

    def _buffers(self) -> dict[str, Any]:
        """Return the kernel's arguments by name, allocating what the run needs."""
        partition, drive, n = self.partition, self.drive, self.partition.count
        values = partition.arguments()
        values["_bits"] = partition.bits_for(self.window)
        sizes = {"_drive": self.window * n, "_dither": self.window * self.kernel.spec.dither_words}
        for argument in self.kernel.spec.arguments:
            name = argument.name
            fixed = drive.fixed.get(name)
            if name in values:
                continue
            if not argument.array:
                values[name] = fixed
                continue
            if fixed is not None:
                fixed = np.asarray(fixed)
                if fixed.size == drive.count and name not in drive.tables:
                    fixed = fixed[partition.first : partition.first + n]
                size = fixed.size
            else:
                size = (
                    self.window * n if name.startswith("_trace_") else sizes.get(name, self.window)
                )
            buffer = partition.allocate(name.lstrip("_"), size, argument.dtype)
            self._temporary.append(buffer)
            values[name] = buffer
            if fixed is not None:
                self.device.write(buffer, fixed)
        return values

    def _step_words(self, steps: int, words: int) -> np.ndarray:
        """Return the random words of float16 rounding for a window."""
        from spikecuda.kernels.render import load_host

        out = np.empty(steps * words, np.uint32)
        load_host("draw").step_words(
            np.int64(self.start + self.done), steps, words, np.uint32(STREAM_DITHER_STEP),
            *keys(self.partition.plan.seed), out,
        )  # fmt: skip
        return out

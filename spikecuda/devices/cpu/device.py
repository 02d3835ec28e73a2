"""The CPU: njit kernels over chunks that stay in L1, on the threads of this process."""

from collections.abc import Callable, Sequence
from typing import Any

from spikecuda.common.arguments import as_count
from spikecuda.common.cores import usable_cores
from spikecuda.common.device_threads import DeviceThreads
from spikecuda.common.host_memory import cpu_name
from spikecuda.devices import tuning_cache
from spikecuda.devices.host_device import HostMemoryDevice, ranged
from spikecuda.devices.kinds import CPU
from spikecuda.devices.memory import Buffer
from spikecuda.devices.work import Kernel
from spikecuda.kernels.routines import Spec
from spikecuda.kernels.spec import KernelSpec

# A thread is worth waking for this many neurons, unless ``spikecuda bench tune`` has found better.
NEURONS_PER_THREAD = 2048
# Spike bits that stay in a 1 MB cache until they are drained; 4 MB is 10 % slower.
WINDOW_BYTES = 2 << 20
MAX_THREADS = 4096


class CpuDevice(HostMemoryDevice):
    """This machine's processor.

    Args:
        threads: number of threads; None takes every core that the process may use.
    """

    kind = CPU

    def __init__(self, threads: int | None = None) -> None:
        super().__init__()
        self.threads = usable_cores()
        if threads is not None:
            self.threads = as_count("threads", threads, 1, MAX_THREADS)
        self.name = "cpu"
        self.window_bytes = WINDOW_BYTES
        self.speed = float(self.threads)
        plural = "s" if self.threads > 1 else ""
        self.description = f"{cpu_name()}, {self.threads} thread{plural}"
        self._threads = DeviceThreads(self.threads, "spikecuda")

    def _prepare(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> list[Callable[[], None]]:
        """Return one launch: the batches, shared out among the threads."""
        ready = ranged(kernel, arguments, batches)

        def work(part: Sequence[list[Any]]) -> Callable[[], None]:
            def run() -> None:
                for mine in part:
                    kernel.function(*mine)

            return run

        workers = min(self.threads, len(batches))
        bounds = [len(batches) * i // workers for i in range(workers + 1)]
        jobs = [work(ready[bounds[i] : bounds[i + 1]]) for i in range(workers)]
        if workers == 1:
            return jobs

        def all_of_them() -> None:
            self.together(jobs)

        return [all_of_them]

    def together(self, jobs: Sequence[Callable[[], Any]]) -> list[Any]:
        """Call functions on the threads, the last one on this thread."""
        if len(jobs) < 2 or self.threads < 2:
            return [job() for job in jobs]
        return self._threads.together(jobs, here=True)

    def _advance(self, clock: Buffer, steps: int) -> Callable[[], None]:
        from spikecuda.kernels.cpu_loops.clock import advance_clock

        data = clock.data
        return lambda: advance_clock(data, steps)

    def preferred_batch(self, count: int, spec: KernelSpec) -> int:
        """Return an equal share for each thread that is worth waking."""
        worth = (
            tuning_cache.lookup(self.description, spec, "neurons_per_thread") or NEURONS_PER_THREAD
        )
        workers = max(1, min(self.threads, int(count // worth)))
        share = -(-count // workers)
        return -(-share // 1024) * 1024

    def _close(self) -> None:
        """Give everything back and end the threads."""
        super()._close()
        self._threads.close()

    def _build(self, spec: Spec) -> Kernel:
        from spikecuda.kernels.compile.cpu import build

        assert isinstance(spec, KernelSpec)  # the rest of a network is native loops here
        return Kernel(spec, build(spec), 0.0)

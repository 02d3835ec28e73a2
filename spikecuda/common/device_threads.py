"""A crew: one thread of the host for each device."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any


class DeviceThreads:
    """Threads that work for devices side by side.

    Args:
        size: the most jobs at a time.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._executor: ThreadPoolExecutor | None = None

    def together(self, jobs: Sequence[Callable[[], Any]]) -> None:
        """Do jobs side by side; the first error is raised once all of them have ended.

        A single job is done on the calling thread.
        """
        if len(jobs) == 1:
            jobs[0]()
            return
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._size, thread_name_prefix="spikecuda-device")
        tasks = [self._executor.submit(job) for job in jobs]
        try:
            for task in tasks:
                task.result()
        finally:
            # An interrupt, too, leaves no device at work.
            wait(tasks)

    def close(self) -> None:
        """End the threads; a closed crew can be used again."""
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = None

"""Threads of the host that work side by side: one for each device, or for each part of one."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from spikecuda.common.fork import follow
from spikecuda.errors import DeviceError


class DeviceThreads:
    """Threads that work for devices side by side; a forked child starts its own.

    Args:
        size: the most jobs at a time.
        name: of the threads, for debuggers.
    """

    def __init__(self, size: int, name: str = "spikecuda-device") -> None:
        self._size, self._name = size, name
        self._executor: ThreadPoolExecutor | None = None
        self._started = 0
        follow(self)

    def after_fork(self) -> None:
        """Forget threads that a child process does not have."""
        self._executor = None

    def together(self, jobs: Sequence[Callable[[], Any]], here: bool = False) -> list[Any]:
        """Do jobs side by side; a single one on the calling thread.

        Args:
            jobs: what to do.
            here: whether the calling thread does the last one.

        Returns:
            Their results; the first error is raised once all of them have ended.

        Raises:
            DeviceError: the threads cannot be started; no job has begun.
        """
        if len(jobs) == 1:
            return [jobs[0]()]
        others = jobs[:-1] if here else jobs
        executor = self._ready(len(others))
        tasks = [executor.submit(job) for job in others]
        try:
            last = [jobs[-1]()] if here else []
            return [*(task.result() for task in tasks), *last]
        except BaseException:
            # An interrupt, too, leaves no device at work and every neuron at the same step.
            wait(tasks)
            raise

    def _ready(self, count: int) -> ThreadPoolExecutor:
        """Return an executor with as many threads: jobs may wait for each other."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._size, thread_name_prefix=self._name)
            self._started = 0
        if count > self._started:
            go = threading.Event()
            try:
                for _ in range(count):
                    self._executor.submit(go.wait)
            except RuntimeError as error:
                go.set()
                self.close()
                raise DeviceError(
                    f"{count} threads must start side by side (got {error}); use fewer threads, or "
                    "allow the process more (ulimit -u)"
                ) from error
            finally:
                go.set()
            self._started = count
        return self._executor

    def close(self) -> None:
        """End the threads; they start again when they are needed."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()

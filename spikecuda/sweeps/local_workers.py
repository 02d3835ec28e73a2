"""Processes of this machine that work on points, one point each at a time."""

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import types
from collections.abc import Generator, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from spikecuda.errors import SpikecudaError
from spikecuda.kernels.compile import one_compiler
from spikecuda.sweeps.grid import Point
from spikecuda.sweeps.sent_function import MAIN, SentFunction
from spikecuda.sweeps.work import Outcome, run_point

# Libraries that would start a thread for each core in every worker.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
# Seconds for a worker to end by itself before it is killed.
PATIENCE = 2.0


def serve(connection: Connection, function: SentFunction, lock: str) -> None:
    """Work on points until there are no more; what a worker does.

    Args:
        connection: gives (index, point), and takes outcomes; first whether it all is ready.
        function: what is called.
        lock: a file of the workers together: who has it locked may compile.
    """
    # Ctrl-C reaches all processes of a terminal, and only the first one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    one_compiler.share(lock)
    try:
        function.load()
    except SpikecudaError as error:
        connection.send(error)
        return
    connection.send(None)
    with contextlib.suppress(EOFError, OSError):  # the other end has gone
        while (job := connection.recv()) is not None:
            outcome = run_point(function, *job)
            one_compiler.release()
            connection.send(outcome)


class Worker:
    """A process, and the point that it works on.

    Args:
        context: of multiprocessing.
        function, lock: see ``serve``.
    """

    def __init__(self, context: Any, function: SentFunction, lock: str) -> None:
        self.connection, other = context.Pipe()
        self.process = context.Process(
            target=serve, args=(other, function, lock), name="spikecuda-sweep"
        )
        with _child_settings(function.needs_main):
            self.process.start()
        other.close()
        self.ready = False
        self.job: int | None = None

    def give(self, index: int, point: Point) -> None:
        """Let it work on a point."""
        self.job = index
        with contextlib.suppress(OSError):  # it has ended, as wait() will tell
            self.connection.send((index, point))

    def end(self, kill: bool) -> None:
        """End the process, now or when it has nothing to do."""
        if kill:
            self.process.kill()
        else:
            with contextlib.suppress(OSError):
                self.connection.send(None)
        self.process.join(PATIENCE)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        self.connection.close()


class LocalWorkers:
    """Some processes that share the work and the cache of kernels.

    They start as new interpreters, one core each.  What one compiles, the others wait for and read
    from the cache.  A process that ends is a failure of the point that it worked on.

    Args:
        function: what is called.
        count: how many.
    """

    def __init__(self, function: SentFunction, count: int) -> None:
        self._function, self._count = function, count
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[Worker] = []
        self._lock = ""

    def run(self, points: Iterable[tuple[int, Point]]) -> Generator[Outcome, None, None]:
        """Yield the outcomes as they come.

        Raises:
            SpikecudaError: workers cannot start.
        """
        jobs = iter(points)
        finished = False
        with tempfile.TemporaryDirectory(prefix="spikecuda-sweep-") as folder:
            self._lock = os.path.join(folder, "compiling")
            try:
                self._workers = [self._worker() for _ in range(self._count)]
                for worker in self._workers:
                    self._next(worker, jobs)
                while busy := [worker for worker in self._workers if worker.job is not None]:
                    for connection in wait([worker.connection for worker in busy]):
                        worker = next(w for w in busy if w.connection is connection)
                        outcome = self._hear(worker)
                        if outcome is not None:
                            self._go_on(worker, jobs)
                            yield outcome
                finished = True
            finally:
                self._close(kill=not finished)

    def rest(self) -> list[Outcome]:
        """Return outcomes that are there and were not yielded."""
        found = []
        for worker in self._workers:
            if worker.job is not None and worker.ready and worker.connection.poll():
                outcome = self._hear(worker)
                found += [outcome] if outcome is not None else []
        return found

    def _worker(self) -> Worker:
        return Worker(self._context, self._function, self._lock)

    def _next(self, worker: Worker, jobs: Iterator[tuple[int, Point]]) -> None:
        worker.job = None
        job = next(jobs, None)
        if job is not None:
            worker.give(*job)

    def _go_on(self, worker: Worker, jobs: Iterator[tuple[int, Point]]) -> None:
        """Give a worker its next point; another process takes the place of one that has ended."""
        if worker.process.exitcode is None:
            self._next(worker, jobs)
            return
        worker.job = None
        worker.end(kill=True)
        self._workers.remove(worker)
        job = next(jobs, None)
        if job is not None:
            other = self._worker()
            self._workers.append(other)
            other.give(*job)

    def _hear(self, worker: Worker) -> Outcome | None:
        """Return what a worker says of its point; None if it only says that it is ready."""
        assert worker.job is not None
        try:
            said = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join()
            code = worker.process.exitcode
            if not worker.ready:
                raise SpikecudaError(
                    f"the workers of a sweep must be able to start (one ended with exit code "
                    f"{code}; what it wrote is above); in a script, call sweep under "
                    'if __name__ == "__main__":, or use fewer workers if memory is short'
                ) from None
            return Outcome(worker.job, error=f"WorkerEnded: {_cause(code)}")
        if isinstance(said, SpikecudaError):
            raise said
        if said is None:
            worker.ready = True
            return None
        assert isinstance(said, Outcome)
        return said

    def _close(self, kill: bool) -> None:
        workers, self._workers = self._workers, []
        for worker in workers:
            if kill:
                worker.process.kill()
            else:
                with contextlib.suppress(OSError):
                    worker.connection.send(None)
        for worker in workers:
            worker.end(kill)


def _cause(code: int | None) -> str:
    """Return why a process ended, in words."""
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = "; the system does that when memory runs out" if name == "SIGKILL" else ""
        return f"the process was ended by {name}{hint}"
    return f"the process ended with exit code {code}"


@contextlib.contextmanager
def _child_settings(needs_main: bool) -> Iterator[None]:
    """Let a process that starts in this block have one thread a library, and no Ctrl-C.

    Args:
        needs_main: whether it imports the script that this process runs; else it does not, so that
            a script need not protect what it does with ``if __name__ == "__main__":``.
    """
    with contextlib.ExitStack() as undo:
        for name in THREADS:
            if name not in os.environ:
                os.environ[name] = "1"
                undo.callback(os.environ.pop, name, None)
        if hasattr(signal, "pthread_sigmask") and _in_main_thread():
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            undo.callback(signal.pthread_sigmask, signal.SIG_SETMASK, before)
        if not needs_main:
            undo.callback(sys.modules.__setitem__, MAIN, sys.modules[MAIN])
            sys.modules[MAIN] = types.ModuleType(MAIN)
        yield


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()

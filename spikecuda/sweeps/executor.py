"""Points that an executor of ``concurrent.futures`` works on."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from typing import Any, Protocol

from spikecuda.errors import SpikecudaError
from spikecuda.sweeps.grid import Point
from spikecuda.sweeps.sent_function import SentFunction
from spikecuda.sweeps.work import Outcome, failure, run_point

# Points that an executor has at a time; it may have many workers.
IN_FLIGHT = 4096


class Executor(Protocol):
    """What runs calls elsewhere: an executor of ``concurrent.futures``, or one like it."""

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Return a ``concurrent.futures.Future`` of a call."""


class ExecutorWork:
    """The points of a sweep that an executor does; it is not shut down.

    Args:
        function: what is called, as it is or as it is sent.
        executor: where.
    """

    def __init__(self, function: Callable[..., Any] | SentFunction, executor: Executor) -> None:
        self._function, self._executor = function, executor
        self._waiting: dict[Future[Outcome], int] = {}

    def run(self, points: Iterable[tuple[int, Point]]) -> Generator[Outcome, None, None]:
        """Yield the outcomes as they come.

        Raises:
            SpikecudaError: a worker cannot load the function.
        """
        waiting, left = self._waiting, iter(points)
        try:
            while True:
                while len(waiting) < IN_FLIGHT and (job := next(left, None)) is not None:
                    waiting[self._executor.submit(run_point, self._function, *job)] = job[0]
                if not waiting:
                    return
                ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield self._take(future)
        finally:
            for future in waiting:
                future.cancel()

    def rest(self) -> list[Outcome]:
        """Return outcomes that are there and were not yielded; what has not begun never does."""
        ended = [f for f in self._waiting if not f.cancel() and f.done()]
        return [self._take(future) for future in ended]

    def _take(self, future: "Future[Outcome]") -> Outcome:
        index = self._waiting.pop(future)
        try:
            return future.result()
        except SpikecudaError:  # the function cannot be loaded, for no point
            raise
        except (Exception, CancelledError) as error:
            return failure(index, error)

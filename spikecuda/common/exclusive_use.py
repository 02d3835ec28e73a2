"""One thread at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from spikecuda.errors import SpikecudaError


class ExclusiveUse:
    """Lets one thread at a time use something; another one is refused at once.

    Args:
        what: the word for it in messages, such as "pool".
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._lock = threading.RLock()
        self._running = False

    @contextmanager
    def use(self) -> Iterator[None]:
        """Use it: reading state, in the running thread also from within a run.

        Raises:
            SpikecudaError: another thread is at it.
        """
        if not self._lock.acquire(blocking=False):
            raise SpikecudaError(
                f"the {self.what} is in use in another thread; give each thread a {self.what} of "
                "its own"
            )
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Use it for what cannot happen within a run: resetting, closing, another run.

        Raises:
            SpikecudaError: another thread is at it, or a run is going on.
        """
        with self.use():
            if self._running:
                raise SpikecudaError(f"the {self.what} is running; wait until run() has returned")
            yield

    @contextmanager
    def run(self) -> Iterator[None]:
        """Run it; see ``change``."""
        with self.change():
            self._running = True
            try:
                yield
            finally:
                self._running = False

"""What an input has worked out for a run, kept for the next piece of it."""

import threading
from collections.abc import Callable, Hashable
from typing import TypeVar

Value = TypeVar("Value")
# Entries of an input: chunks of neurons, pages and partitions, runs of several pools at once.
MOST = 256


class Memo:
    """A few values by what they were computed from; results never depend on what it holds."""

    def __init__(self) -> None:
        self._held: dict[Hashable, object] = {}
        # The devices of a system have a thread each.
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return what belongs to a key, made now unless it is there."""
        value: Value | None = self._held.get(key)  # type: ignore[assignment]
        if value is None:
            value = make()
            self.put(key, value)
        return value

    def find(self, key: Hashable) -> object | None:
        """Return what belongs to a key, or None."""
        return self._held.get(key)

    def take(self, other: "Memo", kind: str) -> None:
        """Take over what another one holds under keys that begin with a word."""
        for key, value in list(other._held.items()):
            if isinstance(key, tuple) and key[0] == kind:
                self.put(key, value)

    def put(self, key: Hashable, value: object) -> None:
        """Keep a value; the oldest one is forgotten when there are too many."""
        with self._lock:
            self._held.pop(key, None)
            while len(self._held) >= MOST:
                self._held.pop(next(iter(self._held)))
            self._held[key] = value

    def __reduce__(self) -> tuple[type, tuple[()]]:
        # A copy, also one in another process, works it out again.
        return Memo, ()

"""What a child process that was made by ``os.fork`` must make anew: locks and threads."""

import os
import threading
import weakref
from typing import Protocol


class Forked(Protocol):
    """What has a part that a forked child cannot use."""

    def after_fork(self) -> None:
        """Make that part anew; called in the child, where only the forking thread lives on."""


_followed: "weakref.WeakSet[Forked]" = weakref.WeakSet()


def follow(thing: Forked) -> None:
    """Let a thing be told in every child process that is forked from this one."""
    _followed.add(thing)


class ForkedLock:
    """A reentrant lock that nobody holds in a forked child, whoever held it in the parent."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        follow(self)

    def after_fork(self) -> None:
        """Forget who held it."""
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _tell() -> None:
    for thing in list(_followed):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tell)

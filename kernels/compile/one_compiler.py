"""One process at a time compiles, where several start together and need the same kernels.

A file is locked while a process compiles; the system unlocks it if the process ends.  Where files
cannot be locked (Windows), each process compiles for itself.
"""

import os
from typing import BinaryIO

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]


class OneCompiler:
    """The right to compile, which a process keeps while it compiles functions within functions.

    Args:
        path: of a file that the processes have together.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path, self._depth = path, 0
        self._file: BinaryIO | None = None

    def begin(self) -> None:
        """Wait for the right, unless this process has it."""
        self._depth += 1
        if self._depth == 1 and fcntl is not None:
            self._file = open(self._path, "ab")  # noqa: SIM115
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def end(self) -> None:
        """Give it back when the outermost function is compiled."""
        if self._depth > 1:
            self._depth -= 1
        else:
            self.release()

    def release(self) -> None:
        """Give it back in any case: what was compiled may have failed."""
        self._depth = 0
        if self._file is not None:
            self._file.close()
            self._file = None


_one: OneCompiler | None = None


def share(path: str | os.PathLike[str]) -> None:
    """Compile only while this process has the lock of a file, from now on."""
    global _one
    _one = OneCompiler(path)


def begin() -> bool:
    """Wait until this process may compile; tell whether another one may have done it meanwhile."""
    if _one is None:
        return False
    _one.begin()
    return True


def end() -> None:
    """Say that a function is compiled and kept."""
    if _one is not None:
        _one.end()


def release() -> None:
    """Say that nothing is being compiled."""
    if _one is not None:
        _one.release()

"""A simulator in a process of its own, which has built its network and runs pieces on request."""

import contextlib
import json
import os
import subprocess
import tempfile
from typing import Any

from environments import AbsentError, last_line


class Process:
    """Starts a script that answers as ``turns.py`` says, and keeps what its pieces took.

    Args:
        command: the interpreter, the script and its arguments.
        duration: of a piece, ms.
    """

    def __init__(self, command: list[Any], duration: float) -> None:
        self.duration = duration
        self.pieces: list[dict[str, Any]] = []
        # A pipe that nobody reads would fill.
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 closed below
        self.process = subprocess.Popen(
            [os.fspath(part) if isinstance(part, os.PathLike) else str(part) for part in command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, encoding="utf-8",
        )  # fmt: skip
        try:
            self.built = self._answer()
        except BaseException:
            self.close()
            raise

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                return dict(json.loads(line))
        self.errors.seek(0)
        raise AbsentError(last_line(self.errors.read()))

    def run(self) -> None:
        """Run a piece and keep its figures."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{self.duration}\n")
        self.process.stdin.flush()
        self.pieces.append(self._answer())

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

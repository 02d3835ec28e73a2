"""Run a peer's script in the peer's own Python, with a limit on its time."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikecuda.common.files import write_text
from spikecuda.errors import SpikecudaError, SpikecudaValueError, nearest

HERE = Path(__file__).parent
# What is asked for the version: it must not take long, and loads nothing of the simulator.
PROBE_SECONDS = 20.0


@dataclass(frozen=True)
class Peer:
    """Another simulator.

    Attributes:
        name: as the command line takes it, such as "nest".
        title: as the report writes it.
        module: what is imported.
        distribution: whose version is told.
        script: makes a network from its description, and times it.
        compiles: whether that takes a compiler's time for each size.
    """

    name: str
    title: str
    module: str
    distribution: str
    script: str
    compiles: bool

    @property
    def variable(self) -> str:
        """The environment variable with its interpreter."""
        return f"SPIKECUDA_{self.name.upper()}_PYTHON"


PEERS = {
    peer.name: peer
    for peer in (
        Peer("nest", "NEST", "nest", "nest-simulator", "nest_network.py", False),
        Peer("brian2", "Brian2", "brian2", "brian2", "brian2_network.py", True),
    )
}


class PeerError(SpikecudaError):
    """A peer cannot take part; the message says why."""


class PeerTimeoutError(PeerError):
    """A peer took longer than it was given."""


def as_pythons(texts: list[str]) -> dict[str, str]:
    """Return interpreters by peer from texts like "nest=/opt/nest/bin/python"."""
    found = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if name not in PEERS or not equals or not path:
            raise SpikecudaValueError(
                f"--peers must be NAME=PYTHON with NAME one of {', '.join(PEERS)} (got {text!r})"
                f"{nearest(name, list(PEERS))}; for example nest=/opt/nest/bin/python"
            )
        if not Path(path).expanduser().is_file():
            raise SpikecudaValueError(
                f"--peers {name} must be a Python interpreter (got {path}: no such file); give the "
                "bin/python of the environment that has it"
            )
        found[name] = str(Path(path).expanduser())
    return found


def interpreter(peer: Peer, given: Mapping[str, str]) -> str:
    """Return the Python to run a peer with: given, of its environment variable, or our own."""
    return given.get(peer.name) or os.environ.get(peer.variable) or sys.executable


def version(peer: Peer, python: str) -> str:
    """Return a peer's version.

    Raises:
        PeerError: the interpreter does not run or does not have it.
    """
    code = (
        "import importlib.metadata as m, importlib.util as u\n"
        f"assert u.find_spec({peer.module!r})\n"
        f"try: print(m.version({peer.distribution!r}))\n"
        "except m.PackageNotFoundError: print('of unknown version')"
    )
    try:
        status, out, _ = _run([python, "-c", code], PROBE_SECONDS, None)
    except OSError as error:
        raise PeerError(f"{python} does not run: {error}") from None
    except subprocess.TimeoutExpired:
        raise PeerError(f"{python} does not answer within {PROBE_SECONDS:g} s") from None
    lines = out.strip().splitlines()
    if status or not lines:
        raise PeerError(
            f"not installed in {python}; --peers {peer.name}=PYTHON or {peer.variable} names "
            "another interpreter"
        )
    return lines[-1]


def run_peer(
    peer: Peer,
    python: str,
    description: Mapping[str, Any],
    warm_up: float,
    duration: float,
    threads: int,
    runs: int,
    limit: float,
) -> dict[str, Any]:
    """Return a peer's figures of a network; see the scripts.

    Args:
        peer, python: who, and its interpreter.
        description: what ``describe`` returns.
        warm_up, duration: model time before and of each timed run, ms.
        threads: of the CPU.
        runs: how many are timed.
        limit: seconds after which the process, and what it started, is ended.

    Raises:
        PeerTimeoutError: it took longer.
        PeerError: it failed; the message has its last words.
    """
    with tempfile.TemporaryDirectory(prefix="spikecuda-peer-") as folder:
        file = Path(folder) / "network.json"
        write_text(file, json.dumps(description))
        numbers = [str(v) for v in (warm_up, duration, threads, runs)]
        # In its folder, where what it leaves behind is removed.
        command = [python, str(HERE / peer.script), str(file), *numbers]
        try:
            status, out, err = _run(command, max(limit, 0.1), folder)
        except subprocess.TimeoutExpired:
            raise PeerTimeoutError(f"it took longer than the {limit:.0f} s that it had") from None
    if status:
        last = err.strip().splitlines()[-1:] or ["no message"]
        raise PeerError(f"its process failed with {status}: {last[0]:.200}")
    try:
        found = json.loads(out.strip().splitlines()[-1])
        return {"seconds": [float(s) for s in found["all"]], "rates": dict(found["rates"])}
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise PeerError(f"its process answered nothing that can be read: {error!r}") from None


def _run(command: list[str], limit: float, folder: str | None) -> tuple[int, str, str]:
    """Return the status, the output and the errors of a process that has some seconds."""
    # A group of its own, so that what it starts, as compilers, ends with it.
    process = subprocess.Popen(
        command, cwd=folder, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=limit)
    finally:
        _end(process)
    return process.returncode, out, err


def _end(process: "subprocess.Popen[str]") -> None:
    """End a process, and what is left of its group, also when it has ended itself."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.communicate()


def _environment() -> dict[str, str]:
    """Return the environment without paths that belong to our Python."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}

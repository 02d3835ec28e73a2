"""One virtual environment per peer, from pinned requirements, under ``envs/`` (git-ignored)."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from peers import Peer

HERE = Path(__file__).resolve().parent
ENVS = HERE / "envs"
REQUIREMENTS = HERE / "requirements"
INSTALL_TIMEOUT = 1800


class AbsentError(Exception):
    """A peer cannot take part; the message says why."""


def ensure_python(peer: Peer, override: Path | None = None) -> Path:
    """The interpreter to run a peer's script with; makes its environment if need be.

    Raises:
        AbsentError: no suitable Python here, or the requirements cannot be installed.
    """
    if override is not None:
        if not override.exists():
            raise AbsentError(f"{override}, given by --python, does not exist")
        return override
    if not peer.pythons:
        return Path(sys.executable)
    requirements = REQUIREMENTS / f"{peer.name}.txt"
    folder = ENVS / peer.name
    python = folder / "bin" / "python"
    stamp = folder / "requirements.sha256"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return python
    base = find_python(peer)
    print(f"{peer.name}: installing {requirements.name} for {base}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _run([str(base), "-m", "venv", str(folder)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--requirement", str(requirements)])
    except AbsentError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    stamp.write_text(digest)
    return python


def find_python(peer: Peer) -> Path:
    """An interpreter of a version that the peer's pins are for.

    Looks at the running one, at ``pythonX.Y`` on the PATH and at pyenv's.

    Raises:
        AbsentError: there is none.
    """
    for version in peer.pythons:
        if sys.version_info[:2] == version:
            return Path(sys.executable)
        major, minor = version
        candidates = sorted(Path.home().glob(f".pyenv/versions/{major}.{minor}.*/bin/python"))
        on_path = shutil.which(f"python{major}.{minor}")
        if on_path is not None:
            candidates.append(Path(on_path))
        for candidate in reversed(candidates):
            if _version(candidate) == version:
                return candidate
    wanted = " or ".join(f"{major}.{minor}" for major, minor in peer.pythons)
    raise AbsentError(
        f"needs Python {wanted} and found none on the PATH or in ~/.pyenv/versions; install "
        f"one, or pass an interpreter that has the package: --python {peer.name}=PATH"
    )


def last_line(text: str) -> str:
    """The line of an error output that says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no output"])[-1]


def _version(python: Path) -> tuple[int, int] | None:
    """The version of an interpreter that runs and can make environments, else None."""
    code = "import ensurepip, sys, venv; print(*sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    major, minor = done.stdout.split()
    return int(major), int(minor)


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise AbsentError(f"no end after {INSTALL_TIMEOUT} s: {' '.join(command)}") from None
    if done.returncode != 0:
        raise AbsentError(last_line(done.stderr))

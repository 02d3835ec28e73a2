"""Machine code on disk: named by the digest of what it was made from, written atomically."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path

_DIGEST = 32


@cache
def _private_temp() -> Path:
    """A directory of this process, where no lasting one can be written."""
    return Path(tempfile.mkdtemp(prefix="spikecuda-emu-"))


def cache_dir() -> Path:
    """Return a writable directory for compiled kernels, creating it where needed.

    The first that can be written of ``$SPIKECUDA_CACHE_DIR``, ``$XDG_CACHE_HOME/spikecuda`` and
    ``~/.cache/spikecuda``, each with ``emu`` appended; else a temporary one of this process.
    """
    candidates: list[Path] = []
    if named := os.environ.get("SPIKECUDA_CACHE_DIR"):
        candidates.append(Path(named))
    elif xdg := os.environ.get("XDG_CACHE_HOME"):
        candidates.append(Path(xdg) / "spikecuda")
    else:
        with contextlib.suppress(RuntimeError):
            candidates.append(Path.home() / ".cache" / "spikecuda")
    for candidate in candidates:
        path = candidate / "emu"
        with contextlib.suppress(OSError):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = path / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
            return path
    return _private_temp()


def load(key: str) -> bytes | None:
    """Return what was saved under a key; None if there is nothing, or it is damaged."""
    try:
        data = (cache_dir() / key).read_bytes()
    except OSError:
        return None
    digest, payload = data[:_DIGEST], data[_DIGEST:]
    return payload if hashlib.sha256(payload).digest() == digest else None


def save(key: str, payload: bytes) -> None:
    """Save under a key; a failure (disk full, read-only) only costs the next process time."""
    directory = cache_dir()
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(dir=directory, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(payload).digest() + payload)
            os.replace(name, directory / key)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

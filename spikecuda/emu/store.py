"""Machine code on disk: named by the digest of what it was made from, checked when it is read."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from ..kernels import cache

_DIGEST = 32


def cache_dir() -> Path:
    """Return the folder for compiled kernels, part of :func:`spikecuda.kernels.cache.cache_dir`."""
    return cache.cache_dir() / "emu"


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
    with contextlib.suppress(OSError):
        cache.write_once(cache_dir() / key, hashlib.sha256(payload).digest() + payload)

"""Machine code on disk: named by the digest of what it was made from, checked when it is read."""

from __future__ import annotations

from pathlib import Path

from ..kernels.compile import cache


def cache_dir() -> Path:
    """Return the folder for compiled kernels, part of the cache of all compiled kernels."""
    return cache.cache_dir() / "emu"


def load(key: str) -> bytes | None:
    """Return what was saved under a key; None if there is nothing, or it is damaged."""
    return cache.load(cache_dir() / key)


def save(key: str, payload: bytes) -> None:
    """Save under a key; a failure (disk full, read-only) only costs the next process time."""
    cache.save(cache_dir() / key, payload)

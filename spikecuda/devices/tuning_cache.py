"""Measurements on this machine's devices that are reused: costs and launch geometry."""

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from spikecuda.kernels.compile import cache
from spikecuda.kernels.spec import InputSpec, KernelSpec

VERSION = 1
# What is kept for a device and a kernel, the range of values that make sense, and their step.
FIELDS: dict[str, tuple[float, float, int | None]] = {
    "seconds": (1e-15, 1.0, None),  # of one update, on the whole device
    "block": (32, 1024, 32),  # threads per block of a CUDA kernel
    "neurons_per_thread": (1, 2**31, 1),  # that are worth another CPU thread
}

# Fields by device and kernel.
Data = dict[str, dict[str, dict[str, float]]]


def path() -> Path:
    """Return the file that holds them, beside the cache of compiled kernels."""
    return cache.cache_dir() / "tuning.json"


def lookup(device: str, spec: KernelSpec, field: str) -> float | None:
    """Return what was measured, or None.

    Args:
        device: its description.
        spec: the kernel.
        field: one of ``FIELDS``.
    """
    kernels = _read(_stamp()).get(device)
    return kernels.get(key(spec), {}).get(field) if kernels else None


def store(device: str, spec: KernelSpec, **fields: float) -> None:
    """Keep what was measured; see ``lookup``.  Other processes see all of it or nothing."""
    data = json.loads(json.dumps(_read(_stamp())))
    data.setdefault(device, {}).setdefault(key(spec), {}).update(fields)
    text = json.dumps({"version": VERSION, "devices": data}, indent=1, sort_keys=True)
    cache.keep(path(), text.encode())


@functools.lru_cache(maxsize=256)
def key(spec: KernelSpec) -> str:
    """Return what a kernel is called in the file: its family, whatever its input and traces."""
    from spikecuda.kernels.compile.render import key as kernel_key
    from spikecuda.kernels.compile.render import render

    family = replace(spec, inputs=InputSpec(), traces=())
    return f"{spec.name} {kernel_key(family, render(family, 'cpu'))}"


def _stamp() -> tuple[int, int, int] | None:
    """Return what changes whenever the file does, or None without one."""
    try:
        facts = path().stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


@functools.lru_cache(maxsize=1)
def _read(stamp: tuple[int, int, int] | None) -> Data:
    """Return the file's content; what cannot be read or makes no sense is left out."""
    if stamp is None:
        return {}
    try:
        found = json.loads(cache.read(path()) or b"{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict) or found.get("version") != VERSION:
        return {}
    return {
        device: {kernel: _sound(fields) for kernel, fields in _table(kernels).items()}
        for device, kernels in _table(found.get("devices")).items()
    }


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sound(fields: Any) -> dict[str, float]:
    """Return the known fields whose values are in range."""
    known = _table(fields)
    return {
        name: known[name] for name in FIELDS if name in known and _makes_sense(name, known[name])
    }


def _makes_sense(name: str, value: Any) -> bool:
    low, high, step = FIELDS[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return False
    return step is None or value % step == 0

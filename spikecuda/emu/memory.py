"""Registered memory: which addresses a checked kernel may touch, and what was written there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..common.aligned_memory import aligned_bytes as host_bytes
from .checks import RACE_WORDS, REGION_WORDS
from .history import Access

ALIGNMENT = 256  # as cudaMalloc promises
GUARD = 256  # bytes before and after an allocation that belong to nobody


@dataclass
class Region:
    """One piece of memory.

    Attributes:
        base, end: its addresses; ``end`` is the first one behind it.
        written: one byte per byte (0 never written), or None if all of it was.
        read_only: whether kernels must not write to it.
        race: race mode's records, made when first needed.
        touched: race mode's map of what the running kernel touched, made when first needed.
        name: what it holds, for messages.
    """

    base: int
    end: int
    written: np.ndarray | None = None
    read_only: bool = False
    race: np.ndarray | None = None
    touched: np.ndarray | None = None
    name: str = ""

    @property
    def what(self) -> str:
        """What it is, for messages."""
        return f"{self.name!r}" if self.name else f"the allocation at 0x{self.base:x}"

    def row(self, race: bool) -> tuple[int, ...]:
        """What the checks need to know of it."""
        if race and (self.race is None or self.touched is None):
            self.race = np.zeros((self.end - self.base, RACE_WORDS), np.int64)
            self.touched = np.zeros(self.end - self.base, np.uint8)
        return (
            self.base,
            self.end,
            0 if self.written is None else self.written.ctypes.data,
            self.race.ctypes.data if race and self.race is not None else 0,
            int(self.read_only),
            self.touched.ctypes.data if race and self.touched is not None else 0,
        )

    def take_access(self) -> Access | None:
        """Return what a kernel touched since the last call, and forget it."""
        if self.touched is None or not self.touched.any():
            return None
        where = np.flatnonzero(self.touched)
        first, last = int(where[0]), int(where[-1]) + 1
        part = self.touched[first:last].copy()
        self.touched[first:last] = 0
        return Access(self.base + first, self.base + last, touched=part)


def aligned_bytes(size: int, alignment: int = ALIGNMENT) -> np.ndarray:
    """Return ``size`` zero bytes at an aligned address."""
    return host_bytes(size, alignment)


def extent(array: np.ndarray) -> tuple[int, int]:
    """First address of an array's elements and the one behind the last."""
    low, high = np.lib.array_utils.byte_bounds(array)
    return (low, high) if array.size else (low, low)


class Registry:
    """The regions of a device, and those that a launch adds for its NumPy arguments."""

    def __init__(self) -> None:
        self.regions: dict[int, Region] = {}

    def add(self, region: Region) -> None:
        """Register a region."""
        self.regions[region.base] = region

    def remove(self, base: int) -> None:
        """Forget the region that starts at an address."""
        del self.regions[base]

    def with_arrays(self, extra: list[Region]) -> list[Region]:
        """All regions, sorted; arguments that overlap each other become one region."""
        own = sorted(self.regions.values(), key=lambda r: r.base)
        merged: list[Region] = []
        for region in sorted(extra, key=lambda r: r.base):
            if region.base == region.end:
                continue
            if any(o.base <= region.base and region.end <= o.end for o in own):
                continue  # part of an allocation, whose own maps are better
            if merged and region.base < merged[-1].end:
                last = merged[-1]
                last.end = max(last.end, region.end)
                last.read_only &= region.read_only
            else:
                merged.append(Region(region.base, region.end, None, region.read_only))
        return sorted([*own, *merged], key=lambda r: r.base)


def rows(regions: list[Region], race: bool) -> np.ndarray:
    """The table that the checks search."""
    table = [region.row(race) for region in regions]
    return np.array(table, np.int64).reshape(len(table), REGION_WORDS)

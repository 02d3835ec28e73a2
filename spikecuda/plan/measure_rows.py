"""Measure look-ups and deliveries of rows, in a core's cache, in the shared one and in memory."""

from typing import Any

import numpy as np

from spikecuda.plan.machine import WIDTHS
from spikecuda.plan.row_rig import RowRig

LENGTHS = (1, 4, 16, 32, 64, 128, 512, 2048)
# Which part of a core's cache and of the shared one rows take, and of all caches those beyond.
WITHIN, BEYOND, LEAST, MOST = 0.3, 3.0, 48e6, 400e6
SPIKES, EVENTS, REPEATS = 1000, 100_000, 5
# Segments of rows that have many.
PIECES = 17
SHORT = 16
STEPS = 5000


def row_costs(cache: float, shared: float, quick: bool = False) -> dict[str, Any]:
    """Return ``lengths``, ``segments``, ``later``, ``found`` and ``absent`` of ``machine.Costs``.

    Args:
        cache: bytes of a core's cache.
        shared: bytes of the cache that cores share.
        quick: fewer lengths and repeats, and little memory.
    """
    lengths = (1, 32, 512) if quick else LENGTHS
    repeats = 2 if quick else REPEATS
    large = 4e6 if quick else min(MOST, max(LEAST, BEYOND * (cache + shared)))
    sizes = (WITHIN * cache, min(large, cache + WITHIN * shared), large)
    first: dict[int, Any] = {}
    later: dict[int, Any] = {}
    found: list[list[float]] = [[] for _ in sizes]
    for width in WIDTHS:
        tables = np.zeros((2, len(sizes), len(lengths)))
        for at, size in enumerate(sizes):
            for i, length in enumerate(lengths):
                sources = max(64, round(size / (length * (2 + width) + 10)))
                spikes = max(16, min(SPIKES, EVENTS // length))
                look, one = RowRig(sources, length, width, 1, spikes).measure(spikes, repeats)
                sources, spikes = max(64, sources // PIECES), max(16, spikes // PIECES)
                rig = RowRig(sources, length, width, 1, spikes, PIECES)
                many = rig.measure(spikes, repeats)[1]
                tables[:, at, i] = one, max(0.0, many - one) / (PIECES - 1)
                if length <= SHORT:
                    found[at].append(look)
        first[width], later[width] = (tuple(map(tuple, table.tolist())) for table in tables)
    absent = []
    for size in sizes:
        rig = RowRig(round(size / 4), 1, 0, 64, SPIKES)
        absent.append(rig.measure(SPIKES, repeats, found=False)[0])
    return {
        "lengths": tuple(float(x) for x in lengths), "segments": first, "later": later,
        "found": tuple(float(np.median(times)) for times in found), "absent": tuple(absent),
    }  # fmt: skip


def empty_costs() -> dict[str, Any]:
    """Return ``window``, ``link``, ``step`` and ``group`` of ``machine.Costs``."""
    rig = RowRig(64, 1, 0, 1, 16)
    rig.window()
    each, linked = (
        min(rig.window(0, 1, STEPS, kind) for _ in range(REPEATS)) / STEPS for kind in (False, True)
    )
    step = min(rig.window(0, 64, 64 * STEPS, False) for _ in range(REPEATS)) / (64 * STEPS)
    one, _ = rig.measure(1, 20)
    many, _ = rig.measure(16, 20)
    group = (one - many) * 16.0 / 15.0  # a group's share of a look-up falls with its spikes
    return {
        "window": max(0.0, each - step), "link": max(0.0, linked - each), "step": step,
        "group": max(0.0, group),
    }  # fmt: skip

"""What the threads of a block need while they run."""

from __future__ import annotations

import numpy as np

from .jit import Program
from .memory import aligned_bytes
from .translate import context as c
from .warps import SCRATCH_WORDS


class Workspace:
    """Memory of one kernel for one mode and size of block; kept between launches."""

    def __init__(
        self, program: Program, threads: int, shared: int, checked: bool, race: bool
    ) -> None:
        t = program.translation
        self.slots = threads if t.block_barrier else min(32, -(-threads // 32) * 32)
        waits = t.frame_bound > 0
        self.records = np.zeros((self.slots if waits else 0, c.RECORD_WORDS), np.uint32)
        self.handles = np.zeros(self.slots if waits else 0, np.int64)
        self.scratch = np.zeros(SCRATCH_WORDS, np.int64)
        # np.empty takes address space only; pages are used as far as the frames really reach
        self.arena = np.empty(self.slots * (t.frame_bound + 16) + 64 if waits else 0, np.uint8)
        self.shared = aligned_bytes(max(shared, 1))
        empty = np.zeros(0, np.uint8)
        self.written = np.zeros(shared, np.uint8) if checked else empty
        self.template = empty
        self.local = aligned_bytes(threads * t.local_bytes) if checked else empty
        self.local_written = np.zeros(threads * t.local_bytes, np.uint8) if checked else empty
        self.clocks = np.zeros((threads if race else 0, 32), np.int32)
        self.shared_race = np.zeros((shared if race else 0, 6), np.int64)
        if checked:
            self.template = np.full(shared, 2, np.uint8)
            for offset, size in t.shared:
                self.template[offset : offset + size] = 0
            self.template[t.shared_bytes :] = 0
        self.context = np.zeros(c.CTX_WORDS, np.int64)
        for word, value in (
            (c.SHARED, self.shared.ctypes.data),
            (c.SHARED_BYTES, shared),
            (c.DYNAMIC_BYTES, shared - t.shared_bytes),
            (c.LOCAL, self.local.ctypes.data),
            (c.LOCAL_BYTES, t.local_bytes),
            (c.SHARED_WRITTEN, self.written.ctypes.data),
            (c.LOCAL_WRITTEN, self.local_written.ctypes.data),
            (c.ARENA, -(-self.arena.ctypes.data // 16) * 16),
            (c.RECORDS, self.records.ctypes.data),
            (c.HANDLES, self.handles.ctypes.data),
            (c.CLOCKS, self.clocks.ctypes.data),
            (c.SHARED_RACE, self.shared_race.ctypes.data if race else 0),
            (c.THREADS, threads),
        ):
            self.context[word] = value
        kind = 0 if not t.frame_bound else (2 if t.block_barrier else 1)
        self.scheduling = (
            kind,
            self.records.ctypes.data,
            self.handles.ctypes.data,
            self.clocks.ctypes.data if race else 0,
            self.template.ctypes.data if checked else 0,
            self.scratch.ctypes.data,
        )

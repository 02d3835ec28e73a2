"""What the cache takes on the disk, and what of it goes."""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spikecuda.common.files import is_left_over

# The folders of the cache; nothing else beside them is looked at or removed.
KINDS = ("rendered", "cuda", "emu", "inspection")
# A file under a temporary name for longer than this is of a process that was killed.
HOUR = 3600.0
# What is left of the allowed size after pruning, so that the next entry needs no pruning.
KEPT = 0.75


@dataclass(frozen=True)
class Entry:
    """A file of the cache.

    Attributes:
        path: where.
        kind: one of ``KINDS``.
        size: bytes.
        used: when it was written or, to a day, last used; seconds since 1970.
    """

    path: Path
    kind: str
    size: int
    used: float


def entries(folders: Iterable[Path]) -> Iterator[Entry]:
    """Give the files in the cache's folders of some versions of Python; links are not followed."""
    for folder in folders:
        for kind in KINDS:
            for place, _, names in os.walk(folder / kind):
                for name in names:
                    path = Path(place, name)
                    with contextlib.suppress(OSError):  # another process has just removed it
                        facts = path.lstat()
                        yield Entry(path, kind, facts.st_size, facts.st_mtime)


def prune(
    folders: Iterable[Path], *, older_than: float | None = None, most: int | None = None
) -> list[Entry]:
    """Remove entries that were not used for long, and leftovers of killed processes.

    Args:
        folders: of the versions of Python.
        older_than: seconds; what was used later stays.
        most: bytes; if more are left, the least recently used go until three quarters of it are.

    Returns:
        What was removed.
    """
    now = time.time()
    found = sorted(entries(folders), key=lambda entry: entry.used)
    limit = HOUR if older_than is None else min(HOUR, older_than)
    gone: list[Entry] = []
    left: list[Entry] = []
    for entry in found:
        idle = now - entry.used
        unused = older_than is not None and idle >= older_than
        dead = is_left_over(entry.path.name) and idle >= limit
        (gone if unused or dead else left).append(entry)
    size = sum(entry.size for entry in left)
    if most is not None and size > most:
        for entry in left:
            if size <= KEPT * most:
                break
            gone.append(entry)
            size -= entry.size
    return [entry for entry in gone if _remove(entry)]


def clear(folders: Iterable[Path]) -> list[Entry]:
    """Remove every entry, and the empty folders that held them; return what was removed."""
    listed = list(folders)
    gone = [entry for entry in entries(listed) if _remove(entry)]
    for folder in listed:
        for kind in KINDS:
            for place, _, _ in os.walk(folder / kind, topdown=False):
                with contextlib.suppress(OSError):  # another process has just put something in
                    os.rmdir(place)
    return gone


def _remove(entry: Entry) -> bool:
    try:
        entry.path.unlink()
    except OSError:
        return False
    return True

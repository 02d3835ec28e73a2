"""The cache of rendered modules and compiled kernels: where it is, and what goes in and out.

Files are named by the hash of all that went into them, so a stale one cannot be used; they are
written beside their place and renamed, so concurrent processes see all of a file or nothing.
Whatever is executed or unpickled is an entry: it carries a checksum, and one that is damaged or
that somebody else can write is not there, and is made anew.  Where nothing can be kept (a full
disk, a read-only one) kernels are compiled in every process; a note says so once.
"""

import atexit
import contextlib
import functools
import hashlib
import logging
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from spikecuda.common import files
from spikecuda.common.notice import notice
from spikecuda.errors import SpikecudaError
from spikecuda.kernels.compile import trust, usage

VARIABLE = "SPIKECUDA_CACHE_DIR"
VERSION = f"py{sys.version_info[0]}{sys.version_info[1]}"
# Where not even a temporary folder can be made: nothing is there, nothing can be written.
NOWHERE = Path(os.devnull) / "spikecuda"
# The least recently used entries go when the cache outgrows this.
LIMIT = 10**9
# What is used is marked as used once a day.
DAY = 24 * 3600.0
CHECKSUM = hashlib.sha256().digest_size


@functools.cache
def cache_dir() -> Path:
    """Return the folder for rendered modules and compiled kernels.

    ``$SPIKECUDA_CACHE_DIR``, or else the first that can be used of ``$XDG_CACHE_HOME/spikecuda``
    and ``~/.cache/spikecuda``; else a private temporary folder that goes with the process.

    Raises:
        SpikecudaError: others can write to ``$SPIKECUDA_CACHE_DIR``, so that its code is not run.
    """
    problems: list[str] = []
    for candidate, chosen in _candidates():
        folder = candidate / VERSION
        try:
            problem = trust.danger(folder)
            if problem is not None and chosen:
                raise SpikecudaError(
                    f"{VARIABLE} must be a folder that only you can write: {problem}"
                )
            if problem is None:
                trust.make_private(folder)
                if os.access(folder, os.W_OK | os.X_OK):
                    return _said(folder, problems)
                problem = f"{folder} cannot be written"
        except OSError as error:
            problem = f"{error.filename or folder}: {error.strerror}"
        problems.append(problem)
    try:
        temporary = Path(tempfile.mkdtemp(prefix="spikecuda-"))
    except OSError:
        return _said(NOWHERE, problems)
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    return _said(temporary, problems)


def is_kept() -> bool:
    """Tell whether later processes find what is in the cache."""
    return cache_dir().name == VERSION


def version_folders() -> list[Path]:
    """Return the cache's folders of all versions of Python, this one's first."""
    own = cache_dir()
    if not is_kept():
        return [own]
    others = (p for p in own.parent.iterdir() if re.fullmatch(r"py\d{2,}", p.name) and p != own)
    return [own, *sorted(others)]


def load(path: Path) -> bytes | None:
    """Return what was saved under a name; None if it is not there, damaged, or not this user's."""
    data = read(path)
    if data is None:
        return None
    checksum, payload = data[:CHECKSUM], data[CHECKSUM:]
    return payload if checksum == _checksum(path.name, payload) else None


def read(path: Path) -> bytes | None:
    """Return a file of the cache as it is, None unless it and its folder are this user's alone."""
    if not _trusted(path.parent):
        return None
    try:
        with open(path, "rb", opener=_open_no_link) as file:
            facts = os.fstat(file.fileno())
            if not trust.own_regular_file(facts):
                return None
            data = file.read()
    except OSError:
        return None
    if time.time() - facts.st_mtime > DAY:
        with contextlib.suppress(OSError):
            os.utime(path)
    return data


def save(path: Path, payload: bytes) -> None:
    """Keep something under a name; a failure only costs the next process time, and is said once."""
    keep(path, _checksum(path.name, payload) + payload)


def write_once(path: Path, data: bytes) -> None:
    """Keep a text for people and debuggers, which nothing executes, unless it is there already."""
    if read(path) != data:
        keep(path, data)


def keep(path: Path, data: bytes) -> None:
    """Write a file of the cache as it is; a failure is said once, and nothing else happens."""
    try:
        trust.make_private(path.parent)
        if _trusted(path.parent):
            _bound()
            # A checksum tells what a power cut has left, so nobody waits for the disk.
            files.write_bytes(path, data, durable=False, private=True)
    except (OSError, SpikecudaError) as error:
        reason = getattr(error, "strerror", None) or error
        _note_once(
            f"compiled kernels cannot be kept in {path.parent} ({reason}) and are compiled "
            f"in every process; make room, or set {VARIABLE} to a folder of yours"
        )


def _candidates() -> list[tuple[Path, bool]]:
    """Return the folders that come into question, and whether the user has named them."""
    found = []
    if os.environ.get(VARIABLE):
        # A shell need not have seen "~".
        found.append((Path(os.path.expanduser(os.environ[VARIABLE])).absolute(), True))
    if os.environ.get("XDG_CACHE_HOME"):
        found.append((Path(os.environ["XDG_CACHE_HOME"]).absolute() / "spikecuda", False))
    with contextlib.suppress(RuntimeError):  # raised where there is no home folder at all
        found.append((Path.home().absolute() / ".cache" / "spikecuda", False))
    return found


def _said(folder: Path, problems: list[str]) -> Path:
    """Return the folder that is taken, after a note on those that were not."""
    if problems:
        kept = f"are kept in {folder}" if folder.name == VERSION else "are not kept"
        notice(
            f"compiled kernels {kept}: {'; '.join(problems)}; set {VARIABLE} to a folder that only "
            "you can write",
            logging.WARNING,
        )
    return folder


_trusted_folders: set[Path] = set()
_notes: set[str] = set()


def _trusted(folder: Path) -> bool:
    """Tell whether a folder within the cache is this user's alone; a note says it once if not."""
    if folder in _trusted_folders:
        return True
    try:
        problem = trust.danger_of(folder)
    except OSError:
        return False
    if problem is None:
        _trusted_folders.add(folder)
        return True
    _note_once(f"compiled kernels in {folder} are not used: {problem}")
    return False


def _note_once(text: str) -> None:
    if text not in _notes:
        _notes.add(text)
        notice(text, logging.WARNING)


@functools.cache
def _bound() -> None:
    """Remove what was not used for longest, once in a process, if the cache has outgrown LIMIT."""
    usage.prune(version_folders(), most=LIMIT)


def _open_no_link(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))


def _checksum(name: str, payload: bytes) -> bytes:
    """Return a hash of an entry and its name: one under another's name is not taken."""
    return hashlib.sha256(name.encode() + b"\0" + payload).digest()

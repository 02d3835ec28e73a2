"""Write files: the whole of the new content under its name, or the old file as it was.

All files of spikecuda are written here.  The content goes to a new file of an unguessable name in
the same folder, to the disk, and then to its own name in one step.
"""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from spikecuda.errors import SpikecudaValueError

# What a new file may be, before the process's umask takes its share.
NEW_FILE = 0o666
PRIVATE_FILE = 0o600
# Bytes of a file's name that file systems take.
LONGEST = 255
PREFIX = ".spikecuda-"
SUFFIX = ".tmp"
# Writers of HDF5 read what they have written.
FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL
# Not on every system: refuse links; write bytes as they are (Windows).
FLAGS |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@contextlib.contextmanager
def replacing(
    path: str | os.PathLike[str], *, durable: bool = True, private: bool = False
) -> Iterator[BinaryIO]:
    """Open a file to write; it takes the name when the block ends without an error.

    A regular file of that name is replaced and its permissions are kept (one that may not be
    written is left alone); a new one gets those that the umask allows.  A symbolic link of that
    name is replaced by the file; what it pointed to is not touched.  Links among the folders on
    the way are followed.

    Args:
        path: the name, taken as it is.
        durable: wait until the content is on the disk, so that a power cut leaves the old or the
            new content.
        private: the file is for this user alone, whatever it was before.

    Raises:
        SpikecudaValueError: the name belongs to a folder, a device or a pipe.
        OSError: the file cannot be written; it names the file, and the old one is as it was.
    """
    final = Path(path)
    mode = _mode_of(final)
    temporary = final.with_name(f"{PREFIX}{secrets.token_hex(12)}{SUFFIX}")
    try:
        handle = os.open(temporary, FLAGS, PRIVATE_FILE if private else NEW_FILE)
        try:
            with os.fdopen(handle, "w+b") as file:
                if mode is not None and not private and hasattr(os, "fchmod"):
                    os.fchmod(file.fileno(), mode)
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.replace(temporary, final)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        if durable:
            _sync_folder(final.parent)
    except OSError as error:
        # The user knows the file by its own name, and an error of write or fsync has none.
        if error.errno is None or error.filename not in (None, str(temporary)):
            raise
        raise type(error)(error.errno, error.strerror, str(final)) from error


def require_writable(path: str | os.PathLike[str], name: str = "path") -> None:
    """Raise now what ``replacing`` would raise later, as far as it can be known.

    Args:
        path: the file.
        name: what messages call it.

    Raises:
        SpikecudaValueError: the name belongs to a folder, a device or a pipe, or to no folder, or
            is too long.
        OSError: the file, or a new one in its folder, cannot be written.
    """
    final = Path(path)
    size = len(os.fsencode(final.name))
    if size > LONGEST:
        raise SpikecudaValueError(
            f"{name} must have a name of at most {LONGEST} bytes (got {size}); give a shorter one"
        )
    if os.fspath(path).endswith(("/", os.sep)) and not final.is_dir():
        raise SpikecudaValueError(
            f"{name} must be a file (got the name of a folder, {os.fspath(path)}); leave out the "
            "slash at its end"
        )
    folder = final.absolute().parent
    try:
        there = folder.is_dir()
    except ValueError:  # a NUL byte, of which the next line tells
        there = True
    if not there:
        remedy = "it is a file" if folder.exists() else f"make {folder} first"
        raise SpikecudaValueError(f"{name} must be in a folder that exists (got {final}); {remedy}")
    _mode_of(final, name)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def write_bytes(path: str | os.PathLike[str], data: bytes, **options: bool) -> Path:
    """Write a file's whole content; see ``replacing`` for the options."""
    with replacing(path, **options) as file:
        file.write(data)
    return Path(path)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text in UTF-8; see ``replacing``."""
    return write_bytes(path, text.encode())


def is_left_over(name: str) -> bool:
    """Tell the name of a file that a killed process has left half written."""
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


def _mode_of(final: Path, name: str = "path") -> int | None:
    """Return the permissions of the file that is replaced, None without one.

    Args:
        final: the file.
        name: what messages call it.

    Raises:
        SpikecudaValueError: what has the name is no file, and would be lost.
    """
    try:
        facts = os.lstat(final)
        link = stat.S_ISLNK(facts.st_mode)
        if link:
            facts = os.stat(final)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        raise SpikecudaValueError(f"{name} must hold no NUL byte (got {final!r:.80})") from None
    if not stat.S_ISREG(facts.st_mode):
        kind = "folder" if stat.S_ISDIR(facts.st_mode) else "device or pipe"
        raise SpikecudaValueError(
            f"{name} must be a file (got the {kind} {final}); give another name"
        )
    if link:
        return None
    if not os.access(final, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(final))
    return stat.S_IMODE(facts.st_mode) & 0o777


def _sync_folder(folder: Path) -> None:
    """Put the folder's entry on the disk, where the file system can do that for a folder."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

"""Who may write to a folder: code from a cache that somebody else can write is not run.

Windows has no owners and modes of this kind; there the access rights of the user's own profile,
where the cache is, are relied upon.
"""

import functools
import os
import stat
from pathlib import Path

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
PRIVATE = 0o700
ROOT = 0
OWNED = hasattr(os, "geteuid")  # files have owners and modes that mean something


def make_private(folder: Path) -> None:
    """Make a folder and those above it that are missing, for this user alone, whatever the umask.

    Raises:
        OSError: it cannot be made.
    """
    for path in (*reversed(folder.parents), folder):
        if not path.is_dir():
            try:
                # The umask can only take rights away.
                path.mkdir(mode=PRIVATE)
            except FileExistsError:
                if not path.is_dir():  # else another process was faster
                    raise


def danger(folder: Path) -> str | None:
    """Return why a folder's content cannot be trusted and what to do, None if it can.

    The folder must be this user's and writable by nobody else.  So must those above it, or be
    root's; one that others can write is no danger where its entries are protected (sticky, as
    ``/tmp``).  Otherwise others could put their own folder in its place.

    Args:
        folder: it may be missing, and folders above it.

    Raises:
        OSError: it cannot be looked at.
    """
    if not OWNED:
        return None
    real = folder.resolve()
    found = danger_of(real) if real.is_dir() else None
    for path in real.parents:
        if found is None and path.is_dir():
            found = _danger_above(path)
    return found


def danger_of(folder: Path) -> str | None:
    """Return what is wrong with a folder itself; see ``danger``."""
    facts = folder.stat()
    if not OWNED:
        return None
    if facts.st_uid != os.geteuid():
        return (
            f"{folder} belongs to {_name(facts.st_uid)}, not to {_name(os.geteuid())}; choose a "
            "folder of your own"
        )
    if facts.st_mode & WRITABLE_BY_OTHERS:
        return _writable(folder, facts, "and remove what is in it if others have used it")
    return None


def own_regular_file(facts: os.stat_result) -> bool:
    """Tell a regular file of this user that nobody else can write."""
    if not OWNED:
        return stat.S_ISREG(facts.st_mode)
    return (
        stat.S_ISREG(facts.st_mode)
        and facts.st_uid == os.geteuid()
        and not facts.st_mode & WRITABLE_BY_OTHERS
    )


def _danger_above(path: Path) -> str | None:
    facts = path.stat()
    if facts.st_uid not in (ROOT, os.geteuid(), _unmapped_user()):
        return (
            f"{path}, above it, belongs to {_name(facts.st_uid)}, who can replace it; choose a "
            "folder of your own"
        )
    if facts.st_mode & WRITABLE_BY_OTHERS and not facts.st_mode & stat.S_ISVTX:
        return _writable(path, facts, "or choose another folder")
    return None


def _writable(path: Path, facts: os.stat_result, remedy: str) -> str:
    who = "everybody" if facts.st_mode & stat.S_IWOTH else f"group {facts.st_gid}"
    return (
        f"{path} can be written by {who} (mode {stat.S_IMODE(facts.st_mode):04o}); "
        f"chmod go-w {path}, {remedy}"
    )


def _name(user: int) -> str:
    import pwd  # only Unix has it

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


@functools.cache
def _unmapped_user() -> int:
    """Return the number that a container shows for users outside it, root's folders among them.

    It means something in a user namespace only; elsewhere this is root.
    """
    try:
        first = Path("/proc/self/uid_map").read_text(encoding="utf-8").split()
        if first[:3] != ["0", "0", "4294967295"]:
            return int(Path("/proc/sys/fs/overflowuid").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        pass
    return ROOT

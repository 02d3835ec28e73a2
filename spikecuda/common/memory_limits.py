"""Limits of a process's memory that are below the machine's: control groups and ``ulimit``.

Sources: Linux kernel, Documentation/admin-guide/cgroup-v2.rst ("memory.max", "memory.high",
"memory.stat") and cgroup-v1/memory.rst; getrlimit(2), proc(5).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc/self")
# Version 1 has a number near 2^63 for "no limit", and so may a container's runtime.
NO_LIMIT = 1 << 60


@dataclass(frozen=True)
class Limit:
    """A limit and how much of it is taken, in bytes.

    Attributes:
        size: the limit.
        used: what counts and cannot be reclaimed.
        name: what to call it.
        own: whether it is this process's alone, so that nothing must be left to others.
    """

    size: int
    used: int
    name: str
    own: bool = False

    @property
    def left(self) -> int:
        """What can still be taken, at least 0."""
        return max(0, self.size - self.used)


def limits(proc: Path = PROC) -> list[Limit]:
    """Return every limit of this process's memory; those of all groups above its own count, too."""
    return [*_control_groups(proc), *_resources(proc)]


def _control_groups(proc: Path) -> Iterator[Limit]:
    """Give the limits of the process's control group and of those that it is nested in."""
    mounts = _mounts(proc)
    for line in _lines(proc / "cgroup"):
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        kind = "cgroup2" if hierarchy == "0" and not controllers else "cgroup"
        if kind == "cgroup" and "memory" not in controllers.split(","):
            continue
        for mount, root in mounts.get(kind, []):
            for folder in _folders(mount, root, path):
                yield from (_unified if kind == "cgroup2" else _legacy)(folder)


def _unified(folder: Path) -> Iterator[Limit]:
    """Give the limits of a group of version 2: above ``memory.high`` it is slowed to a halt."""
    for name in ("memory.max", "memory.high"):
        size = _number(folder / name)
        if size is not None and size < NO_LIMIT:
            reclaimable = _reclaimable(folder, ("inactive_file", "active_file"))
            used = (_number(folder / "memory.current") or 0) - reclaimable
            yield Limit(size, max(0, used), f"{name} of the control group {folder}")


def _legacy(folder: Path) -> Iterator[Limit]:
    """Give the limit of a group of version 1."""
    size = _number(folder / "memory.limit_in_bytes")
    if size is not None and size < NO_LIMIT:
        reclaimable = _reclaimable(folder, ("total_inactive_file", "total_active_file"))
        used = (_number(folder / "memory.usage_in_bytes") or 0) - reclaimable
        yield Limit(size, max(0, used), f"the control group {folder}")


def _mounts(proc: Path) -> dict[str, list[tuple[Path, str]]]:
    """Return where control groups are mounted, and which group each mount begins at, by version."""
    found: dict[str, list[tuple[Path, str]]] = {}
    for line in _lines(proc / "mountinfo"):
        before, separator, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if not separator or len(fields) < 5 or len(kind) < 3:
            continue
        if kind[0] == "cgroup2" or (kind[0] == "cgroup" and "memory" in kind[2].split(",")):
            found.setdefault(kind[0], []).append((Path(_unescaped(fields[4])), fields[3]))
    return found


def _folders(mount: Path, root: str, path: str) -> Iterator[Path]:
    """Give the folder of a group and of each above it, as far as the mount shows them."""
    parts = [part for part in path.split("/") if part]
    begin = [part for part in root.split("/") if part]
    # A group outside of what is mounted (".." in it, or another's) shows as the mount itself.
    inside = parts[len(begin) :] if parts[: len(begin)] == begin and ".." not in parts else []
    for depth in range(len(inside), -1, -1):
        yield mount.joinpath(*inside[:depth])


def _resources(proc: Path) -> Iterator[Limit]:
    """Give the limits that ``ulimit`` sets: addresses (-v) and data (-d)."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    kinds = (("RLIMIT_AS", "VmSize", "ulimit -v"), ("RLIMIT_DATA", "VmData", "ulimit -d"))
    set_ones = []
    for constant, key, name in kinds:
        soft, _ = resource.getrlimit(getattr(resource, constant))
        if soft != resource.RLIM_INFINITY:
            set_ones.append((soft, key, name))
    if not set_ones:
        return
    status = dict(line.split(":", 1) for line in _lines(proc / "status") if ":" in line)
    for soft, key, name in set_ones:
        used = re.match(r"\s*(\d+) kB", status.get(key, ""))
        yield Limit(soft, int(used[1]) << 10 if used else 0, name, own=True)


def _reclaimable(folder: Path, keys: tuple[str, ...]) -> int:
    """Return the bytes of cached files, which the kernel drops before memory is short."""
    found = dict(line.split(" ", 1) for line in _lines(folder / "memory.stat") if " " in line)
    return sum(int(found[key]) for key in keys if found.get(key, "").isdigit())


def _number(path: Path) -> int | None:
    for line in _lines(path)[:1]:
        if line.strip().isdigit():
            return int(line)
    return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _unescaped(text: str) -> str:
    """Return a path of mountinfo, where a blank is written as \\040."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)

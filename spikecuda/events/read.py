"""Read recordings of event cameras."""

import os
from pathlib import Path

from spikecuda.common.arguments import as_path
from spikecuda.errors import SpikecudaValueError, shown
from spikecuda.events.aedat import CHIPS, VERSION, read_aedat2, read_aedat3
from spikecuda.events.damaged import content, damaged
from spikecuda.events.events import Events
from spikecuda.events.evt3 import read_evt3
from spikecuda.events.tables import read_csv, read_npy

FORMATS = ("aedat2", "aedat3", "evt3", "npy", "csv")


def read_events(
    path: str | os.PathLike[str], *, format: str | None = None, chip: str | None = None
) -> Events:
    """Return the events of a recording.

    Args:
        path: a file: AEDAT 2.0 or 3.1, raw with EVT 3.0, npy or CSV.  Tables have the columns x, y,
            polarity (0 or -1, 1) and time (µs), in this order or with their names.
        format: "aedat2", "aedat3", "evt3", "npy" or "csv"; None: what the file begins with tells.
        chip: for AEDAT 2.0, "davis" or "dvs128"; None: what the file's header names.

    Returns:
        Events with times in ms; what the file has beside them is counted in ``skipped``.

    Raises:
        SpikecudaValueError: the file is damaged, truncated, or of another format; the message
            names the byte.
        OutOfMemoryError: it does not fit.
        OSError: it cannot be read.

    Source: iniVation, AEDAT file formats; Prophesee, EVT 3.0 format.
    """
    file = Path(as_path(path))
    for name, value, known in (("format", format, FORMATS), ("chip", chip, CHIPS)):
        if value is not None and (not isinstance(value, str) or value not in known):
            raise SpikecudaValueError(
                f"{name} must be one of {', '.join(known)}, or None (got {shown(value)})"
            )
    data = content(file)
    kind = format or _format(file, data)
    if chip is not None and kind != "aedat2":
        raise SpikecudaValueError(
            f"chip must be None for {kind} (got {chip!r}); it is for AEDAT 2.0, which does not "
            "say how addresses are made"
        )
    if kind == "npy":
        return read_npy(file)
    if kind == "csv":
        return read_csv(file, data)
    if kind == "evt3":
        return read_evt3(file, data)
    version = b"2.0" if kind == "aedat2" else b"3.1"
    if not data.startswith(VERSION + version):
        raise damaged(file, 0, (VERSION + version).decode(), f"{data[:12]!r}")
    return read_aedat2(file, data, chip) if kind == "aedat2" else read_aedat3(file, data)


def _format(path: Path, data: bytes) -> str:
    """Return what a file is by what it begins with."""
    if data.startswith(VERSION):
        found = {b"2.0": "aedat2", b"3.1": "aedat3"}.get(data[len(VERSION) : len(VERSION) + 3])
        if found is None:
            raise damaged(path, len(VERSION), "version 2.0 or 3.1", f"{data[9:12]!r}")
        return found
    if data.startswith(b"% "):
        return "evt3"
    if data.startswith(b"\x93NUMPY"):
        return "npy"
    if path.suffix.lower() in (".csv", ".txt"):
        return "csv"
    raise damaged(path, 0, "the start of AEDAT, a raw file or npy", f"{data[:12]!r}")

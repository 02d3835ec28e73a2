"""AEDAT 2.0 and 3.1, the files of jAER, cAER and DV.

Source: iniVation, AEDAT file formats, https://docs.inivation.com/software/software-advanced-usage/
file-formats/ (aedat-2.0.html, aedat-3.1.html).
"""

import struct
from pathlib import Path

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.events.damaged import damaged
from spikecuda.events.events import Events

VERSION = b"#!AER-DAT"
END = b"#!END-HEADER"
CHIPS = ("davis", "dvs128")
MS = 1e-3  # time stamps are in µs
# A packet's header: type, source, size of an event, offset of its time stamp, overflows of it,
# capacity, events, valid events.
PACKET = struct.Struct("<hhiiiiii")
POLARITY_EVENT, POLARITY_SIZE = 1, 8
KINDS = ("special", "polarity", "frame", "imu6", "imu9")


def header(data: bytes) -> tuple[list[bytes], int]:
    """Return the lines at the start of a file that begin with #, and where the data begins."""
    lines, at = [], 0
    while data[at : at + 1] == b"#":
        end = data.find(b"\n", at)
        line = data[at:end].rstrip(b"\r")
        # The first event's address may begin with the same byte; no header line has such bytes.
        if end < 0 or any(byte < 32 and byte != 9 for byte in line):
            break
        lines.append(line)
        at = end + 1
        if line == END:
            break
    return lines, at


def read_aedat2(path: Path, data: bytes, chip: str | None) -> Events:
    """Return the events of an AEDAT 2.0 file.

    Args:
        path: the file; ``data``: what it has.
        chip: "davis" or "dvs128"; None: what the header names.
    """
    lines, at = header(data)
    if chip is None:
        text = b"\n".join(line for line in lines if b"AEChip" in line).lower().decode("latin1")
        chip = next((name for name in CHIPS if name in text), None)
        if chip is None:
            raise SpikecudaValueError(
                f"chip must be given for {path}, one of {', '.join(CHIPS)} (got None): its header "
                "names none of them"
            )
    rest = (len(data) - at) % 8
    if rest:
        raise damaged(path, len(data) - rest, "8 bytes of an event", f"{rest}")
    words = np.frombuffer(data, ">u4", offset=at).reshape(-1, 2).astype(np.int64)
    address, stamp = words[:, 0], words[:, 1]
    if chip == "dvs128":
        wrong = address >> 16
        external, other = (address >> 15 & 1).astype(bool), np.zeros(address.size, bool)
        x, y, on = address >> 1 & 0x7F, address >> 8 & 0x7F, address & 1
    else:
        wrong = np.zeros_like(address)
        other = (address >> 31 & 1).astype(bool)
        external = (address >> 10 & 1).astype(bool) & ~other
        x, y, on = address >> 12 & 0x3FF, address >> 22 & 0x1FF, address >> 11 & 1
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise damaged(
            path, at + 8 * first, f"an address of {chip}", f"0x{int(address[first]):08x}"
        )  # fmt: skip
    kept = ~(external | other)
    skipped = {"external": int(external.sum()), "frames and samples": int(other.sum())}
    time = unwrapped(stamp, 2**32)[kept] * MS
    return _events(x[kept], y[kept], on[kept], time, skipped)


def read_aedat3(path: Path, data: bytes) -> Events:
    """Return the events of an AEDAT 3.1 file; ``path``: the file, ``data``: what it has."""
    lines, at = header(data)
    if not lines or lines[-1] != END:
        raise damaged(path, at, "the line #!END-HEADER", "none")
    if any(line.startswith(b"#Format:") and line.split()[1:] != [b"RAW"] for line in lines):
        raise damaged(path, 0, "a header with Format: RAW", "another format")
    parts, sources = [], set()
    skipped: dict[str, int] = {}
    while at < len(data):
        if len(data) - at < PACKET.size:
            raise damaged(path, at, f"{PACKET.size} bytes of a packet", f"{len(data) - at}")
        kind, source, size, offset, overflow, capacity, number, valid = PACKET.unpack_from(data, at)
        counts = 0 <= valid <= number <= capacity
        if kind < 0 or size <= 0 or not 0 <= offset <= size - 4 or overflow < 0 or not counts:
            raise damaged(
                path, at, "the header of a packet",
                f"type {kind}, {size} bytes an event, capacity {capacity}, {number} events, "
                f"{valid} valid",
            )  # fmt: skip
        begin, at = at + PACKET.size, at + PACKET.size + number * size
        if at > len(data):
            raise damaged(
                path, begin, f"{number:,} events of {size} bytes", f"{len(data) - begin:,} bytes"
            )  # fmt: skip
        if kind != POLARITY_EVENT:
            name = KINDS[kind] if kind < len(KINDS) else f"type {kind}"
            skipped[name] = skipped.get(name, 0) + number
            continue
        if (size, offset) != (POLARITY_SIZE, 4):
            raise damaged(
                path, begin - PACKET.size, "polarity events of 8 bytes", f"of {size} bytes"
            )  # fmt: skip
        sources.add(source)
        words = np.frombuffer(data, "<i4", 2 * number, begin).reshape(-1, 2).astype(np.int64)
        good = (words[:, 0] & 1).astype(bool)
        if int(good.sum()) != valid:
            raise damaged(path, begin, f"{valid:,} valid events", f"{int(good.sum()):,}")
        if (words[:, 1] < 0).any():
            first = int((words[:, 1] < 0).argmax())
            raise damaged(path, begin + 8 * first + 4, "a time stamp >= 0", f"{words[first, 1]}")
        skipped["invalid"] = skipped.get("invalid", 0) + number - valid
        words[:, 1] += overflow << 31
        parts.append(words[good])
    if len(sources) > 1:
        raise SpikecudaValueError(
            f"{path} must have events of one camera (got sources {sorted(sources)}); split it"
        )
    words = np.concatenate(parts) if parts else np.empty((0, 2), np.int64)
    word = words[:, 0]
    x, y = word >> 17 & 0x7FFF, word >> 2 & 0x7FFF
    return _events(x, y, word >> 1 & 1, words[:, 1] * MS, skipped)


def unwrapped(stamps: np.ndarray, period: int) -> np.ndarray:
    """Return time stamps that begin anew at ``period`` as ones that go on, int64."""
    turns = np.zeros(stamps.size, np.int64)
    turns[1:] = np.cumsum(np.diff(stamps) < -(period // 2))
    return stamps + period * turns


def _events(
    x: np.ndarray, y: np.ndarray, on: np.ndarray, time: np.ndarray, skipped: dict[str, int]
) -> Events:
    found = {name: number for name, number in skipped.items() if number}
    return Events(x.astype(np.int32), y.astype(np.int32), on.astype(bool), time, found)

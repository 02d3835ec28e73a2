"""EVT 3.0 in raw files of Prophesee's cameras.

Source: Prophesee, EVT 3.0 format, https://docs.prophesee.ai/stable/data/encoding_formats/evt3.html,
and RAW file format, https://docs.prophesee.ai/stable/data/file_formats/raw.html.
"""

import re
from pathlib import Path

import numpy as np

from spikecuda.events.aedat import MS, unwrapped
from spikecuda.events.damaged import damaged
from spikecuda.events.events import Events

ADDR_Y, ADDR_X, VECT_BASE_X, VECT_12, VECT_8, TIME_LOW, TIME_HIGH = 0, 2, 3, 4, 5, 6, 8
TRIGGER = 10
# Continued words (7, 15) and others (14) carry what is no event of a pixel.
KNOWN = (ADDR_Y, ADDR_X, VECT_BASE_X, VECT_12, VECT_8, TIME_LOW, 7, TIME_HIGH, TRIGGER, 14, 15)
LARGEST = 2048


def header(data: bytes) -> tuple[list[str], int]:
    """Return the lines at the start of a file that begin with %, and where the data begins."""
    lines, at = [], 0
    while data[at : at + 2] == b"% ":
        end = data.find(b"\n", at)
        if end < 0 or any(byte < 32 and byte not in (9, 13) for byte in data[at:end]):
            break
        lines.append(data[at + 2 : end].decode("latin1").strip())
        at = end + 1
        if lines[-1] == "end":
            break
    return lines, at


def read_evt3(path: Path, data: bytes) -> Events:
    """Return the events of a raw file; ``path``: the file, ``data``: what it has."""
    lines, at = header(data)
    if not any(re.fullmatch(r"evt 3(\.\d+)?|format EVT3\b.*", line) for line in lines):
        raise damaged(path, 0, "a header with % evt 3.0 or % format EVT3", f"{lines[:4]}")
    if (len(data) - at) % 2:
        raise damaged(path, len(data) - 1, "2 bytes of a word", "1")
    words = np.frombuffer(data, "<u2", offset=at)
    kind, value = words >> 12, (words & 0xFFF).astype(np.int64)
    unknown = ~np.isin(kind, KNOWN)
    if unknown.any():
        first = int(unknown.argmax())
        raise damaged(path, at + 2 * first, "a word of a known type", f"0x{int(words[first]):04x}")
    number = np.arange(words.size)
    row_at, high_at = _last(kind == ADDR_Y, number), _last(kind == TIME_HIGH, number)
    base_at = _last(kind == VECT_BASE_X, number)
    # The low part is 0 from a high part that differs from the one before, until it is given.
    highs = np.flatnonzero(kind == TIME_HIGH)
    anew = np.zeros(words.size, bool)
    anew[highs[np.flatnonzero(np.diff(value[highs], prepend=-1))]] = True
    low_at = _last((kind == TIME_LOW) | anew, number)
    low = np.where(kind[low_at] == TIME_LOW, value[low_at], 0)
    high = np.zeros(words.size, np.int64)
    high[highs] = unwrapped(value[highs], 4096)
    stamp = (high[high_at] << 12) + low
    # Columns of vectors: the base, and what vectors since then have passed over.
    width = np.where(kind == VECT_12, 12, np.where(kind == VECT_8, 8, 0))
    passed = np.cumsum(width) - width
    begin = (value[base_at] & 0x7FF) + passed - passed[base_at]
    single, vector = kind == ADDR_X, width > 0
    bits = (words[:, None] >> np.arange(12, dtype=np.uint16) & 1).astype(bool) & vector[:, None]
    bits[kind == VECT_8, 8:] = False
    bits[:, 0] |= single
    word, bit = np.nonzero(bits)
    alone = single[word]
    x = np.where(alone, value[word] & 0x7FF, begin[word] + bit)
    on = np.where(alone, value[word], value[base_at[word]]) >> 11 & 1
    y = value[row_at[word]] & 0x7FF
    known = (high_at[word] >= 0) & (row_at[word] >= 0) & (alone | (base_at[word] >= 0))
    limits = _limits(lines)
    outside = known & ((x >= limits[0]) | (y >= limits[1]))
    if outside.any():
        first = int(outside.argmax())
        raise damaged(
            path, at + 2 * int(word[first]), f"a pixel of {limits[0]} x {limits[1]}",
            f"x = {x[first]}, y = {y[first]}",
        )  # fmt: skip
    skipped = {
        "before the first time, row or base": int((~known).sum()),
        "triggers": int((kind == TRIGGER).sum()), "others": int(np.isin(kind, (7, 14, 15)).sum()),
    }  # fmt: skip
    return Events(
        x[known].astype(np.int32), y[known].astype(np.int32), on[known].astype(bool),
        stamp[word[known]] * MS, {name: n for name, n in skipped.items() if n},
    )  # fmt: skip


def _last(marked: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Return for each word where the last marked one is, itself included; -1: none yet."""
    return np.maximum.accumulate(np.where(marked, number, -1)) if number.size else number


def _limits(lines: list[str]) -> tuple[int, int]:
    """Return width and height of the sensor, as far as the header tells them."""
    text = "\n".join(lines)
    geometry = re.search(r"^geometry (\d+)x(\d+)$", text, re.M)
    if geometry is not None:
        return int(geometry[1]), int(geometry[2])
    found = [re.search(rf"\b{name}[ =](\d+)", text) for name in ("width", "height")]
    width, height = (LARGEST if side is None else int(side[1]) for side in found)
    return width, height

"""Datagrams of events, spikes and rates: a header of 16 bytes, and records; see docs/events.md."""

import struct
from dataclasses import dataclass

import numpy as np

MAGIC, VERSION = b"SPKE", 1
# Magic, version, kind, channel, number of the datagram, number of records.
HEADER = struct.Struct("<4sBBHII")
PIXELS, SPIKES, RATES = 1, 2, 3
RECORDS = {
    PIXELS: np.dtype([("x", "<u2"), ("y", "<u2"), ("on", "<u2"), ("time", "<u4")]),
    SPIKES: np.dtype([("neuron", "<u4"), ("time", "<f8")]),
    RATES: np.dtype([("rate", "<f8")]),
}
# Bytes of a datagram that networks pass on in one piece; and of one to a Unix socket, of which
# Linux keeps eleven (net.unix.max_dgram_qlen).
LARGEST, LARGEST_UNIX = 1400, 16384


@dataclass(frozen=True, eq=False)
class Message:
    """What a datagram says.

    Attributes:
        kind: "pixels", "spikes" or "rates".
        channel: what the sender calls it, 0 to 65535.
        number: of the datagram, which counts up from 0 and begins anew after 2^32.
        records: structured array: x, y, on, time (µs); neuron, time (ms); or rate (Hz).
    """

    kind: str
    channel: int
    number: int
    records: np.ndarray


NAMES = {PIXELS: "pixels", SPIKES: "spikes", RATES: "rates"}


def unpack(datagram: bytes) -> Message | None:
    """Return what a datagram says; None: it is malformed.

    Args:
        datagram: the bytes.
    """
    if len(datagram) < HEADER.size:
        return None
    magic, version, kind, channel, number, count = HEADER.unpack_from(datagram)
    if magic != MAGIC or version != VERSION or kind not in RECORDS:
        return None
    record = RECORDS[kind]
    if len(datagram) != HEADER.size + count * record.itemsize:
        return None
    records = np.frombuffer(datagram, record, count, HEADER.size)
    return Message(NAMES[kind], channel, number, records)


def pack(kind: int, channel: int, number: int, records: np.ndarray) -> bytes:
    """Return a datagram.

    Args:
        kind: ``PIXELS``, ``SPIKES`` or ``RATES``.
        channel: 0 to 65535; ``number``: of the datagram.
        records: structured array of that kind.
    """
    head = HEADER.pack(MAGIC, VERSION, kind, channel, number % 2**32, records.size)
    return head + records.tobytes()


def fits(kind: int, largest: int = LARGEST) -> int:
    """Return how many records of a kind fit into a datagram of at most so many bytes."""
    return (largest - HEADER.size) // RECORDS[kind].itemsize

"""The messages between a run and its pages.

To a page: texts are JSON with ``kind`` (``hello``, ``status``, ``controls``, ``watched``,
``weights``, ``note``).  A frame is bytes: uint32 length of a JSON head, the head, filled up with
blanks to a multiple of 4, then little-endian arrays: ``step`` uint32 (points,), ``neuron`` uint32
(points,), ``counts`` uint32 (bins, populations), samples float32 of each entry of ``samples``.

From a page: JSON with ``kind``; see ``read_message``.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.view.blocks import Block

# Bytes of a message of a page; the longest one has names of a population and a variable.
LONGEST = 4096
# What a page can say, and the fields of each with their types.
FIELDS: dict[str, dict[str, type]] = {
    "ack": {"seconds": float},
    "set": {"control": str, "value": float},
    "stop": {},
    "watch": {"population": str, "neuron": int, "variable": str},
    "unwatch": {"watched": int},
    "weights": {"shown": bool},
}


class MessageError(Exception):
    """A message that no page of ours sends."""


@dataclass(frozen=True)
class Message:
    """What a page said.

    Attributes:
        kind: one of ``FIELDS``.
        values: its fields.
    """

    kind: str
    values: dict[str, Any]


def read_message(data: str | bytes) -> Message:
    """Return what a page said.

    Raises:
        MessageError: no page says that.
    """
    if not isinstance(data, str) or len(data) > LONGEST:
        raise MessageError("it is no short text")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise MessageError("it is no JSON") from None
    if not isinstance(found, dict) or not isinstance(found.get("kind"), str):
        raise MessageError("it has no kind")
    fields = FIELDS.get(found["kind"])
    if fields is None or set(found) != {"kind", *fields}:
        raise MessageError("its kind is unknown, or its fields are others")
    values = {}
    for name, kind in fields.items():
        value = found[name]
        if kind is float and type(value) in (int, float):
            try:
                value = float(value)
            except OverflowError:
                value = math.inf
            if not math.isfinite(value):
                raise MessageError(f"{name} is not finite")
        elif type(value) is not kind:
            raise MessageError(f"{name} is of another type")
        elif isinstance(value, int) and not 0 <= value < 2**53:
            raise MessageError(f"{name} is out of range")
        values[name] = value
    return Message(found["kind"], values)


def text(kind: str, **values: Any) -> str:
    """Return a text for a page; numbers that JSON does not have are null."""
    return json.dumps({"kind": kind, **_plain(values)}, allow_nan=False, separators=(",", ":"))


def frame(block: Block, lost: int) -> bytes:
    """Return a frame.

    Args:
        block: what it has.
        lost: spikes that were left out so far.
    """
    head: dict[str, Any] = {
        "first": block.first, "stop": block.stop, "points": block.points, "bin": block.bin,
        "bins": len(block.counts) if block.counts.size else 0, "trial": block.trial,
        "samples": [[s.watched, s.first, s.every, int(s.values.size)] for s in block.samples],
        "lost": lost, "total": block.total, "every": block.every,
    }  # fmt: skip
    told = json.dumps(head, separators=(",", ":")).encode()
    told += b" " * (-len(told) % 4)
    arrays = [
        np.ascontiguousarray(block.step, "<u4"), np.ascontiguousarray(block.neuron, "<u4"),
        np.ascontiguousarray(block.counts, "<u4"),
        *(np.ascontiguousarray(s.values, "<f4") for s in block.samples),
    ]  # fmt: skip
    return b"".join([len(told).to_bytes(4, "little"), told, *(a.tobytes() for a in arrays)])


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

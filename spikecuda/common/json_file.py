"""JSON files that are not trusted."""

import json
import os
from pathlib import Path
from typing import Any

from spikecuda.common.host_memory import require_memory
from spikecuda.common.npz import open_regular
from spikecuda.errors import SpikecudaValueError, shown

# Bytes of memory for one of a file, as it is parsed.
PARSED = 32
LARGEST = 2**63 - 1


def read_json(path: str | os.PathLike[str], what: str) -> dict[str, Any]:
    """Return the object in a JSON file.

    Args:
        path: the file, UTF-8.
        what: it must be, as "a SONATA configuration"; for messages.

    Raises:
        SpikecudaValueError: it is no JSON, has a key twice or an integer beyond 64 bits, or is no
            object; names the line.
        OSError: it cannot be opened.
    """
    with open_regular(path, what) as file:
        require_memory(
            PARSED * os.fstat(file.fileno()).st_size, os.fspath(path), "use a shorter one"
        )
        raw = file.read()
    try:
        found = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_once, parse_int=_whole)
    except RecursionError:
        raise SpikecudaValueError(
            f"{path} must be {what} (got JSON that is nested too deep); make it flat"
        ) from None
    except ValueError as error:
        raise SpikecudaValueError(
            f"{path} must be {what} (got no JSON: {error!s:.200}); correct it"
        ) from None
    if not isinstance(found, dict):
        raise SpikecudaValueError(f"{path} must be {what}, an object (got {shown(found)})")
    return found


def _whole(text: str) -> int:
    """Return an integer; refuse what no array of integers holds."""
    number = int(text)
    if abs(number) > LARGEST:
        raise ValueError(f"the number {text:.40} is beyond 64 bits")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; refuse keys that come twice, of which one would be lost."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r:.80} comes twice")
        found[key] = value
    return found


def beside(path: Path, name: str) -> Path:
    """Return a file that another one names, relative to that one's folder."""
    return Path(os.path.normpath(path.parent / name))

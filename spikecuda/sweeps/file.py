"""The rows of a sweep in a file, so that it can go on where it ended.

A JSON text in UTF-8 with ``format``, ``spikecuda`` (its version), ``function`` (its name),
``source`` (a hash, see ``fingerprint``), ``parameters`` (their names), ``rows`` and ``sha256``, a
checksum of the rest.  A row has ``params``, ``values``, ``seconds``, ``error`` and ``traceback``;
``spikecuda.sweeps.values`` says how arrays and the like are written.
"""

import hashlib
import json
import logging
import os
import pickle
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikecuda import __version__
from spikecuda.common.files import require_writable, write_text
from spikecuda.common.notice import notice
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.sweeps.grid import Point
from spikecuda.sweeps.share import Share, files_of_tasks
from spikecuda.sweeps.values import decode, encode, key_of
from spikecuda.sweeps.work import Outcome, failure

FORMAT = "spikecuda sweep 1"
# Seconds between two writings, and how many times longer than one itself.
INTERVAL, RARE = 1.0, 20.0
Entry = dict[str, Any]


class SweepFile:
    """The file of a sweep, and those of its tasks beside it.

    Args:
        path: of the sweep; a task has a file of its own.
        share: of the task; None: the whole sweep.
        points: the arguments of each point.
        function: its name.
        source: a hash of its source.
        same_function: whether rows of another source are refused.

    Raises:
        SpikecudaTypeError: a parameter that cannot be written.
        SpikecudaValueError: a point that comes twice; what is in a file is something else, or
            belongs to another grid or function.
    """

    def __init__(
        self,
        path: Path,
        share: Share | None,
        points: Sequence[Point],
        function: str,
        source: str,
        same_function: bool = True,
    ) -> None:
        self._given = path
        self.path = path if share is None else share.file(path)
        for each in (path, self.path):
            require_writable(each)
        self._share, self._function, self._source = share, function, source
        self._same = same_function
        self._keys = [key_of(point) for point in points]
        self._numbers = {key: i for i, key in enumerate(self._keys)}
        if len(self._numbers) < len(self._keys):
            twice = next(i for i, key in enumerate(self._keys) if self._numbers[key] != i)
            raise SpikecudaValueError(
                f"points of a grid must differ from each other (got {dict(points[twice])!r:.200} "
                "twice); leave one out"
            )
        self._parameters = list(points[0])
        self._entries: dict[int, Entry] = {}
        self._written, self._cost = 0.0, 0.0
        self._changed, self._warned = True, False
        self._stamp: tuple[int, int] | None = None

    def read(self) -> dict[int, Outcome]:
        """Return what is there already, by number of the point; failures, too."""
        found: dict[int, Entry] = {}
        for path in [self._given, *files_of_tasks(self._given)]:
            for index, entry in self._read(path).items():
                if index not in found or found[index]["error"]:
                    found[index] = entry
                if path == self.path:
                    self._entries[index] = entry
        if self._share is None:
            self._entries = found
        return {index: outcome_of(index, entry) for index, entry in found.items()}

    def add(self, outcome: Outcome) -> Outcome:
        """Take a point's outcome; write it now or with others a little later.

        Returns:
            The outcome as it is read again; a failure if it cannot be written as text.
        """
        try:
            values = {
                name: encode(value, f"the result {name}")
                for name, value in outcome.results().items()
            }
        except SpikecudaTypeError as error:
            outcome, values = failure(outcome.index, error, outcome.seconds), {}
        params = json.loads(self._keys[outcome.index])
        self._entries[outcome.index] = {
            "params": params, "values": values, "seconds": outcome.seconds,
            "error": outcome.error, "traceback": outcome.traceback,
        }  # fmt: skip
        self._changed = True
        if time.monotonic() - self._written > max(INTERVAL, RARE * self._cost):
            self._try_to_write()
        return outcome_of(outcome.index, self._entries[outcome.index])

    def finish(self) -> None:
        """Write what is not written; where that fails, say that only the table has it."""
        self._try_to_write(last=True)

    def _try_to_write(self, last: bool = False) -> None:
        try:
            self.write()
        except OSError as error:
            self._written = time.monotonic()
            if last or not self._warned:
                what = "the table has them" if last else "it is tried again"
                notice(
                    f"rows of the sweep cannot be written to {self.path} "
                    f"({error.strerror or error}); {what}",
                    logging.WARNING,
                )
            self._warned = True

    def write(self) -> None:
        """Write all rows, unless they are written; those that others have added are kept.

        Raises:
            OSError: the file cannot be written; what it held before is still there.
            SpikecudaValueError: another process has written something else there.
        """
        if not self._changed:
            return
        if self._stamp != _stamp(self.path):
            for index, entry in self._read(self.path).items():
                own = self._entries.get(index)
                if own is None or (own["error"] and not entry["error"]):
                    self._entries[index] = entry
        begin = time.monotonic()
        body = {
            "format": FORMAT, "spikecuda": __version__, "function": self._function,
            "source": self._source, "parameters": self._parameters,
            "rows": [self._entries[index] for index in sorted(self._entries)],
        }  # fmt: skip
        write_text(self.path, _text({**body, "sha256": _checksum(body)}))
        self._stamp, self._changed = _stamp(self.path), False
        self._written = time.monotonic()
        self._cost = self._written - begin

    def _read(self, path: Path) -> dict[int, Entry]:
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return {}
        if path == self.path:
            self._stamp = _stamp(path)
        try:
            body = _checked(text)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise SpikecudaValueError(
                f"path must be the file of a sweep (got {path}: {error}); give another name"
            ) from None
        self._require_same(path, body)
        result, foreign = {}, []
        for entry in body["rows"]:
            key = json.dumps(entry["params"], sort_keys=True)
            if key in self._numbers:
                result[self._numbers[key]] = entry
            else:
                foreign.append(key)
        if foreign:
            raise SpikecudaValueError(
                f"{path} must hold points of this grid only (got {len(foreign):,} others, such as "
                f"{foreign[0]:.200}); give the grid that has them all, or another path"
            )
        return result

    def _require_same(self, path: Path, body: Mapping[str, Any]) -> None:
        advice = "give another path"
        if set(body["parameters"]) != set(self._parameters):
            raise SpikecudaValueError(
                f"{path} is of a grid of {', '.join(body['parameters'])} (got one of "
                f"{', '.join(self._parameters)}); {advice}"
            )
        if not self._same:
            return
        if body["spikecuda"] != __version__:
            raise SpikecudaValueError(
                f"{path} is of spikecuda {body['spikecuda']} (this is {__version__}); {advice}, or "
                "same_function=False to keep its rows"
            )
        if body["source"] != self._source:
            raise SpikecudaValueError(
                f"{path} is of another function than {self._function} is now (of "
                f"{body['function']}, or of it before a change); {advice}, or same_function=False "
                "to keep its rows"
            )


def outcome_of(index: int, entry: Entry) -> Outcome:
    """Return what a row of a file says."""
    values = pickle.dumps({name: decode(value) for name, value in entry["values"].items()})
    failed = bool(entry["error"])
    return Outcome(
        index, b"" if failed else values, entry["seconds"], entry["error"], entry["traceback"]
    )


def _checked(text: bytes) -> dict[str, Any]:
    """Return what a file says; raise if it is not as ``write`` has left it."""
    body = json.loads(text.decode())
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        found = body.get("format") if isinstance(body, dict) else None
        raise ValueError(f"it must be of format {FORMAT!r}, not {found!r:.80}")
    if body.pop("sha256", None) != _checksum(body):
        raise ValueError("its checksum differs: it is damaged, or was edited")
    return body


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, indent=0, allow_nan=False)


def _checksum(body: Mapping[str, Any]) -> str:
    plain = json.dumps(body, sort_keys=True, allow_nan=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what tells that a file is the one that was written, None without one."""
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns

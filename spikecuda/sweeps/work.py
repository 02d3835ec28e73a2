"""The work on one point, in whatever process or thread it is done."""

import pickle
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from spikecuda.common.cores import cores_limited
from spikecuda.errors import SpikecudaTypeError
from spikecuda.sweeps.grid import OWN, Point, plain
from spikecuda.sweeps.sent_function import SentFunction

# The column of what is returned if it is no dict.
RESULT = "result"
# Characters of a failure's text; the end of a traceback says most.
LONGEST_ERROR, LONGEST_TRACEBACK = 2_000, 20_000


@dataclass(frozen=True)
class Outcome:
    """What came of a point.

    Attributes:
        index: number of the point.
        values: pickled results by name; empty after a failure.
        seconds: that it took.
        error: the failure in a line; empty without one.
        traceback: of the failure.
    """

    index: int
    values: bytes = b""
    seconds: float = 0.0
    error: str = ""
    traceback: str = field(default="", repr=False)

    def results(self) -> dict[str, Any]:
        """Return the results by name; none after a failure."""
        return pickle.loads(self.values) if self.values else {}


def run_point(function: SentFunction | Callable[..., Any], index: int, point: Point) -> Outcome:
    """Call the function for a point, on one core.

    Args:
        function: as it is, or as it was sent.
        index: number of the point.
        point: its arguments.

    Raises:
        SpikecudaError: a function that was sent cannot be loaded here, for no point at all.
    """
    call = function.load() if isinstance(function, SentFunction) else function
    begin = time.perf_counter()
    try:
        with cores_limited(1):
            values = pickle.dumps(named(call(**point), point))
        return Outcome(index, values, time.perf_counter() - begin)
    except (Exception, SystemExit) as error:
        return failure(index, error, time.perf_counter() - begin)


def failure(index: int, error: BaseException, seconds: float = 0.0) -> Outcome:
    """Return the outcome of a point that failed."""
    inner = error.__traceback__.tb_next if error.__traceback__ is not None else None
    lines = traceback.format_exception(type(error), error, inner)
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return Outcome(index, b"", seconds, text[:LONGEST_ERROR], "".join(lines)[-LONGEST_TRACEBACK:])


def named(found: Any, point: Point) -> dict[str, Any]:
    """Return what a function returned as results by name.

    Raises:
        SpikecudaTypeError: a name that is no text, or that is taken.
    """
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        found = {RESULT: found}
    for name in found:
        if not isinstance(name, str):
            raise SpikecudaTypeError(
                f"results must be a dict with texts for names (got the name {name!r:.80})"
            )
        if name in point or name in OWN:
            taken = "a parameter" if name in point else "a column of the table"
            raise SpikecudaTypeError(
                f"results must have other names than parameters and {', '.join(OWN)} (got "
                f"{name!r}, which is {taken}); return it under another name"
            )
    return {name: plain(value) for name, value in found.items()}

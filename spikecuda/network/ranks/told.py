"""What one process raises, told to the others."""

import os
import sys
import time
import traceback
from types import TracebackType
from typing import Any, NoReturn

from spikecuda.errors import SpikecudaError

# An attribute of exceptions that all processes raise, or were told of.
KNOWN = "_known_to_all_processes"
OURS = "spikecuda."
# Seconds in which a launcher has passed on what a process wrote.
WRITTEN = 0.3


def mark_known(error: BaseException) -> BaseException:
    """Note that no other process need be told of an exception; return it."""
    setattr(error, KNOWN, True)
    return error


def is_known(error: BaseException) -> bool:
    """Tell whether all processes know of an exception, or of what it was made of."""
    return hasattr(error, KNOWN) or (error.__cause__ is not None and is_known(error.__cause__))


def as_message(error: BaseException) -> tuple[Any, ...]:
    """Return what other processes are told of an exception, as plain values and classes."""
    kind = type(error)
    if isinstance(error, OSError) and error.errno is not None and kind.__module__ == "builtins":
        return kind, kind.__name__, str(error.strerror), error.errno, error.filename
    ours = isinstance(error, SpikecudaError) and kind.__module__.startswith(OURS)
    same = ours or kind in (KeyboardInterrupt, MemoryError)
    return kind if same else SpikecudaError, kind.__name__, str(error)


def as_error(message: tuple[Any, ...], who: int, count: int) -> BaseException:
    """Return what the others raise: an exception of the same kind, if that is one to be caught.

    Args:
        message: of ``as_message``.
        who: rank that it comes from, of so many.
    """
    kind, name, text, *more = message
    if kind is KeyboardInterrupt:
        return KeyboardInterrupt()
    if more:
        number, filename = more
        error: BaseException = kind(number, f"{text} (on rank {who} of {count})", filename)
        return error
    made: BaseException = kind(
        f"all processes broke off: rank {who} of {count} raised {name}: {text}"
    )
    return made


def end_all_on_error(rank: int, count: int) -> None:
    """Let an exception that nobody catches end all processes: the others would wait for ever."""
    before = sys.excepthook
    if getattr(before, "ends_all", False):
        return

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        from mpi4py import MPI

        if issubclass(kind, KeyboardInterrupt):
            print(f"rank {rank} of {count}: interrupted", file=sys.stderr)
        else:
            traceback.print_exception(kind, error, trace)
            print(f"rank {rank} of {count} failed; all processes end", file=sys.stderr)
        sys.stderr.flush()
        # The launcher passes on what is written until it ends all processes.
        time.sleep(WRITTEN)
        if not MPI.Is_finalized():
            MPI.COMM_WORLD.Abort(130 if issubclass(kind, KeyboardInterrupt) else 1)

    hook.ends_all = True  # type: ignore[attr-defined]
    sys.excepthook = hook
    _tell_exit(rank, count)


def _tell_exit(rank: int, count: int) -> None:
    """Let a process that leaves by ``os._exit`` say so: the launcher ends the others in silence."""
    leave, process = os._exit, os.getpid()

    def told(status: int) -> NoReturn:
        from mpi4py import MPI

        if os.getpid() == process and not MPI.Is_finalized():
            print(
                f"rank {rank} of {count} ended by os._exit({status}); all processes end",
                file=sys.stderr, flush=True,
            )  # fmt: skip
            time.sleep(WRITTEN)
            status = status or 1  # others were broken off: that is no success
        leave(status)

    os._exit = told

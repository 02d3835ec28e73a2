"""Room on Python's own stack for calls that go up and down a thousand times.

CPython keeps the frames of a thread in chunks of 16 KiB.  A call that does not fit into a chunk
maps a new one, and its return unmaps it (``_PyThreadState_PushFrame`` in ``Python/pystate.c``).  A
loop that calls functions just there, as Numba's type inference does, asks the system for memory at
each call: a fifth of the time that a network's first run took.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# A chunk's size is a power of two and holds the frame that asks for it.  A frame of 1 MiB makes one
# of 2 MiB, and the rest of it is for the calls within.  What nobody writes to takes no memory.
WORDS = 2**17


def with_room(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
    """Call a function with 1 MiB of the stack before it, in one piece.

    Args:
        function: what is called.
        arguments, named: what it is called with.

    Returns:
        What the function returns.
    """
    return function(*arguments, **named)


_narrow: Any = with_room
_narrow.__code__ = _narrow.__code__.replace(co_stacksize=WORDS)

"""Turn a MemoryError into an error that names what needed the memory."""

import contextlib
from collections.abc import Iterator

from spikecuda.common.host_memory import shortage
from spikecuda.errors import OutOfMemoryError, SpikecudaError


@contextlib.contextmanager
def out_of_memory(what: str, remedy: str) -> Iterator[None]:
    """Let a ``MemoryError`` of the block, or of the function that this decorates, say whose it is.

    Sizes that are known are checked before anything is taken; this is for what is left: lists
    whose length nobody knows beforehand, and memory that other programs took meanwhile.

    Args:
        what: it was needed for, as "the spikes of the run".
        remedy: what to do.

    Raises:
        OutOfMemoryError: instead of the ``MemoryError``.
    """
    try:
        yield
    except MemoryError as error:
        if isinstance(error, SpikecudaError):
            raise
        said = f": {error}" if str(error) else ""
        raise OutOfMemoryError(
            f"{what} must fit in memory ({shortage()}{said}); {remedy}"
        ) from error

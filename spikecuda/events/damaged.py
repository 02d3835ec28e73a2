"""What is said of recordings that cannot be read."""

from pathlib import Path

from spikecuda.common.host_memory import require_memory
from spikecuda.errors import SpikecudaValueError

# Bytes of memory that a byte of a recording takes while it is read, at most.
GROWS = 100.0


def damaged(path: Path, offset: int, must: str, got: str) -> SpikecudaValueError:
    """Return the error for a recording that is not what it has to be.

    Args:
        path: the file.
        offset: the byte at which that shows, from 0.
        must: what should be there.
        got: what is there.
    """
    return SpikecudaValueError(
        f"{path}: at byte {offset:,} there must be {must} (got {got}); the file is damaged, or of "
        "another format"
    )


def content(path: Path) -> bytes:
    """Return what a file has, if there is memory to read it."""
    require_memory(GROWS * path.stat().st_size, "a recording of events", "cut it into parts")
    return path.read_bytes()

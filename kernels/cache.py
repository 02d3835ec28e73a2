"""Where rendered modules and compiled kernels are kept.

Files are named by the hash of all that went into them, so a stale one cannot be used; they are
written beside their place and renamed, so concurrent processes see all of a file or nothing.
"""

import atexit
import contextlib
import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path


@functools.cache
def cache_dir() -> Path:
    """Return a writable folder for rendered modules and compiled kernels.

    The first that can be written of ``$SPIKECUDA_CACHE_DIR``, ``$XDG_CACHE_HOME/spikecuda``,
    ``~/.cache/spikecuda``; else a private temporary folder that goes with the process.
    """
    candidates = []
    if os.environ.get("SPIKECUDA_CACHE_DIR"):
        candidates.append(Path(os.environ["SPIKECUDA_CACHE_DIR"]))
    if os.environ.get("XDG_CACHE_HOME"):
        candidates.append(Path(os.environ["XDG_CACHE_HOME"]) / "spikecuda")
    with contextlib.suppress(RuntimeError):  # raised where there is no home folder at all
        candidates.append(Path.home() / ".cache" / "spikecuda")
    version = f"py{sys.version_info[0]}{sys.version_info[1]}"
    for candidate in candidates:
        folder = candidate / version
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    folder = Path(tempfile.mkdtemp(prefix="spikecuda-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def write_once(path: Path, data: bytes) -> None:
    """Write a file atomically unless it is there already with the same content."""
    try:
        if path.read_bytes() == data:
            return
    except OSError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

"""Messages about slow work or problems, on stderr through the logger ``spikecuda``.

``logging.getLogger("spikecuda").setLevel("WARNING")`` or ``SPIKECUDA_QUIET=1`` silences them; a
program with handlers of its own gets them there.
"""

import contextlib
import logging
import os
import sys

LOGGER = logging.getLogger("spikecuda")
if LOGGER.level == logging.NOTSET:
    LOGGER.setLevel(logging.INFO)


def notice(text: str, level: int = logging.INFO) -> None:
    """Write a line, whatever the terminal can show; what it cannot is written as an escape.

    Args:
        text: the line.
        level: of the logger: ``logging.WARNING`` for what the user should change.
    """
    if os.environ.get("SPIKECUDA_QUIET", "0") not in ("", "0") or not LOGGER.isEnabledFor(level):
        return
    if LOGGER.hasHandlers():
        LOGGER.log(level, "%s", text)
        return
    # Python's stderr escapes what its encoding lacks; it may be missing, closed or a broken pipe.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(f"spikecuda: {text}\n")
        sys.stderr.flush()

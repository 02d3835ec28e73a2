"""Standard output and standard error, whatever their encoding and whether they are open or not."""

import codecs
import contextlib
import sys
from contextlib import AbstractContextManager
from typing import IO

# What stands for a character that an encoding lacks; "?" for others.
PLAIN = {
    **dict.fromkeys("─━═╌╍┄┅╸╺╴╶–—−‐‑", "-"),
    **dict.fromkeys("│┃║╎╏", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┡┩╇╈╋╔╗╚╝╠╣╦╩╬", "+"),
    **dict.fromkeys("█▉▊▋▌▍▎▏▓▒░", "#"),
    **dict.fromkeys("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏•·∙", "."),
    **dict.fromkeys("\N{MICRO SIGN}\N{GREEK SMALL LETTER MU}", "u"),
    "×": "x", "°": "", "…": "...", "→": "->", "≤": "<=", "≥": ">=", "±": "+-", "²": "^2",
    "³": "^3", "⁻": "-", "≈": "~", "√": "sqrt", "∞": "inf", "‘": "'", "’": "'", "“": '"',
    "”": '"', "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
# The name of the error handler that replaces what cannot be encoded.
HANDLER = "spikecuda-plain"


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(PLAIN.get(c, "?") for c in text), error.end


codecs.register_error(HANDLER, _replace)


def plain(text: str, encoding: str | None) -> str:
    """Return a text with characters that an encoding lacks replaced by ones that it has."""
    try:
        name = codecs.lookup(encoding or "utf-8").name
    except LookupError:
        name = "ascii"
    return text.encode(name, HANDLER).decode(name)


class Screen:
    """Standard output or standard error as it is now; takes any text.

    Args:
        error: whether it is standard error.
        expendable: whether what is written may be lost: a display of progress, which must not end
            the work that it shows.
    """

    def __init__(self, error: bool = False, expendable: bool = False) -> None:
        self._error, self._expendable = error, expendable

    @property
    def stream(self) -> IO[str] | None:
        """Python's stream; None where it was closed before Python started."""
        stream = sys.stderr if self._error else sys.stdout
        # A display of rich's may have put itself before it.
        return getattr(stream, "rich_proxied_file", stream)

    @property
    def encoding(self) -> str:
        """What it encodes text in."""
        return getattr(self.stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        try:
            return self.stream is not None and bool(self.stream.isatty())
        except (AttributeError, ValueError):  # no such method, or closed
            return False

    def fileno(self) -> int:
        """Return its descriptor; raise OSError if it has none."""
        if self.stream is None:
            raise OSError("the stream is closed")
        return self.stream.fileno()

    def write(self, text: str) -> int:
        """Write a text."""
        stream = self.stream
        if stream is not None:
            with self._lost():
                stream.write(plain(text, self.encoding))
        return len(text)

    def flush(self) -> None:
        """Let what was written arrive."""
        stream = self.stream
        if stream is not None:
            with self._lost():
                stream.flush()

    def _lost(self) -> AbstractContextManager[None]:
        errors = (OSError, ValueError) if self._expendable else ()
        return contextlib.suppress(*errors)

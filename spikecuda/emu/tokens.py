"""PTX text to tokens, and tokens to numbers."""

from __future__ import annotations

import re
import struct

from .errors import PTXSyntaxError, UnsupportedPTXError
from .syntax import FloatBits
from .types import Type

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\f\v\0]+)
  | (?P<newline>\n)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<string>"[^"\n]*")
  | (?P<float>0[fF][0-9A-Fa-f]{8}\b|0[dD][0-9A-Fa-f]{16}\b
      |\d+\.\d*(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)
  | (?P<int>0[xX][0-9A-Fa-f]+U?|0[bB][01]+U?|\d+U?)
  | (?P<word>[%$_A-Za-z][\w$]*)
  | (?P<dotted>\.[A-Za-z_][\w]*(?:::\w+)*)
  | (?P<mark>[{}()\[\],;:=|!@<>+\-*])
    """,
    re.VERBOSE | re.DOTALL,
)


class Token:
    """A token, its line, and whether nothing stands between it and the one before."""

    __slots__ = ("glued", "kind", "line", "text")

    def __init__(self, kind: str, text: str, line: int, glued: bool) -> None:
        self.kind, self.text, self.line, self.glued = kind, text, line, glued


def tokenize(text: str) -> list[Token]:
    """Split PTX into tokens; ``glued`` says that nothing stood between a token and the previous."""
    tokens: list[Token] = []
    position, line, glued = 0, 1, False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise PTXSyntaxError(line, f"unexpected character {text[position]!r}")
        kind = str(match.lastgroup)
        if kind in ("space", "newline", "comment"):
            glued = False
        else:
            tokens.append(Token(kind, match.group(), line, glued))
            glued = True
        line += match.group().count("\n")
        position = match.end()
    tokens.append(Token("end", "end of text", line, False))
    return tokens


def integer_literal(text: str) -> int:
    """The value of an integer literal."""
    text = text.rstrip("U")
    if len(text) > 1 and text[0] == "0" and text[1] not in "xXbB":
        return int(text, 8)
    return int(text, 0)


def float_literal(text: str) -> FloatBits:
    """The bits of a floating literal."""
    if text[:2] in ("0f", "0F"):
        return FloatBits(int(text[2:], 16), 32)
    if text[:2] in ("0d", "0D"):
        return FloatBits(int(text[2:], 16), 64)
    return FloatBits(struct.unpack("<Q", struct.pack("<d", float(text)))[0], 64)


def float_bits(value: FloatBits, kind: Type, line: int) -> int:
    """The bits of a literal as ``kind``: PTX lets a double literal stand for a float one."""
    if value.width == kind.width:
        return value.bits
    if value.width == 64 and kind.width == 32 and kind.is_float:
        double = struct.unpack("<d", struct.pack("<Q", value.bits))[0]
        return int(struct.unpack("<I", struct.pack("<f", double))[0])
    raise UnsupportedPTXError(line, f"a {value.width}-bit float literal as .{kind.name}")

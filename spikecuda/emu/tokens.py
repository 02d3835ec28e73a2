"""PTX text to tokens, and tokens to numbers."""

from __future__ import annotations

import re

from .errors import PTXSyntaxError

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

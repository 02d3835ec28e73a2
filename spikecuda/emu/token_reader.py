"""The tokens of PTX text, taken one after the other."""

from __future__ import annotations

from collections.abc import Callable

from .errors import PTXSyntaxError
from .syntax import Operand
from .tokens import Token, integer_literal, tokenize


class TokenReader:
    """The tokens of a text, and which is next.

    Args:
        text: PTX.
    """

    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self.at = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def next(self) -> Token:
        """Take the next token."""
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, text: str) -> bool:
        """Take the next token if it is this one; return whether it was."""
        if self.token.text == text and self.token.kind != "string":
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> Token:
        """Take the next token, which must be this one."""
        if self.token.text != text:
            raise PTXSyntaxError(self.token.line, f"expected {text!r}, found {self.token.text!r}")
        return self.next()

    def word(self) -> str:
        """Take the next token, which must be a name."""
        if self.token.kind != "word":
            raise PTXSyntaxError(self.token.line, f"expected a name, found {self.token.text!r}")
        return self.next().text

    def integer(self) -> int:
        """Take a number, with its sign."""
        negative = self.accept("-")
        if self.token.kind != "int":
            raise PTXSyntaxError(self.token.line, f"expected a number, found {self.token.text!r}")
        value = integer_literal(self.next().text)
        return -value if negative else value

    def list_of(self, parse: Callable[[], Operand], close: str) -> tuple[Operand, ...]:
        """Take what stands between commas, up to a closing token."""
        items: list[Operand] = []
        while not self.accept(close):
            items.append(parse())
            if self.token.text != close:
                self.expect(",")
        return tuple(items)

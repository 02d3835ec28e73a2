"""The registers, labels and variables that a ``{ }`` of a function body declares."""

from __future__ import annotations

import re

from .syntax import Register
from .types import Type


class Scope:
    """A ``{ }`` of a function body: its registers and labels, seen from inside only."""

    def __init__(self, parent: Scope | None, suffix: str) -> None:
        self.parent, self.suffix = parent, suffix
        self.registers: dict[str, Register] = {}
        self.families: dict[str, tuple[int, Type]] = {}
        self.labels: dict[str, str] = {}
        self.symbols: dict[str, str] = {}

    def register(self, name: str) -> Register | None:
        """The register of a name, declared here or further out."""
        if name in self.registers:
            return self.registers[name]
        match = re.fullmatch(r"(.*?)(0|[1-9]\d*)", name)
        if match and match.group(1) in self.families:
            count, kind = self.families[match.group(1)]
            if int(match.group(2)) < count:
                self.registers[name] = Register(name + self.suffix, kind)
                return self.registers[name]
        return self.parent.register(name) if self.parent else None

    def label(self, name: str) -> str | None:
        """The unique name of a label."""
        return self.labels.get(name) or (self.parent.label(name) if self.parent else None)

    def symbol(self, name: str) -> str:
        """The unique name of a variable."""
        if name in self.symbols:
            return self.symbols[name]
        return self.parent.symbol(name) if self.parent else name

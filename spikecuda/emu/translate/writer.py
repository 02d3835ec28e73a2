"""LLVM IR as text: instructions, blocks, and calls of what is declared or defined on the way."""

from __future__ import annotations


class Writer:
    """The text of a function.

    Attributes:
        lines: of the function's body.
        declarations: of external functions, by name.
        helpers: definitions of functions that it calls, by name.
        count: names given so far.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.declarations: dict[str, str] = {}
        self.helpers: dict[str, str] = {}
        self.count = 0

    def do(self, text: str) -> None:
        """Write an LLVM instruction that gives no value."""
        self.lines.append("  " + text)

    def value(self, text: str) -> str:
        """Write an LLVM instruction and return the name of its value."""
        self.count += 1
        self.lines.append(f"  %t{self.count} = {text}")
        return f"%t{self.count}"

    def fresh(self, what: str) -> str:
        """A name that nothing else has."""
        self.count += 1
        return f"{what}{self.count}"

    def label(self, name: str) -> None:
        """Start a block, falling into it from the one before."""
        self.do(f'br label %"{name}"')
        self.lines.append(f'"{name}":')

    def block(self, name: str) -> None:
        """Start a block that the text before does not fall into."""
        self.lines.append(f'"{name}":')

    def goto(self, name: str) -> None:
        """Branch; what follows is reached through a label only."""
        self.do(f'br label %"{name}"')
        self.block(self.fresh("dead"))

    def call(self, result: str, name: str, *arguments: str, attributes: str = "") -> str:
        """Call an external function or intrinsic; arguments are written ``type value``."""
        types = ", ".join(a.rsplit(" ", 1)[0] for a in arguments)
        self.declarations[name] = f'declare {result} @"{name}"({types}) {attributes}'
        text = f'call {result} @"{name}"({", ".join(arguments)})'
        if result == "void":
            self.do(text)
            return ""
        return self.value(text)

    def helper(self, name: str, text: str, result: str, *arguments: str) -> str:
        """Call a function whose definition ``text`` goes into the module once."""
        self.helpers[name] = text
        return self.value(f'call {result} @"{name}"({", ".join(arguments)})')

    def cast(self, value: str, source: str, target: str) -> str:
        """Reinterpret the bits of a value."""
        return value if source == target else self.value(f"bitcast {source} {value} to {target}")

    def resize(self, value: str, source: int, target: int, signed: bool = False) -> str:
        """Truncate or extend an integer of ``source`` bits to ``target`` bits."""
        if source == target:
            return value
        how = "trunc" if target < source else ("sext" if signed else "zext")
        return self.value(f"{how} i{source} {value} to i{target}")

    def context(self, word: int, invariant: bool = False) -> str:
        """Load a word of the launch context."""
        pointer = self.value(f"getelementptr i64, ptr %ctx, i64 {word}")
        tail = ", !invariant.load !0" if invariant else ""
        return self.value(f"load i64, ptr {pointer}{tail}")

"""What a PTX module is made of: operands, instructions, variables, functions."""

from __future__ import annotations

from dataclasses import dataclass, field

from .types import Type


@dataclass(frozen=True)
class Register:
    """A register; its name is unique within the function."""

    name: str
    type: Type


@dataclass(frozen=True)
class Special:
    """A read-only register of the machine, such as ``%tid.x``."""

    name: str


@dataclass(frozen=True)
class Integer:
    """An integer literal."""

    value: int


@dataclass(frozen=True)
class FloatBits:
    """A floating literal, kept as the bits it was written with."""

    bits: int
    width: int


@dataclass(frozen=True)
class Symbol:
    """The name of a variable, a label or a function."""

    name: str


@dataclass(frozen=True)
class Address:
    """``[base + offset]``."""

    base: Register | Symbol | Integer
    offset: int = 0


@dataclass(frozen=True)
class Vector:
    """``{a, b}``: several registers as one operand."""

    items: tuple[Operand, ...]


@dataclass(frozen=True)
class Pair:
    """``d|p``: a destination and its predicate."""

    first: Operand
    second: Operand


@dataclass(frozen=True)
class Not:
    """``!p``."""

    operand: Register


@dataclass(frozen=True)
class Sink:
    """``_``: a result that nobody wants."""


@dataclass(frozen=True)
class Group:
    """``(a, b)``: the parameters of a call."""

    items: tuple[Operand, ...]


Operand = (
    Register | Special | Integer | FloatBits | Symbol | Address | Vector | Pair | Not | Sink | Group
)


@dataclass(frozen=True)
class Label:
    """A place to branch to."""

    name: str
    line: int


@dataclass(frozen=True)
class Instruction:
    """One instruction, with the line it stands on."""

    line: int
    opcode: str
    modifiers: tuple[str, ...]
    operands: tuple[Operand, ...]
    guard: Register | None = None
    negated: bool = False

    @property
    def text(self) -> str:
        """The opcode with its modifiers."""
        return ".".join((self.opcode, *self.modifiers))


@dataclass(frozen=True)
class Variable:
    """A variable in a state space; ``data`` is its initial value, ``size`` 0 a dynamic extent."""

    name: str
    space: str
    align: int
    size: int
    line: int
    data: bytes | None = None
    type: Type | None = None
    extern: bool = False


@dataclass
class Function:
    """A kernel (``entry``) or a function."""

    name: str
    line: int
    entry: bool
    parameters: list[Variable] = field(default_factory=list)
    results: list[Variable] = field(default_factory=list)
    body: list[Label | Instruction] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    limits: dict[str, tuple[int, ...]] = field(default_factory=dict)
    defined: bool = False


@dataclass
class Module:
    """All that a PTX text declares."""

    text: str
    version: str = ""
    target: str = ""
    functions: dict[str, Function] = field(default_factory=dict)
    variables: list[Variable] = field(default_factory=list)

    def source(self, line: int) -> str:
        """Return one line of the text (1 is the first)."""
        lines = self.text.splitlines()
        return lines[line - 1] if 0 < line <= len(lines) else ""

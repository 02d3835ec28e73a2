"""The modifiers of an instruction, each of which must be understood."""

from __future__ import annotations

from ..errors import UnsupportedPTXError
from ..syntax import Instruction, Operand
from ..types import TYPES, Type


class Modifiers:
    """The modifiers of one instruction; each must be consumed, or the instruction is refused."""

    def __init__(self, item: Instruction) -> None:
        self.item = item
        self.left = list(item.modifiers)

    def refuse(self, why: str = "") -> UnsupportedPTXError:
        """The error to raise for what the instruction says."""
        what = f"the instruction {self.item.text}"
        return UnsupportedPTXError(self.item.line, what + (f" ({why})" if why else ""))

    def flag(self, name: str) -> bool:
        """Consume a modifier if it is there, and say so."""
        if name in self.left:
            self.left.remove(name)
            return True
        return False

    def choose(self, *names: str, default: str | None = None) -> str:
        """Consume the one modifier among ``names``; without a default it must be there."""
        found = [name for name in self.left if name in names]
        if len(found) > 1 or (not found and default is None):
            raise self.refuse(f"needs exactly one of {', '.join('.' + n for n in names)}")
        if found:
            self.left.remove(found[0])
            return found[0]
        return str(default)

    def type(self, kinds: str = "busf", widths: tuple[int, ...] = (16, 32, 64)) -> Type:
        """Consume the last modifier, which must be a type of one of ``kinds`` and ``widths``."""
        name = self.left.pop() if self.left else ""
        found = TYPES.get(name)
        if found is None or found.kind not in kinds or found.width // found.lanes not in widths:
            raise self.refuse(f".{name} is not a type that it can have" if name else "no type")
        return found

    def done(self, operands: int | tuple[int, ...] | None = None) -> tuple[Operand, ...]:
        """Refuse what is left over; return the operands, whose number must be as said."""
        if self.left:
            raise self.refuse(f"the modifier .{self.left[0]} is not understood here")
        allowed = (operands,) if isinstance(operands, int) else operands
        if allowed is not None and len(self.item.operands) not in allowed:
            raise self.refuse(f"{len(self.item.operands)} operands")
        return self.item.operands

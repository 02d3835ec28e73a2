"""nvdisasm listings as instructions, and the basic blocks they form."""

import re
from dataclasses import dataclass, field

from spikecuda.errors import SpikecudaValueError
from spikecuda.inspection.flow import Edge, Graph

_INSTRUCTION = re.compile(
    r"/\*([0-9a-f]{4,})\*/\s+(?:@(!?U?P[0-9T]+)\s+)?([A-Z][\w.]*)\s*(.*?)\s*;"
)
_SECTION = re.compile(r"\.text\.([\w$]+):$")
_LABEL = re.compile(r"([.$\w]+):$")
_TARGET = re.compile(r"`\(([^)]+)\)")
_REGISTER = re.compile(r"\b(U?R)(\d+)\b")
ENDS = ("BRA", "EXIT", "RET", "CALL")
# Control flow that this reader does not follow; kernels of this project have none of it.
REFUSED = ("BRX", "JMP", "JMX", "BRXU", "JMXU", "CALL.ABS", "LONGJMP")


class InspectionError(SpikecudaValueError):
    """Machine code that the inspection does not understand, and so refuses."""


@dataclass(frozen=True)
class Instruction:
    """One machine instruction.

    Attributes:
        address: bytes from the start of the kernel.
        predicate: guard, such as "P0" or "!P0"; "" if there is none.
        opcode: "LDG" of LDG.E.64.
        modifiers: ("E", "64") of LDG.E.64.
        operands: as written, without ``.reuse``.
    """

    address: int
    predicate: str
    opcode: str
    modifiers: tuple[str, ...]
    operands: tuple[str, ...]

    def __str__(self) -> str:
        guard = f"@{self.predicate} " if self.predicate else ""
        name = ".".join((self.opcode, *self.modifiers))
        return f"{self.address:04x}: {guard}{name} {', '.join(self.operands)}".rstrip()

    @property
    def target(self) -> str:
        """The label that a branch or call names, or ""."""
        found = _TARGET.search(self.operands[-1]) if self.operands else None
        return found.group(1) if found else ""

    @property
    def never(self) -> bool:
        """Whether the guard is the constant false."""
        return self.predicate in ("!PT", "!UPT")

    @property
    def conditional(self) -> bool:
        """Whether a branch, exit or call may not be taken."""
        guarded = bool(self.predicate) and self.predicate not in ("PT", "UPT")
        return guarded or (self.opcode == "BRA" and len(self.operands) > 1)


@dataclass
class Code:
    """A kernel's instructions and the subroutines that it was linked with.

    Attributes:
        name: symbol of the kernel.
        instructions: in order of address; the kernel's first, then its subroutines'.
        labels: index of the instruction that a label stands before.
        blocks: instruction indices [first, last) of each basic block.
        graph: the blocks that control flow reaches from the kernel's entry.
    """

    name: str
    instructions: list[Instruction]
    labels: dict[str, int]
    blocks: list[tuple[int, int]] = field(init=False)
    graph: Graph = field(init=False)

    def __post_init__(self) -> None:
        self.blocks = _blocks(self)
        start = {first: b for b, (first, _) in enumerate(self.blocks)}
        self.graph = Graph([self._edges(b, start) for b in range(len(self.blocks))])

    def block(self, b: int) -> list[Instruction]:
        """Return the instructions of a block."""
        first, last = self.blocks[b]
        return self.instructions[first:last]

    def _edges(self, b: int, start: dict[int, int]) -> list[Edge]:
        _, last = self.blocks[b]
        end = self.instructions[last - 1]
        following = [Edge(start[last], "next")] if last in start else []
        if end.opcode not in ENDS or end.never:
            return following
        if end.opcode in ("EXIT", "RET"):
            return following if end.conditional else []
        if end.opcode == "CALL" and _subroutine(end.target):
            return following
        to = Edge(start[self.labels[end.target]], "taken")
        # ptxas also writes CALL to one of the kernel's own labels, and means a jump.
        return [to, *following] if end.conditional else [to]

    def callees(self, b: int) -> list[str]:
        """Return the subroutines that a block calls."""
        targets = [i.target for i in self.block(b) if i.opcode == "CALL"]
        return [t for t in targets if _subroutine(t)]


def parse(listing: str, name: str) -> Code:
    """Return the code of one kernel from the text of ``nvdisasm -c``.

    Raises:
        InspectionError: no such kernel, or control flow that is not followed here.
    """
    instructions: list[Instruction] = []
    labels: dict[str, int] = {}
    inside = False
    for line in listing.splitlines():
        line = line.strip()
        section = _SECTION.match(line)
        if section:
            inside = section.group(1) == name
            continue
        if not inside:
            continue
        found = _INSTRUCTION.match(line)
        if found:
            instructions.append(_instruction(*found.groups()))
        elif _LABEL.match(line):
            labels[line[:-1]] = len(instructions)
    if not instructions:
        raise InspectionError(f"the listing has no kernel {name!r}; pass the name in its PTX")
    for i in instructions:
        full = ".".join((i.opcode, *i.modifiers))
        if full.startswith(REFUSED):
            raise InspectionError(f"{name}: {i}: this control flow is not followed; extend sass.py")
    return Code(name, instructions, labels)


def registers(operand: str) -> list[tuple[str, int]]:
    """Return the registers in an operand: ("R", 4) for R4, ("UR", 4) for UR4."""
    return [(kind, int(number)) for kind, number in _REGISTER.findall(operand)]


def _instruction(address: str, predicate: str, name: str, operands: str) -> Instruction:
    opcode, *modifiers = name.split(".")
    parts = re.split(r",\s*(?![^\[(]*[\])])", operands.replace(".reuse", "")) if operands else []
    return Instruction(int(address, 16), predicate or "", opcode, tuple(modifiers), tuple(parts))


def _subroutine(target: str) -> bool:
    """Tell a linked subroutine from a label within the kernel."""
    return not target.startswith(".L")


def _blocks(code: Code) -> list[tuple[int, int]]:
    """Return the ranges of instructions that are entered at the top and left at the bottom only."""
    total = len(code.instructions)
    leaders = {0} | {at for at in code.labels.values() if at < total}
    for i, instruction in enumerate(code.instructions):
        if instruction.opcode in ENDS and i + 1 < total:
            leaders.add(i + 1)
    ordered = sorted(leaders)
    return list(zip(ordered, [*ordered[1:], total], strict=True))

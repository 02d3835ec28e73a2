"""PTX of one kernel as instructions in basic blocks.

Source: PTX ISA 9.0, chapters 4 and 7: ``@p opcode.modifiers operands;``, labels ``$L:``.
"""

import re
from dataclasses import dataclass, field

from spikecuda.inspection.flow import Edge, Graph
from spikecuda.inspection.sass import InspectionError

_COMMENT = re.compile(r"//[^\n]*")
_STATEMENT = re.compile(r"(?:@(!?%\w+)\s+)?([a-z]\w*(?:[.:]+\w+)*)\s*(.*)", re.DOTALL)
_LABEL = re.compile(r"([$\w]+):\s*")
_SPLIT = re.compile(r",\s*(?![^{\[(]*[}\])])")
ENDS = ("bra", "ret", "exit", "trap", "brx", "call")


@dataclass(frozen=True)
class Statement:
    """One PTX instruction.

    Attributes:
        line: in the text of the PTX, from 1.
        predicate: guard, such as "%p1" or "!%p1"; "" if there is none.
        opcode: the name up to the first dot.
        modifiers: what follows, in order.
        operands: as written.
    """

    line: int
    predicate: str
    opcode: str
    modifiers: tuple[str, ...]
    operands: tuple[str, ...]

    def __str__(self) -> str:
        guard = f"@{self.predicate} " if self.predicate else ""
        name = ".".join((self.opcode, *self.modifiers))
        return f"line {self.line}: {guard}{name} {', '.join(self.operands)}".rstrip()


@dataclass
class Kernel:
    """The body of a PTX kernel.

    Attributes:
        parameters: number of each parameter by its name.
        statements: in order.
        labels: index of the statement that a label stands before.
        blocks: ranges of statements.
        graph: the control flow between them.
    """

    parameters: dict[str, int]
    statements: list[Statement]
    labels: dict[str, int]
    blocks: list[tuple[int, int]] = field(init=False)
    graph: Graph = field(init=False)

    def __post_init__(self) -> None:
        total = len(self.statements)
        leaders = {0} | {at for at in self.labels.values() if at < total}
        leaders |= {
            i + 1 for i, s in enumerate(self.statements) if s.opcode in ENDS and i + 1 < total
        }
        ordered = sorted(leaders)
        self.blocks = list(zip(ordered, [*ordered[1:], total], strict=True))
        start = {first: b for b, (first, _) in enumerate(self.blocks)}
        self.graph = Graph([self._edges(b, start) for b in range(len(self.blocks))])

    def block(self, b: int) -> list[Statement]:
        """Return the statements of a block."""
        first, last = self.blocks[b]
        return self.statements[first:last]

    def _edges(self, b: int, start: dict[int, int]) -> list[Edge]:
        _, last = self.blocks[b]
        end = self.statements[last - 1]
        following = [Edge(start[last], "next")] if last in start else []
        if end.opcode in ("brx", "call"):
            raise InspectionError(f"{end}: this control flow is not followed; extend ptx.py")
        if end.opcode == "bra":
            to = Edge(start[self.labels[end.operands[0]]], "taken")
            return [to, *following] if end.predicate else [to]
        if end.opcode in ("ret", "exit", "trap"):
            return following if end.predicate else []
        return following


def parse(text: str) -> Kernel:
    """Return the kernel of a PTX text that has one.

    Raises:
        InspectionError: no kernel, or a statement that is not understood.
    """
    clean = _COMMENT.sub("", text)
    found = re.search(r"\.entry\s+[\w$]+\s*\((.*?)\)[^{;]*\{", clean, re.DOTALL)
    if found is None:
        raise InspectionError("the PTX has no .entry with a body; pass the PTX of a kernel")
    names = re.findall(r"\.param\s+[^,]*?([\w$]+)\s*(?:,|$)", found.group(1).strip())
    statements: list[Statement] = []
    labels: dict[str, int] = {}
    at, end = found.end(), _closing(clean, found.end())
    while at < end:
        skip = re.compile(r"\s*").match(clean, at)
        at = skip.end() if skip else at
        label = _LABEL.match(clean, at)
        if label:
            labels[label.group(1)] = len(statements)
            at = label.end()
            continue
        stop = clean.find(";", at, end)
        if stop < 0:
            break
        body = clean[at:stop].strip()
        if not body.startswith("."):
            statements.append(_statement(body, clean.count("\n", 0, at) + 1))
        at = stop + 1
    return Kernel({n: i for i, n in enumerate(names)}, statements, labels)


def _closing(text: str, at: int) -> int:
    """Return the place of the brace that closes the one before ``at``."""
    depth = 1
    for place in range(at, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return place
    raise InspectionError("the kernel's body has no end; pass a complete PTX text")


def _statement(body: str, line: int) -> Statement:
    found = _STATEMENT.fullmatch(body)
    if found is None:
        raise InspectionError(f"line {line}: {body!r} is no PTX instruction; extend ptx.py")
    predicate, name, operands = found.groups()
    opcode, *modifiers = re.split(r"[.:]+", name)
    parts = _SPLIT.split(operands.strip()) if operands.strip() else []
    return Statement(
        line, predicate or "", opcode, tuple(modifiers), tuple(p.strip() for p in parts)
    )

"""What can be told of a PTX text without running it."""

from __future__ import annotations

from dataclasses import dataclass

from .parse import parse
from .syntax import Instruction, Register
from .translate.float import ROUNDINGS
from .types import TYPES


@dataclass(frozen=True)
class Contraction:
    """A product and a sum that the assembler may fuse into one operation.

    Attributes:
        kernel: the function they are in.
        product, total: their lines.
        type: PTX type of both.
    """

    kernel: str
    product: int
    total: int
    type: str


def _loose(item: object, opcodes: tuple[str, ...]) -> str | None:
    """The type of a float instruction that names no rounding, so that it may be contracted."""
    if not isinstance(item, Instruction) or item.opcode not in opcodes or not item.modifiers:
        return None
    kind = TYPES.get(item.modifiers[-1])
    if kind is None or not kind.is_float or any(r in item.modifiers for r in ROUNDINGS):
        return None
    return kind.name


def contractions(ptx: str) -> list[Contraction]:
    """Find the products and sums whose rounding PTX leaves to the assembler.

    ``mul.f32`` and ``add.f32`` without ``.rn`` may be fused by ptxas, which rounds once instead of
    twice; the emulator never fuses them.  A kernel for which this list is empty gives the same
    bits on every machine, as far as these instructions go.

    Args:
        ptx: PTX text.

    Returns:
        One entry for each sum that reads such a product.
    """
    found = []
    for function in parse(ptx).functions.values():
        products: dict[tuple[str, str], list[int]] = {}
        for item in function.body:
            if (kind := _loose(item, ("mul",))) and isinstance(item, Instruction):
                target = item.operands[0]
                if isinstance(target, Register):
                    products.setdefault((target.name, kind), []).append(item.line)
        for item in function.body:
            if (kind := _loose(item, ("add", "sub"))) and isinstance(item, Instruction):
                for operand in item.operands[1:]:
                    if isinstance(operand, Register):
                        lines = products.get((operand.name, kind), ())
                        found += [Contraction(function.name, p, item.line, kind) for p in lines]
    return found

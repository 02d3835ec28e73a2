"""Which array each memory access of the machine code belongs to.

A forward dataflow over the basic blocks: every register carries the set of arrays whose pointers,
read from the parameters in constant bank 0, went into its value.  A value loaded from memory
carries none.  An address with exactly one array is settled; anything else is reported.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from spikecuda.inspection.sass import Code, InspectionError, Instruction, registers

GLOBAL_LOADS = ("LDG", "LD")
GLOBAL_STORES = ("STG", "ST")
GLOBAL_ATOMICS = ("ATOM", "ATOMG", "RED", "REDG")
GLOBAL = (*GLOBAL_LOADS, *GLOBAL_STORES, *GLOBAL_ATOMICS)
LOCAL = ("LDL", "STL")
# Other instructions that read or write memory, in forms this reader does not follow.
REFUSED = ("LDGSTS", "UBLKCP", "UTMALDG", "UTMASTG", "UBLKRED", "SUATOM", "SURED", "SULD", "SUST")
WIDTHS = {"U8": 1, "S8": 1, "U16": 2, "S16": 2, "64": 8, "128": 16, "256": 32}
CONSTANT_LOADS = ("LDC", "LDCU", "ULDC")
# Instructions whose first operands are predicates and which write no general register.
PREDICATE_ONLY = re.compile(r"U?(?:[FDIH]SETP2?|PLOP3|R2P|ISETP|VOTE)$|R2UP$")
WITHOUT_RESULT = (
    "STG", "ST", "STS", "STL", "RED", "REDG", "REDS", "BRA", "EXIT", "RET", "BSSY", "BSYNC",
    "BREAK", "WARPSYNC", "NOP", "YIELD", "BAR", "DEPBAR", "MEMBAR", "CCTL", "ERRBAR", "CALL",
    "ENDCOLLECTIVE",
)  # fmt: skip
_PREDICATE = re.compile(r"U?P(?:\d+|T|R)$")
_CONSTANT = re.compile(r"c\[0x0\]\[(0x[0-9a-f]+)\]")

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Origin:
    """The arrays that went into a register.

    Attributes:
        plain: what it holds in any case.
        guard: predicate of guarded instructions that wrote it last, or "".
        guarded: what it holds instead where the guard was true.
    """

    plain: frozenset[str] = NONE
    guard: str = ""
    guarded: frozenset[str] = NONE

    def under(self, predicate: str) -> frozenset[str]:
        """Return what an instruction with this predicate ("" for none) finds."""
        if self.guard and predicate == self.guard:
            return self.guarded
        return self.plain | self.guarded

    def settled(self) -> "Origin":
        """Return what is known once the guard's predicate has changed."""
        return Origin(self.plain | self.guarded)


NOTHING = Origin()
Registers = dict[tuple[str, int], Origin]


@dataclass(frozen=True)
class Access:
    """One instruction that reads or writes global memory.

    Attributes:
        instruction: the instruction.
        block: number of its basic block.
        kind: "load", "store" or "atomic".
        bytes: what one thread reads or writes.
        arrays: the arrays whose pointers went into the address; one if all is well.
    """

    instruction: Instruction
    block: int
    kind: str
    bytes: int
    arrays: frozenset[str]


def accesses(code: Code, pointers: Mapping[int, str]) -> list[Access]:
    """Return every access to global memory that control flow reaches.

    Args:
        code: the kernel.
        pointers: array names by the offsets of their pointers' halves in constant bank 0.

    Raises:
        InspectionError: a kind of memory access that is not followed here.
    """
    entry: dict[int, Registers] = {0: {}}
    pending = [0]
    while pending:
        block = pending.pop(0)
        state = dict(entry[block])
        for instruction in code.block(block):
            _step(instruction, state, pointers)
        for to in code.graph.successors[block]:
            known = entry.get(to)
            merged = dict(state) if known is None else _merge(known, state)
            if merged != known:
                entry[to] = merged
                if to not in pending:
                    pending.append(to)
    found = []
    for block in sorted(entry):
        state = dict(entry[block])
        for instruction in code.block(block):
            if instruction.opcode in REFUSED:
                raise InspectionError(
                    f"{code.name}: {instruction}: this kind of access is not followed; "
                    "extend origins.py"
                )
            if instruction.opcode in GLOBAL:
                found.append(_access(instruction, block, state))
            _step(instruction, state, pointers)
    return found


def width(instruction: Instruction) -> int:
    """Return the bytes that one thread moves in a load, a store or an atomic operation."""
    for modifier in instruction.modifiers:
        if modifier in WIDTHS:
            return WIDTHS[modifier]
    return 4


def _access(instruction: Instruction, block: int, state: Registers) -> Access:
    kind = (
        "load" if instruction.opcode in GLOBAL_LOADS
        else "store" if instruction.opcode in GLOBAL_STORES
        else "atomic"
    )  # fmt: skip
    arrays: set[str] = set()
    address = _address(instruction)
    for file, number in registers(address):
        # Addresses are 64 bits wide: a pair of registers, unless marked as a 32-bit offset.
        pair = 1 if f"{file}{number}.U32" in address else 2
        arrays |= _read(state, file, number, pair, instruction.predicate)
    return Access(instruction, block, kind, width(instruction), frozenset(arrays))


def _read(state: Registers, file: str, number: int, count: int, predicate: str) -> frozenset[str]:
    """Return the arrays in ``count`` registers from one on."""
    found = [state.get((file, number + i), NOTHING).under(predicate) for i in range(count)]
    return NONE.union(*found)


def _address(instruction: Instruction) -> str:
    """Return what stands in the brackets of an access, without the descriptor."""
    for operand in instruction.operands:
        if "[" in operand:
            return operand[operand.rindex("[") :]
    return ""


def _merge(a: Registers, b: Registers) -> Registers:
    """Return what may hold where two ways join."""
    result = {}
    for register in {**a, **b}:
        x, y = a.get(register, NOTHING), b.get(register, NOTHING)
        if x.guard != y.guard:
            x, y = x.settled(), y.settled()
        result[register] = Origin(x.plain | y.plain, x.guard, x.guarded | y.guarded)
    return result


def _step(instruction: Instruction, state: Registers, pointers: Mapping[int, str]) -> None:
    """Update what is known of the registers by one instruction."""
    results = _results(instruction)
    if instruction.opcode in (*GLOBAL, *LOCAL, "LDS", "S2R", "S2UR"):
        origins = [NONE] * len(results)
    elif instruction.opcode in CONSTANT_LOADS:
        at = [int(x, 16) for x in _CONSTANT.findall(" ".join(instruction.operands))]
        origins = [
            frozenset({pointers[at[0] + 4 * i]}) if at and at[0] + 4 * i in pointers else NONE
            for i in range(len(results))
        ]
    else:
        origins = [_sources(instruction, state, pointers)] * len(results)
    written = _predicates(instruction)
    # Instructions and subroutines that may write any predicate.
    every = instruction.opcode in ("R2P", "UR2UP", "CALL")
    if written or every:
        for register, origin in list(state.items()):
            if origin.guard and (every or origin.guard.lstrip("!") in written):
                state[register] = origin.settled()
    guard = instruction.predicate
    for register, found in zip(results, origins, strict=True):
        old = state.get(register, NOTHING)
        if not guard:
            state[register] = Origin(found)
        elif old.guard in ("", guard):
            state[register] = Origin(old.plain, guard, found)
        else:
            state[register] = Origin(old.plain | old.guarded, guard, found)


def _predicates(instruction: Instruction) -> set[str]:
    """Return the predicates that an instruction writes, and maybe some that it only reads."""
    found = set()
    after = False
    for operand in instruction.operands:
        if _PREDICATE.match(operand):
            found.add(operand)
        elif after or instruction.opcode.endswith(("SETP", "SETP2", "PLOP3")):
            break
        after = True
    return found - {"PT", "UPT"} if instruction.opcode not in WITHOUT_RESULT else set()


def _sources(
    instruction: Instruction, state: Registers, pointers: Mapping[int, str]
) -> frozenset[str]:
    found: set[str] = set()
    double = _result_count(instruction) > 1
    product = "WIDE" in instruction.modifiers
    inputs = instruction.operands[_result_at(instruction) + 1 :]
    for place, operand in enumerate(inputs):
        # The factors of a wide product are 32 bits, what is added to it 64.
        count = 2 if double and not (product and place < 2) else 1
        for at in _CONSTANT.findall(operand):
            offset = int(at, 16)
            if offset in pointers:
                found.add(pointers[offset])
        for file, number in registers(operand):
            found |= _read(state, file, number, count, instruction.predicate)
    return frozenset(found)


def _result_at(instruction: Instruction) -> int:
    """Return the place of the operand that is written: the first that is no predicate."""
    for place, operand in enumerate(instruction.operands):
        if not _PREDICATE.match(operand.lstrip("!")):
            return place
    return len(instruction.operands)


def _results(instruction: Instruction) -> list[tuple[str, int]]:
    """Return the registers that an instruction writes."""
    if instruction.opcode in WITHOUT_RESULT or not instruction.operands:
        return []
    if PREDICATE_ONLY.match(instruction.opcode) and not registers(instruction.operands[0]):
        return []
    place = _result_at(instruction)
    found = registers(instruction.operands[place]) if place < len(instruction.operands) else []
    if not found:
        return []
    kind, number = found[0]
    return [(kind, number + i) for i in range(_result_count(instruction))]


def _result_count(instruction: Instruction) -> int:
    """Return how many 32-bit registers the result takes."""
    modifiers = instruction.modifiers
    if instruction.opcode in (*GLOBAL, *LOCAL, "LDS", *CONSTANT_LOADS):
        return max(1, width(instruction) // 4)
    if {"WIDE", "64", "S64"} & set(modifiers) or instruction.opcode in ("DADD", "DMUL", "DFMA"):
        return 2
    if instruction.opcode == "CS2R" and "32" not in modifiers:
        return 2
    if instruction.opcode in ("F2F", "I2F") and modifiers[:1] == ("F64",):
        return 2
    return 1

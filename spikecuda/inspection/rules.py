"""What must hold of every compiled kernel; each rule returns what breaks it."""

import re
from dataclasses import dataclass

from spikecuda.inspection.mix import global_accesses, ptx_accesses
from spikecuda.inspection.origins import GLOBAL_ATOMICS, LOCAL
from spikecuda.inspection.pipes import CONVERT64, FP64, pipe
from spikecuda.inspection.subject import Subject, per_step

# PTX arithmetic that ptxas may fuse: a product without a rounding modifier.
_FUSIBLE = re.compile(r"\b(?:mul|mad)(?:\.(?:ftz|sat))*\.f(?:16x2|16|32|64)\b")


ATOMICS = (*GLOBAL_ATOMICS, "ATOMS", "REDS")
_FLOAT = re.compile(r"(?:BF?|F)(?:16|32|64)")


@dataclass(frozen=True)
class Violation:
    """A rule that a kernel breaks.

    Attributes:
        rule: name of the rule.
        kernel: name of the kernel.
        cc: compute capability.
        where: the instruction, with its address or line.
        message: what is wrong.
    """

    rule: str
    kernel: str
    cc: tuple[int, int]
    where: str
    message: str

    def __str__(self) -> str:
        place = f" at {self.where}" if self.where else ""
        return f"{self.kernel} for {self.cc[0]}.{self.cc[1]}, {self.rule}: {self.message}{place}"


def check(subject: Subject) -> list[Violation]:
    """Return everything that is wrong with a kernel."""
    found: list[Violation] = []
    for rule in RULES if subject.stepped else GENERAL:
        found += rule(subject)
    return found


def no_double(subject: Subject) -> list[Violation]:
    """No float64 arithmetic or conversion outside float64 kernels."""
    if subject.double:
        return []
    code = subject.code
    return [
        _violation("no_double", subject, str(i), "float64 arithmetic in a kernel without float64")
        for b in code.graph.reachable
        for i in code.block(b)
        if pipe(i) in (FP64, CONVERT64) or "64F" in i.modifiers
    ] + [
        _violation("no_double", subject, f"PTX line {n}", f"float64 in PTX: {line.strip()}")
        for n, line in enumerate(subject.ptx.splitlines(), 1)
        if re.search(r"^\s*[^/.]*\.f64\b", line)
    ]


def no_spills(subject: Subject) -> list[Violation]:
    """No local memory: neither spills nor a stack."""
    found = [
        _violation("no_spills", subject, str(i), "access to local memory")
        for i in subject.code.instructions
        if i.opcode in LOCAL
    ]
    if subject.facts.frame:
        text = f"{subject.facts.frame} bytes of local memory a thread"
        found.append(_violation("no_spills", subject, "", text))
    return found


def no_contraction(subject: Subject) -> list[Violation]:
    """No product that the assembler is free to fuse with a sum."""
    return [
        _violation("no_contraction", subject, f"PTX line {n}", f"may be fused: {line.strip()}")
        for n, line in enumerate(subject.ptx.splitlines(), 1)
        if _FUSIBLE.search(line)
    ]


def known_arrays(subject: Subject) -> list[Violation]:
    """Every access belongs to one array, and PTX and machine code agree on which."""
    found = [
        _violation("known_arrays", subject, str(a.instruction), f"belongs to {_names(a.arrays)}")
        for a in global_accesses(subject)
        if len(a.arrays) != 1
    ]
    pointers = subject.pointers
    sass = {(n, a.kind, a.bytes) for a in global_accesses(subject) for n in a.arrays}
    ptx = set()
    for a, _ in ptx_accesses(subject):
        names = {pointers[p] for p in a.pointers if p in pointers}
        if len(names) != 1:
            found.append(
                _violation("known_arrays", subject, str(a.statement), f"belongs to {_names(names)}")
            )
        ptx |= {(n, a.kind, a.bytes) for n in names}
    # Of a wide load the assembler may take only the part that is used.
    part = {
        s for s in sass - ptx
        if s[1] == "load" and any(p[:2] == s[:2] and p[2] > s[2] for p in ptx)
    }  # fmt: skip
    whole = {
        p for p in ptx - sass
        if p[1] == "load" and any(p[:2] == s[:2] and p[2] > s[2] for s in sass)
    }  # fmt: skip
    found += [
        _violation(
            "known_arrays", subject, "", f"{kind} of {size} bytes of {name} is not in both codes"
        )
        for name, kind, size in sorted((sass ^ ptx) - part - whole)
    ]
    return found


def coalesced(subject: Subject) -> list[Violation]:
    """Neighbouring lanes touch the same or neighbouring elements; unknown addresses are refused."""
    found = []
    for access, _ in ptx_accesses(subject):
        if access.stride is None:
            text = "an address that is not known to be affine in the thread's number"
            found.append(_violation("coalesced", subject, str(access.statement), text))
        elif not access.coalesced:
            text = f"lanes {access.stride} bytes apart for an access of {access.bytes}"
            found.append(_violation("coalesced", subject, str(access.statement), text))
    return found


def state_once(subject: Subject) -> list[Violation]:
    """No loop touches state: each state is loaded and stored once, outside all loops."""
    code = subject.code
    looping = code.graph.looping()
    found = [
        _violation("state_once", subject, str(a.instruction), f"{_names(a.arrays)} in a loop")
        for a in global_accesses(subject)
        if a.block in looping and not all(map(per_step, a.arrays))
    ]
    for name in sorted(subject.states):
        for kind in ("load", "store"):
            times = sum(a.kind == kind and name in a.arrays for a in global_accesses(subject))
            if times != 1:
                text = f"{times} instructions {kind} {name}, not one"
                found.append(_violation("state_once", subject, "", text))
    # A subroutine may be called from a loop; those of the CUDA libraries touch no global memory.
    found += [
        _violation("state_once", subject, str(i), "global memory in a subroutine")
        for b in range(len(code.blocks))
        if b not in code.graph.reachable
        for i in code.block(b)
        if i.opcode in ("LDG", "STG", "LD", "ST", "ATOM", "ATOMG", "RED", "REDG")
    ]
    return found


def integer_atomics(subject: Subject) -> list[Violation]:
    """No atomic operation on floating-point numbers: their sums would depend on the order."""
    return [
        _violation("integer_atomics", subject, str(i), "a sum that depends on its order")
        for b in subject.code.graph.reachable
        for i in subject.code.block(b)
        if i.opcode in ATOMICS and any(_FLOAT.match(m) for m in i.modifiers)
    ]


# What holds of every kernel, and what holds of updates beside.
GENERAL = (no_double, no_spills, no_contraction, known_arrays, integer_atomics)
RULES = (*GENERAL, coalesced, state_once)


def _names(names: "set[str] | frozenset[str]") -> str:
    return ", ".join(sorted(names)) or "no known array"


def _violation(rule: str, subject: Subject, where: str, message: str) -> Violation:
    return Violation(rule, subject.name, subject.cc, where, message)

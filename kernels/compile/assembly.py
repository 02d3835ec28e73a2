"""Read x86 assembly (AVX2 or AVX-512): find the loop that advances neurons, count what is in it."""

import re

WIDTHS = {"x": 16, "y": 32, "z": 64}


def loops(text: str) -> list[list[str]]:
    """Return the bodies of the innermost loops: from a label to a backward jump to it."""
    lines = [line.strip() for line in text.splitlines()]
    labels = {line[:-1]: i for i, line in enumerate(lines) if re.match(r"\.?\w+:$", line)}
    found = []
    for i, line in enumerate(lines):
        jump = re.match(r"j\w+\s+(\.?\w+)$", line)
        if jump and labels.get(jump.group(1), i) < i:
            body = lines[labels[jump.group(1)] + 1 : i]
            if not any(re.match(r"\.?\w+:$", b) for b in body):
                found.append(body)
    return found


def step_loop(text: str, real: str) -> list[str]:
    """Return the loop over neurons: packed fma and packed comparisons on the widest registers.

    Args:
        text: assembly of a kernel.
        real: "float32" or "float64".

    Returns:
        Its instructions; empty if there is no such loop on ymm or zmm registers.
    """
    wide = "pd" if real == "float64" else "ps"
    candidates = [
        body
        for body in loops(text)
        if sum(bool(re.search(rf"vfn?madd\w+{wide}\s.*%[yz]mm", line)) for line in body) >= 2
        and any(re.match(rf"vcmp\w*{wide}\s.*%[yz]mm", line) for line in body)
    ]
    return max(candidates, key=lambda body: (max(map(width, body)), len(body)), default=[])


def rounding_loop(text: str) -> list[str]:
    """Return the loop that rounds states to float16 between two steps: no conversion in it."""
    candidates = [
        body
        for body in loops(text)
        if any(re.match(r"vpmulld\s.*%[yz]mm", line) for line in body)
        and sum(bool(re.match(r"vfn?madd\w+ps\s.*%[yz]mm", line)) for line in body) >= 2
        and not any(line.startswith("vcvt") for line in body)
    ]
    return max(candidates, key=lambda body: (max(map(width, body)), len(body)), default=[])


def conversion_widths(text: str, conversion: str) -> set[int]:
    """Return the widths of a conversion (an instruction) in the loops of a kernel, in bytes."""
    return {width(line) for body in loops(text) for line in body if line.startswith(conversion)}


def width(line: str) -> int:
    """Return the bytes of the widest vector register in an instruction, 0 if there is none."""
    return max((WIDTHS[kind] for kind in re.findall(r"%([xyz])mm\d", line)), default=0)


def neurons(body: list[str], real: str) -> int:
    """Return how many neurons one iteration of a step or rounding loop advances.

    It is read from the index: what is added to it, and how far a load of reals then moves.
    """
    steps = {m[2]: int(m[1]) for line in body if (m := re.match(r"addq\s+\$(\d+), %(\w+)$", line))}
    size = 8 if real == "float64" else 4
    for line in body:
        if not re.match(r"v(movup|fn?madd\w+p)[sd]\s", line):
            continue
        operand = re.search(r"\(%(\w+)(?:,%(\w+)(?:,(\d))?)?\)", line)
        if operand is None:
            continue
        base, index, scale = operand.groups()
        moved = steps.get(index, 0) * int(scale or 1) or steps.get(base, 0)
        if moved:
            return moved // size
    return 0


def vector_arithmetic(body: list[str]) -> int:
    """Return the bytes of the vectors that a loop computes with, an instruction at a time.

    Loads, stores and copies are left out; an instruction that also loads counts, and so does a
    masked copy, which is a blend.
    """
    return sum(
        width(line)
        for line in body
        if re.match(r"v(?!mov|p?broadcast|zeroupper)", line)
        or re.match(r"vmov[^(]*\{%k\d\}$", line)
    )


def fma_bytes(body: list[str]) -> int:
    """Return the bytes of the vectors that a loop multiplies, with or without a sum."""
    return sum(width(line) for line in body if re.match(r"v(fn?m(add|sub)|mul)\w+p[sd]\s", line))


def memory_bytes(body: list[str]) -> tuple[int, int]:
    """Return the bytes that a loop loads and stores in vectors, spilled registers included.

    Operands whose size is not plain from the registers count as the fewest they can be.
    """
    loads = stores = 0
    for line in body:
        if not line.startswith("v") or "(" not in line:
            continue
        moved = min(WIDTHS[kind] for kind in re.findall(r"%([xyz])mm\d", line))
        if re.match(r"v(mov(d|q|ss|sd)\s|p?broadcast)", line) or "{1to" in line:
            moved = 4
        elif re.match(r"v(cvtp[hs]2p|pmov[sz]x)", line):
            moved //= 2
        if re.search(r"\)( \{%k\d\})?$", line):
            stores += moved
        else:
            loads += moved
    return loads, stores

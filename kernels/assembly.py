"""Read x86 assembly: find the loop that advances neurons and count what is in it."""

import re


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
    """Return the loop over neurons: packed fma and packed comparisons on ymm registers.

    Args:
        text: assembly of a kernel.
        real: "float32" or "float64".

    Returns:
        Its instructions; empty if there is no such loop.
    """
    wide = "pd" if real == "float64" else "ps"
    candidates = [
        body
        for body in loops(text)
        if sum(bool(re.search(rf"vfn?madd\w+{wide}\s.*ymm", line)) for line in body) >= 2
        and any(re.match(rf"vcmp\w*{wide}\s.*ymm", line) for line in body)
    ]
    return max(candidates, key=len, default=[])


def vector_arithmetic(body: list[str]) -> int:
    """Return how many vector instructions of a loop compute, loads and stores excepted."""
    return sum(
        bool(re.match(r"v(?!mov|broadcast|zeroupper)", line) or re.match(r"vpmov[sz]x", line))
        for line in body
    )


def fma_count(body: list[str]) -> int:
    """Return how many vector multiplications and fma a loop has."""
    return sum(bool(re.match(r"v(fn?m(add|sub)|mul)\w+p[sd]\s", line)) for line in body)


def memory_accesses(body: list[str]) -> tuple[int, int]:
    """Return how many vector loads and stores a loop has, spilled registers included."""
    loads = stores = 0
    for line in body:
        operands = line.split(None, 1)[1] if len(line.split(None, 1)) > 1 else ""
        if not line.startswith("v") or "(" not in operands:
            continue
        if re.search(r"\)\s*$", operands):
            stores += 1
        else:
            loads += 1
    return loads, stores

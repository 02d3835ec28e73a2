"""The CPU kernels are vectorised over neurons: read it off the assembly."""

import platform
import re

import pytest

from spikecuda.kernels.compile_cpu import assembly
from spikecuda.kernels.spec import PRECISIONS, InputSpec, KernelSpec
from spikecuda.models import LIF, AdEx, Izhikevich

CASES = [
    (model, scheme, precision)
    for model in (LIF, AdEx, Izhikevich)
    for scheme in model.schemes
    for precision in PRECISIONS
]


def has_avx2() -> bool:
    import llvmlite.binding as llvm

    return platform.machine() == "x86_64" and bool(llvm.get_host_cpu_features().get("avx2"))


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


@pytest.mark.skipif(not has_avx2(), reason="reads AVX2 assembly")
@pytest.mark.parametrize(
    "model, scheme, precision", CASES, ids=[f"{m.name}-{s}-{p}" for m, s, p in CASES]
)
def test_the_step_loop_is_vectorised(model, scheme, precision):
    spec = KernelSpec(
        model, PRECISIONS[precision], scheme, refractory=model.refractory,
        inputs=InputSpec(bias="neuron"),
    )  # fmt: skip
    wide = "pd" if precision == "float64" else "ps"
    step_loops = [
        body
        for body in loops(assembly(spec))
        if sum(bool(re.search(rf"vfn?madd\w+{wide}\s.*ymm", line)) for line in body) >= 2
        and any(re.match(rf"vcmp\w*{wide}\s.*ymm", line) for line in body)
    ]
    assert step_loops, "no loop has packed fma and packed comparison on ymm registers"
    body = max(step_loops, key=len)
    scalar = "sd" if precision == "float64" else "ss"
    arithmetic = [b for b in body if re.match(rf"v(fn?m|add|sub|mul|div|cmp)\w*{scalar}\s", b)]
    assert not arithmetic, f"scalar arithmetic in the loop: {arithmetic}"
    assert not any(b.startswith("call") for b in body)
    if precision == "float16":
        assert any(b.startswith("vcvtph2ps") and "ymm" in b for b in body)
        assert any(b.startswith("vcvtps2ph") and "ymm" in b for b in body)

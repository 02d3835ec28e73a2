"""The CPU kernels are vectorised over neurons: read it off the assembly."""

import platform
import re

import pytest

from spikecuda.kernels.assembly import step_loop
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


@pytest.mark.skipif(not has_avx2(), reason="reads AVX2 assembly")
@pytest.mark.parametrize(
    "model, scheme, precision", CASES, ids=[f"{m.name}-{s}-{p}" for m, s, p in CASES]
)
def test_the_step_loop_is_vectorised(model, scheme, precision):
    spec = KernelSpec(
        model, PRECISIONS[precision], scheme, refractory=model.refractory,
        inputs=InputSpec(bias="neuron"),
    )  # fmt: skip
    body = step_loop(assembly(spec), spec.precision.real)
    assert body, "no loop has packed fma and packed comparison on ymm registers"
    scalar = "sd" if precision == "float64" else "ss"
    arithmetic = [b for b in body if re.match(rf"v(fn?m|add|sub|mul|div|cmp)\w*{scalar}\s", b)]
    assert not arithmetic, f"scalar arithmetic in the loop: {arithmetic}"
    assert not any(b.startswith("call") for b in body)
    if precision == "float16":
        assert any(b.startswith("vcvtph2ps") and "ymm" in b for b in body)
        assert any(b.startswith("vcvtps2ph") and "ymm" in b for b in body)

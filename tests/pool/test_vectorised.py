"""The CPU kernels are vectorised over neurons: read it off the assembly."""

import functools
import platform
import re

import pytest
from thorough import in_turn

from spikecuda.kernels.compile import cpu
from spikecuda.kernels.compile.assembly import (
    conversion_widths,
    fma_bytes,
    memory_bytes,
    neurons,
    rounding_loop,
    step_loop,
    vector_arithmetic,
    width,
)
from spikecuda.kernels.spec import PRECISIONS, InputSpec, KernelSpec
from spikecuda.models import EIF, GLIF3, GLIF5, LIF, QIF, AdEx, HHTraub, Izhikevich

# float32 of all, and one of the others in turn.
CASES = [
    case
    for precisions in (["float32"], ["float16", "float64"])
    for case in in_turn(
        [
            (model, scheme, precision) for model in (LIF, AdEx, Izhikevich)
            for scheme in model.schemes for precision in precisions
        ],
        lambda case: case[:2],
    )
]  # fmt: skip
CASES += [(model, model.default_scheme(), "float32") for model in (EIF, QIF, GLIF5, HHTraub)]
CASES += [(HHTraub, "strang", "float64"), (EIF, "upstroke", "float32")]
CASES.append((GLIF3, "mean_current", "float32"))


assembly = functools.cache(cpu.assembly)


def has_avx2() -> bool:
    import llvmlite.binding as llvm

    return platform.machine() == "x86_64" and bool(llvm.get_host_cpu_features().get("avx2"))


def scalar_arithmetic(body, scalar):
    return [b for b in body if re.match(rf"v(fn?m|add|sub|mul|div|cmp)\w*{scalar}\s", b)]


@pytest.mark.skipif(not has_avx2(), reason="reads AVX2 or AVX-512 assembly")
@pytest.mark.parametrize(
    "model, scheme, precision", CASES, ids=[f"{m.name}-{s}-{p}" for m, s, p in CASES]
)
def test_the_step_loop_is_vectorised(model, scheme, precision):
    spec = KernelSpec(
        model, PRECISIONS[precision], scheme, refractory=model.refractory,
        inputs=InputSpec(bias="neuron"),
    )  # fmt: skip
    text = assembly(spec)
    body = step_loop(text, spec.precision.real)
    assert body, "no loop has packed fma and packed comparison on ymm or zmm registers"
    lanes = max(map(width, body)) // (8 if precision == "float64" else 4)
    assert neurons(body, spec.precision.real) in (lanes, 2 * lanes, 4 * lanes), body
    scalar = "sd" if precision == "float64" else "ss"
    assert not scalar_arithmetic(body, scalar)
    # A logarithm converts an exponent, packed.
    conversions = {b.split()[0] for b in body if b.startswith("vcvt")}
    assert conversions <= ({"vcvtdq2ps"} if scheme == "upstroke" else set())
    assert not any(b.startswith("call") for b in body)
    if precision == "float16":
        rounding = rounding_loop(text)
        assert neurons(rounding, "float32") in (lanes, 2 * lanes, 4 * lanes), rounding
        assert not scalar_arithmetic(rounding, scalar)
        # Conversions, at the ends of a launch, are as wide.
        for conversion in ("vcvtph2ps", "vcvtps2ph"):
            assert 4 * lanes in conversion_widths(text, conversion)


@pytest.mark.skipif(not has_avx2(), reason="reads AVX2 or AVX-512 assembly")
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("model", [AdEx, EIF], ids=["adex", "eif"])
def test_spikes_within_the_step_cost_at_most_three_times_heun(model, precision):
    """In instructions for a neuron; in time it is 2.0 to 2.3 (docs/decisions/0019)."""
    cost = {}
    for scheme in ("heun", "upstroke"):
        spec = KernelSpec(
            model, PRECISIONS[precision], scheme, refractory=True, inputs=InputSpec(bias="neuron")
        )
        body = step_loop(assembly(spec), spec.precision.real)
        cost[scheme] = len(body) / neurons(body, spec.precision.real)
    assert cost["upstroke"] < 3.0 * cost["heun"], cost


@pytest.mark.skipif(not has_avx2(), reason="reads AVX2 or AVX-512 assembly")
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_vectors_on_the_stack_lie_on_one_cache_line(precision):
    """A step of Hodgkin and Huxley's has more constants than there are registers."""
    spec = KernelSpec(
        HHTraub, PRECISIONS[precision], HHTraub.default_scheme(), refractory=HHTraub.refractory,
        inputs=InputSpec(bias="neuron"),
    )  # fmt: skip
    text = assembly(spec)
    body = step_loop(text, precision)
    kept = [b for b in body if "(%rsp)" in b and width(b) >= 32]
    assert kept, "no vector of this loop is on the stack: take a model with more constants"
    assert re.search(r"andq\s+\$-64, %rsp", text)
    places = [int(re.search(r"(-?\d*)\(%rsp\)", b)[1] or 0) for b in kept]
    assert not [at for at, b in zip(places, kept, strict=True) if at % width(b)]


AVX2_LOOP = """
.LBB0_4:
vmovups (%rdx,%r11,4), %ymm6
vmovdqu (%r8,%r11,4), %ymm7
vfmadd213ps %ymm2, %ymm1, %ymm6
vfmadd231ps (%r9,%r11,4), %ymm0, %ymm6
vpcmpgtd %ymm5, %ymm7, %ymm8
vblendvps %ymm8, %ymm4, %ymm6, %ymm6
vcmpleps %ymm6, %ymm3, %ymm9
vmovups %ymm6, (%r9,%r11,4)
vmovq %xmm9, (%rcx,%r11)
addq $8, %r11
cmpq %r11, %rax
jne .LBB0_4
"""
AVX512_LOOP = """
.LBB0_7:
vmovups (%rdx), %zmm14
vfmadd213ps 64(%rsp), %zmm16, %zmm14
vfmadd231ps (%r9,%r15,4), %zmm7, %zmm14
vcmpleps %zmm14, %zmm9, %k1 {%k1}
vmovaps %zmm8, %zmm14 {%k1}
vmovdqa32 %zmm8, %zmm20
vmovups %zmm14, (%r9,%r15,4)
vpaddd (%r12){1to16}, %ymm17, %ymm18
addq $128, %rdx
addq $32, %r15
cmpq %r15, %r10
jne .LBB0_7
"""


def test_the_assembly_of_avx2_and_of_avx512_is_read():
    text = "vfmadd213ps %ymm2, %ymm1, %ymm6\n" + AVX2_LOOP
    body = step_loop(text, "float32")
    assert len(body) == 11 and step_loop(text, "float64") == []
    assert neurons(body, "float32") == 8
    assert fma_bytes(body) == 2 * 32
    assert vector_arithmetic(body) == 5 * 32
    assert memory_bytes(body) == (3 * 32, 32 + 4)

    body = step_loop(AVX2_LOOP + AVX512_LOOP, "float32")
    assert body[0].endswith("%zmm14"), "the widest loop is the one that does the work"
    assert neurons(body, "float32") == 32
    assert fma_bytes(body) == 2 * 64
    # Two fma, a comparison, a masked copy and an addition of half the width.
    assert vector_arithmetic(body) == 4 * 64 + 32
    # Three loads, one of them of a spilled register, and a broadcast of four bytes; a store.
    assert memory_bytes(body) == (3 * 64 + 4, 64)

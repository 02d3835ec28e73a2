"""Finding what the assembler may fuse."""

from __future__ import annotations

import pytest
from numba import cuda

from spikecuda import emu

from .ptxlib import module

REGISTERS = ".reg .f32 %f<9>; .reg .f64 %d<9>; .reg .b32 %r<9>;\n"


def found(body):
    return [(c.product, c.total, c.type) for c in emu.contractions(module(REGISTERS + body))]


def test_a_loose_product_in_a_loose_sum_is_found():
    (entry,) = found("mul.f32 %f1, %f2, %f3;\nadd.f32 %f4, %f5, %f1;")
    assert entry[1] == entry[0] + 1 and entry[2] == "f32"
    assert len(found("mul.ftz.f32 %f1, %f2, %f3; sub.ftz.f32 %f4, %f1, %f1;")) == 2
    assert found("mul.f64 %d1, %d2, %d3; add.f64 %d4, %d5, %d1;")[0][2] == "f64"


@pytest.mark.parametrize(
    "body",
    [
        "mul.rn.f32 %f1, %f2, %f3; add.f32 %f4, %f5, %f1;",
        "mul.f32 %f1, %f2, %f3; add.rn.f32 %f4, %f5, %f1;",
        "mul.f32 %f1, %f2, %f3; add.f32 %f4, %f5, %f2;",
        "mul.lo.s32 %r1, %r2, %r3; add.s32 %r4, %r5, %r1;",
        "fma.rn.f32 %f1, %f2, %f3, %f4; add.f32 %f4, %f5, %f1;",
    ],
)
def test_what_names_its_rounding_is_left_alone(body):
    assert found(body) == []


def separate(x, y):
    i = cuda.grid(1)
    y[i] = x[i] * x[i] + y[i]


def test_compiled_kernels():
    """NVVM fuses here itself; what it leaves over is a product or a sum, never both loose."""
    text = emu.compile_ptx(separate, "void(f4[::1], f4[::1])", (9, 0))
    assert "fma.rn.f32" in text
    assert emu.contractions(text) == []

"""Runs one line of PTX over arrays of operands, and the operand values that the tests use."""

from __future__ import annotations

import itertools
import random
import struct

import numpy as np

from spikecuda import emu

WIDTHS = {"pred": 1, "8": 8, "16": 16, "32": 32, "64": 64}
NUMPY = {1: np.uint8, 8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


def module(body, parameters="", extra="", name="k", target="sm_90"):
    return f"""
.version 8.5
.target {target}
.address_size 64
{extra}
.visible .entry {name}({parameters})
{{
{body}
}}
"""


def evaluate(line, inputs, outputs, *, device=None, declare=""):
    """Run ``line`` once for each element of the inputs.

    Args:
        line: PTX with the operands ``a``, ``b``, ... and the results ``d0``, ``d1``, ...
        inputs: (width, values) of each operand; width 1 is a predicate.
        outputs: width of each result.

    Returns:
        One list of integers (raw bits) for each result.
    """
    count = len(inputs[0][1])
    names = "abcefgh"[: len(inputs)]
    arrays = []
    parameters, text = [], ["  .reg .pred %inside;", "  .reg .b32 %i, %n, %t, %nt, %ct;"]
    text.append("  .reg .b64 %base, %off;")
    text.append("  .reg .b16 %flag;")
    text.append("  mov.u32 %t, %tid.x;\n  mov.u32 %nt, %ntid.x;\n  mov.u32 %ct, %ctaid.x;")
    text.append("  mad.lo.u32 %i, %nt, %ct, %t;\n  ld.param.u32 %n, [n];")
    text.append("  setp.ge.u32 %inside, %i, %n;\n  @%inside bra DONE;")

    def kind(width):
        return "pred" if width == 1 else f"b{max(width, 16)}"

    def place(parameter, width):
        size = max(width, 8) // 8
        return (
            f"  ld.param.u64 %base, [{parameter}];\n"
            f"  mul.wide.u32 %off, %i, {size};\n  add.s64 %base, %base, %off;"
        )

    for name, (width, values) in zip(names, inputs, strict=True):
        mask = (1 << width) - 1
        arrays.append(np.array([int(v) & mask for v in values], NUMPY[width]))
        parameters.append(f".param .u64 p{name}")
        text.append(f"  .reg .{kind(width)} {name};")
        text.append(place(f"p{name}", width))
        if width == 1:
            text.append(f"  ld.global.u8 %flag, [%base];\n  setp.ne.u16 {name}, %flag, 0;")
        else:
            text.append(f"  ld.global.b{width} {name}, [%base];")
    results = []
    for index, width in enumerate(outputs):
        text.append(f"  .reg .{kind(width)} d{index};")
    if declare:
        text.append(declare)
    text.append("  " + line)
    for index, width in enumerate(outputs):
        results.append(np.zeros(count, NUMPY[width]))
        parameters.append(f".param .u64 q{index}")
        text.append(place(f"q{index}", width))
        if width == 1:
            text.append(f"  selp.u16 %flag, 1, 0, d{index};\n  st.global.u8 [%base], %flag;")
        else:
            text.append(f"  st.global.b{width} [%base], d{index};")
    parameters.append(".param .u32 n")
    text.append("DONE:\n  ret;")
    kernel = emu.PTXKernel(module("\n".join(text), ", ".join(parameters)), device=device)
    fields = [*(x.ctypes.data for x in arrays), *(x.ctypes.data for x in results), count]
    if device is not None and device.checked:
        raise ValueError("evaluate passes raw addresses: use a fast device")
    kernel[-(-count // 128), 128](*fields)
    return [[int(v) for v in result] for result in results]


def compare(got, expected, width, operands, text):
    """Assert that two lists of bits are equal; name the first operands for which they are not."""
    mask = (1 << width) - 1
    for index, (g, x) in enumerate(zip(got, expected, strict=True)):
        if g != x & mask:
            shown = ", ".join(f"0x{int(values[index]):x}" for values in operands)
            raise AssertionError(f"{text} of {shown}: got 0x{g:x}, expected 0x{x & mask:x}")


# fmt: off
_EDGES = {
    "f16": [
        0x0000, 0x0001, 0x03FF, 0x0400, 0x3BFF, 0x3C00, 0x3C01, 0x3E00, 0x4100, 0x5BFF, 0x6400,
        0x7BFF, 0x7C00, 0x7C01, 0x7E00, 0x7FFF,
    ],
    "f32": [
        0, 1, 0x7FFFFF, 0x800000, 0x800001, 0x33800000, 0x3F000000, 0x3F7FFFFF, 0x3F800000,
        0x3F800001, 0x3FC00000, 0x4B000001, 0x4EFFFFFF, 0x4F000000, 0x5F000000, 0x7F7FFFFF,
        0x7F800000, 0x7F800001, 0x7FC00000, 0x7FFFFFFF,
    ],
    "f64": [
        0, 1, 0xFFFFFFFFFFFFF, 0x10000000000000, 0x3CA0000000000000, 0x3FE0000000000000,
        0x3FEFFFFFFFFFFFFF, 0x3FF0000000000000, 0x3FF0000000000001, 0x3FF8000000000000,
        0x41DFFFFFFFC00000, 0x41E0000000000000, 0x43E0000000000000, 0x47EFFFFFE0000000,
        0x47F0000000000000, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0x7FF8000000000000,
    ],
}
# fmt: on


def float_edges(fmt):
    """Both signs of zeros, subnormals, borders of normals, 1 and neighbours, infinities, NaNs."""
    top = {"f16": 1 << 15, "f32": 1 << 31, "f64": 1 << 63}[fmt]
    return [bits | sign for bits in _EDGES[fmt] for sign in (0, top)]


def integer_edges(width):
    """0, 1, the borders of the signed and the unsigned range, alternating bits."""
    full = (1 << width) - 1
    top = 1 << (width - 1)
    alternating = [int("10" * (width // 2), 2), int("01" * (width // 2), 2)]
    small = [0, 1, 2, 3, 7, 31, 32, 63, 64, 0x5A]
    return [*small, top - 1, top, top + 1, full - 1, full, *alternating]


def random_bits(width, count, seed):
    source = random.Random(seed)
    return [source.getrandbits(width) for _ in range(count)]


def random_floats(fmt, count, seed):
    """Random bits, half of them with an exponent near 1, so that sums and products interact."""
    source = random.Random(seed)
    width, (exponent_bits, mantissa_bits) = {
        "f16": (16, (5, 10)),
        "f32": (32, (8, 23)),
        "f64": (64, (11, 52)),
    }[fmt]
    bias = (1 << (exponent_bits - 1)) - 1
    found = []
    for index in range(count):
        bits = source.getrandbits(width)
        if index % 2:
            exponent = bias + source.randint(-12, 12)
            keep = bits & ~(((1 << exponent_bits) - 1) << mantissa_bits)
            bits = keep | exponent << mantissa_bits
        found.append(bits)
    return found


def crossed(edges, arity, extra):
    """All tuples of edges, then the random ones; one list for each operand."""
    rows = list(itertools.product(edges, repeat=arity))
    rows += list(zip(*extra, strict=True))
    return [list(column) for column in zip(*rows, strict=True)]


def float_bits(value, fmt="f32"):
    code = {"f16": "<e", "f32": "<f", "f64": "<d"}[fmt]
    return int.from_bytes(struct.pack(code, value), "little")

"""The parser: tokens, scopes, operands, and errors that name their line."""

from __future__ import annotations

import pytest

from spikecuda.emu import PTXSyntaxError, UnsupportedPTXError
from spikecuda.emu.parse import parse
from spikecuda.emu.syntax import (
    Address,
    FloatBits,
    Instruction,
    Integer,
    Label,
    Not,
    Pair,
    Register,
    Special,
    Symbol,
    Vector,
)
from spikecuda.emu.tokens import tokenize

from .ptxlib import module


def body(text, **options):
    return parse(module(text, **options)).functions["k"].body


def operands(text, declare=".reg .b32 %r<9>; .reg .b64 %d<9>; .reg .pred %p<9>;"):
    return body(declare + text)[0].operands


def test_numbers():
    got = operands("mov.b32 %r0, 0x1F; ")[1]
    assert got == Integer(31)
    for text, value in (
        ("-7", -7),
        ("017", 15),
        ("0b101", 5),
        ("42U", 42),
        ("0xFFu".upper(), None),
    ):
        if value is not None:
            assert operands(f"mov.b32 %r0, {text};")[1] == Integer(value)
    assert operands("mov.f32 %r0, 0f3F800000;")[1] == FloatBits(0x3F800000, 32)
    assert operands("mov.f64 %d0, 0dBFF0000000000000;")[1] == FloatBits(0xBFF0000000000000, 64)
    assert operands("mov.f32 %r0, -0f3F800000;")[1] == FloatBits(0xBF800000, 32)
    assert operands("mov.f64 %d0, 1.5;")[1] == FloatBits(0x3FF8000000000000, 64)


def test_operands():
    d, a = operands("ld.global.v2.u32 {%r0, _}, [%d1+-8];")
    assert isinstance(d, Vector) and len(d.items) == 2
    assert isinstance(a, Address) and a.offset == -8 and a.base.name == "%d1"
    pair = operands("setp.eq.u32 %p1|%p2, %r1, %r2;")[0]
    assert isinstance(pair, Pair) and pair.second.name == "%p2"
    assert isinstance(operands("vote.sync.any.pred %p0, !%p1, -1;")[1], Not)
    assert operands("mov.u32 %r0, %tid.y;")[1] == Special("%tid.y")
    assert operands("mov.u64 %d0, thing;")[1] == Symbol("thing")
    assert operands("mov.u32 %r0, WARP_SZ;")[1] == Integer(32)


def test_guards_and_lines():
    items = body("\n\n  .reg .pred %p; // a comment\n /* two\n lines */ @!%p trap;")
    (item,) = items
    assert isinstance(item, Instruction)
    assert item.negated and item.guard.name == "%p"
    text = module("\n\n  .reg .pred %p; // a comment\n /* two\n lines */ @!%p trap;")
    assert "trap" in text.splitlines()[item.line - 1]


def test_scopes_keep_registers_and_labels_apart():
    items = body("""
  .reg .b32 t;
  mov.u32 t, 1;
  { .reg .b64 t; L: mov.u64 t, 2; bra L; }
  { .reg .b64 t; L: mov.u64 t, 3; bra L; }
  L: bra L;
""")
    moves = [i.operands[0] for i in items if getattr(i, "opcode", "") == "mov"]
    assert len({m.name for m in moves}) == 3
    assert [m.type.width for m in moves] == [32, 64, 64]
    labels = [i.name for i in items if isinstance(i, Label)]
    targets = [i.operands[0].name for i in items if getattr(i, "opcode", "") == "bra"]
    assert len(set(labels)) == 3 and labels == targets


def test_a_family_of_registers_ends():
    assert isinstance(operands("mov.u32 %r8, 1;")[0], Register)
    assert operands("mov.u32 %r9, 1;")[0] == Special("%r9")  # not one of %r0 to %r8
    with pytest.raises(PTXSyntaxError, match="not a declared register"):
        body(".reg .pred %p<2>; @%p2 trap;")


def test_parameters_and_variables():
    parsed = parse(
        module(
            "ret;",
            ".param .u64 .ptr .global .align 16 a, .param .align 8 .b8 b[24], .param .f32 c",
            ".global .align 4 .b8 g[4] = {1, 2};\n.extern .shared .align 16 .b8 s[];"
            '\n.file 1 "x.py"\n',
        )
    )
    a, b, c = parsed.functions["k"].parameters
    assert (a.size, a.align, a.type.name) == (8, 8, "u64") or a.align == 16
    assert (b.size, b.align, b.type) == (24, 8, None)
    assert (c.size, c.type.name) == (4, "f32")
    g, s = parsed.variables
    assert g.data == b"\1\2\0\0"
    assert s.extern and s.size == 0


def test_debug_lines_are_skipped():
    text = '.reg .b32 %r;\n.loc 1 2 3\nmov.u32 %r, 1;\n.pragma "nounroll";'
    assert [i.opcode for i in body(text)] == ["mov"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mov.u32 %r0 1;", "expected ','"),
        ("mov.u32 %r0, ?;", "unexpected character"),
        (".reg .b32 x; bra NOWHERE;", "no label"),
        (".reg .b32 x; mov.u32 x, [x*2];", "expected ']'"),
        ("mov.u32 x, %tid;", "needs .x"),
    ],
)
def test_syntax_errors_name_the_line(text, message):
    declared = "\n" if ".reg .b32 x" in text else ".reg .b32 %r<2>, x;\n"
    with pytest.raises(PTXSyntaxError, match=message) as caught:
        body(declared + text)
    assert f"PTX line {caught.value.line}:" in str(caught.value)
    assert caught.value.line > 1


@pytest.mark.parametrize(
    "text",
    [
        ".reg .v4 .b32 x;",
        ".reg .b128 x;",
        ".local .texref t;",
        ".branchtargets A, B;",
        ".surprise;",
    ],
)
def test_unknown_directives_are_refused(text):
    with pytest.raises(UnsupportedPTXError, match="PTX line"):
        body(text)


def test_32_bit_addresses_are_refused():
    with pytest.raises(UnsupportedPTXError, match="address_size 32"):
        parse(".version 8.0\n.target sm_90\n.address_size 32\n")


def test_an_unfinished_body_is_an_error():
    with pytest.raises(PTXSyntaxError, match="does not end"):
        parse(".visible .entry k() { ret;")


def test_tokens_know_what_is_glued():
    tokens = tokenize("add.s32 %r1, %tid.x;")
    assert [t.text for t in tokens][:4] == ["add", ".s32", "%r1", ","]
    assert tokens[1].glued and not tokens[2].glued

"""Every rule catches the kernel that was broken for it, on an architecture of each optimiser."""

import dataclasses
from types import SimpleNamespace

import planted
import pytest

from spikecuda.inspection import check, rules
from spikecuda.inspection.catalogue import spec
from spikecuda.kernels.compile import cuda as compile_cuda

ARCHITECTURES = [(8, 6), (10, 0)]


@pytest.fixture(params=ARCHITECTURES, ids=["sm86", "sm100"])
def cc(request):
    return request.param


def broken(subject, rule):
    return [v for v in check(subject) if v.rule == rule]


def test_a_sound_kernel_breaks_no_rule(cc):
    assert check(planted.build(planted.sound, cc)) == []


def test_float64_leak_of_a_bare_literal(cc):
    found = broken(planted.build(planted.float64_literal, cc), "no_double")
    assert any("DMUL" in v.where for v in found)
    assert any("F2F" in v.where for v in found)
    assert any("mul" in v.message and ".f64" in v.message for v in found)
    assert all(v.kernel == "float64_literal" and v.cc == cc for v in found)


def test_float64_is_no_leak_in_a_float64_kernel(cc):
    subject = dataclasses.replace(planted.build(planted.float64_literal, cc), double=True)
    assert broken(subject, "no_double") == []


def test_spills(cc):
    found = broken(planted.build(planted.many_live_values, cc, max_registers=24), "no_spills")
    assert any("STL" in v.where for v in found)
    assert any("LDL" in v.where for v in found)
    assert any("bytes of local memory" in v.message for v in found)


def test_strided_access(cc):
    found = broken(planted.build(planted.strided, cc), "coalesced")
    assert [v.message for v in found] == ["lanes 128 bytes apart for an access of 4"] * 2


def test_gathered_access(cc):
    found = broken(planted.build(planted.gathered, cc), "coalesced")
    assert len(found) == 2
    assert all("not known to be affine" in v.message for v in found)


def test_address_that_differs_between_diverged_lanes(cc):
    found = broken(planted.build(planted.divergent, cc), "coalesced")
    assert any("st.global" in v.where for v in found)


def test_an_element_that_a_whole_warp_reads_is_one_number(cc):
    assert broken(planted.build(planted.table_by_word, cc), "coalesced") == []
    found = broken(planted.build(planted.table_by_half_word, cc), "coalesced")
    assert any("st.global" in v.where for v in found)


def test_a_sum_that_depends_on_its_order(cc):
    found = broken(planted.build(planted.float_sum, cc), "integer_atomics")
    assert len(found) == 1 and ("RED" in found[0].where or "ATOM" in found[0].where)


def test_state_in_the_loop(cc):
    found = broken(planted.build(planted.state_in_loop, cc), "state_once")
    assert any("v in a loop" in v.message and "LDG" in v.where for v in found)
    assert any("v in a loop" in v.message and "STG" in v.where for v in found)
    assert not any("_bits in a loop" in v.message for v in found)


def test_state_that_is_never_loaded():
    subject = planted.build(planted.sound, (9, 0))
    found = broken(dataclasses.replace(subject, states=frozenset({"u"})), "state_once")
    assert [v.message for v in found] == [
        "0 instructions load u, not one",
        "0 instructions store u, not one",
    ]


def test_array_of_a_wrong_name():
    subject = planted.build(planted.sound, (9, 0))
    # As if the kernel's arguments had been taken in another order.
    swapped = tuple(reversed(subject.arguments))
    assert broken(dataclasses.replace(subject, arguments=swapped), "known_arrays")


def planted_spec(monkeypatch, function):
    """A spec that compiles to a planted kernel."""
    plain = spec("lif", "float32")
    types = compile_cuda.signature
    # What is kept of the plain kernel, and of another planted one, is not this one's.
    monkeypatch.setattr(compile_cuda, "_front_end", compile_cuda._front_end.__wrapped__)
    monkeypatch.setattr(compile_cuda, "load", lambda *_: SimpleNamespace(lif_update_f32=function))
    monkeypatch.setattr(
        compile_cuda, "signature", lambda _: types(SimpleNamespace(arguments=planted.ARGUMENTS))
    )
    return plain


def test_contraction_of_plain_operators(monkeypatch, cc):
    kernel = planted_spec(monkeypatch, planted.contracting)
    free, difference = compile_cuda.contraction_free(kernel, cc)
    assert not free
    assert "fma.f32: 0 -> 1" in difference
    assert "mul.f32: 1 -> 0" in difference


def test_explicit_fma_does_not_contract(monkeypatch, cc):
    kernel = planted_spec(monkeypatch, planted.sound)
    assert compile_cuda.contraction_free(kernel, cc) == (True, "")


def test_a_product_that_the_assembler_may_fuse(cc):
    sound = planted.build(planted.sound, cc)
    ptx = sound.ptx.replace("fma.rn.f32", "mul.f32", 1)
    found = rules.no_contraction(dataclasses.replace(sound, ptx=ptx))
    assert len(found) == 1
    assert "mul.f32" in found[0].message
    rounded = sound.ptx.replace("fma.rn.f32", "mul.rn.f32", 1)
    assert rules.no_contraction(dataclasses.replace(sound, ptx=rounded)) == []

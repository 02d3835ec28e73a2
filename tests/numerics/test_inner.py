"""Functions that only compiled code calls: the same results, and no machine code of their own."""

import itertools

import numpy as np
import pytest
from numba import njit
from numba.core.compiler import Flags

from spikecuda.kernels.compile import numba_cache
from spikecuda.kernels.compile.pipeline import QuickFlags
from spikecuda.kernels.numerics.inner import inlined, inner


def power(x, n):
    """Return a power, by a loop."""
    result = 1.0
    for _ in range(n):
        result = result * x
    return result


@pytest.mark.parametrize("decorate", [inner, inlined])
def test_what_calls_an_inner_function_has_its_code(decorate, tmp_path):
    raised = decorate(power)
    summed = decorate(lambda x: raised(x, 3) + raised(x, 2))

    def caller(x):
        return summed(x) / 2.0

    kept = numba_cache.compiled("float64(float64)", stem=tmp_path / "test")
    made, plain = kept(caller), njit(caller)
    assert len(list(tmp_path.iterdir())) == 1
    again = kept(caller)  # from the cache
    for x in np.linspace(-2.0, 2.0, 9):
        expected = (power(x, 3) + power(x, 2)) / 2.0
        assert made(x) == again(x) == plain(x) == expected


def test_an_inner_function_has_no_machine_code():
    own = {}
    for decorate in (njit, inner):
        dispatcher = decorate(power)
        dispatcher.compile("float64(float64, int64)")
        ((_, code),) = dispatcher.overloads.items()
        name = code.fndesc.llvm_func_name
        assert name in [f.name for f in code.library.get_defined_functions()]
        own[decorate] = bool(code.library.get_pointer_to_function(name))
    assert own == {njit: True, inner: False}


def test_flags_are_compared_as_numba_does():
    names = ("nrt", "release_gil", "forceinline", "no_cpython_wrapper", "boundscheck")
    made = []
    for on in itertools.product((None, False, True), repeat=len(names)):
        flags = Flags()
        for name, value in zip(names, on, strict=True):
            if value is not None:
                setattr(flags, name, value)
        made.append(flags)
    for a, b in itertools.product(made[::7], made):
        quick = QuickFlags(a)
        assert (quick == b) == (a == b) == (b == quick) == (quick == QuickFlags(b))
        assert hash(quick) == hash(a)
    assert QuickFlags() != "flags"
    assert isinstance(QuickFlags().copy(), QuickFlags)

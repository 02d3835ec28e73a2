"""Calls at any depth of Python's stack ask the system for no memory, where there is room."""

import sys

import pytest

from spikecuda.common.stack_room import with_room


def test_a_call_is_passed_on():
    assert with_room(lambda *a, **k: (a, k), 1, function=2) == ((1,), {"function": 2})
    with pytest.raises(ZeroDivisionError):
        with_room(lambda: 1 / 0)
    assert with_room(with_room, with_room, lambda: 3) == 3


def most_faults(depth):
    """Return the most pages that are touched first within 500 calls, at any depth."""
    import resource

    def leaf():
        pass

    # Its frame is larger than that of what calls it, so that no depth steps over a border.
    leaf.__code__ = leaf.__code__.replace(co_stacksize=100)

    def at(left):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(500):
            leaf()
        here = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        return max(here, at(left - 1)) if left else here

    return at(depth)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource")
def test_no_memory_is_mapped_call_by_call():
    # Without room there is a depth where each call takes a new page, in CPython 3.11 to 3.13.
    assert with_room(most_faults, 400) < 100

"""The hash of a function changes with what it does, and with nothing else."""

import functools
import linecache

import pytest

from spikecuda.sweeps.fingerprint import fingerprint

BASE = """
import math
SCALE = 2.0
TABLE = [1, 2]
def inner(x):
    return x * SCALE
class Model:
    '''A model.'''
    rate = 1.0
    def step(self, x):
        return inner(x) + TABLE[0]
def unused():
    return 1
def point(a, b=SCALE):
    '''Work.'''
    return Model().step(a) + b + math.pi
"""
COUNT = iter(range(1000))


def load(text):
    """Return ``point`` of a source that inspect can read."""
    name = f"<fingerprint {next(COUNT)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    space = {"__name__": "fingerprinted"}
    exec(compile(text, name, "exec"), space)
    return space["point"]


@pytest.mark.parametrize(("old", "new"), [
    ("'''Work.'''", "'''Other words.'''"), ("'''A model.'''\n", "\n"),
    ("return 1\n", "return 2\n"), ("x * SCALE", "x  *  SCALE  # scaled"),
    ("import math\n", "import math\n\n\n# more\n"),
])  # fmt: skip
def test_what_does_not_count(old, new):
    assert old in BASE
    assert fingerprint(load(BASE)) == fingerprint(load(BASE.replace(old, new)))


@pytest.mark.parametrize(("old", "new"), [
    ("x * SCALE", "x + SCALE"), ("SCALE = 2.0", "SCALE = 2.5"), ("[1, 2]", "[1, 3]"),
    ("rate = 1.0", "rate = 2.0"), ("TABLE[0]", "TABLE[1]"), ("+ b +", "- b +"),
    ("math.pi", "math.e"),
])  # fmt: skip
def test_what_counts(old, new):
    assert old in BASE
    assert fingerprint(load(BASE)) != fingerprint(load(BASE.replace(old, new)))


def test_partials_closures_and_objects():
    point = load(BASE)
    partial = functools.partial
    assert fingerprint(partial(point, b=1.0)) == fingerprint(partial(point, b=1.0))
    assert fingerprint(partial(point, b=1.0)) != fingerprint(partial(point, b=2.0))

    def closed(k):
        return lambda a: a + k

    assert fingerprint(closed(1)) == fingerprint(closed(1)) != fingerprint(closed(2))
    assert fingerprint(len) == fingerprint(len) != fingerprint(max)


def test_a_function_without_source():
    one, two = {}, {}
    exec("def f(a):\n    return a + 1", one)
    exec("def f(a):\n    return a + 2", two)
    assert fingerprint(one["f"]) == fingerprint(one["f"]) != fingerprint(two["f"])

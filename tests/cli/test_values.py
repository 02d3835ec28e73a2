"""Reading numbers, distributions, sizes and pairs from text."""

import pytest

from spikecuda.cli import values
from spikecuda.common.distributions import LogNormal, Normal, Uniform
from spikecuda.errors import SpikecudaValueError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1000", 1000), ("10k", 10_000), ("1M", 10**6), ("1e6", 10**6), ("1.5k", 1500), (7, 7),
     ("1_000", 1000), ("0.5M", 500_000)],
)  # fmt: skip
def test_count(text, expected):
    assert values.count(text) == expected


@pytest.mark.parametrize("text", ["", "0", "-3", "1.5", "k", "ten", "nan", "1e400"])
def test_bad_count(text):
    with pytest.raises(SpikecudaValueError, match="num must be a whole number"):
        values.count(text, "num")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", 3.0), ("-50.5", -50.5), (4, 4.0), ("normal(-50,2)", Normal(-50.0, 2.0)),
     (" Uniform( 0 , 1e2 ) ", Uniform(0.0, 100.0)), ("lognormal(1,2)", LogNormal(1.0, 2.0)),
     ([1, 2.5], [1.0, 2.5])],
)  # fmt: skip
def test_value(text, expected):
    assert values.value(text, "x") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [("abc", "x must be a number, normal"), ("cauchy(1,2)", "x must be a number, normal"),
     ("normal(1)", "takes two numbers"), ("normal(a,b)", "x must be a number"),
     ("inf", "x must be"), ("normal(0,-1)", "std must be >= 0"), (True, "x must be a number")],
)  # fmt: skip
def test_bad_value(text, message):
    with pytest.raises(SpikecudaValueError, match=message):
        values.value(text, "x")


def test_parts_keep_distributions_whole():
    found = values.parts("100,uniform(0.1,0.5)", ("rate", "weight"), "--poisson")
    assert found == ["100", "uniform(0.1,0.5)"]
    with pytest.raises(SpikecudaValueError, match="--poisson takes RATE,WEIGHT"):
        values.parts("100", ("rate", "weight"), "--poisson")


def test_pairs():
    assert values.pairs(["a=1", "b = 2"], "--param") == {"a": "1", "b": "2"}
    with pytest.raises(SpikecudaValueError, match="--param takes NAME=VALUE"):
        values.pairs(["a"], "--param")
    with pytest.raises(SpikecudaValueError, match="given twice"):
        values.pairs(["a=1", "a=2"], "--param")

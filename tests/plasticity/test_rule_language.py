"""Rules of one's own: what is refused when a class is defined, with file and line, or made."""

import inspect

import pytest

from spikecuda.errors import ModelError, SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.language import real
from spikecuda.models import Parameter
from spikecuda.plasticity import (
    STDP,
    GutigSTDP,
    PostTrace,
    PreTrace,
    SourceVariable,
    SynapseRule,
    Variable,
)
from spikecuda.plasticity.registry import find

PARTS = {"tau": Parameter(20.0, "ms", above=0.0), "x": PreTrace("tau"), "y": PostTrace("tau"),
         "c": Variable(decay="tau")}  # fmt: skip


def unknown(w, c, z):
    return w + z, c


def trace_of_release(u, x):
    return u, u * x


def too_few(w, x):
    return w + x


def a_condition(w, c, x):
    return w, x > c


def conditions_of_others(w, c, paired):
    return w, c


def a_library(w, c, x):
    import math

    return w + math.exp(x), c


def a_literal(w, c, x):
    return w + 0.5 * x, c


def a_global(w, c, x):
    return w + OUTSIDE * x, c


def weights_of_release(u, w):
    return u, w


def two_parts(w):
    return w, w


OUTSIDE = 3.0


@pytest.mark.parametrize(
    ("event", "function", "problem"),
    [
        ("on_post", unknown, "unknown argument 'z'"),
        ("release", trace_of_release, "unknown argument 'x'"),
        ("on_post", too_few, r"must return w, c .got 1 values"),
        ("on_pre", a_condition, "with a condition"),
        ("on_post", conditions_of_others, "unknown argument 'paired'"),
        ("on_post", a_library, "is not part of the model language"),
        ("on_post", a_literal, r"write real.0.5."),
        ("on_post", a_global, "unknown name 'OUTSIDE'"),
        ("release", weights_of_release, "unknown argument 'w'"),
        ("transmit", two_parts, "unknown argument 'w'"),
    ],
)
def test_functions_that_are_refused(event, function, problem):
    more = {"u": SourceVariable(0.5)} if event == "release" else {}
    with pytest.raises(ModelError, match=problem) as error:
        type("Bad", (SynapseRule,), {"name": "_bad", **PARTS, **more, event: function})
    # It is said where: the file, and a line of the function.
    lines, first = inspect.getsourcelines(function)
    said = str(error.value)
    assert __file__.rsplit("/", 1)[-1] in said
    assert any(f"line {first + i} of" in said for i in range(len(lines)))


def release(u):
    return u, u


def release_of_nothing(tau):
    return tau


def change(w, c, tau):
    return w + real(1) * tau, c


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"x": PreTrace("tau_x")}, "must name a parameter as its time constant .got 'tau_x'."),
        ({"c": Variable(decay="taus")}, "did you mean 'tau'"),
        ({"tau": Parameter(20.0, "ms")}, "above=0.0"),
        ({"w": Variable()}, "the name is taken"),
        ({"uniform": Variable()}, "the name is taken"),
        ({"spec": Parameter(1.0)}, "the name is taken"),
        ({"u": SourceVariable(0.5)}, "no release to change them"),
        ({"release": release_of_nothing}, "needs a SourceVariable"),
        ({"u": SourceVariable("U"), "release": release}, "must start at a number or a parameter"),
    ],
)
def test_parts_that_are_refused(members, problem):
    with pytest.raises(ModelError, match=problem):
        type("Bad", (SynapseRule,), {"name": "_bad", **PARTS, **members})


def test_rules_that_are_refused():
    with pytest.raises(SpikecudaValueError, match="has no function and would do nothing"):
        type("Nothing", (SynapseRule,), {"name": "_nothing", **PARTS})()
    with pytest.raises(SpikecudaValueError, match="SynapseRule is the base of rules"):
        SynapseRule(w_max=1.0)
    with pytest.raises(SpikecudaTypeError, match=r"STDP.w_max=...."):
        STDP()
    with pytest.raises(SpikecudaValueError, match=r"has no parameter 'tau_pluss'.* 'tau_plus'"):
        STDP(w_max=1.0, tau_pluss=3.0)
    with pytest.raises(SpikecudaValueError, match="tau_plus must be > 0 ms"):
        STDP(w_max=1.0, tau_plus=0.0)
    with pytest.raises(SpikecudaValueError, match="timing must be one of nest, brian"):
        STDP(w_max=1.0, timing="nset")
    with pytest.raises(SpikecudaError, match="is fixed; make a new rule"):
        STDP(w_max=1.0).w_max = 2.0


def test_names():
    assert find("stdp") is STDP
    assert find("Gutig_STDP") is GutigSTDP
    with pytest.raises(SpikecudaValueError, match=r"unknown synapse rule 'stpd'.*'stdp'"):
        find("stpd")
    with pytest.raises(SpikecudaValueError, match="belongs to a built-in rule"):
        type("Mine", (SynapseRule,), {"name": "stdp", **PARTS, "on_post": change})


def test_a_rule_of_a_rule_has_its_parts():
    class Slower(STDP):
        """STDP that begins slower."""

        name = "_slower"
        lam = Parameter(0.001, at_least=0.0)

    rule = Slower(w_max=2.0)
    assert rule.params["lam"] == 0.001
    assert set(rule.parameters) == set(STDP.parameters)
    assert rule.constants(0.1)["step_up"] == pytest.approx(0.002)

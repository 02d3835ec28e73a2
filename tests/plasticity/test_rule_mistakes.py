"""What a user's own rule may get wrong beside the language of its functions, and is told."""

import copy
import math
import pickle

import numpy as np
import pytest

from spikecuda import Network, Normal
from spikecuda.errors import ModelError, SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.language import real
from spikecuda.models import Parameter
from spikecuda.network import Delta, ExpCurrent, OneToOne, SpikeTrain
from spikecuda.plasticity import (
    STDP,
    DopamineSTDP,
    GutigSTDP,
    PreTrace,
    SynapseRule,
    TsodyksMarkram,
    Variable,
)


def on_pre(w):
    return w


def with_variable(w, c):
    return w, c


def positional(w, tau, /):
    return w


def nothing(w):
    return None


def endless(w):
    return w + real(1e400)


def define(**members):
    return type(
        "Bad", (SynapseRule,), {"name": "_bad", "tau": Parameter(20.0, "ms", above=0.0), **members}
    )


def returns(value):
    return lambda tau: value


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"on_pre": classmethod(on_pre)}, "on_pre must be a plain function, without self or cls"),
        ({"on_pre": 3}, r"on_pre must be a plain function.*got 3"),
        ({"on_pst": on_pre, "on_pre": on_pre}, "on_pst would never be .* mean 'on_post'"),
        ({"on_pre": on_pre, "name": 3}, "name must be a text .got 3."),
        ({"c": Variable(float("nan"))}, "c must start at a finite number .got nan."),
        ({"c": Variable("a")}, "c must start at a finite number .got 'a'."),
        ({"derive": returns([1.0])}, "derive must return a dict"),
        ({"derive": returns({1: 1.0})}, "derive must return a dict"),
        ({"derive": returns({"a": "b"})}, "derive: a must be a number"),
        ({"derive": returns({"a": np.ones(3)})}, "derive: a must be a number"),
        ({"derive": returns({"w_max": 2.0})}, "derive: the name 'w_max' is taken"),
        ({"derive": returns({"_k_x": 2.0})}, "derive: the name '_k_x' is taken"),
        ({"c": Variable(), "derive": returns({"c": 2.0})}, "derive: the name 'c' is taken"),
        ({"derive": returns({"tau": 2.0})}, r"derive: the name 'tau' is taken by Bad.tau"),
        ({"derive": returns({"not a name": 2.0})}, "derive must name constants .* .got 'not a"),
        ({"derive": returns({"if": 2.0})}, "derive must name constants as functions can"),
        ({"derive": lambda tua: {}}, "Bad.derive: unknown argument 'tua'.*did you mean 'tau'"),
        ({"derive": classmethod(lambda cls: {})}, "derive must be a plain function, without self"),
        ({"derive": 3}, "derive must be a plain function.*got 3"),
        ({"bounded": "no"}, "bounded must be True or False .got 'no'"),
        ({"self": Parameter(1.0)}, "self: the name is taken"),
        ({"w": Variable()}, "w: the name is taken by the kernel"),
        ({"weight": Variable()}, "weight: the name is taken by connections"),
        ({"delay": Variable()}, "delay: the name is taken by connections"),
        ({"c": Variable}, r"c must be a Variable .* write c = Variable\(...\)"),
        ({"rate": Parameter}, "rate must be a Parameter .got the class itself"),
        ({"x": PreTrace("tau", to_one="yes")}, "x: to_one must be True or False .got 'yes'"),
        ({"on_pre": positional}, "positional, line .* takes plain .* without ., / and"),
        ({"on_pre": nothing}, "line .*a value is a number or a condition .got 'None'"),
        ({"on_pre": endless}, "real.. takes a finite number .got 'real.1e309"),
    ],
)  # fmt: skip
def test_declarations_that_are_refused(members, problem):
    with pytest.raises(ModelError, match=problem):
        define(**members)


def test_derive_works_for_some_parameters():
    kind = define(on_pre=on_pre, derive=lambda tau: {"rate": 1 / (tau - 7.0)})
    assert kind(w_max=1.0).constants(0.1)
    with pytest.raises(SpikecudaValueError, match=r"derive must work .*division by zero.* tau=7"):
        kind(w_max=1.0, tau=7.0).constants(0.1)


def fails(tau):
    return {"rate": {20.0: 1.0}[tau]}


def forgets(tau):
    return {"rate": 1.0} if tau == 20.0 else {}


def rated(w, rate):
    return w + rate


@pytest.mark.parametrize(
    ("derive", "problem"),
    [
        (fails, "derive must work for the parameters .got KeyError: 7.0 for tau=7"),
        (forgets, "derive must return the same constants .* .got no rate for Bad"),
    ],
)
def test_a_derive_that_fails_later_says_so(derive, problem):
    kind = define(on_pre=rated, derive=derive)
    assert kind(w_max=1.0).constants(0.1)["rate"] == 1.0
    with pytest.raises(SpikecudaValueError, match=problem):
        one_synapse(kind(w_max=1.0, tau=7.0), 0.5)
    _, p = one_synapse(kind(w_max=1.0), 0.5)
    with pytest.raises(SpikecudaValueError, match=problem):
        p.params["tau"] = 7.0
    assert p.params["tau"] == 20.0
    with pytest.raises(SpikecudaValueError, match=r"derive must work .*IndexError"):
        define(on_pre=on_pre, derive=lambda tau: {"a": [][1]})


def large(w):
    return w + real(-1e39)


def test_literals_are_finite_in_the_networks_numbers():
    rule = define(on_pre=large)(w_max=1.0)
    assert rule.constants(0.1)["w_max"] == 1.0
    with pytest.raises(SpikecudaValueError, match=r"large, line .*finite in float32.*'float64'"):
        one_synapse(rule, 0.5)


def test_a_check_that_fails_says_so():
    def check(self):
        math.log(self.params["tau"] - 10.0)

    kind = define(on_pre=on_pre, check=check)
    with pytest.raises(SpikecudaValueError, match=r"Bad.check must work .*ValueError.*tau=7"):
        kind(w_max=1.0, tau=7.0)
    with pytest.raises(SpikecudaValueError, match=r"Bad.check must work .*ValueError.*tau=5"):
        kind(w_max=1.0).changed({"tau": 5.0})


RELAY = {
    "tau_m": 10.0, "c_m": 1e9, "v_rest": 0.0, "v_reset": 0.0, "v_th": 1.0, "t_ref": 0.0,
}  # fmt: skip


def one_synapse(rule, weight, precision="float32"):
    net = Network(dt=0.1, devices="cpu", precision=precision)
    net.source("pre", 1, SpikeTrain([5.0, 10.0, 15.0]))
    net.population("post", 1, "lif", RELAY, {"v": 0.0},
                   receptors={"in": Delta(), "syn": ExpCurrent(tau=2.0)})  # fmt: skip
    net.drive("post", SpikeTrain([5.0, 10.0, 17.5], [0, 0, 0], weight=2.0), "in")
    return net, net.connect("pre", "post", OneToOne(), weight, 0.1, "syn", plasticity=rule)


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("w_max", "w_min"), [(0.1, 0.0), (1.1, 0.7), (-0.3, 0.0), (3.3, 3.2)])
@pytest.mark.parametrize("alpha", [0.0, 100.0])
def test_weights_at_a_bound_can_be_assigned(precision, w_max, w_min, alpha):
    rule = STDP(w_max=w_max, w_min=w_min, alpha=alpha, lam=10.0)
    net, p = one_synapse(rule, w_max, precision)
    with net:
        net.run(16.0)
        read = p.weights
        assert read == pytest.approx(w_max if alpha == 0.0 else np.copysign(w_min, w_max), rel=1e-6)
        p.weights = read
        assert np.array_equal(p.weights, read)
        p.weights = w_max
        with pytest.raises(SpikecudaValueError, match=r"within the rule's bounds"):
            p.weights = w_max * (1.0 + 1e-6)


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        (STDP(w_max=1.0, lam=1e39), "step_up of STDP"),
        (GutigSTDP(w_max=1.0, lam=1e30, alpha=1e30), "step_down of GutigSTDP"),
        (STDP(w_max=1.0, tau_plus=1e-45), "dt / tau_plus of STDP"),
    ],
)
def test_constants_are_finite_in_the_networks_numbers(rule, what):
    with pytest.raises(SpikecudaValueError, match=rf"{what} must be finite in float32"):
        one_synapse(rule, 0.5)
    net, p = one_synapse(rule, 0.5, "float64")
    with net:
        net.run(20.0)
        assert 0.0 <= p.weights[0] <= 1.0


def test_parameters_cannot_be_changed():
    rule = STDP(w_max=1.0, lam=0.3)
    with pytest.raises(TypeError, match="does not support item assignment"):
        rule.params["lam"] = 3.0
    assert copy.deepcopy(rule).params == pickle.loads(pickle.dumps(rule)).params == rule.params


def test_a_weight_of_the_other_sign_and_a_train_as_a_modulator_name_the_remedy():
    with pytest.raises(
        SpikecudaValueError, match=r"\(got -0.5\); synapses that inhibit have w_max = -1"
    ):
        one_synapse(STDP(w_max=1.0), -0.5, "float32")
    with pytest.raises(
        SpikecudaValueError, match=r"\(got 0.5\); synapses that excite have w_max = 1"
    ):
        one_synapse(STDP(w_max=-1.0), 0.5, "float32")
    net, _ = one_synapse(STDP(w_max=1.0), 0.5, "float32")
    rule, train = DopamineSTDP(w_max=1.0), SpikeTrain([1.0], weight=1.0)
    with pytest.raises(SpikecudaTypeError, match=r"net.source\(name, n, train\) gives a train"):
        net.connect("pre", "post", OneToOne(), 0.5, 0.1, "syn", plasticity=rule, modulator=train)


def test_messages_say_what_to_do():
    def refuses(problem, make, error=SpikecudaValueError):
        with pytest.raises(error, match=problem):
            make()

    both = "from 0 to 1 pA .got -.*give the distribution low= and high="
    refuses(both, lambda: one_synapse(STDP(w_max=1.0), Normal(0.5, 0.2)))
    refuses("from -1 to 0 pA .got 0.5.; synapses that excite", lambda: one_synapse(
        STDP(w_max=-1.0), 0.5))  # fmt: skip
    refuses("got 2.; change w_max, or the weight", lambda: one_synapse(STDP(w_max=1.0), 2.0))
    refuses("w_min must be .*leave it out for 0", lambda: STDP(w_max=1.0, w_min=2.0))
    refuses("timing must be one of nest, brian .got 3.; leave", lambda: STDP(w_max=1.0, timing=3))
    net, p = one_synapse(STDP(w_max=1.0), 0.5)
    for every in (np.inf, np.nan, -1.0):
        refuses("every must be >= dt = 0.1 ms", lambda every=every: p.normalise(1.0, every=every))
    refuses("timing of STDP .* is fixed", lambda: p.params["timing"], KeyError)
    refuses("timing of STDP .* is fixed", lambda: p.params.update(timing="brian"), KeyError)
    again = {"delay": 1.0, "receptor": "syn", "plasticity": TsodyksMarkram()}
    refuses("got 0.5 with TsodyksMarkram, which changes none.; leave it out", lambda: net.connect(
        "pre", "post", OneToOne(), 0.5, dendritic=0.5, **again))  # fmt: skip
    short = net.connect("pre", "post", OneToOne(), 0.5, **again)
    refuses("u of TsodyksMarkram belongs to a source", lambda: short.values("u"))
    net.source("twice", 1, SpikeTrain([5.0, 5.01]))
    refuses("let parrots repeat the train", lambda: (net.connect(
        "twice", "post", OneToOne(), 0.5, **again), net.build()), SpikecudaError)  # fmt: skip


def count_pre(w, pre, post):
    return w, pre + real(1.0), post


def count_post(w, pre, post):
    return w, pre, post + real(1.0)


@pytest.mark.parametrize(("dendritic", "later"), [(0.1, 0.0), (0.5, 0.0), (1.0, 0.5), (1.5, 1.5)])
def test_when_spikes_count_in_what_is_read(dendritic, later):
    rule = define(on_pre=count_pre, on_post=count_post, pre=Variable(), post=Variable())(w_max=1.0)
    net = Network(dt=0.1, devices="cpu")
    with net:
        net.source("pre", 1, SpikeTrain([1.0]))
        net.population("post", 1, "lif", RELAY, {"v": 0.0},
                       receptors={"in": Delta(), "syn": ExpCurrent(tau=2.0)})  # fmt: skip
        net.drive("post", SpikeTrain([1.0], [0], weight=2.0), "in")
        p = net.connect("pre", "post", OneToOne(), 0.5, 1.5, "syn", plasticity=rule,
                        dendritic=dendritic)  # fmt: skip
        seen = []
        for _ in range(30):
            net.run(0.1)
            seen.append((p.values("pre")[0], p.values("post")[0]))
    # Both spike in the tenth step.
    first = [next(i for i, s in enumerate(seen) if s[k]) for k in (0, 1)]
    assert first == [9, 9 + round(later / 0.1)]


def test_variables_start_at_finite_numbers():
    rule = define(on_pre=with_variable, c=Variable(1e300))(w_max=1.0)
    with pytest.raises(SpikecudaValueError, match=r"c of Bad must start at .* finite in float32"):
        one_synapse(rule, 0.5)

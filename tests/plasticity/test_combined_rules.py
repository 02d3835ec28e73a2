"""Rules with several bases: what acts together, and what is refused because it cannot."""

import copy
import pickle

import numpy as np
import pytest
from engine import groups, learn, plain
from peer_records import DT, nest

from spikecuda.errors import ModelError, SpikecudaValueError
from spikecuda.kernels.reference.plasticity import run_synapse
from spikecuda.kernels.reference.plasticity_rules import make
from spikecuda.models import Parameter
from spikecuda.plasticity import (
    STDP,
    ClopathSTDP,
    DopamineSTDP,
    GutigSTDP,
    NearestSTDP,
    PowerLawSTDP,
    SaturatingNMDA,
    StochasticRelease,
    SynapseRule,
    TripletSTDP,
    Tsodyks2000,
    TsodyksMarkram,
    Variable,
    VogelsSTDP,
)

PAIR = {"lam": 0.02, "alpha": 1.1, "tau_plus": 15.0, "tau_minus": 30.0}
SHORT = {"tau_psc": 3.0, "tau_rec": 100.0, "tau_fac": 500.0}


class Both(STDP, Tsodyks2000):
    """Two bases that each derive constants."""

    name = "_stdp_tsodyks_2000"


class Nearby(NearestSTDP, Tsodyks2000):
    """A base with schemes, and another."""

    name = "_nearby"
    more = Parameter(1.0)


def expected(record, short, **pair):
    """Return what is sent and the weight at the end, by two rules of the oracle side by side."""
    arguments = {"delay": record.delay, "dt": DT}
    slow = run_synapse(make("stdp", w_max=100.0, **pair), record.pre, record.post, record.weight,
                       **arguments)  # fmt: skip
    fast = run_synapse(make("tsodyks_2000", u_0=0.2, **short), record.pre, record.post, 1.0,
                       **arguments)  # fmt: skip
    return np.multiply(slow.sent, fast.sent), slow.weight


def records(count=None):
    return [r.later(1) for r in groups(nest("stdp_synapse"))[0]][:count]


def test_two_bases_derive_constants_of_their_own():
    for kind in (Both, type("Turned", (Tsodyks2000, STDP), {"name": "_turned"})):
        rule = kind(w_max=100.0, U=0.2, **PAIR, **SHORT)
        alone = STDP(w_max=100.0, **PAIR).constants(DT) | Tsodyks2000(U=0.2, **SHORT).constants(DT)
        assert rule.constants(DT) == alone
        with pytest.raises(SpikecudaValueError, match="tau_psc must differ from tau_rec"):
            kind(w_max=1.0, tau_psc=7.0, tau_rec=7.0)
        with pytest.raises(SpikecudaValueError, match="tau_psc must differ from tau_rec"):
            rule.changed({"tau_psc": 100.0})
    rule = Both(w_max=100.0, U=0.2, **PAIR, **SHORT)
    for r, got in zip(records(), learn(records(), rule, DT), strict=True):
        sent, weight = expected(r, SHORT, **PAIR)
        assert got.sent == pytest.approx(sent, abs=1e-7), r.name
        assert got.final["weight"] == pytest.approx(weight, rel=1e-12)


def test_a_derive_replaces_that_of_its_own_base_only():
    def derive(lam):
        return {"step_up": lam, "step_down": 2.0 * lam}

    own = type("_Own", (STDP,), {"derive": derive})
    for bases in ((own, Tsodyks2000), (own, Both), (Both, own)):
        found = type("_Three", bases, {})(w_max=3.0, lam=0.5).constants(DT)
        assert (found["step_up"], found["step_down"]) == (0.5, 1.0)
        assert found["gain"] == 800.0 / 797.0


LEARN = [STDP, GutigSTDP, NearestSTDP, PowerLawSTDP, TripletSTDP, VogelsSTDP, DopamineSTDP,
         ClopathSTDP]  # fmt: skip
SEND = [TsodyksMarkram, Tsodyks2000, SaturatingNMDA, StochasticRelease]


@pytest.mark.parametrize("learns", LEARN)
@pytest.mark.parametrize("sends", SEND)
def test_every_pair_has_both_kinds_or_names_what_collides(learns, sends):
    shared = {*vars(learns), *(vars(GutigSTDP) if learns is NearestSTDP else ())} & {*vars(sends)}
    shared = [n for n in ("alpha", "u") if n in shared]
    for bases in ((learns, sends), (sends, learns)):
        if shared:
            with pytest.raises(ModelError, match=rf"'{shared[0]}' from several.*another name") as e:
                type("_Pair", bases, {})
            assert f"{sends.__name__}.{shared[0]}, a " in str(e.value)
            continue
        rule = type("_Pair", bases, {})(w_max=60.0)
        assert rule.params == learns(w_max=60.0).params | sends().params
        alone = learns(w_max=60.0).constants(DT) | sends().constants(DT)
        assert rule.constants(DT) == alone
        assert {*rule.functions} == {*learns.functions, *sends.functions}


@pytest.mark.parametrize(
    ("bases", "name"),
    [
        ((STDP, VogelsSTDP), "on_post"),
        ((DopamineSTDP, STDP), "on_post"),
        ((NearestSTDP, STDP), "on_post"),
        ((TsodyksMarkram, Tsodyks2000), "release"),
    ],
)
def test_a_function_of_two_bases_is_refused(bases, name):
    one, two = (b.__name__ for b in bases)
    first = f"({one}|GutigSTDP).{name}"
    with pytest.raises(ModelError, match=rf"_Two has {name} from .*got {first}, {two}.{name}"):
        type("_Two", bases, {})


def constant(value):
    def derive(z):
        return {value: z}

    return derive


def half(name, **members):
    return type(name, (SynapseRule,), {"name": "_half", "z": Parameter(1.0), **members})


def test_what_one_base_derives_is_not_in_the_other():
    def transmit(step_up):
        return step_up

    given = half("Given", step_up=Parameter(1.0), transmit=transmit)
    with pytest.raises(ModelError, match=r"STDP.derive: the name 'step_up' .* by Given.step_up"):
        type("_Two", (STDP, given), {})
    made = half("Made", transmit=transmit, derive=constant("step_up"))
    with pytest.raises(ModelError, match=r"Made.derive: the name 'step_up' .* by STDP.derive"):
        type("_Two", (STDP, made), {})


def test_a_part_that_serves_both_is_declared_in_the_class():
    def transmit(alpha):
        return alpha

    other = half("Other", alpha=Parameter(0.5), transmit=transmit)
    with pytest.raises(ModelError, match=r"'alpha' .* or declare alpha in _Two"):
        type("_Two", (STDP, other), {})
    rule = type("_Two", (STDP, other), {"alpha": Parameter(0.25)})(w_max=1.0)
    assert rule.params["alpha"] == 0.25


@pytest.mark.parametrize("scheme", ["symmetric", "restricted", "pre_centred"])
def test_schemes_of_a_users_class(scheme):
    rule = Nearby(scheme=scheme, w_max=100.0, U=0.2, mu_plus=0.5, mu_minus=0.7, more=2.0, **PAIR,
                  **SHORT)  # fmt: skip
    assert isinstance(rule, Nearby)
    again = copy.deepcopy(rule), pickle.loads(pickle.dumps(rule)), rule.changed({})
    assert {repr(r) for r in (rule, *again)} == {repr(rule)}
    assert {type(r) for r in (rule, *again)} == {type(rule)}
    assert repr(rule).startswith(f"Nearby(scheme='{scheme}', w_max=100")
    assert (rule.params["U"], rule.params["more"]) == (0.2, 2.0)
    oracle = plain(rule, DT)
    for r in records(3):
        got = run_synapse(oracle, r.pre, r.post, r.weight, delay=r.delay, dt=DT)
        sent, weight = expected(r, SHORT, **PAIR, mu_plus=0.5, mu_minus=0.7, nearest=scheme)
        assert got.sent == pytest.approx(sent, rel=1e-12, abs=1e-13)
        assert got.weight == pytest.approx(weight, rel=1e-12)


def test_a_scheme_is_given_where_the_rule_is_made():
    def always(self, scheme="restricted", **params):
        NearestSTDP.__init__(self, scheme=scheme, **params)

    kind = type("_Mine", (NearestSTDP,), {"__init__": always})
    assert kind(scheme="restricted", w_max=1.0).scheme == "restricted"
    with pytest.raises(SpikecudaValueError, match="scheme must be given where a _Mine is made"):
        kind(w_max=1.0)
    with pytest.raises(ModelError, match="scheme: the name is taken by the argument"):
        type("_Mine", (NearestSTDP,), {"scheme": Parameter(1.0)})


@pytest.mark.parametrize("name", ["on_pre", "waiting"])
def test_a_scheme_does_not_replace_what_a_class_has_itself(name):
    def on_pre(w):
        return w

    def on_post(w, waiting):
        return w, waiting

    members = {"on_pre": on_pre}
    if name == "waiting":
        members = {"waiting": Variable(), "on_pre": on_post, "on_post": on_post}
    kind = type("_Mine", (NearestSTDP,), members)
    assert kind(w_max=1.0).scheme == "symmetric"
    with pytest.raises(SpikecudaValueError, match="scheme must be 'symmetric' for _Mine"):
        kind(w_max=1.0, scheme="pre_centred")

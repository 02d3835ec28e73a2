"""Synapse rules: what they refuse, and that their numbers are those of the papers."""

import copy
import pickle

import numpy as np
import pytest
from engine import groups, learn, plain
from peer_records import DT, nest
from scipy.integrate import solve_ivp

from spikecuda import Network
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.kernels.reference.plasticity import run_synapse
from spikecuda.kernels.reference.plasticity_rules import make
from spikecuda.network import Delta, Pairs, SpikeTrain
from spikecuda.plasticity import (
    STDP,
    DiehlCookSTDP,
    NearestSTDP,
    PowerLawSTDP,
    SaturatingNMDA,
    TripletSTDP,
    Tsodyks2000,
    TsodyksMarkram,
    VogelsSTDP,
)


def test_nearest_schemes():
    rules = [NearestSTDP(w_max=1.0, scheme=s) for s in ("symmetric", "restricted", "pre_centred")]
    assert [list(type(r).variables) for r in rules] == [[], [], ["waiting"]]
    for rule in rules:
        assert isinstance(rule, NearestSTDP)
        assert f"scheme={rule.scheme!r}" in repr(rule)
        for again in (copy.deepcopy(rule), pickle.loads(pickle.dumps(rule))):
            assert type(again) is type(rule)
            assert repr(again) == repr(rule)
    assert type(NearestSTDP(w_max=1.0)) is NearestSTDP
    with pytest.raises(SpikecudaValueError, match="scheme must be one of symmetric, restricted"):
        NearestSTDP(w_max=1.0, scheme="restrict")


@pytest.mark.parametrize("bad", [0.0, np.inf, np.nan])
def test_w_max(bad):
    with pytest.raises(SpikecudaValueError, match="w_max must be finite and not 0"):
        TripletSTDP(w_max=bad)
    with pytest.raises(TypeError, match="w_max"):
        VogelsSTDP()


def pairings(rule, weight, pairs, threads=1):
    """Let a source spike 1 ms before its target, again and again; return network, projection."""
    net = Network(dt=0.1, devices="cpu", threads=threads)
    net.population("post", 1, "lif", {"t_ref": 0.0}, receptors={"force": Delta(), "in": Delta()})
    at = np.arange(1, pairs + 1) * 10.0
    net.drive("post", SpikeTrain(at, weight=1000.0), "force")
    net.source("pre", 1, SpikeTrain(at - 2.0))
    p = net.connect("pre", "post", "all_to_all", weight, 1.0, "in", plasticity=rule)
    return net, p


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_rule_without_an_upper_bound_says_when_it_needs_one(sign):
    rule = PowerLawSTDP(w_max=sign * 0.5, lam=0.1, alpha=0.0)
    net, p = pairings(rule, sign * 0.1, 100)
    with net:
        net.run(50.0)
        assert 0.1 < sign * p.weights[0] < 0.5
        with pytest.raises(SpikecudaError, match="w_max must be above all weights"):
            net.run(900.0)
        # The event that would have made more did nothing.
        assert 0.35 < sign * p.weights[0] <= 0.5
        p.weights = p.weights
        with pytest.raises(SpikecudaError, match=r"an event of pre -> post \(in\) would have"):
            net.run(20.0)
        # It can go on with other weights.
        p.weights = sign * 0.1
        net.run(20.0)


def test_power_law_is_of_no_scale_with_its_reference():
    # In another unit the same rule has the same weights.
    found = []
    for unit in (1.0, 0.001):
        rule = PowerLawSTDP(w_max=unit, w_0=0.1 * unit, lam=0.05, alpha=0.5)
        net, p = pairings(rule, 0.1 * unit, 20)
        with net:
            net.run(300.0)
            found.append(p.weights[0] / unit)
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert found[0] > 0.11


class Both(STDP, TsodyksMarkram):
    """STDP of synapses that depress and facilitate, too."""

    name = "_depressing_stdp"


def test_short_term_plasticity_beside_stdp():
    rule = Both(w_max=100.0, lam=0.02, alpha=1.1, U=0.2, tau_rec=100.0, tau_fac=500.0)
    group = [r.later(1) for r in groups(nest("stdp_synapse"))[0]]
    for r, got in zip(group, learn(group, rule, DT), strict=True):
        expected = run_synapse(plain(rule, DT), r.pre, r.post, r.weight, delay=r.delay, dt=DT)
        assert got.sent == pytest.approx(expected.sent, abs=1e-7), r.name
        assert got.final["weight"] == pytest.approx(expected.weight, rel=1e-12)


def test_diehl_and_cook_beside_the_oracle():
    times = {"tau_pre": 20.0, "tau_post_1": 15.0, "tau_post_2": 40.0}
    rule = DiehlCookSTDP(w_max=100.0, eta_pre=0.5, eta_post=2.0, **times)
    oracle = make("diehl_cook", w_max=100.0, eta_pre=0.5, eta_post=2.0, **times)
    group = [r.later(1) for r in groups(nest("stdp_synapse"))[0]]
    for r, got in zip(group, learn(group, rule, DT), strict=True):
        expected = run_synapse(oracle, r.pre, r.post, r.weight, delay=r.delay, dt=DT)
        assert got.sent == pytest.approx(expected.sent, abs=1e-7), r.name
        assert got.final["weight"] == pytest.approx(expected.weight, rel=1e-12)


def releasing(weight, rule, **options):
    """Return a network where a source spikes each 10 ms, its projection, and what to read."""
    net = Network(dt=0.1, devices="cpu", **options)
    net.population("post", 3, "lif", {"tau_m": 1e6, "v_th": 1e6}, {"v": -70.0},
                   receptors={"in": Delta()})  # fmt: skip
    net.source("pre", 1, SpikeTrain(np.arange(1, 60) * 10.0))
    p = net.connect("pre", "post", Pairs([0, 0, 0], [0, 1, 2]), weight, 1.0, "in", plasticity=rule)
    return net, p


def jumps(net, ms):
    """Return the change of v over some ms."""
    before = net["post"].state["v"].copy()
    net.run(ms)
    return net["post"].state["v"] - before


@pytest.mark.parametrize("weight", [2.0, -2.0, [1.0, -2.0, 3.0]])
def test_releases_send_parts_of_weights_that_can_be_changed(weight):
    rule = TsodyksMarkram(U=0.5, tau_rec=1e6)
    net, p = releasing(weight, rule, precision="float64")
    with net:
        net.run(2.0)
        for k, now in ((1, weight), (2, 1.5), (4, weight), (8, [1.0, 0.5, 0.25])):
            p.weights = now
            assert np.array_equal(p.weights, np.broadcast_to(now, 3))
            # Half of what is left, each time.
            parts = np.broadcast_to(now, 3) / (2 * k)
            assert jumps(net, 9.5) == pytest.approx(parts, abs=1e-3)
            net.run(0.5)


def test_saturating_receptors():
    """What spikes 10 ms apart add is the equation's, integrated; and NEST's jump."""
    rule = SaturatingNMDA(alpha=0.3, tau_rise=1.5, tau_decay=40.0)

    def slope(_, y):
        return 0.3 * y[1] * (1.0 - y[0]) - y[0] / 40.0, -y[1] / 1.5

    net, _ = releasing(1.0, rule)
    with net:
        net.run(2.0)
        before, y = 0.0, np.zeros(2)
        for _ in range(5):
            parts = jumps(net, 10.0)
            end = solve_ivp(
                slope, (0.0, 40.0), np.add(y, [0.0, 1.0]), "LSODA", rtol=1e-10, atol=1e-12
            )
            added = end.y[0, -1] * np.exp(40.0 / 40.0) - before
            assert parts == pytest.approx([added] * 3, abs=3e-4)
            y = solve_ivp(
                slope, (0.0, 10.0), np.add(y, [0.0, 1.0]), "LSODA", rtol=1e-10, atol=1e-12
            )
            y = y.y[:, -1]
            before = (before + added) * np.exp(-10.0 / 40.0)
    # NEST 3.10.0, iaf_bw_2001: s_NMDA after the first spike, alpha 0.5, tau_rise 2, tau_decay 100.
    assert rule.derive(0.5, 2.0, 100.0)["k_0"] == pytest.approx(0.6484167391163257, rel=1e-14)


def test_releases_take_no_memory_a_synapse():
    sizes = []
    for rule in (None, TsodyksMarkram()):
        with Network(dt=0.1, devices="cpu") as net:
            net.population("E", 1000, "lif", receptors={"in": Delta()})
            net.connect("E", "E", "all_to_all", 0.1, 1.0, "in", plasticity=rule)
            sizes.append(net.build().wiring.nbytes)
    assert sizes[1] - sizes[0] < 0.01 * sizes[0]


def test_what_rules_of_release_refuse():
    with pytest.raises(SpikecudaValueError, match="w_max is for rules that change weights"):
        TsodyksMarkram(w_max=1.0)
    with pytest.raises(SpikecudaValueError, match="tau_psc must differ from tau_rec"):
        Tsodyks2000(tau_psc=5.0, tau_rec=5.0)
    with pytest.raises(SpikecudaValueError, match="U must be > 0"):
        TsodyksMarkram(U=0.0)
    net, p = releasing(1.0, TsodyksMarkram())
    with net, pytest.raises(SpikecudaError, match="has no rule that changes weights"):
        p.plastic = True
    net, p = releasing(1.0, TsodyksMarkram())
    with net:
        p.plastic = False  # it is
        assert not p.plastic
        assert p.values("weight").tolist() == [1.0] * 3
    with (
        Network(dt=0.1, devices="cpu") as net,
        pytest.raises(SpikecudaValueError, match="procedural must be False for synapses with a"),
    ):
        net.population("E", 10, "lif", receptors={"in": Delta()})
        net.connect("E", "E", "all_to_all", 1.0, 1.0, "in", procedural=True,
                    plasticity=TsodyksMarkram())  # fmt: skip


def test_what_is_under_way_arrives_as_it_was_released():
    net, p = releasing(2.0, TsodyksMarkram(U=0.5, tau_rec=1e6), precision="float64")
    with net:
        net.run(10.5)
        p.weights = 0.5
        assert jumps(net, 1.0) == pytest.approx([1.0] * 3, rel=1e-3)

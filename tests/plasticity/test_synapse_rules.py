"""Synapse rules: what they refuse, and that their numbers are those of the papers."""

import copy
import pickle

import numpy as np
import pytest

from spikecuda import Network
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.network import Delta, SpikeTrain
from spikecuda.plasticity import NearestSTDP, PowerLawSTDP, TripletSTDP, VogelsSTDP


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
        assert sign * p.weights[0] > 0.5  # not clipped
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

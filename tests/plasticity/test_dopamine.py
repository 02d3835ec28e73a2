"""STDP that dopamine gates: beside NEST and the oracle, in networks, and what is refused."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from cuda_lines import short_histories
from engine import groups, learn
from peer_records import DT, nest

from spikecuda import Network, Poisson
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import ModelError, SpikecudaValueError
from spikecuda.kernels.reference.plasticity import run_synapse
from spikecuda.kernels.reference.plasticity_rules import make
from spikecuda.language import real
from spikecuda.models import Parameter
from spikecuda.network import Delta, ExpCurrent, FixedInDegree, Pairs, SpikeTrain
from spikecuda.network.cpu import modulation
from spikecuda.network.run.exchange import LocalSpikeExchange
from spikecuda.network.synapses import modulated
from spikecuda.plasticity import (
    STDP,
    DopamineSTDP,
    Modulator,
    PostTrace,
    PreTrace,
    SynapseRule,
    Variable,
)


@pytest.mark.parametrize(
    ("timing", "precision", "tolerance", "part"),
    [("nest", "float64", 1e-9, 3), ("nest", "float32", 2e-5, 12), ("brian", "float32", 2e-5, 12)],
)
@pytest.mark.parametrize("group", groups(nest("stdp_dopamine_synapse")), ids=["0", "1"])
def test_records(group, timing, precision, tolerance, part):
    records = [r.later(1) for r in group][::part]
    rule = DopamineSTDP(timing=timing, **records[0].params)
    for r, got in zip(records, learn(records, rule, DT, precision), strict=True):
        expected = run_synapse(
            make("dopamine", **r.params), r.pre, r.post, r.weight, delay=r.delay, dt=DT,
            as_of=r.final["step"], third=r.third, timing=timing,
        )  # fmt: skip
        off = tolerance * r.weight
        assert got.sent == pytest.approx(expected.sent, abs=off + got.unit), r.name
        assert got.final["weight"] == pytest.approx(expected.weight, abs=off)
        assert got.final["c"] == pytest.approx(expected.variables["c"], abs=tolerance)
        # Else NEST's weights met their bounds in between.
        if timing == "nest" and not r.clipped_between:
            assert got.final["weight"] == pytest.approx(r.final["weight"], abs=off)


@pytest.mark.parametrize("timing", ["nest", "brian"])
def test_without_delay(timing):
    records = [replace(r.later(1), delay=0, dendritic=0) for r in nest("stdp_dopamine_synapse")]
    for group in groups(records):
        some = group[::12]
        rule = DopamineSTDP(timing=timing, **some[0].params)
        for r, got in zip(some, learn(some, rule, DT, "float32"), strict=True):
            expected = run_synapse(
                make("dopamine", **r.params), r.pre, r.post, r.weight, delay=0, dt=DT,
                as_of=r.final["step"], third=r.third, timing=timing,
            )  # fmt: skip
            assert got.final["weight"] == pytest.approx(expected.weight, abs=2e-5 * r.weight)
            assert got.final["c"] == pytest.approx(expected.variables["c"], abs=2e-5)


class Dense(DopamineSTDP):
    """A rule with more than dopamine needs."""

    name = "_dense"
    count = Variable()
    slow = Variable(1.0, decay="tau_n")

    def on_post(w, c, count, slow, x, elapsed):
        """Return the weight and what is noted."""
        return w, c + x, count + elapsed, slow + x

    def on_pre(w, c, count, slow, y, lost):
        """Return the weight and what is noted."""
        return w - lost * w, c - y, count, slow

    def derive(a_minus):
        """Return the part that a spike of the source costs."""
        return {"lost": 0.01 * a_minus}


def build(rule, late=1.3, **options):
    """Return a network and two projections in it that learn; ``late``: delay of modulators, ms."""
    net = Network(dt=0.1, seed=3, **options)
    net.population("E", 120, "lif", receptors={"exc": ExpCurrent(tau=2.0)})
    net.population("D", 60, "lif", receptors={"exc": ExpCurrent(tau=2.0)})
    rng = np.random.default_rng(1)
    net.source("reward", 5, SpikeTrain(np.sort(rng.uniform(0, 300, 40)), rng.integers(0, 5, 40)))
    net.drive("E", Poisson(rate=9000.0, weight=60.0), "exc")
    # So many spikes that some of one window are in several blocks.
    net.drive("D", Poisson(rate=9000.0, weight=60.0), "exc")
    net.connect("E", "D", FixedInDegree(20), weight=40.0, delay=1.0, receptor="exc")
    return net, [
        net.connect("E", "E", FixedInDegree(20), 30.0, delay, "exc", plasticity=rule,
                    modulator=modulator, modulator_delay=late)
        for modulator, delay in (("D", 1.5), ("reward", 0.9))
    ]  # fmt: skip


def network(rule, pieces, read=False, devices="cpu", **options):
    """Return spikes, and weights and variables of two projections after some time."""
    net, found = build(rule, devices=devices, **options)
    with net:
        spikes = []
        for ms in pieces:
            spikes.append(net.run(ms).spikes["E"].time)
            if read:
                found[0].weights  # noqa: B018  reading changes nothing
        values = [p.values(k) for p in found for k in ("weight", *rule.variables)]
        return np.concatenate(spikes), *values


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_threads_blocks_splits_and_sweeps(precision, monkeypatch):
    # Each precision with a rule that other tests compile for it.
    times = {"tau_c": 3.0, "tau_n": 20.0, "b": 0.01}
    rule = Dense(w_max=60.0, a_minus=0.2, **times)
    if precision == "float64":
        rule = DopamineSTDP(w_max=60.0, a_plus=0.1, a_minus=0.1, **times)
    once = network(rule, [300.0], precision=precision, threads=1)
    assert once[1].std() > 0.5
    assert not np.array_equal(once[1], once[1 + len(rule.variables) + 1])
    # Tables of integrals that end soon: epochs have 64 steps, and rows are swept each 256.
    monkeypatch.setattr(modulation, "MOST", 0)
    for pieces, read, options in (
        ([300.0], False, {"threads": 2, "partitions": 4}),
        ([0.1, 99.9, 40.0, 160.0], True, {"threads": 1}),
    ):
        other = network(rule, pieces, read=read, precision=precision, **options)
        for a, b in zip(once, other, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize(
    "devices", [["cuda-emu:0"], ["cuda-emu:0", "cuda-emu:1"], ["cpu:0", "cuda-emu:0"], "exchange"],
    ids=str,
)  # fmt: skip
def test_devices_have_the_cpus_bits(devices, monkeypatch):
    rule = Dense(w_max=60.0, a_minus=0.2, tau_c=3.0, tau_n=20.0, b=0.01)
    once = network(rule, [200.0], threads=1)
    monkeypatch.setattr(modulation, "MOST", 0)
    # Rings of integrals that are full after four epochs of 64 steps.
    monkeypatch.setattr(modulated, "RING", 1)
    options = {"devices": devices}
    if devices == "exchange":
        options = {"devices": ["cpu:0", "cpu:0"], "exchange": LocalSpikeExchange()}
    for short, pieces in ((False, [200.0]), (True, [0.1, 99.9, 70.0, 30.0])):
        with short_histories() if short else contextlib.nullcontext():
            other = network(rule, pieces, read=short, **options)
        for a, b in zip(once, other, strict=True):
            assert np.array_equal(a, b)


def test_with_brian_what_is_sent_is_the_weight_as_of_the_spike(monkeypatch):
    """It depends neither on when rows were swept or read, nor on the device."""
    rule = DopamineSTDP(
        w_max=60.0, a_plus=0.1, a_minus=0.1, tau_c=3.0, tau_n=20.0, b=0.01, timing="brian"
    )
    once = network(rule, [60.0], threads=1)
    assert once[1].std() > 0.5
    monkeypatch.setattr(modulation, "MOST", 0)
    monkeypatch.setattr(modulated, "RING", 1)
    for devices in ("cpu", ["cuda-emu:0"], ["cpu:0", "cuda-emu:0"]):
        with short_histories() if devices != "cpu" else contextlib.nullcontext():
            other = network(rule, [0.1, 29.9, 30.0], read=True, devices=devices)
        for a, b in zip(once, other, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("mode", ["check", "race"])
def test_no_stray_access_and_no_race(mode):
    rule = Dense(w_max=60.0, a_minus=0.2, tau_c=3.0, tau_n=20.0)
    once = network(rule, [20.0])
    devices = [CudaEmuDevice(0, mode=mode, block=64), CudaEmuDevice(1, mode=mode, seed=3)]
    try:
        for device in devices:
            device.speed = 1.0
        for some in (devices[:1], devices):
            for a, b in zip(once, network(rule, [20.0], devices=some), strict=True):
                assert np.array_equal(a, b)
    finally:
        for device in devices:
            device.close()


def test_frozen_weights_set_weights_and_a_reset(monkeypatch):
    """Where nothing learns for a while, modulators go on."""
    monkeypatch.setattr(modulation, "MOST", 0)
    monkeypatch.setattr(modulated, "RING", 1)
    assert np.array_equal(frozen_set_and_reset("cpu"), frozen_set_and_reset("cuda-emu"))


def frozen_set_and_reset(devices):
    """Return weights and eligibilities after each of them."""
    rule = Dense(w_max=60.0, a_minus=0.2, tau_c=3.0, tau_n=20.0, b=0.01)
    with Network(dt=0.1, seed=3, devices=devices) as net:
        net.population("E", 120, "lif", receptors={"exc": ExpCurrent(tau=2.0)})
        net.drive("E", Poisson(rate=9000.0, weight=60.0), "exc")
        net.source("reward", 5, SpikeTrain([10.0, 10.1, 150.0, 151.0], [0, 3, 1, 1]))
        p = net.connect("E", "E", FixedInDegree(20), 30.0, 1.5, "exc", plasticity=rule,
                        modulator="reward")  # fmt: skip
        found = []
        net.run(40.0)
        p.plastic = False
        net.run(100.0)
        found.append([p.weights, p.values("c")])
        p.plastic = True
        net.run(30.0)
        p.weights = p.weights * 0.5
        net.run(30.0)
        found.append([p.weights, p.values("c")])
        net.reset()
        net.run(50.0)
        found.append([p.weights, p.values("c")])
    return found


@pytest.mark.parametrize("tau_c", [2.0, 1000.0])
def test_reward_that_comes_late(tau_c, monkeypatch):
    """A pairing changes its weight when the reward comes, by what the equations say."""
    monkeypatch.setattr(modulation, "MOST", 0)
    rule = DopamineSTDP(w_max=10.0, tau_c=tau_c, tau_n=50.0, a_plus=0.5)
    with Network(dt=0.1, devices="cpu", precision="float64") as net:
        net.population("post", 1, "lif", receptors={"force": Delta(), "in": Delta()})
        net.drive("post", SpikeTrain([12.0], weight=1000.0), "force")
        net.source("pre", 1, SpikeTrain([10.0]))
        net.source("reward", 3, SpikeTrain([200.0, 300.0], [2, 1]))
        p = net.connect("pre", "post", Pairs([0], [0]), 1.0, 1.0, "in", plasticity=rule,
                        modulator=net["reward"][1:2], modulator_delay=2.0)  # fmt: skip
        net.run(301.0)
        assert p.weights[0] == 1.0
        net.run(200.0)
        weight, c = p.weights[0], p.values("c")[0]
    # The arrival of the target's spike is 3 ms after the source's; dopamine acts from 302 ms on.
    eligible = 0.5 * np.exp(-3.0 / 20.0)
    both = 1.0 / tau_c + 1.0 / 50.0
    # As of the last step's end: 501 ms is one step ahead of what is read.
    expected = eligible * np.exp(-(302.0 - 13.0) / tau_c) / 50.0 * -np.expm1(-both * 199.0) / both
    assert weight - 1.0 == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert c == pytest.approx(eligible * np.exp(-(501.0 - 13.0) / tau_c), rel=1e-9)


def test_refusals():
    with Network(dt=0.1, devices="cpu") as net:
        net.population("E", 10, "lif", receptors={"exc": ExpCurrent(tau=2.0)})
        rule = DopamineSTDP(w_max=1.0)

        def connect(rule, **more):
            net.connect("E", "E", FixedInDegree(2), 0.5, 1.0, "exc", plasticity=rule, **more)

        with pytest.raises(SpikecudaValueError, match="DopamineSTDP needs a modulator"):
            connect(rule)
        with pytest.raises(SpikecudaValueError, match="modulator is for rules with a third factor"):
            connect(STDP(w_max=1.0), modulator="E")
        with pytest.raises(SpikecudaValueError, match="modulator_delay is for rules with a third"):
            connect(None, modulator_delay=1.0)
        for bad in (0.0, 0.05, 1e9, np.nan):
            with pytest.raises(SpikecudaValueError, match="modulator_delay must be from dt"):
                connect(rule, modulator="E", modulator_delay=bad)
        with pytest.raises(SpikecudaValueError, match="dopamin"):
            connect(rule, modulator="dopamin")


def rise(w, c):
    return w, c + real(1)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"n": Modulator("tau_m", "c")}, "must name a parameter .got 'tau_m'."),
        ({"n": Modulator("tau", "d")}, "must be a Variable that decays"),
        ({"n": Modulator("tau", "c", "base")}, "must name a parameter .got 'base'."),
        ({"n": Modulator("tau", "c"), "m": Modulator("tau", "c")}, "can have one Modulator"),
        ({"modulator": Modulator("tau", "c")}, "the name is taken; call it n"),
        ({"n": Modulator("tau", "c"), "on_pre": rise}, "got no on_post.*def on_post.w, c.: return"),
        ({"n": Modulator("tau", "c"), "on_post": rise}, "got no on_pre"),
    ],
)
def test_modulators_that_are_refused(parts, problem):
    members = {
        "name": "_bad", "tau": Parameter(1.0, "ms", above=0.0), "c": Variable(decay="tau"),
        "x": PreTrace("tau"), "y": PostTrace("tau"), **parts,
    }  # fmt: skip
    with pytest.raises(ModelError, match=problem):
        type("Bad", (SynapseRule,), members)

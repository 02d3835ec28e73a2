"""A third factor that is set to numbers: the same as one whose spikes make these numbers."""

import numpy as np
import pytest

from spikecuda import Network, Poisson
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.network import ExpCurrent, FixedInDegree, SpikeTrain
from spikecuda.plasticity import STDP, DopamineSTDP

TAU = 20.0
RULE = DopamineSTDP(w_max=60.0, a_plus=4.0, a_minus=5.0, tau_c=50.0, tau_n=TAU, b=0.01)
# Steps after which the level jumps, and how often.
JUMPS = {37: 1, 38: 2, 150: 1, 151: 5, 400: 3}
PLACES = [
    {"devices": "cpu"}, {"devices": "cpu", "partitions": 3, "threads": 2},
    {"devices": "cuda-emu"}, {"devices": ["cuda-emu:0", "cpu:0"]},
]  # fmt: skip


def build(times=(), more=False, **options):
    """Return a network that learns by rewards, which are spikes at some times or numbers."""
    net = Network(dt=0.1, seed=3, **options)
    net.population("E", 60, "lif", receptors={"exc": ExpCurrent(tau=2.0)})
    net.drive("E", Poisson(rate=9000.0, weight=60.0), "exc")
    # So many trains may spike in one step.
    net.source("reward", 5, SpikeTrain(*times) if times else SpikeTrain([]))
    found = [
        net.connect("E", "E", FixedInDegree(8), 30.0, 1.5, plasticity=RULE, modulator="reward")
        for _ in range(1 + more)
    ]
    return net, found[0], found[-1]


def outcome(net, p):
    return [p.weights.tobytes(), p.values("c").tobytes(), p.level]


@pytest.fixture(scope="module")
def expected():
    """Return what spikes of a modulator do."""
    steps = np.repeat(list(JUMPS), list(JUMPS.values()))
    neurons = np.concatenate([np.arange(n) for n in JUMPS.values()])
    # A spike at time t acts in the step that ends dt later.
    net, p, _ = build((0.1 * (steps - 1), neurons), devices="cpu")
    with net:
        net.run(60.0)
        return outcome(net, p)


@pytest.mark.parametrize("options", PLACES, ids=str)
def test_a_level_that_is_set_is_one_that_spikes_make(options, expected, tmp_path):
    net, p, _ = build(**options)
    with net:
        for step, count in JUMPS.items():
            net.run(0.1 * step - net.time)
            p.level = p.level + count * (1.0 / TAU)
            if step == 150:  # a saved level goes on
                path = net.save(tmp_path / "net.spk")
                net.close()
                net = Network.load(path, **options)
                p = net.projections[0]
        net.run(60.0 - net.time)
        assert outcome(net, p) == expected


def test_rewards_of_any_sign_and_of_each_projection():
    """Weights change by c n: of both signs alike, as long as none meets a bound."""
    changes = []
    for level in (1e-4, -1e-4):
        net, p, other = build(more=True, devices="cpu")
        with net:
            p.params["b"] = 0.0
            other.params["b"] = 0.0
            net.run(30.0)
            p.level = level
            assert p.level == level and other.level == 0.0
            net.run(20.0)
            assert p.level == pytest.approx(level * np.exp(-20.0 / TAU), rel=1e-12)
            changes.append(p.weights - 30.0)
            assert (other.weights == 30.0).all()
            net.reset()
            assert p.level == 0.0
    assert np.abs(changes[0]).max() > 1e-3
    assert np.allclose(changes[0], -changes[1], atol=1e-5)


def test_loops_set_it():
    """A controller between pieces; and a level that nothing has set is that of spikes."""
    net, p, _ = build(devices="cpu")
    with net:
        net.run(20.0, every=5.0, call=lambda net, piece: setattr(p, "level", 0.25))
        assert p.level == 0.25
    net, p, _ = build(([10.0], [0]), devices="cuda-emu")
    with net:
        net.run(15.1)
        assert p.level == pytest.approx(np.exp(-5.0 / TAU) / TAU, rel=1e-9)


@pytest.mark.parametrize("devices", ["cpu", ["cuda-emu:0", "cpu:0"], ["cpu:0", "cuda-emu:0"]])
def test_a_level_is_that_of_now_however_late_its_spikes_come(devices):
    """The loops of the CPU filled it up to the delay of a spike that had been sent: it was 1/20."""
    net = Network(dt=0.1, seed=3, devices=devices)
    with net:
        net.population("E", 60, "lif", receptors={"exc": ExpCurrent(tau=2.0)})
        net.drive("E", np.linspace(0.0, 5000.0, 60))
        e = net["E"]
        p = net.connect(
            e, e, FixedInDegree(8), 0.0, 0.1, plasticity=RULE, modulator=e[59:], modulator_delay=5.0
        )
        sent = net.run(8.0).spikes["E"]
        steps = sent.step[sent.neuron == 59] + 50
        arrived = steps[steps < 80]
        assert 0 < arrived.size < steps.size
        assert p.level == pytest.approx((np.exp(-(79 - arrived) * 0.1 / TAU) / TAU).sum(), rel=1e-9)


def test_processes_are_asked_whether_they_set_the_same(monkeypatch):
    told = []

    class Peers:
        def require_alike(self, whose, values):
            told.append((whose, values))
            raise SpikecudaError("other level")

    net, p, _ = build(devices="cpu")
    with net:
        p.level = 0.25
        monkeypatch.setattr(net.build(), "peers", Peers(), raising=True)
        with pytest.raises(SpikecudaError, match="other level"):
            p.level = 0.5
        assert told == [(f"projection {p.name}", {"level": 0.5})] and p.level == 0.25


def test_what_cannot_be_set_is_refused():
    net, p, _ = build(([10.0], [0]))
    with net, pytest.raises(SpikecudaError, match=r"SpikeTrain\(\[\]\)"):
        p.level = 1.0
    net, p, _ = build()
    with net:
        for value, kind in ((np.nan, SpikecudaValueError), ("high", SpikecudaTypeError)):
            with pytest.raises(kind, match="level"):
                p.level = value
        net.population("D", 2, "lif", receptors={"in": ExpCurrent(tau=2.0)})
        q = net.connect("E", "D", "all_to_all", 1.0, 1.5, plasticity=RULE, modulator="D")
        with pytest.raises(SpikecudaError, match="got the modulator D"):
            q.level = 1.0
        still = net.connect("E", "D", "all_to_all", 1.0, 1.5, plasticity=STDP(w_max=2.0))
        with pytest.raises(SpikecudaError, match="has no third factor"):
            still.level = 1.0
        with pytest.raises(SpikecudaError, match="has no third factor"):
            still.level  # noqa: B018

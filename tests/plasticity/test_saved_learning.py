"""Networks that learn, saved on some devices and loaded on others, have the bits of one run."""

import contextlib
import itertools
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_networks import RULES, Case, cases, outcome, state_of
from test_cuda_bits import link, short_histories
from test_dopamine import Dense, build

from spikecuda import Network, Poisson
from spikecuda.errors import SpikecudaError
from spikecuda.kernels.network import layout
from spikecuda.network import ExpCurrent, FixedProbability, SpikeTrain
from spikecuda.network.cpu import modulation
from spikecuda.network.saving import network_file
from spikecuda.network.synapses import modulated
from spikecuda.network.synapses.access import bundle_of
from spikecuda.plasticity import STDP, DopamineSTDP

PLACES = (
    {"devices": "cpu", "threads": 1}, {"devices": "cpu", "threads": 2, "partitions": 3},
    {"devices": ["cpu:0", "cpu:1"]}, {"devices": "cuda-emu:0"},
    {"devices": ["cuda-emu:0", "cpu:0"]},
)  # fmt: skip


def loaded(net, folder, place):
    """Return a network that was saved and loaded elsewhere, and what learns in it."""
    own = [type(p.plasticity) for p in net.projections if p.plasticity is not None]
    path = net.save(Path(folder) / "net.spk")
    net.close()
    net = Network.load(path, models=own, **place)
    return net, [p for p in net.projections if p.plasticity is not None]


def spikes(*parts):
    """Return outcomes of runs that follow each other as one."""
    joined = [list(itertools.chain(*(part[i] for part in parts))) for i in range(4)]
    return joined + parts[-1][4:]


@pytest.mark.parametrize("rule", list(RULES))
def test_every_rule_goes_on(rule, tmp_path):
    case = Case(
        links=[
            link(rule), link(rule, target="B", receptor="inh", source="S", low=7),
            link(rule, spread=12, drawn=False),
        ],
        train=(10, 1),
    )  # fmt: skip
    net, learning = case.build(**PLACES[0])
    expected = outcome(net, learning, [600])
    net.close()
    places = [PLACES[(list(RULES).index(rule) + k) % 5] for k in (4, 3, 0)]
    net, learning = case.build(**places[0])
    first = outcome(net, learning, [211])
    net, learning = loaded(net, tmp_path, places[1])
    second = outcome(net, learning, [139])
    net, learning = loaded(net, tmp_path, places[2])
    assert spikes(first, second, outcome(net, learning, [250])) == expected
    net.close()


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_random_networks_go_on(data):
    case = data.draw(cases(["float32"]), "case")  # for which kernels exist
    pieces = data.draw(st.lists(st.integers(1, 160), min_size=2, max_size=4), "pieces")
    places = data.draw(st.lists(st.sampled_from(PLACES), min_size=4, max_size=4), "places")
    short = data.draw(st.booleans(), "short histories")
    net, learning = case.build(**PLACES[1])
    expected = outcome(net, learning, [sum(pieces)])
    net.close()
    with (
        short_histories() if short else contextlib.nullcontext(),
        tempfile.TemporaryDirectory() as folder,
    ):
        net, learning = case.build(**places[0])
        parts = [outcome(net, learning, pieces[:1])]
        for steps, place in zip(pieces[1:], places[1:], strict=False):
            net, learning = loaded(net, folder, place)
            parts.append(outcome(net, learning, [steps]))
        assert spikes(*parts) == expected
        net.close()


def waiting(**place):
    """Return a network whose spikes wait: axonal delays, and dopamine."""
    net = Network(seed=5, **place)
    for name, size in (("A", 60), ("B", 24)):
        net.population(name, size, "lif", {"t_ref": 2.0},
                       receptors={"exc": ExpCurrent(2.0), "inh": ExpCurrent(5.0)})  # fmt: skip
        net.drive(name, Poisson(rate=9000.0, weight=60.0), "exc")
    net.source("S", 5, SpikeTrain.poisson(5, 60.0, 0.0, 60.0, seed=2))
    some = FixedProbability(0.3)
    learning = [
        net.connect("A", "B", some, 30.0, 2.0, "exc", plasticity=STDP(w_max=80.0), dendritic=0.3),
        net.connect("S", "A", some, 30.0, 2.5, "exc", plasticity=STDP(w_max=80.0), dendritic=0.2),
        net.connect("A", "A", some, 30.0, 2.0, "exc", modulator="S", modulator_delay=1.5,
                    plasticity=DopamineSTDP(w_max=80.0, a_plus=5.0, tau_c=3.0, tau_n=10.0)),
    ]  # fmt: skip
    return net, learning


@pytest.mark.parametrize("place", range(3))
def test_spikes_that_wait_go_on(place, tmp_path):
    net, learning = waiting(**PLACES[0])
    expected = outcome(net, learning, [500])
    net.close()
    net, learning = waiting(**PLACES[place])
    parts = [outcome(net, learning, [213])]
    for steps, other in ((104, PLACES[(place + 1) % 3]), (183, PLACES[(place + 2) % 3])):
        net, learning = loaded(net, tmp_path, other)
        parts.append(outcome(net, learning, [steps]))
    assert spikes(*parts) == expected
    assert len(expected[0]) > 50
    net.close()


def test_modulators_go_on_on_any_devices(tmp_path, monkeypatch):
    """One modulator's spikes come so late that the CPU's ring has no room for all of them."""
    rule = Dense(w_max=60.0, a_minus=0.2, tau_c=3.0, tau_n=20.0, b=0.01)
    # Tables of integrals that are full after four epochs of 64 steps.
    monkeypatch.setattr(modulation, "MOST", 0)
    monkeypatch.setattr(modulated, "RING", 1)
    found = []
    for places in ((0, None, None, None, None), (0, 3, 4, 1, 3)):
        (net, learning), got = build(rule, late=12.0, **PLACES[places[0]]), []
        for steps, place in zip((129, 410, 62, 301, 200), places, strict=True):
            if got and place is not None:
                net, learning = loaded(net, tmp_path, PLACES[place])
            spikes = net.run(0.1 * steps).spikes["E"]
            got += [spikes.step.tolist(), spikes.neuron.tolist(), state_of(learning)]
            # Where weights stay as they are for a while, the modulator goes on.
            learning[0].plastic = steps != 410
        net.close()
        found.append(got)
    assert found[0] == found[1]
    assert len({state[0] for state in found[0][2::3]}) == 4


def read_all(learning):
    state_of(learning)


def assign(learning):
    learning[2].weights = 40.0


def freeze(learning):
    learning[2].plastic = False


@pytest.mark.parametrize("change", [read_all, assign, freeze])
def test_what_is_done_straight_after_loading(change, tmp_path):
    """The integral of a modulator has room for all steps so far, though no run made it."""
    net, learning = waiting(**PLACES[0])
    net.run(21.3)  # nothing is read, which would fill the integral
    path = net.save(tmp_path / "net.spk")
    change(learning)
    expected = state_of(learning), outcome(net, learning, [104])
    net.close()
    net = Network.load(path, **PLACES[0])
    change(net.projections)
    bundle = bundle_of(net.projections[2], net.build().wiring)
    level = net.build()._learning.block(0).modulations[bundle]
    # Spikes of the modulator are known up to its delay; what spikes under way send looks beyond.
    filled = int(level.table[layout.MODULATION_FILLED])
    assert filled < 213 + 15 <= level.base + level.integral.size
    assert (state_of(net.projections), outcome(net, net.projections, [104])) == expected
    net.close()


@pytest.mark.parametrize("devices", ["cpu", "cuda-emu"])
def test_what_is_done_at_intervals_goes_on(devices, tmp_path):
    case, found = Case(links=[link("stdp"), link("stdp", spread=12)]), []
    for pieces in ([300], [113, 187], [113, -1, 187]):
        net, learning = case.build(devices)
        learning[0].rewire(None, every=7.0, fraction=0.1, weight=10.0)
        learning[1].scale_to_rate(20.0, every=6.0, tau=0.01, gamma=1.0)
        learning[1].normalise(100.0, every=9.0)
        parts = []
        for steps in pieces:
            if steps < 0:
                net, learning = loaded(net, tmp_path, {"devices": devices})
            else:
                parts.append(outcome(net, learning, [steps]))
        found.append(spikes(*parts))
        net.close()
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_trains_are_added_where_synapses_learn():
    case, found = Case(links=[link("stdp")], sizes=(33, 33)), []
    for devices in ("cpu", "cuda-emu"):
        net, learning = case.build(devices)
        with net:
            net.run(3.0)
            net.drive("A", SpikeTrain([3.5, 4.0], weight=64.0), "exc")
            found.append(outcome(net, learning, [170]))
    assert found[0] == found[1]


@pytest.mark.parametrize("places", [(0, 1), (3, 0), (1, 3)])
def test_changed_rules_go_on(places, tmp_path):
    case, found = Case(links=[link("stdp"), link("stdp", spread=3), link("stdp")]), []
    for saves in (False, True):
        net, learning = case.build(**PLACES[places[0]])
        parts = [outcome(net, learning, [120])]
        # Afterwards all have the same numbers again, and histories that differ.
        learning[1].params.update(tau_plus=5.0, w_max=50.0)
        parts.append(outcome(net, learning, [130]))
        learning[1].params.update(tau_plus=20.0, w_max=60.0)
        learning[2].params["lam"] = 0.02
        parts.append(outcome(net, learning, [40]))
        if saves:
            net, learning = loaded(net, tmp_path, PLACES[places[1]])
        parts.append(outcome(net, learning, [160]))
        assert learning[2].params["lam"] == 0.02
        found.append(spikes(*parts))
        net.close()
    assert found[0] == found[1]


def test_what_a_gpu_cannot_tell_is_refused(tmp_path):
    net, _ = waiting(**PLACES[0])
    path = net.save(tmp_path / "net.spk")
    with pytest.raises(SpikecudaError, match="dendritic must be at least half"):
        Network.load(path, devices="cuda-emu")
    net.close()
    # A file whose spikes wait although they need not.
    net, learning = Case(links=[link("stdp")]).build("cpu")
    expected = outcome(net, learning, [150])
    net, learning = Case(links=[link("stdp")]).build("cpu")
    first = outcome(net, learning, [90])
    with mock.patch.object(network_file, "waits", lambda bundle: bundle.ruled):
        path = net.save(tmp_path / "net.spk")
    with pytest.raises(SpikecudaError, match="load the file with devices='cpu' and save it again"):
        Network.load(path, devices="cuda-emu")
    net, learning = loaded(Network.load(path), tmp_path, PLACES[3])
    assert spikes(first, outcome(net, learning, [60])) == expected
    net.close()

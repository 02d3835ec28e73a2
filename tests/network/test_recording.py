"""What is recorded: spikes stay beside variables, what is missing is said; what is added when."""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, Network, Noise, Poisson, SpikecudaError
from spikecuda.errors import ClosedError
from spikecuda.network import Delta, ExpCurrent, SpikeTrain


def make(**options):
    net = Network(seed=1, devices="cpu", threads=1, **options)
    for name in ("E", "I"):
        net.population(name, 10, receptors={"e": ExpCurrent(5.0)})
        net.drive(name, 600.0)
    return net


def test_variables_do_not_drop_spikes():
    whole = make().run(50.0)
    net = make()
    net.record("E", "v", every=1.0)
    result = net.run(50.0)
    assert list(result.spikes) == ["E", "I"]
    for name in result.spikes:
        np.testing.assert_array_equal(result.spikes[name].step, whole.spikes[name].step)
    assert list(result.traces) == ["E"]
    assert result.rates() == whole.rates()


def test_spikes_of_some_are_those_that_are_named():
    net = make()
    net.record("E", ["spikes", "v"], only=slice(0, 3))
    result = net.run(50.0)
    assert list(result.spikes) == ["E"]
    assert result.neurons("E").tolist() == [0, 1, 2]
    net.record("E", "spikes", only=[5])
    assert net.run(50.0).neurons("E").tolist() == [0, 1, 2, 5]


def test_no_spikes_of_a_population_or_of_any():
    net = make()
    net.record("E", None)
    assert list(net.run(50.0).spikes) == ["I"]
    net.record("I", None)
    net.record("I", "v")
    result = net.run(50.0)
    assert not result.spikes
    net.record("E", "spikes")
    assert list(net.run(50.0).spikes) == ["E"]


def test_what_was_not_recorded_is_said(capsys):
    net = make()
    net.record("E", None)
    result = net.run(50.0)
    remedy = r"net\.record\(name, \"spikes\"\) records them"
    for asked in (
        lambda: result.spikes["E"], lambda: result.neurons("E"), lambda: result.window("E"),
    ):  # fmt: skip
        with pytest.raises(SpikecudaError, match=remedy):
            asked()
    with pytest.raises(KeyError, match="traces are there of none"):
        result.traces["E"]["v"]
    result.summary()
    assert "not recorded" in capsys.readouterr().out
    net.record("I", None)
    net.record("I", "v")
    empty = net.run(50.0)
    for draw in (empty.raster, empty.plot_rates):
        with pytest.raises(SpikecudaError, match="no spikes were recorded.*" + remedy):
            draw()
    with pytest.raises(SpikecudaError, match=r"no traces were recorded.*net\.record"):
        result.plot_traces()
    with pytest.raises(SpikecudaError, match=r"traces of I are there of v \(got 'i_e'\)"):
        empty.traces["I"]["i_e"]


def test_arguments_of_record_without_effect_are_refused():
    net = make()
    with pytest.raises(SpikecudaError, match="every is for variables"):
        net.record("E", "spikes", every=1.0)
    with pytest.raises(SpikecudaError, match="what must name something"):
        net.record("E", [])


def test_a_pool_keeps_spikes_beside_variables():
    with GPUNeuronPool(3, device="cpu") as pool:
        assert pool.run(1.0).spikes is not None
        assert pool.run(1.0, record=("spikes", "v")).spikes is not None
        assert pool.run(1.0, record="v").spikes is not None
        alone = pool.run(1.0, record="v", spikes=False)
        assert alone.recorded_spikes is None and alone.num_spikes == 0
        with pytest.raises(SpikecudaError, match="spikes=False contradicts record"):
            pool.run(1.0, record=("v", "spikes"), spikes=False)
        with pytest.raises(SpikecudaError, match="record must name something"):
            pool.run(1.0, record=[])
        with pytest.raises(SpikecudaError, match=r"of v \(got 'w'\).*record= of run"):
            alone.traces["w"]


# What can be added when.


def test_input_can_be_added_after_the_build_and_stays_after_reset():
    net = make()
    net.build()
    before = net.run(20.0).num_spikes
    net.reset()
    net.drive("E", 600.0)
    net.drive("E", Noise(100.0))
    net.drive("E", Poisson(500.0, 100.0), "e")
    more = net.run(20.0).num_spikes
    assert more > before
    net.reset()
    assert net.run(20.0).num_spikes == more
    # The same as if it had been there from the start.
    other = make()
    other.drive("E", 600.0)
    other.drive("E", Noise(100.0))
    other.drive("E", Poisson(500.0, 100.0), "e")
    assert other.run(20.0).num_spikes == more


def test_input_that_is_refused_adds_nothing():
    net = make()
    expected = net.run(20.0).num_spikes
    net.reset()
    with pytest.raises(SpikecudaError):
        net.drive("E", [Noise(500.0), Poisson(-1.0, 1.0)])
    assert net.run(20.0).num_spikes == expected


ADDED = {
    "population": lambda net: net.population("X", 1),
    "source": lambda net: net.source("X", 1, SpikeTrain([1.0])),
    "connect": lambda net: net.connect("E", "I", "all_to_all", 1.0, 1.0),
    "train": lambda net: net.drive("E", SpikeTrain([1.0])),
}
CLOSED = {
    **ADDED, "drive": lambda net: net.drive("E", 1.0), "record": lambda net: net.record("E"),
    "run": lambda net: net.run(1.0), "build": lambda net: net.build(),
    "reset": lambda net: net.reset(), "state": lambda net: net["E"].state,
}  # fmt: skip


@pytest.mark.parametrize("what", ["population", "source", "connect"])
def test_what_is_wired_can_be_added_before_the_build_only(what):
    with make() as net:
        ADDED[what](net)
        net.build()
        with pytest.raises(SpikecudaError, match="after the network was built; make a new network"):
            ADDED[what](net)


@pytest.mark.parametrize("what", CLOSED)
@pytest.mark.parametrize("built", [False, True])
def test_a_closed_network_takes_nothing(what, built):
    net = make()
    net.population("d", 1, receptors={"d": Delta()})
    if built:
        net.build()
    net.close()
    with pytest.raises(ClosedError, match="the network is closed"):
        CLOSED[what](net)


def test_short_traces_do_not_ask_how_much_memory_there_is(monkeypatch):
    net = Network(seed=1)
    net.population("E", 5, "lif")
    net.record("E", "v")
    net.run(1.0)

    def asked():
        raise AssertionError("the system was asked for its free memory, which takes 0.3 ms")

    monkeypatch.setattr("spikecuda.common.host_memory.available_memory", asked)
    assert net.run(1.0).traces["E"]["v"].shape == (10, 5)
    with pytest.raises(AssertionError, match="was asked"):
        net.run(1e6)

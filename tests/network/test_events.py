"""One count of synaptic events, and one seam for spikes, whatever runs the network."""

import numpy as np
import pytest
from cuda_networks import drawn_again, every_receptor, outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.network import ExpCurrent, FixedOutDegree, Network
from spikecuda.network.run.exchange import LocalSpikeExchange
from spikecuda.network.run.partition import NUMBER, STEP_BITS

LISTS = (
    "cpu", ["cpu:0", "cpu:1"], ["cuda-emu:0"], ["cpu:0", "cuda-emu:0"],
    ["cuda-emu:0", "cpu:0", "cuda-emu:1"],
)  # fmt: skip
EACH = pytest.mark.parametrize("devices", LISTS, ids=str)


class Recording:
    """An exchange that notes what goes through it."""

    def __init__(self):
        self.calls = []
        self.local = LocalSpikeExchange()

    def swap(self, lists):
        self.calls.append([spikes.copy() for spikes in lists])
        return self.local.swap(lists)


def sent(net, results):
    """Return the synapses of all neurons and trains that spiked."""
    total, steps = 0, round(net.time / net.dt)
    for p in net.wired:
        source = p.source.population
        if source.neuron_spec is not None:
            neurons = np.concatenate([r.spikes[source.name].neuron for r in results])
        else:
            train, early = next((t, early) for s, t, early in net._sources if s is source)
            points, neurons = train.on_grid(net.dt, source.size)
            neurons = neurons[points - 1 - early < steps]
        degrees = np.bincount(p.connections()["source"], minlength=source.size)
        total += int(degrees[neurons].sum())
    return total


@EACH
@settings(max_examples=3)
@given(
    structure=st.sampled_from((drawn_again, every_receptor)), procedural=st.booleans(),
    parts=st.lists(st.integers(1, 60), min_size=1, max_size=3), early=st.booleans(),
)  # fmt: skip
def test_events_are_the_synapses_of_what_spiked(devices, structure, procedural, parts, early):
    """Arrivals were counted here, sendings there: 2478, 2868 and 2672 for the same spikes."""
    options = {"procedural": procedural} if structure is drawn_again else {}
    with Network(0.1, 5, devices=devices) as net:
        structure(net, **options)
        if early:
            net.drive("E" if structure is drawn_again else "A", 3e4)
        results = []
        for steps in parts:
            results.append(net.run(steps * 0.1))
            assert net.metrics()["events"] == sent(net, results)
        net.reset()
        assert net.metrics()["events"] == 0


def chain(net):
    """Spikes in every window, across all partitions."""
    net.population("a", 200, receptors={"x": ExpCurrent(2.0)})
    net.connect("a", "a", FixedOutDegree(20), 30.0, 0.5, "x")
    net.drive("a", np.linspace(300.0, 900.0, 200))


@EACH
def test_an_exchange_is_called_after_each_window(devices):
    """It was called for no network on one device, nor for a list of CPUs."""
    with Network(0.1, 3, devices="cpu") as net:
        chain(net)
        wanted = outcome(net, 20.0)
    exchange = Recording()
    with Network(0.1, 3, devices=devices, exchange=exchange) as net:
        chain(net)
        assert outcome(net, 7.7, 12.3) == wanted
        spikes, metrics = net.run(5.0).spikes["a"], net.metrics()
    assert metrics["window"] == 5
    # 77 steps are 15 windows and one of 2 steps.
    assert len(exchange.calls) == 16 + 25 + 10
    every = np.sort(np.concatenate([found for lists in exchange.calls for found in lists]))
    count = 1 if devices == "cpu" else len(devices)
    assert {len(lists) for lists in exchange.calls} == {count}
    assert all((np.diff(found) >= 0).all() for lists in exchange.calls for found in lists)
    last = every[every >> STEP_BITS >= 200]
    assert (last >> STEP_BITS).tolist() == spikes.step.tolist()
    assert (last & NUMBER).tolist() == spikes.neuron.tolist()


def test_spikes_of_another_process_arrive():
    """Two networks that own half of a chain each would need this; here the other is a list."""

    class Other(Recording):
        def swap(self, lists):
            super().swap(lists)
            step = 4 if len(self.calls) == 1 else None
            return [
                np.array([] if step is None else [(step << STEP_BITS) + 7], np.int64) for _ in lists
            ]

    for devices in ("cpu", "cuda-emu"):
        with Network(0.1, 3, "float64", devices=devices, exchange=Other()) as net:
            net.population("a", 32, receptors={"x": ExpCurrent(1e12)})
            p = net.connect("a", "a", FixedOutDegree(5), 2.0, 0.5, "x")
            net.run(1.5)
            c = p.connections()
            wanted = np.bincount(c["target"][c["source"] == 7], minlength=32) * 2.0
            assert net["a"].state["i_x"] == pytest.approx(wanted)
            assert net.metrics()["events"] == 5


def test_what_is_no_exchange_is_refused():
    with pytest.raises(SpikecudaTypeError, match="exchange must be an object with a method swap"):
        Network(exchange=3)
    with pytest.raises(SpikecudaValueError, match=r"CPU alone \(got 2 .* and an exchange\)"):
        net = Network(devices="cpu", partitions=2, exchange=LocalSpikeExchange())
        chain(net)
        net.build()

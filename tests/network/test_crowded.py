"""Where buffers run full: all neurons in every step, long delays, small records, stopped runs."""

import signal
from unittest import mock

import numpy as np
import pytest

from spikecuda.common.distributions import Uniform
from spikecuda.inputs.stimulus import Poisson
from spikecuda.kernels.network import layout
from spikecuda.network import (
    AllToAll,
    AlphaCurrent,
    ExpCurrent,
    FixedOutDegree,
    Network,
    OneToOne,
    SpikeTrain,
)
from spikecuda.network.cpu import engine, parts

# A current of 1e6 pA: a neuron without a refractory period spikes in every step.
ALWAYS, DT = 1e6, 0.1
LAYOUTS = [(1, 1), (2, 2), (2, 5)]


def network(n, bias, threads=1, partitions=1, rate=0.0, v=-65.0):
    """Neurons that keep what arrives; the kernel is that of ``random_networks``' "currents"."""
    net = Network(DT, 4, "float64", threads=threads, partitions=partitions, devices="cpu")
    net.population(
        "a", n, params={"t_ref": 0.0}, initial={"v": v},
        receptors={"exp_current": ExpCurrent(1e12), "alpha_current": AlphaCurrent(5.0)},
    )  # fmt: skip
    net.drive("a", np.broadcast_to(bias, n).astype(float))
    net.drive("a", Poisson(rate, 300.0), "exp_current")
    return net


@pytest.mark.parametrize(("threads", "partitions"), LAYOUTS)
@pytest.mark.parametrize("shortest", [1, 3, 70])
def test_all_neurons_in_every_step(threads, partitions, shortest):
    """A spike at the end of each step: a synapse of delay d has delivered steps - d of them."""
    n, steps = 70, 400
    net = network(n, ALWAYS, threads, partitions)
    made = [
        net.connect(
            "a", "a", FixedOutDegree(4), Uniform(-1.0, 1.0), Uniform(shortest * DT, 30.0),
            "exp_current", weight_bits=32,
        )
        for _ in range(9)
    ]  # fmt: skip
    held = int(net.build()._memory.calendars[0].state[layout.CALENDAR_CHUNKS])
    with mock.patch.object(parts, "RECORD_SIZE", 1):
        spikes = net.run(steps * DT).spikes["a"]
    assert spikes.step.tolist() == np.repeat(np.arange(steps), n).tolist()
    assert spikes.neuron.tolist() == np.tile(np.arange(n), steps).tolist()
    expected = np.zeros(n)
    for p in made:
        c = p.connections()
        times = np.maximum(steps - np.rint(c["delay"] / DT), 0)
        np.add.at(expected, c["target"], c["weight"] * times)
    # 400 decays of 1e-13 and sums of a few hundred.
    np.testing.assert_allclose(net["a"].state["i_exp_current"], expected, atol=1e-8)
    # Events are counted when they are sent, 36 for each spike; some have not arrived yet.
    assert net.metrics()["events"] == 9 * 4 * n * steps
    if partitions == 1 and shortest < 64:
        # Nine rows of every neuron were under way, for up to 300 steps: more than it had room for.
        assert int(net.build()._memory.calendars[0].state[layout.CALENDAR_CHUNKS]) > held


def test_delays_of_thousands_of_steps():
    for steps in (1023, 1024, 3000, 32_767):
        net = network(33, 0.0)
        net.connect("a", net["a"][:1], AllToAll(), 2.0, steps * DT, "exp_current")
        net.source("s", 1, SpikeTrain([0.3]))
        net.connect("s", net["a"][32:], OneToOne(), 1e7, DT, "exp_current")
        net.run((steps + 3) * DT)
        assert net["a"].state["i_exp_current"][0] == 0.0
        net.run(2 * DT)
        # The source's spike arrives at 0.4; the neuron spikes at the end of step 4, and then in
        # every step.
        assert net["a"].state["i_exp_current"][0] == pytest.approx(2.0, rel=1e-9)
        net.run(DT)
        assert net["a"].state["i_exp_current"][0] == pytest.approx(4.0, rel=1e-9)


@pytest.mark.parametrize(("threads", "partitions"), LAYOUTS)
def test_many_given_spikes_at_once(threads, partitions):
    net = network(40, 0.0, threads, partitions)
    times = np.repeat(np.arange(1, 101) * DT, 20)
    net.source("s", 50, SpikeTrain(times))
    p = net.connect("s", "a", AllToAll(), 1.0, Uniform(DT, 20.0), "exp_current")
    net.run(15.0)
    c, expected = p.connections(), np.zeros(40)
    first = np.rint(c["delay"] / DT)
    np.add.at(expected, c["target"], 20 * np.clip(150 - first, 0, 100) * c["weight"])
    np.testing.assert_allclose(net["a"].state["i_exp_current"], expected, rtol=1e-9)


def test_spikes_of_a_source_come_from_all_its_trains_unless_told():
    net = network(3, 0.0)
    net.source("every", 3, SpikeTrain([1.0]))
    net.source("one", 3, SpikeTrain([1.0], [2]))
    net.connect("every", "a", OneToOne(), 1.0, 1.0, "exp_current")
    net.connect("one", "a", OneToOne(), 0.5, 1.0, "exp_current")
    net.run(3.0)
    assert net["a"].state["i_exp_current"] == pytest.approx([1.0, 1.0, 1.5], rel=1e-9)


def driven(threads=2, partitions=3):
    """A lively network with delays of 3 to 50 steps."""
    rng = np.random.default_rng(0)
    net = network(100, rng.uniform(0, 400, 100), threads, partitions, 500.0)
    net.connect("a", "a", FixedOutDegree(10), -5.0, Uniform(0.3, 5.0), "alpha_current")
    return net


def state(net):
    return {name: values.tobytes() for name, values in net["a"].state.items()}


class StopError(Exception):
    """What a progress function raises."""


@pytest.mark.parametrize("interrupt", [False, True])
def test_a_run_that_is_stopped_can_go_on(interrupt):
    expected = driven()
    spikes = expected.run(100.0).spikes["a"]
    net, done = driven(), []

    def stop(steps, total):
        done.append(steps)
        if len(done) == 3:
            if interrupt:
                signal.raise_signal(signal.SIGINT)
            else:
                raise StopError

    # After the first 64, a step at a time.
    with (
        mock.patch.object(engine, "SECONDS_PER_CALL", 0.0),
        pytest.raises(KeyboardInterrupt if interrupt else StopError),
    ):
        net.run(100.0, progress=stop)
    assert 0 < done[-1] < 1000 and net.time == pytest.approx(done[-1] * DT)
    rest = net.run(100.0 - net.time).spikes["a"]
    assert state(net) == state(expected)
    later = spikes.step >= done[-1]
    assert rest.step.tolist() == spikes.step[later].tolist()
    assert rest.neuron.tolist() == spikes.neuron[later].tolist()


def test_parts_of_what_can_be_recorded():
    """Some neurons, now and then: the same numbers as in a record of everything."""
    whole = driven()
    whole.record("a", ["spikes", "v", "i_alpha_current"])
    everything = whole.run(50.0)
    assert everything.num_spikes > 100
    for ids, every in (([0], 1), ([31, 32, 64, 99], 7), (np.arange(100), 500), ([5, 96], 499)):
        net = driven()
        net.record("a", ["v", "i_alpha_current"], every=every * DT, only=ids)
        net.record(net["a"][:3], "spikes")
        net.record(net["a"][ids], "spikes")
        results = [net.run(part) for part in (0.0, 12.3, 0.1, 37.6)]
        rows = np.arange(every, 501, every) - 1
        for name in ("v", "i_alpha_current"):
            got = np.concatenate([r.traces["a"][name] for r in results])
            want = everything.traces["a"][name][np.ix_(rows, ids)]
            np.testing.assert_array_equal(got, want)
        kept = np.isin(everything.spikes["a"].neuron, [0, 1, 2, *ids])
        steps = np.concatenate([r.spikes["a"].step for r in results])
        assert steps.tolist() == everything.spikes["a"].step[kept].tolist()
        assert state(net) == state(whole)


def test_states_may_be_set_between_runs():
    net = driven()
    net.run(10.0)
    net["a"].state["v"] = -60.0
    net["a"].state["i_exp_current"] = np.arange(100.0)
    assert (net["a"].state["v"] == -60.0).all()
    assert net["a"].state["i_exp_current"].tolist() == list(range(100))
    first = net.run(10.0).num_spikes
    net.reset()
    net.run(10.0)
    net["a"].state["v"] = -60.0
    net["a"].state["i_exp_current"] = np.arange(100.0)
    assert net.run(10.0).num_spikes == first

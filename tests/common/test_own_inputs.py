"""A new input is one class: it resolves and spreads itself."""

from dataclasses import dataclass

import numpy as np
import pytest

from spikecuda import Constant, GPUNeuronPool, Network, SpikecudaError
from spikecuda.inputs import Input
from spikecuda.network import Delta

PASSIVE = {"v_rest": 0.0, "v_th": 1e6, "v_reset": -1.0}


@dataclass(frozen=True, eq=False)
class Sine(Input):
    """A current that swings, with an amplitude for each neuron."""

    amplitude: object
    period: float

    def resolve(self, into):
        def course(clock, offset, steps):
            return np.sin(2 * np.pi * np.arange(clock, clock + steps) * into.dt / self.period)

        into.add_course(course, into.values("amplitude", self.amplitude))

    def spread(self, ids, size):
        wide = np.zeros(size)
        wide[ids] = self.amplitude
        return Sine(wide, self.period)


@dataclass(frozen=True, eq=False)
class Burst(Input):
    """Poisson pulses of one rate."""

    weight: float
    current = False

    def resolve(self, into):
        into.add_pulses(into.values("rate", 5000.0), into.values("weight", self.weight))

    def spread(self, ids, size):
        return self


def test_pools_and_networks_take_it():
    with GPUNeuronPool(2, params=PASSIVE, initial={"v": 0.0}, device="cpu") as pool:
        v = pool.run(20.0, input=Sine([1.0, 2.0], 10.0) + Constant(0.0), record="v").traces["v"]
    assert np.allclose(v[:, 1], 2 * v[:, 0], rtol=1e-5) and np.ptp(v[:, 0]) > 0.01
    net = Network(devices="cpu")
    net.population("a", 3, params=PASSIVE, initial={"v": 0.0}, receptors={"d": Delta()})
    net.drive(net["a"][[0, 2]], Sine([1.0, 2.0], 10.0))
    net.record("a", "v")
    traces = [net.run(10.0).traces["a"]["v"] for _ in range(2)]
    together = np.concatenate(traces)
    np.testing.assert_array_equal(together[:, [0, 2]], v)
    assert not together[:, 1].any()
    net.drive("a", Burst(0.5), "d")
    assert net.run(10.0).traces["a"]["v"].max() > 1.0
    net.close()


def test_one_that_lacks_something_says_so():
    class Nothing(Input):
        pass

    needs = pytest.raises(SpikecudaError, match=r"Nothing needs resolve\(into\)")
    with GPUNeuronPool(1, device="cpu") as pool, needs:
        pool.run(1.0, input=Nothing())


@pytest.mark.parametrize("flag", ["autapses", "multapses", "procedural"])
def test_flags_are_true_or_false(flag):
    net = Network(devices="cpu")
    net.population("a", 2, receptors={"d": Delta()})
    with pytest.raises(SpikecudaError, match=rf"{flag} must be True or False \(got 'no'\)"):
        net.connect("a", "a", "all_to_all", 1.0, 1.0, **{flag: "no"})


def test_weights_that_are_read_cannot_be_written():
    with Network(devices="cpu") as net:
        net.population("a", 2, receptors={"d": Delta()})
        one = net.connect("a", "a", "all_to_all", 1.0, 1.0)
        with pytest.raises(ValueError, match="read-only"):
            one.weights[0] = 2.0
        weights = one.weights.copy()
        weights[0] = 2.0
        one.weights = weights
        assert one.weights.tolist() == [2.0, 1.0, 1.0, 1.0]


def test_a_course_that_does_not_fit_is_refused_in_the_run():
    with GPUNeuronPool(2, params=PASSIVE, initial={"v": 0.0}, device="cpu") as pool:
        for amplitude in (1e39, [1e39, 0.0]):
            with pytest.raises(SpikecudaError, match="input must fit in float32"):
                pool.run(20.0, input=Sine(amplitude, 10.0))

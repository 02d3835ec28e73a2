"""What a transport to other processes returns is checked: loops and kernels take it as it is."""

import numpy as np
import pytest

from spikecuda import Network, SpikecudaError
from spikecuda.network import ExpCurrent, SpikeTrain
from spikecuda.network.run.exchange import LocalSpikeExchange

LISTS = ["cpu", "cuda-emu", ["cpu", "cuda-emu"]]


class Transport(LocalSpikeExchange):
    """Hands over what a function makes of the spikes."""

    def __init__(self, made):
        super().__init__()
        object.__setattr__(self, "made", made)

    def swap(self, lists):
        return self.made(super().swap(lists))


def network(devices, exchange):
    net = Network(devices=devices, exchange=exchange)
    net.population("a", 40, receptors={"e": ExpCurrent(2.0)})
    net.source("unused", 3, SpikeTrain([1.0], [0]))
    net.drive("a", np.linspace(500.0, 900.0, 40))
    net.connect("a", "a", "all_to_all", 5.0, 1.0)
    return net


WRONG = {
    "too few": (lambda lists: lists[:-1], "a list of"),
    "None": (lambda lists: None, "a list of"),
    "int32": (lambda lists: [x.astype(np.int32) for x in lists], "1-D int64"),
    "floats": (lambda lists: [np.array([0.5]) for _ in lists], "1-D int64"),
    "far away": (lambda lists: [np.array([2**62]) for _ in lists], "of the steps 0 to 9"),
    "the past": (lambda lists: [np.array([-5]) for _ in lists], "of the steps 0 to 9"),
    "the next window": (lambda lists: [np.array([10 << 32]) for _ in lists], "steps 0 to 9"),
    "no such neuron": (lambda lists: [np.array([40]) for _ in lists], "neurons 0 to 39"),
    "not sorted": (lambda lists: [np.array([2, 9, 1]) for _ in lists], "sorted"),
}


@pytest.mark.parametrize("devices", LISTS, ids=str)
@pytest.mark.parametrize("case", WRONG)
def test_spikes_that_cannot_be_are_refused(devices, case):
    made, message = WRONG[case]
    with network(devices, Transport(made)) as net:
        with pytest.raises(SpikecudaError, match=message):
            net.run(5.0)
        with pytest.raises(SpikecudaError, match="reset"):
            net.run(5.0)


@pytest.mark.parametrize("devices", LISTS, ids=str)
def test_right_spikes_are_taken(devices):
    with network(devices, Transport(list)) as net, network("cpu", None) as other:
        assert net.run(20.0).num_spikes == other.run(20.0).num_spikes > 0


def test_a_class_is_no_exchange():
    with pytest.raises(SpikecudaError, match="exchange must be an object with a method swap"):
        Network(exchange=LocalSpikeExchange)

"""The steered network with more input, which ensembles are made from."""

from steered import bits, network

from spikecuda import Poisson
from spikecuda.network import SpikeTrain

# A device that is named twice has twice as many replicas.
DEVICES = ["cpu", "cuda-emu", ["cuda-emu:0", "cpu", "cuda-emu:0"]]
STATES = [("E", "v"), ("E", "i_exc"), ("I", "v"), ("I", "w")]


def everything(net, result):
    """Return spikes, traces and states."""
    return [*bits(result), *(net[name].state[state] for name, state in STATES)]


def origin(rate=3000.0, amplitude=30.0, **options):
    """Return the steered network with more input: its kernels serve all tests here."""
    net = network(**options)
    net.drive("E", SpikeTrain([1.0, 2.5, 2.5], weight=300.0), "exc")
    return net, net.drive("E", Poisson(rate, 10.0), "exc"), net.drive("I", amplitude)

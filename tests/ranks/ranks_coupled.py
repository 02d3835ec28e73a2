"""Neurons that are coupled over processes have the bits of one process."""

from pathlib import Path

import numpy as np

from spikecuda import Network, Noise, SpikecudaError, Uniform
from spikecuda.network import Coupled, ExpCurrent, FixedProbability


def network(devices, iterated, threads=1):
    net = Network(seed=5, devices=devices, threads=threads)
    ports = {"gap": Coupled(), "exc": ExpCurrent(5.0)}
    for name, n in (("a", 170), ("b", 40)):
        net.population(name, n, "lif", initial={"v": Uniform(-70.0, -52.0)}, receptors=ports)
        net.drive(name, 500.0)
        net.drive(name, Noise(300.0))
    net.gap_junctions("a", "a", FixedProbability(0.1), 0.3, iterated=iterated)
    net.gap_junctions("a", "b", FixedProbability(0.2), 0.5)
    net.connect("a", "b", FixedProbability(0.1), 40.0, Uniform(0.2, 3.0), "exc")
    net.connect("b", "a", FixedProbability(0.2), -20.0, 1.5, "exc")
    net.record("a", ["spikes", "v"], every=0.7)
    net.record("b")
    return net


def bits(net, result):
    spikes = [array for s in result.spikes.values() for array in (s.step, s.neuron)]
    states = [net[name].state["v"] for name in "ab"]
    return [array.tobytes() for array in (*spikes, *states, result.traces["a"]["v"])]


def coupled(job):
    for iterated, threads in ((False, 1), (True, 2)):
        one = network("cpu", iterated)
        many = network("mpi", iterated, threads)
        for each in (one, many):
            each.build()
        found = [[bits(net, net.run(ms)) for ms in (20.0, 0.1)] for net in (one, many)]
        assert found[0] == found[1], (iterated, threads)
        for net in (one, many):
            net.couplings[0].strength = 2.0
            net["a"].params["tau_m"] = 12.0
        assert bits(one, one.run(10.0)) == bits(many, many.run(10.0))
    path = many.save(Path("coupled.spikecuda"))
    again = Network.load(path, devices="mpi")
    assert bits(one, one.run(5.0)) == bits(again, again.run(5.0))
    assert len(many.couplings[0].connections()["source"]) > 100
    many.couplings[0].strength = 1.0 + job.rank
    try:
        many.run(1.0)
    except SpikecudaError as error:
        assert "strength of couplings" in str(error), error
    else:
        raise AssertionError("not refused")
    on_device = network(["mpi", "cuda-emu"] if job.rank else "mpi", False, None)
    try:
        on_device.build()
    except SpikecudaError as error:
        assert "runs on processors alone over processes" in str(error), error
    else:
        raise AssertionError("not refused")
    assert np.isfinite(one["a"].state["v"]).all()

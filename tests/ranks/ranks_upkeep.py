"""What is done with weights over processes, between runs and at intervals, has the same bits."""

import numpy as np
from ranks_saves import learning

from spikecuda import Network, SpikecudaError, Uniform
from spikecuda.network import FixedProbability
from spikecuda.plasticity import STDP


def network(devices):
    net = learning(devices)
    near, far, rule = Uniform(20.0, 60.0), Uniform(0.5, 3.0), STDP(w_max=100.0)
    net.connect("e", net["e"][:64], FixedProbability(0.1), 20.0, far, plasticity=rule)
    net.connect("e", net["e"][100:], FixedProbability(0.05), near, 1.0, plasticity=rule)
    return net


def found(net, result):
    """Return all bits of a run, and of the synapses after it."""
    spikes, bits = result.spikes["e"], []
    for p in net.projections:
        bits += [values.tobytes() for values in p.connections().values()] + [len(p)]
    for traces in result.synapses.values():
        bits += [traces.time.tobytes(), traces.source.tobytes(), traces.target.tobytes()]
        bits += [values.tobytes() for values in traces.values.values()]
    metrics = net.metrics()
    return [spikes.step.tobytes(), spikes.neuron.tobytes(), *bits, metrics.synapses, metrics.events]


def steps(net):
    """Record, rewire, share; yield what each run leaves."""
    first, _, ties, some = net.projections
    net.record(first, "weight", every=3.0)
    net.record(ties, "weight", every=3.0, only=slice(5, 900, 3))
    net.record(some, "weight", every=2.0, only=[0, 7, 100, 1500])
    yield found(net, net.run(8.0))
    yield found(net, net.run(4.0, every=2.0, call=lambda net, piece: None))
    for p in (first, ties, some):
        net.record(p, None)
    ties.rewire(None, fraction=0.3, weight=30.0)
    some.rewire(30.0, indegree=15)
    yield found(net, net.run(6.0))
    first.rewire(None, every=4.0, fraction=0.1, weight=30.0)
    some.rewire(0.1, every=5.0, indegree=16, weight=30.0)
    yield found(net, net.run(11.0))
    some.rewire(None)
    some.share(np.arange(len(some)) % 37, every=4.0)
    yield found(net, net.run(9.0))


def upkeep(job, folder):
    one, many = network("cpu"), network("mpi")
    for k, (a, b) in enumerate(zip(steps(one), steps(many), strict=True)):
        assert a == b, k
    path = many.save(folder / "rewired")
    expected = found(one, one.run(9.0))
    assert found(many, many.run(9.0)) == expected
    for devices in ("cpu", "mpi"):
        net = Network.load(path, devices=devices)
        assert found(net, net.run(9.0)) == expected
    # What one process alone records is refused in all, by its name.
    net = network("mpi")
    net.build()
    if job.rank == 0:
        net.record(net.projections[2], "weight", every=1.0)
    try:
        net.run(1.0)
    except SpikecudaError as error:
        assert "the run must be the same in all processes" in str(error)
        assert job.rank or "other recorded weights of e -> e" in str(error), error
    else:
        raise AssertionError("not refused")

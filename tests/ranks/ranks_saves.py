"""Networks over processes that are saved, and loaded by as many, by others, and by one."""

import errno
from unittest import mock

import numpy as np

from spikecuda import Network, Noise, SpikecudaError, Uniform
from spikecuda.common.npz import NpzWriter
from spikecuda.errors import SpikecudaValueError
from spikecuda.network import ExpCurrent, FixedProbability, SpikeTrain
from spikecuda.network.synapses.fixed_point import SUM_LIMIT
from spikecuda.network.synapses.identity import SharedOrder
from spikecuda.plasticity import STDP


def learning(devices):
    net = Network(seed=5, devices=devices)
    e = net.population("e", 300, "lif", receptors={"exc": ExpCurrent(5.0)})
    near, far = Uniform(20.0, 60.0), Uniform(0.5, 3.0)
    rule = STDP(w_max=100.0)
    net.connect(e, e, FixedProbability(0.1), near, far, "exc", plasticity=rule)
    net.connect(e, e, FixedProbability(0.05), 20.0, 1.0, "exc", procedural=True)
    net.drive(e, np.linspace(300.0, 600.0, 300))
    net.drive(e, Noise(300.0))
    net.record(e, "spikes")
    return net


def waiting(devices):
    """Spikes wait here; one process of several has no synapse of a projection."""
    net = learning(devices)
    f = net.population("f", 20, "lif", receptors={"exc": ExpCurrent(5.0)})
    rule = STDP(w_max=100.0)
    net.connect("e", f, FixedProbability(0.2), 50.0, 2.0, plasticity=rule, dendritic=0.3)
    net.connect("e", f, FixedProbability(0.2), Uniform(1.0, 9.0), Uniform(0.5, 2.0))
    net.record(f, "v", every=3.0)
    return net


def begun(devices):
    """Return a network of which everything has changed since it was described."""
    net = waiting(devices)
    net.run(15.0)
    net.projections[3].weights = np.linspace(1.0, 9.0, len(net.projections[3]))
    net.projections[0].scale_to_rate(20.0, every=4.0, tau=0.01)
    net["e"].params["tau_m"] = 12.0
    net.run(7.7)
    return net


def goes_on(net):
    """Return all bits of a run of the network."""
    result = net.run(20.0)
    assert result.num_spikes > 100
    return [
        *((s.step.tobytes(), s.neuron.tobytes()) for s in result.spikes.values()),
        result.traces["f"]["v"].tobytes(),
        *(p.weights.tobytes() for p in net.projections if not p.procedural),
        [net[name].state["v"].tobytes() for name in "ef"],
        net.metrics()["events"], net.metrics()["synapses"], net.metrics()["spikes"],
    ]  # fmt: skip


def saves(job, folder, threads):
    """Files of other jobs are in the folder; all hold the same network."""
    one, many = begun("cpu"), begun("mpi")
    # Small parts and messages, of which large networks have several.
    with (
        mock.patch.object(SharedOrder.__init__, "__defaults__", (500,)),
        mock.patch.object(job, "largest", 999),
    ):
        path = many.save(folder / f"{job.count}-{threads}.spk")
        expected = goes_on(one)
        files = sorted(folder.glob("*.spk"))
        assert path in files
        for file in files:
            net = Network.load(file, devices="mpi", threads=threads)
            assert np.array_equal(net.result.spikes["e"].step, many.result.spikes["e"].step)
            assert goes_on(net) == expected
    assert goes_on(many) == expected
    if job.rank == 0:
        with Network.load(path, devices="cpu") as net:
            assert goes_on(net) == expected
    if job.rank == 0 and not (folder / "one.spk").exists():
        with begun("cpu") as net:
            net.save(folder / "one.spk")
    job.sums(np.zeros(1))
    saves_that_fail(job, many, path)
    weights_that_fail(many)


def weights_that_fail(net):
    """Weights that one process alone cannot hold are refused in all of them, and nothing is set."""
    plain = net.projections[3]
    weights, wiring = plain.weights, net._engine.wiring
    assert plain.receptor == "exc"
    scale = 2.0 ** wiring.exponent[net["f"].number, plain.port]
    few = np.where(np.arange(weights.size) == 7, 1.3 / scale, weights)
    many = np.where(np.arange(weights.size) == 7, 1e9, weights)
    for act, message in (
        (lambda: setattr(plain, "weights", few), "must be 0 or at least"),
        (lambda: setattr(plain, "weights", many), "must be up to"),
        (lambda: net.drive("f", SpikeTrain([9.0], weight=(SUM_LIMIT - 1) / scale)), "no neuron's"),
    ):
        try:
            act()
        except SpikecudaValueError as error:
            assert message in str(error), error
        else:
            raise AssertionError(message)
        assert np.array_equal(plain.weights, weights)
    net.run(1.0)


def saves_that_fail(job, net, path):
    """What one process raises as it saves is told to all; the file and the network stay."""
    before = path.read_bytes()
    add = NpzWriter.add

    def full(writer, name, array):
        if name.startswith("synapses/"):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        add(writer, name, array)

    def lacking(order, values):
        raise MemoryError(f"of rank {job.rank}")

    on_first = "full" if job.rank == 0 else "x"
    on_last = "lacking" if job.rank == job.count - 1 else "x"
    for patched, kind, message in (
        ({"full": (NpzWriter, "add", full)}.get(on_first), OSError, "No space left on device"),
        ({"lacking": (SharedOrder, "gather", lacking)}.get(on_last), MemoryError, "memory"),
    ):
        try:
            if patched is None:
                net.save(path)
            else:
                with mock.patch.object(*patched):
                    net.save(path)
        except kind as error:
            told = kind is OSError and f"{message} (on rank 0 of {job.count})" in str(error)
            assert patched is not None or told or message in str(error), error
        else:
            raise AssertionError(message)
    for act, message in (
        (lambda: net.save(f"{path}{job.rank}"), "got other path"),
        (lambda: Network.load(path if job.rank else f"{path}?", devices="mpi"), "No such file"),
    ):
        try:
            act()
        except (OSError, SpikecudaError) as error:
            assert message in str(error), error
        else:
            raise AssertionError(message)
    assert path.read_bytes() == before and len(list(path.parent.glob(".*"))) == 0
    net.run(1.0)

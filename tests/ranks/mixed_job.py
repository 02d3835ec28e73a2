"""What each of two processes runs: networks on a processor in one, on two devices in the other."""

import contextlib
import signal
from unittest import mock

import numpy as np

from spikecuda import Network, SpikecudaError, Uniform
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import DeviceError
from spikecuda.network import ExpCurrent, FixedProbability, SpikeTrain
from spikecuda.network.ranks.ranks import all_ranks
from spikecuda.network.synapses.builder import Builder
from spikecuda.plasticity import STDP

JOB = all_ranks()
# Each process names its own, and how fast they are: 40 % of the neurons are on the processor.
EMULATED = [CudaEmuDevice(i) for i in range(2)]
OWN = [
    {"devices": ["mpi", "cpu"], "speeds": 2.0},
    {"devices": ["mpi", *EMULATED], "speeds": [1.0, 2.0]},
][JOB.rank]


def learning(**options):
    """Synapses that learn, and rows that are not stored; other tests compile such kernels, too."""
    net = Network(seed=5, **options)
    receptors = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}
    e = net.population("e", 300, initial={"v": Uniform(-70.0, -52.0)}, receptors=receptors)
    near, far = Uniform(20.0, 60.0), Uniform(0.5, 3.0)
    net.connect(e, e, FixedProbability(0.1), near, far, "exc", plasticity=STDP(w_max=100.0))
    net.connect(e, e, FixedProbability(0.05), -20.0, 1.0, "inh", procedural=True)
    # Between processors alone these rows would have the layout for many processes.
    net.connect(e, e, FixedProbability(0.01), near, far, "exc")
    net.drive(e, 600.0)
    net.record(e, ["spikes", "v"], every=0.7)
    net.projections[0].normalise(600.0, every=5.0)
    return net


def found(net, result):
    """Return all that a network tells."""
    listed = [p.connections() for p in net.projections]
    return [
        result.spikes["e"].step.tobytes(), result.spikes["e"].neuron.tobytes(),
        result.traces["e"]["v"].tobytes(),
        [values.tobytes() for connections in listed for values in connections.values()],
        {name: values.tobytes() for name, values in net["e"].state.items()},
        net.metrics()["events"], net.metrics()["synapses"],
        [traces["weight"].tobytes() for traces in result.synapses.values()],
    ]  # fmt: skip


def steered(nets):
    """Weights, parameters, input and state are read and changed between runs, and one is reset."""
    for k in range(4):
        outcomes = []
        for net in nets:
            plastic = net.projections[0]
            if k == 1:
                plastic.weights = plastic.weights * np.linspace(0.9, 1.0, len(plastic))
                plastic.params["w_max"] = 90.0
                plastic.rewire(None, fraction=0.1, weight=30.0)
                net.drive("e", SpikeTrain([15.0, 17.0], weight=40.0), "exc")
            elif k == 2:
                net.record(plastic, "weight", every=3.0, only=slice(2, 2000, 3))
                net["e"].params["tau_m"] = 12.0
                net["e"].state["v"] = np.linspace(-65.0, -51.0, 300)
            elif k == 3:
                plastic.plastic = False
                net.reset()
            result = net.run(10.0, every=4.0, call=lambda net, piece: None)
            outcomes.append(found(net, result))
        assert outcomes[0] == outcomes[1], k
        assert result.num_spikes > 50


@contextlib.contextmanager
def watched_rows():
    """Give a list of what builders took from files."""
    taken, take = [], Builder.take

    def watched(builder, fixed_point, known):
        taken.append(known)
        return take(builder, fixed_point, known)

    with mock.patch.object(Builder, "take", watched):
        yield taken


def saved(net, reference):
    """A file of two processes with devices goes on anywhere."""
    net.save("net.spikecuda", rows=True)
    wanted = found(reference, reference.run(5.0))
    for options in ({"devices": "cpu", "threads": 1}, OWN):
        with watched_rows() as taken, Network.load("net.spikecuda", **options) as again:
            assert len(taken) == (0 if options is not OWN else 1)  # else they are drawn again
            assert found(again, again.run(5.0)) == wanted
    part = net.run(5.0, gather=False)  # what each process keeps is its own
    assert part.num_spikes < part.gather().num_spikes
    assert found(net, part.gather()) == wanted


def placed(net):
    text = " ".join(str(net.summary()).split())
    assert "cpu:0 of rank 0 of 2 has 43% (speed 1.00)" in text, text
    assert "cuda-emu:0 of rank 1 of 2 has 21% (speed 0.50)" in text, text
    shares = JOB.each([int(p.share.counts.sum()) for p in net._engine.partitions])
    assert shares == [[128], [64, 108]], shares
    assert net.metrics().devices == [
        f"{p.name} of rank {JOB.rank} of 2" for p in net._engine.partitions
    ]
    assert net.metrics().run_seconds > 0.0 and net._engine.exchanged.windows > 0


def broken_off(net, reference):
    """What one process raises between windows is told to all, which go on; so is Ctrl-C."""

    def report(done, total):
        if JOB.rank == 0 and done > 20:
            raise ZeroDivisionError("of one")

    def call(net, piece):
        if JOB.rank == 1:
            signal.raise_signal(signal.SIGINT)

    net.reset()
    for options, wanted in (
        ({"progress": report}, ZeroDivisionError if JOB.rank == 0 else SpikecudaError),
        ({"every": 1.0, "call": call}, KeyboardInterrupt),
    ):
        begin = net.time
        try:
            net.run(200.0, **options)
        except wanted as error:
            assert wanted is not SpikecudaError or "rank 0 of 2 raised ZeroDiv" in str(error)
        else:
            raise AssertionError(wanted)
        assert len(set(JOB.each(net.time))) == 1 and begin < net.time < begin + 200.0
    reference.reset()
    reference.run(net.time)
    assert found(net, net.run(5.0)) == found(reference, reference.run(5.0))


def failing(net, reference):
    """A device that fails within a window ends the run in all; reset() helps."""
    download = EMULATED[1].download

    def fails(*arguments):
        raise DeviceError("the cable is out")

    EMULATED[1].download = fails
    for message in ("cable is out", "cannot go on"):
        try:
            net.run(5.0)
        except SpikecudaError as error:
            assert message in str(error) and "reset()" in str(error), error
            if JOB.rank == 0 and message == "cable is out":
                assert "rank 1 of 2 raised DeviceError: cuda-emu:1 failed" in str(error), error
        else:
            raise AssertionError(message)
    EMULATED[1].download = download
    for each in (net, reference):
        each.reset()
        each.projections[0].weights = 40.0  # what was learned in the window that failed stays
    assert found(net, net.run(5.0)) == found(reference, reference.run(5.0))


def no_such_device():
    """A device that one process cannot open is named in all."""
    net = Network(devices=[["mpi", "cuda-emu"], ["mpi", "cuda:77"]][JOB.rank])
    net.population("a", 10)
    try:
        net.build()
    except DeviceError as error:
        assert ("rank 1 of 2 raised DeviceError" in str(error)) == (JOB.rank == 0), error
        assert "cuda:77" in str(error)
    else:
        raise AssertionError


def measured():
    """Processors share neurons out by a measured speed, and the bits are the same."""
    outcomes = []
    for options in ({"devices": "cpu"}, {"devices": "mpi", "speeds": "measured"}):
        net = Network(seed=5, threads=1, **options)
        net.population("e", 300, initial={"v": Uniform(-70.0, -52.0)})
        net.drive("e", 420.0)
        outcomes.append(net.run(50.0).spikes["e"].neuron.tobytes())
    assert outcomes[0] == outcomes[1]
    assert "neurons by speed: rank 0 has " in str(net.summary())
    assert len(set(JOB.each(str(net.summary())))) == 1


if __name__ == "__main__":
    one, over = learning(devices="cpu", threads=1), learning(**OWN)
    steered([one, over])
    saved(over, one)
    placed(over)
    broken_off(over, one)
    failing(over, one)
    no_such_device()
    measured()
    if JOB.rank == 0:
        print("the same")

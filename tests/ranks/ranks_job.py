"""What every process of an MPI job runs: networks over all of them beside the same in one.

All processes draw the same examples, so that each compares, and finds, the same.
"""

import signal
import sys
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "network"))

from random_networks import Layout, built, descriptions
from ranks_coupled import coupled
from ranks_ensemble import ensembles
from ranks_parts import parts
from ranks_saves import learning, saves
from ranks_upkeep import upkeep
from ranks_view import view
from test_network_bits import outcome, spikes_of

from spikecuda import Network, Noise, SpikecudaError, Uniform
from spikecuda.network import ExpCurrent, FixedProbability, FixedTotal, SpikeTrain
from spikecuda.network.model.trace import variables
from spikecuda.network.synapses import row_layout

EXAMPLES, THREADS = (int(text) for text in sys.argv[1:3])
FOLDER = Path(sys.argv[3])


@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(description=descriptions(), layout=st.sampled_from((row_layout.SHORT, None)))
def random_networks(description, layout):
    d = description
    found = []
    for over_all in (False, True):
        row_layout.forced = layout if over_all else None
        if over_all:
            net = d.build("float32", devices="mpi", threads=THREADS)
        else:
            context = Layout().build(d, "float32")
            net = context.__enter__()
        built(net)
        first = d.parts[0].name
        net.record(first, ["spikes", *variables(net[first])], every=3 * d.dt)
        state, results = outcome(net, d.steps, d.dt, (d.steps // 3,))
        traces = [r.traces[first][name].tobytes() for r in results for name in r.traces[first]]
        wired = [
            {key: values.tobytes() for key, values in p.connections().items()}
            for p in net.projections
        ]
        net.reset()
        again, _ = outcome(net, d.steps, d.dt)
        found.append((state, spikes_of(results), traces, wired, again))
        net.close()
    row_layout.forced = None
    for one, many in zip(*found, strict=True):
        assert one == many


def what_learns():
    """Weights are read and changed, rules change, input is added, all between runs."""
    nets = [learning("cpu"), learning("mpi")]
    results = []
    for k in range(4):
        for net in nets:
            plastic = net.projections[0]
            if k == 1:
                plastic.weights = plastic.weights * np.linspace(0.9, 1.0, len(plastic))
                plastic.params["w_max"] = 90.0
            elif k == 2:
                plastic.normalise(300.0)
                net.drive("e", SpikeTrain([50.0, 60.0], weight=40.0), "exc")
                net["e"].state["v"] = np.linspace(-70.0, -60.0, 300)
            elif k == 3:
                plastic.plastic = False
                net["e"].params["tau_m"] = 12.0
            result = net.run(20.0, every=5.0, call=lambda n, piece: None)
            listed = [p.connections() for p in net.projections]
            results.append((
                result.spikes["e"].step.tobytes(), result.spikes["e"].neuron.tobytes(),
                [values.tobytes() for found in listed for values in found.values()],
                net["e"].state["v"].tobytes(), net.metrics()["events"], net.metrics()["synapses"],
            ))  # fmt: skip
        one, many = results[-2:]
        assert one == many, k
        assert result.num_spikes > 100
    try:
        nets[1].save("rows.spikecuda", rows=True)
    except SpikecudaError as error:
        assert "rows must be False for a network with short rows" in str(error)
        assert not Path("rows.spikecuda").exists()
    else:
        again = Network.load("rows.spikecuda", devices="mpi", threads=THREADS)
        assert spikes_of([again.run(5.0)]) == spikes_of([nets[1].run(5.0)])


def crowded():
    """Every neuron spikes in every step: lists are longer than what always travels."""
    found = []
    for devices in ("cpu", "mpi"):
        net = Network(devices=devices)
        for name in "ab":
            net.population(name, 400, "lif", {"t_ref": 0.0}, receptors={"x": ExpCurrent(2.0)})
            net.drive(name, 1e5)
        net.connect("a", "b", FixedProbability(0.1), 1.0, 0.5, "x")
        found.append(net.run(10.0).num_spikes)
        found.append(net["b"].state["v"].tobytes())
    assert found[:2] == found[2:]
    assert net._engine.exchanged.overflows > 0


def areas(job):
    """Areas that long delays set apart have a process each, and exchange after several windows."""
    for procedural, layout in ((False, None), (False, row_layout.SHORT), (True, None)):
        nets = [two_areas("cpu", procedural), two_areas("mpi", procedural)]
        for net, forced in zip(nets, (None, layout), strict=True):
            row_layout.forced = forced
            net.build()
        row_layout.forced = None
        assert not layout or all(b.short for b in nets[1]._engine.wiring.bundles)
        results = [[net.run(ms) for ms in (33.3, 0.1, 20.0)] for net in nets]
        file = f"areas{procedural}{layout}.spikecuda"
        nets[1].save(file)
        nets.append(Network.load(file, devices="mpi", threads=THREADS))
        results = [[*found, net.run(10.0)] for found, net in zip(results, nets, strict=False)]
        found = [spikes_of(own) for own in results]
        assert found[0] == found[1] and results[0][0].num_spikes > 100
        assert spikes_of([nets[2].run(10.0)]) == spikes_of(results[0][3:])
        for name, values in results[0][0].traces["e0"].items():
            np.testing.assert_array_equal(values, results[1][0].traces["e0"][name])
        for population in nets[0].populations.values():
            v = nets[1][population.name].state["v"]
            np.testing.assert_array_equal(population.state["v"], v)
        windows = -(-634 // nets[1]._engine.window)
        if job.count == 2:
            whole = [set(np.unique(row)) <= {0, row[-1]} for row in nets[1]._engine._all.bounds]
            assert all(whole) and nets[1]._engine.exchanged.windows < windows / 5


def two_areas(devices, procedural):
    net = Network(seed=5, devices=devices, threads=THREADS)
    for area in range(2):
        for layer, n in (("e", 200 + 7 * area), ("i", 50)):
            own = net.population(f"{layer}{area}", n, "lif", receptors={"exc": ExpCurrent(5.0)})
            net.drive(own, np.linspace(300.0, 600.0, n))
            net.drive(own, Noise(300.0))
        for source, weight in (("e", 40.0), ("i", -100.0)):
            for target in "ei":
                net.connect(
                    f"{source}{area}", f"{target}{area}", FixedProbability(0.1), weight,
                    Uniform(0.2, 3.0), "exc", procedural=procedural,
                )  # fmt: skip
    for area in range(2):
        net.connect(
            f"e{area}", f"e{1 - area}", FixedTotal(900), 40.0, Uniform(1.5 + 0.1 * area, 6.0),
            "exc", procedural=procedural,
        )  # fmt: skip
    net.record("e0", ["spikes", "v"], every=0.7, only=slice(0, 3))
    for name in ("i0", "e1", "i1"):
        net.record(name)
    return net


def broken_off(ranks):
    """What one process raises within a run is told to all; they are at the same step and go on."""
    net = learning("mpi")

    def report(done, total):
        if ranks.rank == ranks.count - 1 and done > 50:
            raise ZeroDivisionError("of one")

    try:
        net.run(1000.0, progress=report)
    except ZeroDivisionError:
        assert ranks.rank == ranks.count - 1
    except SpikecudaError as error:
        assert f"rank {ranks.count - 1} of {ranks.count} raised ZeroDivisionError: of one" in str(
            error
        )
    assert len(set(ranks.each(net.time))) == 1 and net.time < 1000.0
    assert net.result.num_spikes == len(net.result.spikes["e"])
    other = learning("cpu")
    other.run(net.time)
    assert (other.run(10.0).spikes["e"].neuron == net.run(10.0).spikes["e"].neuron).all()


def caught(job):
    """What one process raises between pieces and catches is told by its name, and all go on."""
    net = learning("mpi")

    def call(net, piece):
        if job.rank == job.count - 1 and net.time > 2.0:
            raise LookupError("of call")

    try:
        net.run(10.0, every=1.0, call=call)
    except LookupError:
        assert job.rank == job.count - 1
    except SpikecudaError as error:
        assert f"rank {job.count - 1} of {job.count} raised LookupError: of call" in str(error)
    else:
        raise AssertionError("not told")
    assert job.each(net.time) == [3.0] * job.count
    net.run(1.0)


def interrupted(job):
    """Ctrl-C of one process, between pieces of a run, ends it in all at the same step."""
    net = learning("mpi")

    def call(net, piece):
        if net.time > 5.0 and job.rank == job.count - 1:
            signal.raise_signal(signal.SIGINT)

    for _ in range(2):
        begin = net.time
        try:
            net.run(100.0, every=1.0, call=call)
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("not interrupted")
        assert len(set(job.each(net.time))) == 1 and begin < net.time < 100.0
    net.run(1.0)


def told_apart(job):
    """What only some processes are told, or are told otherwise, is refused in all of them."""
    net = learning("mpi")
    e, plastic = net["e"], net.projections[0]
    net.run(1.0)
    added = []

    def extra_input():
        added.append(net.drive("e", 1.0) if job.rank else None)
        net.run(1.0)

    def state_of_one():
        values = e.state["v"]
        if job.rank:
            e.state["v"] = -60.0
        try:
            net.run(1.0)
        finally:
            e.state["v"] = values

    def params_of_one():
        e.params["tau_m"] = 10.0 + job.rank
        try:
            net.run(1.0)
        finally:
            e.params["tau_m"] = 10.0

    def other_network(**options):
        other = Network(devices="mpi", **options)
        other.population("a", 10)
        other.drive("a", 1.0 if options else 1.0 + job.rank)
        other.build()

    def ended_by_one():
        net.run(2.0, every=1.0, until=lambda net, piece: job.rank == 0)
        net.run(1.0)

    cases = [
        (lambda: net.run(1.0 + job.rank), "the run must be the same"),
        (ended_by_one, "got other pieces of the run"),
        (extra_input, "got other input of e "),
        (lambda: added[0] and added[0].remove(), None),
        (state_of_one, "got other state of e "),
        (params_of_one, "got other parameters of e "),
        (lambda: setattr(plastic, "weights", 20.0 + job.rank), "got other weights"),
        (lambda: plastic.normalise(300.0 + job.rank), "got other normalise"),
        (lambda: other_network(seed=job.rank), "got other seed"),
        (lambda: other_network(noise_seed=job.rank), "got other seeds or trial"),
        (lambda: other_network(), "got other drives of a "),
        (lambda: net.run(1.0), None),
        # They have lost each other after this.
        (lambda: plastic.weights if job.rank else e.state["v"], "but another one or another part"),
        (lambda: net.run(1.0), "but another one or another part"),
    ]
    for act, message in cases:
        try:
            act()
        except SpikecudaError as error:
            assert message and message in str(error), (message, error)
        else:
            assert message is None, message


if __name__ == "__main__":
    from spikecuda.network.ranks.ranks import all_ranks

    job = all_ranks()
    random_networks()
    what_learns()
    crowded()
    areas(job)
    saves(job, FOLDER, THREADS)
    if THREADS == 1:
        upkeep(job, Path())
    if THREADS == 1 and job.count == 2:
        parts(job, Path())
        view(job)
        ensembles(job)
        coupled(job)
    broken_off(job)
    caught(job)
    interrupted(job)
    told_apart(job)
    if job.rank == 0:
        print(f"{job.count} processes: all the same")

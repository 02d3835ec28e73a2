"""An assignment acts or raises: every attribute of every public object, and some it has not."""

import numpy as np
import pytest

import spikecuda
import spikecuda.network
from spikecuda import (
    Constant,
    CorrelatedPoisson,
    Ensemble,
    GPUNeuronPool,
    LogNormal,
    MultiGPUNeuronSystem,
    Network,
    Noise,
    Normal,
    OrnsteinUhlenbeck,
    Parameter,
    PerStep,
    Poisson,
    Ramp,
    Renewal,
    Sine,
    SpikecudaError,
    State,
    Step,
    SweepTable,
    SystemMonitor,
    Uniform,
    Waveform,
)
from spikecuda.examples import find
from spikecuda.network import (
    NMDA,
    AllToAll,
    AlphaConductance,
    AlphaCurrent,
    BetaConductance,
    BetaCurrent,
    Coupled,
    Delta,
    DistanceInDegree,
    DistanceOutDegree,
    DistanceProbability,
    ExpConductance,
    ExpCurrent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    OneToOne,
    Pairs,
    SpikeTrain,
)

# What acts: (class, attribute), each with its own test below.
ACTS = {
    ("Drive", "input"),
    ("Population", "train"),
    ("Projection", "weights"),
    ("Projection", "level"),
    ("Coupling", "strength"),
}


def network():
    net = Network(seed=1, devices="cpu")
    net.population("E", 20, receptors={"e": ExpCurrent(5.0)})
    net.source("s", 3, SpikeTrain([1.0]))
    net.connect("s", "E", FixedProbability(0.5), 5.0, 1.0)
    net.drive("E", 200.0)
    net.record("E", "v", every=1.0)
    return net


@pytest.fixture(scope="module")
def objects():
    """One object of every public class, and of what their attributes and methods return."""
    net = network()
    result = net.run(5.0)
    pool = GPUNeuronPool(3, device="cpu")
    system = MultiGPUNeuronSystem(40, 40, ["lif", "adex"], devices="cpu")
    ensemble = Ensemble(network(), 2)
    together = ensemble.run(1.0)
    coupled = Network(devices="cpu")
    coupled.population("E", 2, receptors={"gap": Coupled()})
    run, both = pool.run(1.0, record=("spikes", "v")), system.run(1.0)
    made = [
        net, net["E"], net["s"], net["E"][:3], net["E"].state, net["E"].params, net["E"].receptors,
        net.drive("E", 3.0), net.drive("E", SpikeTrain([1.0], weight=0.0), "e"),
        net.projections[0], result, pool,
        result.spikes["E"], pool.state, pool.metrics(), run, run.spikes, system, system.state,
        system.state["lif"], both, Constant(1.0), PerStep([1.0]), Step(1.0),
        OrnsteinUhlenbeck(1.0, 1.0), Renewal(1.0, 1.0), CorrelatedPoisson(1.0, 1.0, 0.5),
        Waveform([1.0], 1.0), Sine(1.0, 1.0), Ramp(0.0, 1.0, 0.0, 1.0), Noise(1.0),
        Poisson(1.0, 1.0), Constant(1.0) + Noise(1.0),
        Normal(0.0, 1.0), LogNormal(1.0, 1.0), Uniform(0.0, 1.0), SystemMonitor(), Parameter(1.0),
        State(), AllToAll(), OneToOne(), FixedProbability(0.1), FixedInDegree(1),
        DistanceProbability(0.1), DistanceInDegree(1), DistanceOutDegree(1),
        FixedOutDegree(1), FixedTotal(1), Pairs([0], [0]), SpikeTrain([1.0]), Delta(),
        ExpCurrent(1.0), AlphaCurrent(1.0), ExpConductance(1.0, 0.0), AlphaConductance(1.0, 0.0),
        BetaCurrent(1.0, 2.0), BetaConductance(1.0, 2.0, 0.0), ensemble, together,
        Coupled(), coupled.couple("E", "E", OneToOne(), 1.0),
        NMDA(), find("brunel"), find("brunel").expected()[0], net["E"].neurons, pool.neuron_spec,
        pool.state.share("v"), SweepTable([{"a": 1}]),
    ]  # fmt: skip
    yield made
    for held in (net, pool, system, ensemble, coupled):
        held.close()


def test_every_public_class_is_here(objects):
    classes = {type(made) for made in objects}
    for module in (spikecuda, spikecuda.network):
        for name in module.__all__:
            kind = getattr(module, name)
            if isinstance(kind, type) and not issubclass(kind, SpikecudaError):
                assert kind in classes or name == "Model", name


def public(made):
    names = {*getattr(made, "__dict__", {}), *dir(type(made))}
    return sorted(name for name in names if not name.startswith("_"))


def read(made, name):
    try:
        return getattr(made, name, None)
    except SpikecudaError as error:  # such as the neurons of a source
        return str(error)


def test_attributes_cannot_be_assigned_without_effect(objects):
    for made in objects:
        for name in [*public(made), "not_there", "dtt"]:
            if (type(made).__name__, name) in ACTS:
                continue
            # Setting an attribute to what it is shows nothing: the class is asked.
            before = read(made, name)
            with pytest.raises((AttributeError, TypeError)):
                setattr(made, name, 5.0)
            after = read(made, name)
            same = before is after or repr(before) == repr(after) or np.array_equal(before, after)
            assert same, (made, name)
            with pytest.raises((AttributeError, TypeError)):
                delattr(made, name)


SILENT = {
    "net.dt": "make a new Network", "net.seed": "make a new Network", "net.time": "net.reset",
    "net.precision": "make a new Network", "net.threads": "make a new Network",
    "net.devices": "make a new Network", "net.percision": "did you mean 'precision'",
    "projection.weight": "projection.weights = ", "projection.delay": "net.connect",
    "projection.procedural": "net.connect", "population.tau_m": r'params\["tau_m"\] = value',
    "population.v": r'state\["v"\] = value', "population.size": "net.population",
    "population.receptors": "net.population", "population.state.v": r'state\["v"\] = value',
    "pool.tau_m": r'pool.params\["tau_m"\] = value', "pool.v": r'pool.state\["v"\] = value',
    "pool.dt": "GPUNeuronPool\\(..., dt=", "pool.seed": "seed=", "pool.params": "params",
    "pool.state.v": r'state\["v"\] = value', "pool.precision": "precision=",
    "system.dt": "make a new MultiGPUNeuronSystem", "system.v": r'system.state\["type"\]\["v"\]',
}  # fmt: skip


@pytest.mark.parametrize("target", SILENT)
def test_errors_say_what_to_do(target):
    with (
        network() as net,
        GPUNeuronPool(3, device="cpu") as pool,
        MultiGPUNeuronSystem(40, 40, ["lif", "adex"], devices="cpu") as system,
    ):
        known = {
            "net": net, "projection": net.projections[0], "population": net["E"], "pool": pool,
            "system": system,
        }  # fmt: skip
        first, *path, name = target.split(".")
        made = known[first]
        for part in path:
            made = getattr(made, part)
        with pytest.raises(SpikecudaError, match=SILENT[target]):
            setattr(made, name, 0.7)


def test_entries_cannot_be_assigned_without_effect():
    net = network()
    pool = GPUNeuronPool(3, device="cpu")
    system = MultiGPUNeuronSystem(40, 40, ["lif", "adex"], devices="cpu")
    for built in (False, True):
        for entries, name, value in (
            (net["E"].neurons.params, "tau_m", 5.0), (net["E"].neurons.constants, "p_v", 1.0),
            (net["E"].neurons.initial, "v", 1.0), (net["E"].receptors, "f", Delta()),
            (net["E"].receptors, "e", Delta()), (net.populations, "X", net["E"]),
            (pool.params, "tau", 5.0), (pool.params, "tau_m", "x"), (net["E"].params, "tau", 5.0),
            (net["E"].params, "tau_m", -1.0), (system.params, "lif", 3),
            (system.counts, "lif", 3), (system.first, "lif", 3),
            (system.populations, "lif", 3), (system.state, "lif", 3),
        ):  # fmt: skip
            with pytest.raises(SpikecudaError):
                entries[name] = value
            with pytest.raises((SpikecudaError, TypeError, AttributeError)):
                del entries[name]
        for array in (net["E"].state["v"], pool.state["v"], system.state["lif"]["v"],
                      net["E"].neurons.params["tau_m"], net["E"][2:4].ids):  # fmt: skip
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 1
        with pytest.raises(TypeError):
            net["E"] = net["E"]
        assert isinstance(net.projections, tuple) and isinstance(system.devices, tuple)
        if not built:
            net.build()
    for held in (net, pool, system):
        held.close()


def test_what_can_be_assigned_acts():
    with network() as net:
        (projection,) = net.projections
        projection.weights = 2.0
        assert np.allclose(projection.weights, 2.0)
        net["E"].params["tau_m"] = 12.0
        assert net["E"].params["tau_m"] == 12.0 == net["E"].neurons.params["tau_m"]
        net["E"][:3].params["tau_m"] *= 2.0
        assert net["E"].params["tau_m"].tolist() == [24.0] * 3 + [12.0] * 17
        net["E"].receptors["e"] = ExpCurrent(3.0)
        assert net["E"].params["tau_e"] == 3.0 == net["E"].receptors["e"].tau
        net["E"].state["v"] = -60.0
        assert np.all(net["E"].state["v"] == -60.0)
        with pytest.raises(SpikecudaError, match="has no state 'w'"):
            net["E"].state["w"] = 1.0
        assert "w" not in net["E"].state and net["E"].state.get("w") is None


def test_a_subclass_may_have_attributes_of_its_own():
    class Mine(GPUNeuronPool):
        def __init__(self):
            super().__init__(3, device="cpu")
            self.note = "mine"

    with Mine() as pool:
        pool.note = "still mine"
        assert pool.note == "still mine"
        with pytest.raises(SpikecudaError, match="dt is fixed"):
            pool.dt = 1.0

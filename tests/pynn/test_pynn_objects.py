"""Populations, projections, electrodes and spike sources of PyNN, which need no network to run."""

import numpy as np
import pyNN.mock
import pyNN.standardmodels.cells as standard
import pytest
from backend import setup, trains
from hypothesis import given, settings
from hypothesis import strategies as st
from pyNN.errors import (
    ConnectionError,
    InvalidDimensionsError,
    InvalidParameterValueError,
    NonExistentParameterError,
)

import spikecuda.pynn as sim
from spikecuda.errors import SpikecudaError
from spikecuda.network import AlphaConductance, BetaConductance, ExpConductance
from spikecuda.pynn.built import state_of
from spikecuda.pynn.gif import gif_parameters
from spikecuda.pynn.ports import share_ports
from spikecuda.pynn.standardmodels.base import NotAvailableError
from spikecuda.pynn.wires import wires_of

LEFT_OUT = {"MultiCompartmentNeuron", "Vogels2011Rule"}


@pytest.fixture(autouse=True)
def fresh():
    setup()
    yield
    sim.end()


def test_what_pynns_own_example_of_a_backend_has_is_here():
    inner = {"AbstractRNG", "Connector", "FixedNumberConnector", "LazyArray", "MapConnector",
             "MockCurrentSource", "StandardSynapseType", "Variable", "DataCache", "Recorder",
             "build_translations", "deepcopy", "copy", "repeat", "namedtuple", "defaultdict",
             "warn", "datetime", "IndexBasedExpression", "get_io", "get_mpi_comm"}  # fmt: skip
    public = {n: v for n, v in vars(pyNN.mock).items() if callable(v) and not n.startswith("_")}
    ours = {
        n
        for n, v in public.items()
        if v.__module__.startswith("pyNN.mock")
        or v.__module__ in ("pyNN.random", "pyNN.connectors", "pyNN.space", "pyNN.network")
    }
    assert {n for n in ours if not hasattr(sim, n)} <= inner  # fmt: skip
    cells = {n for n, v in vars(standard).items() if isinstance(v, type)
             and issubclass(v, standard.StandardCellType)}  # fmt: skip
    assert cells - {"StandardCellType"} - LEFT_OUT == set(sim.list_standard_models())


@pytest.mark.parametrize("name", sorted(LEFT_OUT))
def test_what_is_not_here_says_so_by_name(name):
    with pytest.raises(NotAvailableError, match=rf"^{name} is not available with spikecuda.pynn"):
        getattr(sim, name)(weight=1.0)
    assert issubclass(NotAvailableError, SpikecudaError | NotImplementedError)


def test_setup_says_what_it_does_not_know():
    with pytest.warns(UserWarning, match=r"ignores 'prescision'; did you mean 'precision'"):
        sim.setup(prescision="float64")
    with pytest.raises(SpikecudaError, match="precision"):
        sim.setup(precision="float8")
    assert sim.setup(use_cvode=False, rng_seeds=[1], verbosity="error") == 0
    with pytest.warns(UserWarning, match="neurons spike on the grid"):
        sim.setup(timestep=0.05, spike_precision="off_grid")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[0.075, 10.02, 12.34]))
    source.record("spikes")
    sim.run(10.0)
    sim.run(10.0)
    assert trains(source)[0].tolist() == [0.075, 10.0, 12.34]
    with pytest.raises(SpikecudaError, match="no network without neurons"):
        sim.get_network()
    assert sim.get_time_step() == sim.get_min_delay() == 0.05 and sim.num_processes() == 1


@pytest.mark.parametrize("name", sorted(sim.list_standard_models()))
def test_parameters_are_kept_in_pynns_units(name):
    if name == "PointNeuron":
        return
    cell = getattr(sim, name)
    population = sim.Population(5, cell())
    for parameter, value in cell.default_parameters.items():
        found = population.get(parameter)
        if isinstance(value, int | float):
            assert found == value
            changed = value * 1.1 + 0.01
            population[1:3].set(**{parameter: changed})
            assert population.get(parameter)[[0, 1, 2, 4]].tolist() == [
                value,
                changed,
                changed,
                value,
            ]
            assert getattr(population[2], parameter) == changed
            setattr(population[4], parameter, changed)
            assert population[1::3].get(parameter) == changed
    with pytest.raises(NonExistentParameterError):
        population.set(nonsense=1.0)


def test_units_are_converted_for_the_network():
    p = sim.Population(2, sim.IF_cond_exp(cm=[0.2, 0.4], tau_m=20.0, tau_syn_E=[1.0, 2.0])).values
    native = sim.IF_cond_exp().native(p)
    assert native["c_m"].tolist() == [200.0, 400.0] and native["g_l"].tolist() == [10.0, 20.0]
    assert sim.IF_cond_exp().receptors(p)["exc"] == ExpConductance(np.array([1.0, 2.0]), 0.0)
    adex = sim.EIF_cond_alpha_isfa_ista()
    values = sim.Population(1, adex).values
    native = adex.native(values)
    assert native["b"] == pytest.approx(80.5) and native["a"] == 4.0 and native["v_peak"] == -40.0
    assert adex.receptors(values)["inh"] == AlphaConductance(5.0, -80.0)
    hh = sim.HH_cond_exp()
    assert hh.native(sim.Population(1, hh).values)["g_na"] == 20_000.0
    gif = gif_parameters(sim.Population(1, sim.GIF_cond_exp(a_eta=(0.1, 0.2))).values)
    assert [float(gif[f"q_stc_{j}"]) for j in (1, 2, 3)] == pytest.approx([100.0, 200.0, 0.0])
    with pytest.raises(NotAvailableError, match=r"tau_eta of GIF_cond_exp has at most 3 parts"):
        gif_parameters(sim.Population(1, sim.GIF_cond_exp(tau_eta=(1.0,) * 4)).values)


def test_neurons_are_composed():
    neuron = sim.PointNeuron(
        sim.LIF(tau_m=10.0, cm=0.2), ampa=sim.ExpPSR(tau_syn=1.0), slow=sim.BetaPSR(e_syn=-70.0)
    )
    cells = sim.Population(3, neuron)
    assert cells.receptor_types == ["ampa", "slow"] and neuron.model == "lif_cond"
    cells[0:1].set(**{"ampa.tau_syn": 4.0})
    assert (
        cells.get("ampa.tau_syn").tolist() == [4.0, 1.0, 1.0] and cells.get("slow.e_syn") == -70.0
    )
    assert neuron.native(cells.values)["g_l"] == 20.0
    assert neuron.receptors(cells.values)["slow"] == BetaConductance(0.2, 1.7, -70.0)
    assert neuron.can_record("ampa.gsyn") and neuron.variables["slow.gsyn"][0] == ("g_slow",)
    with pytest.raises(NotAvailableError, match=r"all currents or all conductances .got both"):
        sim.PointNeuron(sim.LIF(), a=sim.ExpPSR(), b=sim.CurrExpPostSynapticResponse())


def test_values_that_cannot_be_used_are_refused():
    cells = sim.Population(3, sim.IF_cond_exp(), label="cells")
    for value, error in (("x", InvalidParameterValueError), ({}, InvalidParameterValueError),
                         ([1.0, 2.0], InvalidDimensionsError)):  # fmt: skip
        with pytest.raises(error):
            cells.set(tau_m=value)
    cells[1].tau_m = -20.0
    with pytest.raises(SpikecudaError, match=r"cells, IF_cond_exp: g_l must be > 0 nS .got -50"):
        sim.run(1.0)
    assert sim.get_current_time() == 0.0
    cells.set(tau_m=20.0, v_thresh=-70.0)
    with pytest.raises(SpikecudaError, match="v_reset"):
        sim.run(1.0)


def test_connections_are_read_and_set():
    a, b = sim.Population(4, sim.IF_cond_exp()), sim.Population(3, sim.IF_cond_exp())
    pairs = [(0, 0, 0.1, 1.0), (3, 2, 0.2, 2.0), (3, 2, 0.3, 1.5), (1, 1, 0.4, 0.5)]
    projection = sim.Projection(a, b, sim.FromListConnector(pairs))
    assert len(projection) == projection.size() == 4
    assert sorted(projection.get(["weight", "delay"], format="list")) == sorted(pairs)
    weights = projection.get("weight", format="array")
    assert weights[3, 2] == 0.5 and np.isnan(weights[2]).all()
    first = projection.get("delay", format="array", multiple_synapses="min")
    assert first[3, 2] == 1.5
    assert (sim.get_min_delay(), sim.get_max_delay()) == (0.5, 2.0)
    one = projection[1]
    one.weight = 0.7
    assert projection.get("weight", format="list", with_address=False)[1] == one.weight == 0.7
    assert one.presynaptic_cell.parent is a and len(projection[1:3]) == 2
    projection.set(weight=lambda d: 0.1 * d, delay=3.0)
    assert projection.get("delay", format="list", with_address=False) == [3.0] * 4
    with pytest.raises(ConnectionError, match=r"Delay \(0.05\) must be at least min_delay = 0.1"):
        projection.set(delay=0.05)
    with pytest.raises(AttributeError, match="weight, delay to assign"):
        one.colour = 1
    assert len(sim.Projection(a, b, sim.FromListConnector([]))) == 0


def test_a_projection_becomes_connections_of_populations():
    first = sim.Population(3, sim.IF_curr_exp(), label="first")
    second = sim.Population(2, sim.IF_curr_alpha(), label="second")
    recovery = np.where(np.arange(12).reshape(4, 3) % 5, 100.0, 200.0)
    synapse = sim.TsodyksMarkramSynapse(weight=0.5, U=0.3, tau_rec=recovery)
    projection = sim.Projection(first[1:] + second, first, sim.AllToAllConnector(), synapse)
    wires = list(wires_of(projection))
    assert sum(w.chosen.size for w in wires) == len(projection) == 12
    assert {(w.source.label, w.rule["tau_rec"]) for w in wires} == {
        (label, tau) for label in ("first", "second") for tau in (100.0, 200.0)
    }
    sources = np.concatenate([w.sources for w in wires if w.source is first])
    assert set(sources) == {1, 2}
    synapse = sim.SimpleStochasticSynapse(weight=0.5, p=np.linspace(0.1, 0.9, 81).reshape(1, 81))
    many = sim.Projection(
        sim.Population(1, sim.SpikeSourceArray()), sim.Population(81, sim.IF_curr_exp()),
        sim.AllToAllConnector(), synapse,
    )  # fmt: skip
    with pytest.raises(SpikecudaError, match=r"p must have at most 64 different sets .* .got 81"):
        list(wires_of(many))


def test_weights_of_very_different_size_have_receptors_of_their_own():
    cells = sim.Population(3, sim.IF_cond_exp(), label="cells")
    driver, pre = (sim.Population(3, sim.SpikeSourceArray()) for _ in range(2))
    pairs = sim.STDPMechanism(
        sim.SpikePairRule(), sim.AdditiveWeightDependence(w_max=1e-7), weight=5e-8
    )
    static = sim.StaticSynapse(weight=40.0)
    made = [
        sim.Projection(driver, cells, sim.OneToOneConnector(), static),
        sim.Projection(pre, cells, sim.AllToAllConnector(), pairs),
        sim.Projection(pre, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0)),
        sim.Projection(
            pre, cells, sim.AllToAllConnector(), static, receptor_type="inhibitory"
        ),
    ]  # fmt: skip
    wires = [(p, wire) for p in made for wire in wires_of(p)]
    copies = share_ports(wires, {id(driver): 2, id(pre): 1})
    assert copies == {id(cells): {"exc": ["exc", "exc_2"], "inh": ["inh"]}}
    assert [wire.port for _, wire in wires] == ["exc", "exc_2", "exc", "inh"]


def test_synapses_with_sites_and_start_values():
    a, b = sim.Population(1, sim.SpikeSourceArray()), sim.Population(4, sim.IF_cond_exp())
    synapse = sim.MultiQuantalSynapse(weight=0.01, n=5, U=0.4, tau_rec=100.0, tau_facil=20.0)
    projection = sim.Projection(a, b, sim.AllToAllConnector(), synapse)
    projection.initialize(a=5, u=0.4)
    with pytest.raises(NotAvailableError, match=r"synapses start at rest .got 3 as an initial"):
        projection.initialize(a=3)
    (wire,) = wires_of(projection)
    rule = synapse.rule(wire.rule, b, 0.1, 40.0)["plasticity"]
    assert (rule.params["sites"], rule.params["U"], rule.w_max) == (5.0, 0.4, 40.0)
    one = sim.StochasticTsodyksMarkramSynapse(weight=0.01)
    (wire,) = wires_of(sim.Projection(a, b, sim.AllToAllConnector(), one))
    assert one.rule(wire.rule, b, 0.1, 40.0)["plasticity"].params["sites"] == 1.0
    depressing = sim.TsodyksMarkramSynapse(weight=0.01)
    b.set(tau_syn_E=[1.0, 2.0, 1.0, 2.0])
    wires = list(wires_of(sim.Projection(a, b, sim.AllToAllConnector(), depressing)))
    assert [(w.rule["tau_psc"], w.targets.tolist()) for w in wires] == [
        (1.0, [0, 2]), (2.0, [1, 3]),
    ]  # fmt: skip
    gif = sim.Population(2, sim.GIF_cond_exp(v_t_star=-50.0))
    assert state_of(gif, "v_t", np.array([-50.0, -50.0])) == (None, 1.0)
    with pytest.raises(NotAvailableError, match=r"v_t of .* has no start value .got -40"):
        state_of(gif, "v_t", np.array([-40.0, -40.0]))


def test_gap_junctions_join_neurons_that_have_them():
    a, b = sim.Population(2, sim.HH_cond_exp()), sim.Population(2, sim.HH_cond_exp())
    gap, cells = "source_section.gap", sim.Population(2, sim.IF_cond_exp())
    pairs = sim.FromListConnector([(0, 1, 0.5), (1, 1, 0.25)], column_names=["weight"])
    joined = sim.Projection(a, b, pairs, sim.ElectricalSynapse(), receptor_type=gap)
    joined.set(weight=lambda d: 0.1 * d)
    assert joined.get("weight", format="list") == [(0.0, 1.0, 0.1), (1.0, 1.0, 0.0)]
    assert sim.get_min_delay() == 0.1  # they have none
    (wire,) = wires_of(joined)
    assert share_ports([(joined, wire)], {}) == {} and wire.port == "gap"
    wrong = sim.Projection(cells, b, sim.AllToAllConnector(), sim.ElectricalSynapse(),
                           receptor_type=gap)  # fmt: skip
    with pytest.raises(NotAvailableError, match="ElectricalSynapse joins HH_cond_exp"):
        list(wires_of(wrong))
    with pytest.raises(ConnectionError, match="receptor_types must be one of"):
        sim.Projection(a, cells, pairs, sim.ElectricalSynapse(), receptor_type=gap)


def test_stdp_has_pynns_numbers():
    target = sim.Population(2, sim.IF_cond_exp())
    source = sim.Population(2, sim.SpikeSourceArray())
    for dependence, exponents in (
        (sim.AdditiveWeightDependence(w_min=0.001, w_max=0.04), None),
        (sim.MultiplicativeWeightDependence(w_max=0.04), (1.0, 1.0)),
        (sim.AdditivePotentiationMultiplicativeDepression(w_max=0.04), (0.0, 1.0)),
        (sim.GutigWeightDependence(w_max=0.04, mu_plus=0.3, mu_minus=0.7), (0.3, 0.7)),
    ):
        pairs = sim.SpikePairRule(tau_plus=17.0, tau_minus=30.0, A_plus=0.0, A_minus=0.02)
        synapse = sim.STDPMechanism(
            pairs, dependence, weight=0.02, delay=1.0, dendritic_delay_fraction=0.4
        )
        projection = sim.Projection(source, target, sim.AllToAllConnector(), synapse)
        assert projection.get("A_minus", format="array")[0, 0] == 0.02
        (wire,) = wires_of(projection)
        made = synapse.rule(wire.rule, target, 1.0)
        rule = made["plasticity"]
        assert made["dendritic"] == pytest.approx(0.4) and rule.w_max == pytest.approx(40.0)
        assert [rule.params[n] for n in ("tau_plus", "tau_minus", "lam", "alpha")] == [
            17.0,
            30.0,
            0.0,
            0.02,
        ]
        constants = rule.constants(0.1, "float64")
        assert constants["step_up"] == 0.0 and constants["step_down"] == pytest.approx(0.8)
        if exponents:
            assert (rule.params["mu_plus"], rule.params["mu_minus"]) == exponents
    wrong = sim.AdditiveWeightDependence(w_min=-1.0, w_max=0.0)
    synapse = sim.STDPMechanism(pairs, wrong, weight=0.0)
    (wire,) = wires_of(sim.Projection(source, target, sim.AllToAllConnector(), synapse))
    with pytest.raises(NotAvailableError, match="needs w_max > 0 and w_min >= 0"):
        synapse.rule(wire.rule, target, 1.0)
    with pytest.raises(NotAvailableError, match="a timing and a weight dependence"):
        sim.STDPMechanism(timing_dependence=pairs)


def test_currents_are_courses_on_the_grid():
    dc = sim.DCSource(amplitude=0.5, start=0.25, stop=0.5)
    assert dc.samples(0, 7).tolist() == [0.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0]
    dc.amplitude += 0.25
    assert dc.amplitude == 0.75 and dc.get_parameters()["amplitude"].evaluate(simplify=True) == 0.75
    ac = sim.ACSource(amplitude=1.0, offset=0.5, frequency=100.0, phase=90.0, start=10.0, stop=20.0)
    assert ac.samples(100, 151)[[0, 25, 50]] == pytest.approx([1.5, 0.5, -0.5])
    assert not ac.samples(0, 100).any() and not ac.samples(200, 210).any()
    step = sim.StepCurrentSource(times=[0.41, 0.42, 0.86], amplitudes=[0.5, -0.5, 0.25])
    assert step.times == pytest.approx([0.4, 0.9]) and step.amplitudes.tolist() == [-0.5, 0.25]
    assert step.samples(3, 11).tolist() == [0.0] + [-0.5] * 5 + [0.25] * 2
    for times in ([0.4, -0.6], [0.4, 0.2]):
        with pytest.raises(ValueError, match="Step current"):
            sim.StepCurrentSource(times=times, amplitudes=[0.1, 0.2])
    with pytest.raises(ValueError, match="equally many"):
        sim.StepCurrentSource(times=[1.0], amplitudes=[])
    with pytest.raises(TypeError, match="spike source"):
        dc.inject_into(sim.Population(1, sim.SpikeSourceArray()))
    with pytest.raises(ValueError, match="was not recorded"):
        dc.get_data()
    noise = sim.NoisyCurrentSource(mean=2.0, stdev=0.1, dt=0.2, start=0.1, stop=1e4)
    whole = noise.samples(0, 20_000)
    assert whole[0] == 0.0 and whole[1] == whole[2] != whole[3]
    np.testing.assert_array_equal(whole[7000:9000], noise.samples(7000, 9000))
    assert whole[1:].mean() == pytest.approx(2.0, abs=0.005)
    assert whole[1:].std() == pytest.approx(0.1, rel=0.05)


SOURCES = {
    "SpikeSourcePoisson": ({"rate": 200.0}, 5.0, 1.0),
    "SpikeSourcePoissonRefractory": ({"rate": 100.0, "tau_refrac": 4.0}, 10.0, 0.6),
    "SpikeSourceGamma": ({"alpha": 4.0, "beta": 400.0}, 10.0, 0.5),
    "SpikeSourceInhGamma": (
        {"a": sim.Sequence([4.0]), "b": sim.Sequence([0.0025]), "tbins": sim.Sequence([0.0])},
        10.0, 0.5,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_random_sources_have_their_intervals(name):
    """Mean interval and its coefficient of variation; 200 sources for a second."""
    parameters, interval, cv = SOURCES[name]
    sources = sim.Population(200, getattr(sim, name)(start=50.0, duration=1000.0, **parameters))
    sources.record("spikes")
    sim.run(1100.0)
    found = trains(sources)
    everything = np.concatenate(found)
    assert everything.min() > 50.0 and everything.max() <= 1050.0
    assert everything.size == pytest.approx(200 * 1000.0 / interval, rel=0.03)
    gaps = np.concatenate([np.diff(t) for t in found])
    gaps = gaps[gaps > 0] if name == "SpikeSourcePoisson" else gaps
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.05)
    if name == "SpikeSourcePoissonRefractory":
        assert gaps.min() >= 3.9
    # Without a transient at the start.
    if name != "SpikeSourceInhGamma":
        early = (everything < 60.0).sum()
        assert early == pytest.approx(2000.0 / interval, abs=5.0 * np.sqrt(2000.0 / interval))


@settings(max_examples=30)
@given(
    pieces=st.lists(st.integers(1, 400), min_size=1, max_size=5),
    seed=st.integers(0, 99),
    name=st.sampled_from(sorted(SOURCES)),
)
def test_random_sources_do_not_depend_on_pieces(pieces, seed, name):
    def spikes(lengths):
        setup(seed=seed)
        sources = sim.Population(3, getattr(sim, name)(**SOURCES[name][0]))
        sources.record("spikes")
        for length in lengths:
            sim.run(length * 0.1)
        return [t.tolist() for t in trains(sources)]

    assert spikes(pieces) == spikes([sum(pieces)])


def test_sources_change_between_runs():
    sources = sim.Population(50, sim.SpikeSourcePoissonRefractory(rate=20.0, tau_refrac=5.0))
    sources.record("spikes")
    sim.run(400.0)
    sources[:25].set(rate=150.0)
    sim.run(400.0)
    found = trains(sources)
    slow = np.concatenate([t for t in found[25:]])
    fast = np.concatenate([t[t > 420.0] for t in found[:25]])
    assert fast.size == pytest.approx(25 * 0.38 * 150.0, rel=0.1)
    assert slow.size == pytest.approx(25 * 0.8 * 20.0, rel=0.2)
    assert min(np.diff(t).min() for t in found if t.size > 1) >= 4.9
    with pytest.raises(InvalidParameterValueError, match="tau_refrac from 0 ms to below"):
        sources.set(tau_refrac=7.0)
    assert sources.get("tau_refrac") == 5.0
    setup()
    given_times = sim.Sequence([1.0, 0.5])
    with pytest.raises(InvalidParameterValueError, match="increasing order"):
        sim.Population(1, sim.SpikeSourceArray(spike_times=given_times))
    with pytest.raises(InvalidParameterValueError, match="must be > 0 ms"):
        sim.Population(1, sim.SpikeSourceArray(spike_times=[0.0, 1.0]))

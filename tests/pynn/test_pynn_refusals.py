"""What a script cannot have is refused at once, and nothing of it stays."""

import numpy as np
import pytest
from backend import setup
from pyNN.errors import InvalidParameterValueError

import spikecuda.pynn as sim
from spikecuda.errors import SpikecudaValueError
from spikecuda.pynn.standardmodels.base import NotAvailableError


@pytest.fixture(autouse=True)
def fresh():
    setup()
    yield
    sim.end()


def test_variables_that_do_not_exist_are_refused_when_they_are_set():
    cells = sim.Population(2, sim.IF_curr_exp())
    with pytest.raises(NotAvailableError, match=r"u of .* has no start value .got -14.*has v, "):
        cells.initialize(v=-60.0, u=-14.0)
    with pytest.raises(NotAvailableError, match="SpikeSourceArray has none"):
        sim.Population(1, sim.SpikeSourceArray()).initialize(v=-60.0)
    assert set(cells.start_values) == {"v", "isyn_exc", "isyn_inh"}


@pytest.mark.parametrize("size", [0, -1])
def test_a_population_is_not_empty(size):
    with pytest.raises(InvalidParameterValueError, match=f"size of few must be >= 1 .got {size}"):
        sim.Population(size, sim.IF_curr_exp(), label="few")


@pytest.mark.parametrize(("dt", "remedy"), [(0.15, 0.2), (0.0, 0.1), (-1.0, 0.1)])
def test_noise_changes_at_steps(dt, remedy):
    with pytest.raises(InvalidParameterValueError, match=f"a multiple of .*use {remedy}"):
        sim.NoisyCurrentSource(mean=0.1, stdev=0.1, dt=dt)
    source = sim.NoisyCurrentSource(mean=0.1, stdev=0.1, dt=0.3)
    with pytest.raises(InvalidParameterValueError, match="must be > 0 and a multiple"):
        source.dt = dt
    assert source.dt == 0.3


def test_weights_that_have_no_room_change_nothing():
    """A projection between assemblies has a wire for each pair of populations."""
    sources = sim.Population(2, sim.SpikeSourceArray(spike_times=[1.0]))
    one, other = (sim.Population(2, sim.IF_curr_exp()) for _ in range(2))
    synapse = sim.StaticSynapse(weight=0.1, delay=1.0)
    # PyNN takes an assembly's receptors from a set: the first one differs between processes.
    projection = sim.Projection(
        sources, one + other, sim.AllToAllConnector(), synapse, receptor_type="excitatory"
    )
    sim.run(1.0)
    before = projection.get("weight", "array")
    large = np.full((2, 4), 0.2)
    large[:, 3] = 1000.0
    with pytest.raises(SpikecudaValueError, match=r"set them before run\(\) or after"):
        projection.set(weight=large)
    assert np.array_equal(projection.get("weight", "array"), before)
    projection.set(weight=0.2)
    sim.run(1.0)
    assert projection.get("weight", "array") == pytest.approx(0.2, rel=1e-2)


def test_a_cell_is_not_driven_twice_by_one_call():
    cells = sim.Population(3, sim.IF_curr_exp(), label="cells")
    source = sim.DCSource(amplitude=0.5)
    with pytest.raises(SpikecudaValueError, match="cell 1 of cells 2 times"):
        source.inject_into([cells[0], cells[1], cells[1]])
    assert not source.targets
    source.inject_into([cells[1]])
    source.inject_into([cells[1]])
    assert len(source.targets) == 2

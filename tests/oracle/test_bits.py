"""The same bits whatever the number of threads, the batch size, or how a run is split."""

import itertools
from operator import itemgetter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pools import inputs, make_pool
from strategies import PRECISIONS, SCHEMES, populations
from thorough import in_turn

from spikecuda.inputs.stimulus import Constant, Noise, Poisson

# Kernels that test_models compiles too.
STRUCTURES = {
    "shared": ({"per_neuron": False}, 1),
    "per_neuron": ({"per_neuron": True, "pulses": ("weight",)}, 1),
    "substeps": ({"per_neuron": True, "pulses": ("weight",)}, 3),
}
PRECISION = pytest.mark.parametrize("precision", PRECISIONS)
MODEL = pytest.mark.parametrize("model", SCHEMES)
FORM = pytest.mark.parametrize("structure", STRUCTURES)


def threads(target):
    """Return a strategy for the option ``threads`` where the target has it."""
    counts = st.sampled_from([1, 2])
    return st.fixed_dictionaries({"threads": counts} if "threads" in target else {})


def outcome(population, target, precision, substeps=1, splits=(), single=False, **options):
    """Return state and spikes of a run as bytes; the run may be split or go step by step."""
    borders = [0, *splits, population.steps]
    steps, neurons = [], []
    with make_pool(population, target, precision, None, substeps, **options) as pool:
        for first, last in itertools.pairwise(borders):
            if single:
                for k in range(first, last):
                    found = pool.step(inputs(population, k, k + 1))
                    neurons.append(found)
                    steps.append(np.full(found.size, k))
                continue
            result = pool.run(steps=last - first, input=inputs(population, first, last))
            steps.append(result.spikes.step)
            neurons.append(result.spikes.neuron)
        state = {name: pool.state[name].tobytes() for name in pool.state}
        clock = pool.steps
    spikes = np.concatenate(steps).tolist(), np.concatenate(neurons).tolist()
    return state, spikes, clock


@FORM
@PRECISION
@MODEL
@settings(max_examples=15)
@given(data=st.data())
def test_threads_batches_and_splits(target, model, precision, structure, data):
    options, substeps = STRUCTURES[structure]
    draw = data.draw
    population = draw(populations(model, **options, steps=st.integers(1, 40)))
    expected = outcome(population, target, precision, substeps)
    cut = draw(st.lists(st.integers(0, population.steps), max_size=4))
    batch = draw(st.one_of(st.none(), st.integers(1, population.count)))
    options = draw(threads(target))
    got = outcome(population, target, precision, substeps, sorted(cut), batch_size=batch, **options)
    assert got == expected
    single = population.count < 100 and draw(st.booleans())
    if single:
        assert outcome(population, target, precision, substeps, single=True) == expected


# Numbers per neuron without pulses are a kernel that no other test needs.
@pytest.mark.parametrize(
    ("model", "precision"), in_turn(itertools.product(SCHEMES, PRECISIONS), itemgetter(0))
)
@settings(max_examples=10)
@given(data=st.data())
def test_one_number_equals_the_same_number_per_neuron(target, model, precision, data):
    population = data.draw(populations(model, steps=st.integers(1, 20)))
    expected = outcome(population, target, precision)
    for name, value in population.params.items():
        population.params[name] = np.full(population.count, value)
    assert outcome(population, target, precision) == expected


@PRECISION
@settings(max_examples=15)
@given(data=st.data())
def test_noise_does_not_depend_on_threads_batches_and_splits(target, precision, data):
    """Noise, Poisson and a bias, over window and group borders."""
    draw = data.draw
    population = draw(populations("lif", steps=st.integers(1, 60)))
    terms = [Constant(100.0), Noise(sigma=200.0), Poisson(rate=2000.0, weight=0.7)]

    def run(borders, **options):
        with make_pool(population, target, precision, **options) as pool:
            spikes = [
                pool.run(steps=last - first, input=terms).spikes
                for first, last in itertools.pairwise(borders)
            ]
            steps = [step for s in spikes for step in s.step.tolist()]
            neurons = [neuron for s in spikes for neuron in s.neuron.tolist()]
            return pool.state["v"].tobytes(), pool.state["refrac"].tobytes(), steps, neurons

    expected = run([0, population.steps])
    cut = sorted(draw(st.lists(st.integers(0, population.steps), max_size=4)))
    batch = draw(st.integers(1, population.count))
    got = run([0, *cut, population.steps], batch_size=batch, **draw(threads(target)))
    assert got == expected


@PRECISION
@MODEL
@settings(max_examples=5)
@given(data=st.data())
def test_traces_are_the_states_after_each_step(target, model, precision, data):
    population = data.draw(populations(model, steps=st.just(7), sizes=(33, 1025)))
    with make_pool(population, target, precision) as pool:
        names = [name for name in pool.state if name != "refrac"]
        result = pool.run(
            steps=population.steps, input=inputs(population), record=("spikes", *names)
        )
    with make_pool(population, target, precision) as pool:
        for k in range(population.steps):
            pool.run(steps=1, input=inputs(population, k, k + 1))
            for name in names:
                assert result.traces[name][k].tobytes() == pool.state[name].tobytes()


@pytest.mark.parametrize("precision", ["float32", "float64"])
@MODEL
@settings(max_examples=10)
@given(data=st.data())
def test_substeps_equal_shorter_steps(target, model, precision, data):
    """Without refractoriness or pulses, 3 substeps of dt/3 are 3 steps of dt/3."""
    free = populations(model, refractory=False, steps=st.integers(1, 10))
    population = data.draw(free)
    population.dt = 0.375  # a third of it is exact
    state, (steps, neurons), _ = outcome(population, target, precision, 3)
    population.dt = 0.125
    population.current = np.repeat(population.current, 3, axis=0)
    population.steps *= 3
    fine_state, (fine_steps, fine_neurons), _ = outcome(population, target, precision)
    assert state == fine_state
    coarse = sorted({(step // 3, n) for step, n in zip(fine_steps, fine_neurons, strict=True)})
    assert list(zip(steps, neurons, strict=True)) == coarse

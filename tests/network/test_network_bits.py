"""The same bits for any threads, partitions, windows, buffers, splits and recording."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import Layout, built, descriptions, layouts

from spikecuda.network.model.trace import variables

PRECISION = pytest.mark.parametrize("precision", ["float16", "float32", "float64"])


def outcome(net, steps, dt, splits=()):
    """Run; return states and events as bytes, and the results."""
    borders = [0, *splits, steps]
    results = [net.run((z - a) * dt) for a, z in itertools.pairwise(borders)]
    state = {
        (name, key): values.tobytes()
        for name, population in net.populations.items()
        if population.neuron_spec is not None
        for key, values in population.state.items()
    }
    return {**state, "events": net.metrics()["events"]}, results


def spikes_of(results):
    """Return step and neuron of all spikes, by population."""
    return {
        name: tuple(
            np.concatenate([getattr(r.spikes[name], what) for r in results]).tolist()
            for what in ("step", "neuron")
        )
        for name in results[0].spikes
    }


@PRECISION
@settings(max_examples=12)
@given(description=descriptions(), layout=layouts(), data=st.data())
def test_bits(precision, description, layout, data):
    d = description
    with Layout().build(d, precision) as net:
        built(net)
        state, results = outcome(net, d.steps, d.dt)
        spikes = spikes_of(results)
        wired = [p.connections() for p in net.projections]
    with layout.build(d, precision) as net:
        what = data.draw(st.sampled_from(("spikes", "nothing", "everything")))
        every = data.draw(st.integers(1, 9))
        first = d.parts[0].name
        if what == "nothing":
            net.record(first, "v", every=d.steps * d.dt, only=[0])
        elif what == "everything":
            for p in d.parts:
                net.record(p.name, ["spikes", *variables(net[p.name])], every=every * d.dt)
        splits = layout.splits(d.steps)
        other, results = outcome(net, d.steps, d.dt, splits)
        assert other == state
        if what != "nothing":
            assert spikes_of(results) == spikes
        if what == "everything":
            assert_samples(results, net, d, every)
        for a, p in zip(wired, net.projections, strict=True):
            for key, values in p.connections().items():
                assert values.tobytes() == a[key].tobytes(), key
        net.reset()
        assert net.time == 0.0
        assert outcome(net, d.steps, d.dt)[0] == state


def assert_samples(results, net, d, every):
    """The samples lie on the grid, whatever the splits, and the last is the state."""
    steps = np.arange(every, d.steps + 1, every)
    for p in d.parts:
        times = np.concatenate([r.trace_times[p.name] for r in results])
        np.testing.assert_allclose(times, steps * d.dt, rtol=1e-12)
        for name in variables(net[p.name]):
            values = np.concatenate([r.traces[p.name][name] for r in results])
            assert values.shape == (steps.size, p.count)
            if steps.size and steps[-1] == d.steps:
                np.testing.assert_array_equal(values[-1], net[p.name].state[name])


@PRECISION
@settings(max_examples=3)
@given(description=descriptions(large=True), layout=layouts())
def test_bits_across_a_chunk_of_neurons(precision, description, layout):
    d = description
    with Layout().build(d, precision) as net:
        built(net)
        state, results = outcome(net, d.steps, d.dt)
    with layout.build(d, precision) as net:
        other, others = outcome(net, d.steps, d.dt, layout.splits(d.steps))
        assert other == state
        assert spikes_of(others) == spikes_of(results)


@settings(max_examples=12)
@given(description=descriptions(), layout=layouts())
def test_procedural_rows_are_those_of_their_stored_twin(description, layout):
    d = description
    outcomes = []
    for procedural in (False, True):
        for link in d.links:
            link.options["procedural"] = procedural and link.rule.procedural
        with layout.build(d, "float32") as net:
            built(net)
            wired = [p.connections() for p in net.projections]
            wires = [{k: a.tobytes() for k, a in c.items()} for c in wired]
            state, results = outcome(net, d.steps, d.dt)
            outcomes.append((wires, state, spikes_of(results)))
    assert outcomes[0] == outcomes[1]

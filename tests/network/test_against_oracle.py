"""Random networks in float64 against the oracle: every spike and every state of every step."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import BETWEEN, NEST, built, descriptions, layouts, run_oracle
from rounding import follow

from spikecuda.network.model.trace import variables


def compare(description, layout):
    """Run in float64, with everything recorded, and compare as far as the oracle is certain."""
    d = description
    with layout.build(d, "float64") as net:
        built(net)
        names = {p.name: [*variables(net[p.name])] for p in d.parts}
        for name in names:
            net.record(name, ["spikes", *names[name]])
        borders = [0, *layout.splits(d.steps), d.steps]
        results = [net.run((z - a) * d.dt) for a, z in itertools.pairwise(borders)]
        populations, fired, traces = run_oracle(d, net)
    judged, e_v, e_x = follow(populations, traces, fired, d.dt)
    first = 0
    for p in d.parts:
        part = slice(first, first + p.count)
        first += p.count
        got = np.zeros((d.steps, p.count), np.bool_)
        for r in results:
            got[r.spikes[p.name].step, r.spikes[p.name].neuron] = True
        np.testing.assert_array_equal(got[:judged], fired[:judged, part], err_msg=p.name)
        expected = {"v": (traces["v"][1:, part], e_v[1:, part])}
        for port, receptor in enumerate(p.receptors):
            for i, name in enumerate(n for n in names[p.name] if n.endswith(f"_{receptor}")):
                expected[name] = traces["x"][1:, part, port, i], e_x[1:, part, port, i]
        assert list(expected) == names[p.name]
        for name, (value, bound) in expected.items():
            values = np.concatenate([r.traces[p.name][name] for r in results])
            off = np.abs(values - value)[:judged]
            assert (off <= bound[:judged]).all(), f"{name} of {p.name}: {off.max()}"
    return judged / d.steps


@pytest.mark.parametrize("structure", NEST)
@settings(max_examples=8)
@given(data=st.data())
def test_populations_of_one_structure(structure, data):
    compare(data.draw(descriptions((structure,))), data.draw(layouts()))


@settings(max_examples=12)
@given(descriptions(BETWEEN), layouts())
def test_spikes_between_steps(description, layout):
    compare(description, layout)


def test_networks():
    judged = []

    @settings(max_examples=30)
    @given(descriptions(), layouts())
    def check(description, layout):
        judged.append(compare(description, layout))

    check()
    # What is not judged is too near to a threshold.
    assert np.mean(judged) > 0.95


@settings(max_examples=4)
@given(descriptions(large=True), layouts())
def test_networks_across_a_chunk_of_neurons(description, layout):
    compare(description, layout)

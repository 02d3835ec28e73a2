"""Targets and weights of 16 bits as halves of words, and what reads and writes them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spikecuda import Uniform
from spikecuda.network import ExpCurrent, FixedProbability, Network, Pairs
from spikecuda.network.cpu.parts import merge_spikes
from spikecuda.network.synapses.store import Rows


@given(st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_halves_of_words_are_targets_and_weights(size, seed):
    random = np.random.default_rng(seed)
    targets = random.integers(0, 2**16, size).astype(np.uint16)
    weights = random.integers(-(2**15), 2**15, size).astype(np.int16)
    starts = np.array([0, size // 2, size], np.uint32)
    delays = np.array([3, 7 | 0x8000, 0], np.uint16)
    rows = Rows(targets, weights, starts, delays, np.array([0, 2], np.uint32))
    apart = rows.nbytes
    words, heads = rows.words(), rows.heads()
    assert rows.nbytes == apart + heads.nbytes - starts.nbytes - delays.nbytes
    assert np.array_equal(words[:size] & 0xFFFF, targets) and not words[size:].any()
    assert np.array_equal((words[:size] >> 16).astype(np.uint16).view(np.int16), weights)
    assert np.array_equal(heads[:, 0], starts) and np.array_equal(heads[:, 1], delays)
    # What is written to the views is in the words, which are made once.
    rows.weights[:] = -5
    assert rows.words() is words and (words[:size] >> 16 == 0xFFFB).all()
    assert rows.heads() is heads
    assert np.array_equal(rows.targets, targets) and np.array_equal(rows.starts, starts)
    # Other arrays make other words.
    rows.weights = weights
    assert size == 0 or np.array_equal(rows.words()[:size] >> 16, weights.view(np.uint16))


def test_weights_that_are_set_are_delivered():
    results = []
    values = np.random.default_rng(1).normal(300.0, 80.0, 64 * 70)
    sources, targets = (x.ravel() for x in np.indices((64, 70)))
    for given_first in (True, False):
        net = Network(dt=0.1, seed=3, threads=2, partitions=2)
        for name, size in (("a", 64), ("b", 70)):
            net.population(name, size, "lif", receptors={"syn": ExpCurrent(tau=5.0)})
        net.drive("a", 900.0)
        weights = values if given_first else values[::-1]
        synapses = net.connect(
            "a", "b", Pairs(sources, targets), weights, delay=1.5, max_weight=700.0, weight_bits=16
        )
        if not given_first:
            net.build()
            synapses.weights = values
        results.append(net.run(60.0).spikes["b"])
    first, second = results
    assert first.step.size > 70
    assert np.array_equal(first.step, second.step) and np.array_equal(first.neuron, second.neuron)


def test_what_is_delivered_ahead_of_other_threads_changes_no_bit():
    found = []
    for threads in (1, 2, 3):
        net = Network(dt=0.1, seed=5, threads=threads, partitions=threads)
        net.population("e", 200, "lif", receptors={"syn": ExpCurrent(tau=5.0)})
        net.drive("e", 700.0)
        net.connect("e", "e", FixedProbability(0.1), 30.0, delay=Uniform(0.2, 0.6))
        result = net.run(40.0)
        more = net.run(0.3), net.run(20.0)  # pieces end amid what was known ahead
        found.append([(r.spikes["e"].step, r.spikes["e"].neuron) for r in (result, *more)])
    assert found[0][0][0].size > 400
    for others in found[1:]:
        for (step, neuron), (other_step, other_neuron) in zip(found[0], others, strict=True):
            assert np.array_equal(step, other_step) and np.array_equal(neuron, other_neuron)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_spikes_of_calls_and_parts_are_merged_by_step_and_neuron(parts, calls, seed):
    random = np.random.default_rng(seed)
    lists, everything = [], []
    for call in range(calls):
        for part in range(parts):
            n = int(random.integers(0, 30))
            pairs = np.unique(random.integers(0, 10, (n, 2)), axis=0)
            step, neuron = 10 * call + pairs[:, 0], 10 * part + pairs[:, 1]
            everything += list(zip(step.tolist(), neuron.tolist(), strict=True))
            if step.size:
                lists.append((step.astype(np.int64), neuron.astype(np.int32)))
    step, neuron = merge_spikes(lists)
    assert list(zip(step.tolist(), neuron.tolist(), strict=True)) == sorted(everything)

"""A network learns shapes without a teacher; its thresholds rise and decay as they should."""

import numpy as np
import pytest
from shapes import shapes

from spikecuda import Constant, GPUNeuronPool
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.examples import diehl2015
from spikecuda.examples.adaptive_threshold import AdaptiveThreshold
from spikecuda.examples.digits import DigitLearner, Presentation, Recognition, answer, assign
from spikecuda.examples.idx import LabelledImages
from spikecuda.network.model.spike_train import SpikeTrain
from spikecuda.oracle import check_model


def accuracy(learner: DigitLearner) -> float:
    """Freeze a network, name its neurons and test it with other images."""
    learner.freeze()
    given, test = shapes(40, 50), shapes(60, 100)
    return learner.test(test, assign(learner.respond(given), given.labels)).accuracy


def test_learning_raises_accuracy():
    with diehl2015.network(neurons=20, seed=0) as net:
        before = accuracy(DigitLearner(net))
    reports = []
    with diehl2015.network(neurons=20, seed=0) as net:
        learner = DigitLearner(net)
        totals = learner.learn(shapes(120, 0), report=lambda *told: reports.append(told))
        weights = learner.weights
        after = accuracy(learner)
        assert learner.weights.sum(axis=0) == pytest.approx(78.0, rel=1e-4)
        assert (learner.weights <= 1.0).all() and weights.std() > 0.05
        theta = net["E"].state["theta"]
        # Each spike of an image raised a threshold; some more came after images.
        assert (theta - 20.0).sum() == pytest.approx(0.05 * totals.sum(), rel=0.05)
    assert after > 90.0 and after > before + 15.0
    assert [told[:2] for told in reports] == [(i + 1, 120) for i in range(120)]
    assert [done for done, _ in learner.course] == [48, 72, 96, 120]
    assert reports[-1][2] == learner.course[-1][1] > learner.course[0][1] - 20.0


def test_a_frozen_network_keeps_weights_and_thresholds():
    with diehl2015.network(neurons=10, seed=1) as net:
        learner = DigitLearner(net)
        with pytest.raises(SpikecudaError, match=r"must be frozen .* freeze\(\)"):
            learner.respond(shapes(1, 1))
        learner.learn(shapes(5, 1), passes=2)
        learner.freeze()
        weights, theta = learner.weights, net["E"].state["theta"].copy()
        assert learner.respond(shapes(10, 2)).sum() > 50
        assert np.array_equal(learner.weights, weights)
        assert np.array_equal(net["E"].state["theta"], theta)
        with pytest.raises(SpikecudaError, match=r"was frozen \(got images to learn\)"):
            learner.learn(shapes(1, 1))


def test_it_is_the_same_for_any_threads_and_partitions():
    results = []
    for options in ({}, {"threads": 2}, {"threads": 1, "partitions": 3}):
        with diehl2015.network(neurons=12, seed=3, **options) as net:
            learner = DigitLearner(net)
            learner.learn(shapes(6, 1))
            results.append((learner.weights, net["E"].state["theta"].copy()))
    for weights, theta in results[1:]:
        assert np.array_equal(weights, results[0][0]) and np.array_equal(theta, results[0][1])


def test_an_image_is_shown_again_and_stronger_until_neurons_respond():
    dim = np.zeros((1, 28, 28), np.uint8)
    dim[0, 10:18, 10:18] = 60
    with diehl2015.network(neurons=10, seed=1) as net:
        learner = DigitLearner(net)
        totals = learner.learn(LabelledImages(dim, [0]))
        assert learner.again > 0 and totals[0] >= 5
        assert net.time == 500.0 * (learner.again + 1)
        black = LabelledImages(np.zeros_like(dim), [0])
        assert learner.learn(black).tolist() == [0]
        assert net.time == 500.0 * (learner.again + 2)
    with diehl2015.network(neurons=10, seed=1) as net:
        once = DigitLearner(net, Presentation(most=1))
        once.learn(LabelledImages(dim, [0]))
        assert net.time == 500.0


def test_neurons_are_named_by_what_they_respond_to_most():
    counts = np.array([[4, 0, 0, 1], [2, 0, 0, 1], [1, 5, 0, 1]])
    labels = np.array([7, 7, 2])
    names = assign(counts, labels)
    assert names.tolist() == [7, 2, -1, 2]
    assert answer(counts, names).tolist() == [7, 7, 2]
    tested = Recognition(labels, np.array([7, 2, 2]))
    assert tested.accuracy == pytest.approx(200 / 3) and tested.of_class(7) == 50.0
    assert np.isnan(tested.of_class(0))


def test_images_must_fit_the_inputs():
    images = LabelledImages(np.ones((2, 5, 4), np.uint8), [0, 1])
    message = r"784 pixels.*got 20\); network\(inputs=20"
    with (
        diehl2015.network(neurons=4) as net,
        pytest.raises(SpikecudaValueError, match=message),
    ):
        DigitLearner(net).learn(images)
    with diehl2015.network(neurons=4, inputs=20, seed=1) as net:
        learner = DigitLearner(net)
        learner.learn(images)
        learner.freeze()
        assert learner.weights.sum(axis=0) == pytest.approx(78.0 * 20 / 784, rel=1e-4)


def test_float16_is_refused():
    with pytest.raises(SpikecudaValueError, match=r"float32 or float64 .* thresholds change"):
        diehl2015.network(precision="float16")


def test_delays_are_drawn_up_to_the_longest():
    with diehl2015.network(neurons=5, inputs=50) as net:
        found = net.projections[0].connections()["delay"]
    assert found.min() == 0.5 and found.max() == 10.0 and len(np.unique(found)) == 20
    assert diehl2015.network().threads == 1 and diehl2015.network(threads=2).threads == 2
    assert diehl2015.network(delay=0.5).projections[0].delay.a == 0.5


@pytest.mark.parametrize("variant", diehl2015.VARIANTS)
def test_the_first_neuron_to_spike_keeps_the_others_from_it(variant):
    """Neuron 0 is driven to a spike alone; inhibition reaches the others within 1 ms."""
    with diehl2015.network(variant, neurons=4, inputs=1, seed=1) as net:
        net.drive(net["E"][:1], SpikeTrain([1.0], weight=60.0), "exc")
        net.record("E", ["spikes", "v"])
        result = net.run(4.0)
        spikes, v = result.spikes["E"], result.traces["E"]["v"]
        assert spikes.neuron.tolist() == [0]
        reached = np.flatnonzero(v[:, 1] < -65.5)[0] + 1
        assert 0.0 < reached * net.dt - spikes.time[0] <= 1.2
        assert np.array_equal(v[:, 1], v[:, 3])
        assert np.all(v[reached:, 0] >= -65.0 - 1e-4)


def test_the_model_agrees_with_its_oracle():
    check_model(AdaptiveThreshold, neurons=50, precisions=("float32", "float64"))


@pytest.mark.parametrize(("precision", "error"), [("float32", 1e-6), ("float64", 1e-12)])
def test_thresholds_decay_with_their_slow_time_constant(precision, error):
    """In a plain float32 each step takes nothing of theta, or twice as much as it should."""
    steps = 20_000
    with GPUNeuronPool(3, AdaptiveThreshold, device="cpu", dt=0.5, precision=precision) as pool:
        pool.run(steps=steps, input=Constant(0.0))
        theta = pool.state["theta"]
    exact = 20.0 * np.exp(-0.5 * steps / 1e7)
    assert 20.0 - exact == pytest.approx(0.02, rel=1e-2)
    assert theta == pytest.approx(exact, abs=20.0 * error)

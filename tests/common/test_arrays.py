"""One place takes in arrays: own copies, of numbers; one function makes whole numbers."""

import numpy as np
import pytest

from spikecuda import (
    Constant,
    GPUNeuronPool,
    Network,
    Noise,
    PerStep,
    Poisson,
    Ramp,
    SpikecudaError,
    Spikes,
    Step,
)
from spikecuda.analysis import rates
from spikecuda.common.arrays import take_array, take_reals, whole_numbers
from spikecuda.network import Delta, Pairs, SpikeTrain, from_matrix

N, STEPS = 4, 50


def test_whole_numbers_are_kept_or_refused():
    for good in ([1, 2], np.array([1.0, 2.0]), np.array([1, 2], np.uint64), [True + 0, 2]):
        got = whole_numbers("ids", good, "integers")
        assert got.dtype == np.int64
        assert got.tolist() == [1, 2]
        assert not got.flags.writeable
    bad = [[0.5], [np.nan], [np.inf], [1e30], [2**64 - 1], [2**70], ["1"], [1j], [True], [None],
           [-1], np.array([2**63], np.uint64), np.array([2.0**63])]  # fmt: skip
    for value in bad:
        with pytest.raises(SpikecudaError, match="ids must be"):
            whole_numbers("ids", value, "integers", low=0)


@pytest.mark.parametrize(
    "value",
    [
        np.ma.array([1.0, 2.0], mask=[0, 1]), np.array([1j, 2.0]), np.array(["a", "b"]),
        np.array([None, 1.0]), [[1.0], [1.0, 2.0]], [True, False], np.array(["2020"], "M8[Y]"),
        b"ab", {"a": 1}, object(),
    ],
    ids=["masked", "complex", "text", "object", "ragged", "bool", "date", "bytes", "dict", "any"],
)  # fmt: skip
def test_what_is_no_array_of_numbers_is_refused_everywhere(value):
    net = Network(devices="cpu")
    net.population("a", 2, receptors={"d": Delta()})
    doors = [
        lambda: take_array("x", value, "an array"), lambda: take_reals("x", value),
        lambda: Constant(value), lambda: PerStep(value), lambda: Step(value), lambda: Noise(value),
        lambda: Noise(1.0, value), lambda: Poisson(value, 1.0), lambda: Poisson(1.0, value),
        lambda: Ramp(0.0, 1.0, 0.0, 1.0, value), lambda: SpikeTrain(value),
        lambda: SpikeTrain([1.0, 2.0], value), lambda: Pairs(value, [0, 1]),
        lambda: Pairs([0, 1], value), lambda: net["a"].state.__setitem__("v", value),
        lambda: net.drive("a", value), lambda: net.population("b", 2, params={"tau_m": value}),
        lambda: net.population("b", 2, initial={"v": value}),
        lambda: net.connect("a", "a", Pairs([0, 1], [0, 1]), value, 1.0),
        lambda: net.connect("a", "a", Pairs([0, 1], [0, 1]), 1.0, value),
    ]  # fmt: skip
    for door in doors:
        with pytest.raises(SpikecudaError):
            door()
    assert list(net.populations) == ["a"]
    net.close()


def test_errors_say_dtype_and_shape():
    with pytest.raises(SpikecudaError, match=r"input must be .*shape \(3,\), bool"):
        Constant(np.ones(3, bool))
    with pytest.raises(SpikecudaError, match=r"shape \(2, 2\)"):
        Noise(np.ones((2, 2)))
    with pytest.raises(SpikecudaError, match="no masked"):
        SpikeTrain(np.ma.array([1.0, 2.0], mask=[1, 0]))


def kept(net):
    return net.run(5.0).traces["a"]["v"]


def changed(*arrays):
    """Spoil the arrays that were given."""
    for array in arrays:
        array[...] = 0


def test_what_was_given_can_be_changed_without_effect():
    """Parameters, start values, inputs, pairs, weights, delays, views: copied when given."""

    def build(spoil):
        net = Network(seed=3, precision="float64", threads=1, devices="cpu")
        tau, start = np.linspace(5.0, 8.0, N), np.linspace(-60.0, -57.0, N)
        net.population(
            "a", N, params={"tau_m": tau}, initial={"v": start}, receptors={"d": Delta()}
        )
        level, rows = np.linspace(10.0, 40.0, N), np.full((STEPS, N), 5.0)
        course, sigma, gain = np.full(STEPS, 7.0), np.full(N, 9.0), np.full(N, 11.0)
        rate, weight = np.full(N, 2000.0), np.full(N, 0.5)
        whole = np.linspace(1.0, 2.0, N)
        net.drive("a", [Constant(level), PerStep(rows), PerStep(course), Noise(sigma, gain)])
        net.drive("a", [Step(gain, 0.3), Ramp(0.0, 1.0, 0.0, 3.0, gain), Constant(whole)])
        net.drive("a", whole)
        net.drive("a", rows)
        net.drive("a", Poisson(rate, weight), "d")
        times, owners = np.array([1.0, 2.0]), np.array([0, 1])
        train = SpikeTrain(times, owners, 0.7)
        net.drive("a", train)
        ids, ones, zeros = np.array([0, 2]), np.array([1, 1]), np.array([0, 0])
        strengths, delays = np.array([1.0, 2.0]), np.array([0.5, 1.0])
        view = net["a"][ids]
        net.connect(view, view, Pairs(ones, zeros), strengths, delays)
        only = np.array([0, 1, 2, 3])
        net.record("a", "v", only=only)
        if spoil:
            changed(
                tau, start, level, rows, course, sigma, gain, rate, weight, whole, times, owners,
                ids, ones, zeros, strengths, delays, only,
            )  # fmt: skip
        first = kept(net)
        net.reset()
        assert np.array_equal(first, kept(net))
        net.close()
        return first

    np.testing.assert_array_equal(build(False), build(True))


def test_start_values_of_a_pool_are_those_that_were_given():
    start, tau = np.linspace(-60.0, -57.0, N), np.linspace(5.0, 8.0, N)
    with GPUNeuronPool(N, initial={"v": start}, params={"tau_m": tau}, device="cpu") as pool:
        changed(start, tau)
        pool.reset()
        np.testing.assert_allclose(pool.state["v"], np.linspace(-60.0, -57.0, N), rtol=1e-6)
        np.testing.assert_array_equal(pool.params["tau_m"], np.linspace(5.0, 8.0, N))


def test_what_is_given_out_cannot_be_written():
    train, pairs = SpikeTrain([1.0, 2.0], [0, 1]), Pairs([0, 1], [1, 0])
    shared = [
        train.times, train.neurons, pairs.sources, pairs.targets, Constant([1.0, 2.0]).value,
        PerStep([1.0, 2.0]).values, Noise([1.0, 2.0]).sigma, Poisson([1.0], [2.0]).rate,
        Step([1.0]).amplitude,
    ]  # fmt: skip
    net = Network(devices="cpu")
    shared += [net.population("a", 4)[1:3].ids]
    shared += [net["a"].neurons.params["tau_m"]]
    for array in shared:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_run_reads_an_array_of_the_caller_where_it_lies():
    """No copy of what is large and used for one run only."""
    rows = np.full((STEPS, N), 300.0, np.float32)
    assert PerStep.borrow(rows).values is rows
    with GPUNeuronPool(N, device="cpu") as pool:
        twice = [pool.run(steps=STEPS, input=rows).num_spikes for _ in range(2)]
        pool.reset()
        again = [pool.run(steps=STEPS, input=PerStep(rows)).num_spikes for _ in range(2)]
    assert twice == again


def test_ids_do_not_wrap():
    for bad in (2**63, 2**64 - 1, -1):
        with pytest.raises(SpikecudaError):
            net = Network(devices="cpu")
            net.population("a", 4, receptors={"d": Delta()})
            net.connect("a", "a", Pairs([bad], [0]), 1.0, 1.0)
    net = Network(devices="cpu")
    net.population("a", 4, receptors={"d": Delta()})
    with pytest.raises(SpikecudaError, match="which must be"):
        net["a"][np.array([2**63], np.uint64)]
    assert net["a"][np.array([1, 2], np.uint64)].ids.tolist() == [1, 2]
    with pytest.raises(SpikecudaError):
        rates(Spikes(np.array([0]), np.array([0], np.int32), 0.1), [2**64 - 1], 0.0, 1.0)
    rule, weight = from_matrix(np.eye(2))
    assert rule.sources.dtype == np.int64
    assert weight.tolist() == [1.0, 1.0]

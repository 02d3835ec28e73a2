"""Fixed point keeps each weight within 1/256, or the network is refused; wherever it comes from."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda.common.distributions import LogNormal, Normal, Uniform
from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.stimulus import Poisson
from spikecuda.network import (
    AllToAll,
    Delta,
    ExpConductance,
    ExpCurrent,
    FixedOutDegree,
    FixedProbability,
    Network,
    OneToOne,
    Pairs,
    SpikeTrain,
    from_file,
    from_matrix,
)

PART = 1 / 256
COARSE = "is below the resolution"


def network(n=4, receptor=None, **options):
    """A network whose receptor keeps what arrives."""
    net = Network(0.1, seed=3, **{"precision": "float64", "devices": "cpu", **options})
    net.population("a", n, receptors={"x": receptor or ExpCurrent(1e12), "y": Delta()})
    return net


def connect(net, weights, targets=None, **options):
    """Given weights, from neuron 1, 2, ... of a source to neuron 0, or to ``targets``."""
    weights = np.asarray(weights, np.float64)
    net.source("s", max(weights.size, 1), SpikeTrain([1.0]))
    targets = np.zeros(weights.size, int) if targets is None else targets
    pairs = Pairs(np.arange(weights.size), targets)
    return net.connect("s", "a", pairs, weights, 1.0, "x", **options)


def assert_kept(found, wanted):
    assert (np.abs(found - wanted) <= np.abs(wanted) * PART).all()


@pytest.mark.parametrize("weights", [[1.0, 1e5], [10.0, 1e5], [1.0] * 100 + [1e5], [-3.0, 7e4]])
def test_small_weights_beside_large_ones_are_kept(weights):
    """They once became 0 or 8: 16 bits were taken for weights that need 32."""
    net = network()
    p = connect(net, weights)
    assert_kept(p.weights, np.array(weights))
    assert net.build().wiring.fixed_point.bits[p] == 32
    net.run(2.5)
    assert net["a"].state["i_x"][0] == pytest.approx(sum(weights), rel=1e-5)


@pytest.mark.parametrize("weights", [[1.0, 1e10], [1.0] * 100 + [1e10], [1e-9, 3.0], [1.1, -1e12]])
@pytest.mark.parametrize("bits", [None, 16, 32])
def test_what_no_width_keeps_is_refused(weights, bits):
    """``weight_bits=32`` once moved the border only."""
    net = network()
    connect(net, weights, weight_bits=bits)
    with pytest.raises(SpikecudaValueError, match=COARSE) as error:
        net.build()
    for word in ("s -> a (x)", "128 units", " pA", "weight"):
        assert word in str(error.value)


def test_a_width_that_was_chosen_and_is_too_small_is_refused_with_the_remedy():
    net = network()
    connect(net, [1.0, 1e5], weight_bits=16)
    with pytest.raises(SpikecudaValueError, match=r"leave weight_bits out for s -> a \(x\)"):
        net.build()
    net = network()
    connect(net, [1.0, 100.0], weight_bits=16)
    net.build()


def test_weights_that_are_alike_take_16_bits():
    for weights, bits in (([1.1, 255.0], 16), ([1.1, 300.0], 32), ([0.0, 0.0], 16), ([], 16)):
        net = network()
        p = connect(net, weights)
        assert net.build().wiring.fixed_point.bits[p] == bits
        assert_kept(p.weights, np.array(weights))
    # Whole numbers of units are exact, however few they are.
    net = network()
    p = connect(net, [4.0, 8.0, 100_000.0], weight_bits=16)
    assert p.weights.tolist() == [4.0, 8.0, 100_000.0]


def test_a_small_weight_of_one_neuron_beside_a_large_one_of_another():
    net = network()
    assert_kept(connect(net, [1.0, 1e6], targets=[0, 1]).weights, np.array([1.0, 1e6]))
    net = network()
    connect(net, [1.0, 1e11], targets=[0, 1])
    with pytest.raises(SpikecudaValueError, match=COARSE):
        net.build()


def test_weights_of_pairs_that_are_not_allowed_do_not_count():
    net = network()
    rule, weights = Pairs([0, 1, 2], [0, 2, 3]), [1e-9, 1.0, 3.0]
    p = net.connect("a", "a", rule, weights, 1.0, "x", autapses=False)
    assert p.weights.tolist() == [1.0, 3.0]


def test_weights_below_the_finest_unit_are_refused():
    net = network()
    assert connect(net, [1e-15, 2e-15]).weights == pytest.approx([1e-15, 2e-15], rel=PART)
    net = network()
    connect(net, [1e-17, 1.3e-17])
    with pytest.raises(SpikecudaValueError, match="limits of float32; use larger weights"):
        net.build()


def test_sums_of_given_weights_are_exact_bounds():
    """Ten thousand small synapses beside a large one once counted as so many large ones."""
    net = network()
    weights = np.append(np.ones(10_000), 1e5)
    p = connect(net, weights)
    assert net.build().wiring.exponent[0, 0] == 14  # 110,000 2^14 < 2^31
    assert (p.weights == weights).all()


def test_projections_at_one_receptor_are_judged_together():
    net = network()
    net.source("s", 4, SpikeTrain([1.0]))
    small = net.connect("s", "a", OneToOne(), Normal(1.0, 0.1), 1.0, "x")
    large = net.connect("s", "a", OneToOne(), Normal(1e5, 1e3), 1.0, "x")
    fixed = net.connect("s", "a", OneToOne(), 2.0, 1.0, "x")
    assert net.build().wiring.fixed_point.bits == {small: 16, large: 32, fixed: 16}
    assert 0.3 < small.weights.min() < small.weights.max() < 1.7
    assert (fixed.weights == 2.0).all()
    net = network()
    net.source("s", 4, SpikeTrain([1.0]))
    net.connect("s", "a", OneToOne(), Normal(1.0, 0.1), 1.0, "x")
    net.connect("s", "a", OneToOne(), Normal(1e5, 1e3), 1.0, "x", weight_bits=16)
    with pytest.raises(SpikecudaValueError, match="leave weight_bits out"):
        net.build()


DISTRIBUTIONS = [
    Normal(0.0, 1.0), Normal(1.0, 100.0), Normal(1.0, 0.1), Normal(5.0, 1.0, low=7.0),
    Normal(0.0, 2.0, low=1.0, redraw=True), Uniform(-1.0, 1.0), Uniform(0.0, 1.0),
    LogNormal(1.0, 0.5), LogNormal(1.0, 3.0),
]  # fmt: skip


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("procedural", [False, True])
def test_drawn_weights_keep_what_their_distribution_is_about(distribution, procedural):
    """Normal(0, 1) was not looked at; of LogNormal the largest was, not what most of them are."""
    net = network(2000)
    net.population("s", 10)
    p = net.connect("s", "a", AllToAll(), distribution, 1.0, "x", procedural=procedural)
    half = 0.5 * 2.0 ** -net.build().wiring.exponent[0, 0]
    drawn = p.weights
    typical = np.median(np.abs(drawn)) if isinstance(distribution, LogNormal) else np.sqrt(
        np.mean(drawn**2)
    )  # fmt: skip
    assert half <= 1.1 * typical * PART
    assert np.count_nonzero(drawn == 0) <= 0.01 * drawn.size
    net = network(2000)
    net.population("s", 10)
    net.connect("s", "a", AllToAll(), distribution, 1.0, "x", procedural=procedural)
    net.connect("s", "a", AllToAll(), 1e9, 1.0, "x")
    with pytest.raises(SpikecudaValueError, match="the typical size of what is drawn"):
        net.build()


def test_matrices_files_trains_and_conductances(tmp_path):
    matrix = np.array([[0.0, 1.0], [1e5, 0.0]])
    np.savetxt(tmp_path / "e.csv", [(0, 0, 1.0), (1, 0, 1e5)], delimiter=",")
    for rule, weights in (
        from_matrix(matrix), from_matrix(scipy.sparse.csr_array(matrix)),
        (lambda r, c: (r, c["weight"]))(*from_file(tmp_path / "e.csv")),
    ):  # fmt: skip
        for receptor in (ExpCurrent(1.0), ExpConductance(5.0, 0.0)):
            net = network(2, receptor)
            p = net.connect("a", "a", rule, weights, 1.0, "x")
            assert sorted(p.weights) == [1.0, 1e5]
    net = network()
    net.drive("a", SpikeTrain([1.0], weight=1e10), "x")
    connect(net, [1.0])
    with pytest.raises(SpikecudaValueError, match=r"1e\+10 pA of SpikeTrain -> a"):
        net.build()
    # Poisson pulses are floats: they share no scale.
    net = network()
    net.drive("a", Poisson(10.0, 1e12), "x")
    assert connect(net, [1e-6]).weights == pytest.approx(1e-6, rel=PART)


def test_weights_that_are_set_are_kept_or_refused():
    net = network()
    p = connect(net, [1.0, 200.0])
    (unit,) = {2.0 ** -net.build().wiring.exponent[0, 0]}
    p.weights = [0.0, 128 * unit]
    assert p.weights.tolist() == [0.0, 128 * unit]
    before = p.weights
    for wrong in ([1e-6, 1.0], [unit * 1.3, 1.0], 0.4 * unit):
        with pytest.raises(SpikecudaValueError, match=r"must be 0 or at least .* 128 units"):
            p.weights = wrong
        assert (p.weights == before).all()
    # What was read can be set, and a few whole units are exact.
    p.weights = [3 * unit, 1.0]
    p.weights = p.weights
    assert p.weights.tolist() == [3 * unit, 1.0]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(-12, 12), st.booleans(), st.integers(0, 3)), min_size=1, max_size=12
    ),
    st.sampled_from([None, 16, 32]),
    st.booleans(),
)
def test_any_given_weights_are_kept_or_refused(entries, bits, drive):
    """The rule, over 24 powers of ten."""
    weights = np.array([10.0**e * (-1 if negative else 1) for e, negative, _ in entries])
    net = network(4, Delta())
    p = connect(net, weights, np.array([t for _, _, t in entries]), weight_bits=bits)
    if drive:
        net.drive("a", SpikeTrain([1.0, 1.0], weight=3.0), "x")
    try:
        found = p.connections()
    except SpikecudaValueError as error:
        assert COARSE in str(error)
        # 2^31 over the sum's unit and a power of two in between: nothing is refused too early.
        every = np.append(np.abs(weights), 3.0) if drive else np.abs(weights)
        limit = 32767 if bits == 16 else 2**31
        assert every.min() * limit < 2 * 128 * 2 * every.sum()
    else:
        assert_kept(found["weight"], weights[found["source"]])


@pytest.mark.parametrize("devices", [["cuda-emu:0"], ["cpu:0", "cuda-emu:0"]])
@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_every_device_and_precision(devices, precision):
    net = network(40, ExpCurrent(1e12), devices=devices, precision=precision)
    weights = np.array([1.0, 1e5])
    connect(net, weights, targets=[0, 39])
    with net:
        net.run(2.5)
        assert net["a"].state["i_x"][[0, 39]] == pytest.approx(weights, rel=PART)
    net = network(devices=devices, precision=precision)
    connect(net, [1.0, 1e10])
    with pytest.raises(SpikecudaValueError, match=COARSE):
        net.build()


@pytest.mark.parametrize("rule", [AllToAll(), FixedProbability(0.5), FixedOutDegree(3)])
def test_a_procedural_twin_has_the_stored_scale_and_width(rule):
    found = []
    for procedural in (False, True):
        net = network(50)
        net.population("s", 20)
        how = {"procedural": procedural}
        net.connect("s", "a", rule, LogNormal(1.0, 4.0), 1.0, "x", **how)
        net.connect("s", "a", rule, Normal(300.0, 10.0), 1.0, "x", **how)
        wiring = net.build().wiring
        found.append((wiring.exponent, list(wiring.fixed_point.bits.values())))
        found[-1] += tuple(p.weights.tobytes() for p in net.projections)
    assert found[0] == found[1]


@pytest.mark.parametrize("size", [1e-30, 1e-290, 1e-300, 5e-324])
@pytest.mark.parametrize("procedural", [False, True])
def test_weights_below_the_finest_scale_are_refused(size, procedural):
    net = network(4)
    net.population("s", 4)
    net.connect("s", "a", AllToAll(), size, 1.0, "x", procedural=procedural)
    with pytest.raises(SpikecudaValueError, match=COARSE + ".* limits of float32"):
        net.build()
    net = network(4)
    net.population("s", 4)
    net.connect("s", "a", AllToAll(), Uniform(-size, size), 1.0, "x", procedural=procedural)
    with pytest.raises(SpikecudaValueError, match=COARSE + ".* limits of float32"):
        net.build()
    net = network(4)
    connect(net, [size, 2 * size])
    with pytest.raises(SpikecudaValueError, match=COARSE + ".* limits of float32"):
        net.build()


def test_a_dense_matrix_of_random_weights_is_kept_with_a_word(caplog):
    """A few of its weights are nearly 0, and matter to no sum: refusing it would help nobody."""
    matrix = np.random.default_rng(1).normal(size=(600, 600))
    net = network(600)
    net.population("b", 600, receptors={"x": ExpCurrent(5.0)})
    pairs, weights = from_matrix(matrix)
    p = net.connect("a", "b", pairs, weights, 1.0, "x")
    net.build()
    (said,) = caplog.messages
    assert "are nearly 0" in said and "of the 360,000 weights of a -> b (x)" in said
    unit = 2.0 ** -net.build().wiring.exponent[net["b"].number, 0]
    found = np.zeros((600, 600))
    c = p.connections()
    found[c["source"], c["target"]] = c["weight"]
    assert np.abs(found - matrix).max() <= unit / 2
    small = np.abs(matrix) < 128 * unit
    assert 0 < small.sum() < 100
    error = np.where(small, np.abs(found - matrix), 0.0).sum(0)
    assert (error <= 2.0**-24 * np.abs(matrix).sum(0)).all()
    caplog.clear()
    p.weights = 0.5 * np.asarray(p.weights)  # the same rule, with the same word
    assert "are nearly 0" in caplog.text


def test_few_small_weights_and_a_neuron_of_small_weights_are_refused():
    with pytest.raises(SpikecudaValueError, match=COARSE):
        net = network()
        connect(net, [1e-6, 1e5])
        net.build()
    # A neuron all of whose weights are small, among thousands that have large ones.
    net = network(3000)
    weights, targets = np.full(5000, 1e5), np.arange(5000) % 2999
    weights[targets == 7] = 1e-6
    connect(net, weights, targets)
    with pytest.raises(SpikecudaValueError, match=COARSE):
        net.build()

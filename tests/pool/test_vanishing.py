"""What has decayed becomes 0 and does not stay subnormal: pools of every model."""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool
from spikecuda.kernels.reference import glif, lif
from spikecuda.kernels.spec import FLUSH_STEPS

TINY = 2.0**-100
# Models with a state that decays to 0: parameters, start values, the states.
DECAYING = [
    ("lif", {"tau_m": 2.0, "v_rest": 0.0, "v_reset": -5.0, "v_th": 15.0}, {"v": 9.0}),
    ("lif_cond", {"c_m": 20.0, "e_l": 0.0, "v_reset": -5.0, "v_th": 15.0}, {"v": -9.0}),
    ("adex", {"a": 0.0, "tau_w": 2.0}, {"w": 50.0}),
    ("izhikevich", {"a": 0.05, "b": 0.0}, {"u": 3.0}),
    ("glif1", {"c_m": 20.0, "e_l": 0.0, "v_reset": -5.0, "v_th": 15.0}, {"v": 9.0}),
    ("glif5", {"b_s": 0.5, "k_1": 0.4, "k_2": 0.7}, {"theta_s": 1.0, "i_1": -9.0, "i_2": 20.0}),
]
MODELS = pytest.mark.parametrize("model, params, initial", DECAYING, ids=[m for m, *_ in DECAYING])


def traced(model, params, initial, pieces, precision, **options):
    """Return the traces of the states and the states at the end."""
    options.setdefault("device", "cpu")
    with GPUNeuronPool(
        33, model, dt=0.5, precision=precision, params=params, initial=initial, **options
    ) as pool:
        results = [pool.run(steps=n, record=list(initial)) for n in pieces]
        states = {name: pool.state[name] for name in initial}
    joined = {name: np.concatenate([r.traces[name] for r in results]) for name in initial}
    return joined, states


@MODELS
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_state_that_decays_ends_at_0(model, params, initial, precision):
    traces, states = traced(model, params, initial, (6400,), precision)
    for name, trace in traces.items():
        assert (trace[0] != 0.0).all() and (states[name] == 0.0).all(), name
        # What a step begins with, at each step whose number is a multiple of FLUSH_STEPS: a number
        # below TINY was one step earlier the last that the state has.
        ends = np.abs(trace[FLUSH_STEPS - 1 :: FLUSH_STEPS])
        first = np.argmax((ends < TINY).all(axis=1))
        after = trace[FLUSH_STEPS * (first + 1) :]
        assert (after == 0.0).all(), name
        before = np.abs(trace[: FLUSH_STEPS * first])
        assert (before >= TINY * np.exp(-FLUSH_STEPS * 0.5 / 0.9)).all(), name


@pytest.mark.parametrize(
    ("model", "precision"),
    [("lif", "float16"), ("lif", "float32"), ("lif", "float64"), ("glif5", "float32")],
)
def test_pieces_threads_batches_and_devices_change_no_bit(model, precision):
    _, params, initial = next(case for case in DECAYING if case[0] == model)
    steps = 1100
    whole, states = traced(model, params, initial, (steps,), precision, threads=1)
    for pieces, options in (
        ((1, 63, 64, 65, 1, 200, steps - 394), {"threads": 2, "batch_size": 32}),
        ((steps,), {"device": "cuda-emu"}),
        ((63, 1, 2, 500, steps - 566), {"device": "cuda-emu", "batch_size": 32}),
    ):
        other, others = traced(model, params, initial, pieces, precision, **options)
        for name in initial:
            assert other[name].tobytes() == whole[name].tobytes(), (name, pieces, options)
            assert others[name].tobytes() == states[name].tobytes()


@pytest.mark.parametrize("device", ["cpu", "cuda-emu"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_rule_at_its_border(precision, device):
    """Below 2^-100, sign and all; at multiples of 64 steps only; NaN is not hidden."""
    # v stays as it is: no input, no leak in a step that is nothing beside tau_m.
    below, at = np.nextafter(np.array(TINY, precision), 0), np.array(TINY, precision)
    start = np.array([below, -below, at, -at, 5e-324, -1e-39, 1.0], np.float64)
    kept = np.array([0.0, 0.0, at, -at, 0.0, 0.0, 1.0], np.float64)
    params = {"tau_m": 1e30, "v_rest": 0.0, "v_reset": -5.0, "v_th": 15.0}
    with GPUNeuronPool(
        len(start), "lif", precision=precision, params=params, initial={"v": start}, device=device
    ) as pool:
        pool.run(steps=1)
        np.testing.assert_array_equal(pool.state["v"], kept)
        pool.state["v"] = start
        pool.run(steps=63)
        np.testing.assert_array_equal(pool.state["v"], start.astype(precision))
        pool.run(steps=1)
        np.testing.assert_array_equal(pool.state["v"], kept)


@pytest.mark.parametrize(("model", "oracle"), [("lif", lif), ("glif5", glif)], ids=["lif", "glif5"])
def test_the_oracle_vanishes_at_the_same_step(model, oracle):
    _, params, initial = next(case for case in DECAYING if case[0] == model)
    traces, _ = traced(model, params, initial, (3000,), "float64")
    with GPUNeuronPool(1, model, params=params, device="cpu") as pool:
        resolved = dict(pool.params)
        state = {name: pool.state[name] for name in pool.state if name != "refrac"}
    state.update(initial)
    _, expected = oracle.simulate(state, resolved, np.zeros((3000, 1)), dt=0.5)
    for name in initial:
        zero = expected[name][:, 0] == 0.0
        assert zero.any() and not zero.all()
        np.testing.assert_array_equal(traces[name][:, 0] == 0.0, zero, err_msg=name)


def test_a_factor_that_would_be_subnormal_is_0():
    with GPUNeuronPool(2, "lif", dt=1.0, params={"tau_m": 0.01}, device="cpu") as pool:
        # e^-100 = 3.7e-44: in float32 each step would compute with a subnormal number.
        assert pool.neuron_spec.constants["p_v"] == 0.0
    with GPUNeuronPool(
        2, "lif", dt=1.0, params={"tau_m": 0.01}, device="cpu", precision="float64"
    ) as pool:
        assert pool.neuron_spec.constants["p_v"] == pytest.approx(np.exp(-100.0))

import pickle

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, Network
from spikecuda.common.given_copy import GivenCopy, give_copy
from spikecuda.errors import SpikecudaValueError
from spikecuda.network import ExpCurrent, OneToOne


def network():
    net = Network(0.1, 1, devices="cpu")
    net.population("E", 5, receptors={"e": ExpCurrent(5.0)})
    net.connect("E", "E", OneToOne(), 2.0, 1.0)
    return net


def test_states_and_weights_take_augmented_assignments():
    with GPUNeuronPool(5, device="cpu") as pool, network() as net:
        for state in (pool.state, net["E"].state):
            before = np.array(state["v"])
            state["v"] += 1.5
            np.testing.assert_array_equal(state["v"], before + np.float32(1.5))
        net.projections[0].weights *= 0.5
        assert (net.projections[0].weights == 1.0).all()


def test_parts_are_refused_with_the_remedy():
    with GPUNeuronPool(5, device="cpu") as pool, network() as net:
        for values in (pool.state["v"], net["E"].state["v"], net.projections[0].weights):
            with pytest.raises(SpikecudaValueError, match=r"read-only copy .* a = x.copy\(\)"):
                values[:2] = 1.0
            with pytest.raises(ValueError, match="read-only"):
                values[:2] += 1.0


def test_what_is_reduced_to_a_number_is_one():
    values = give_copy(np.arange(6.0))
    for found in (values.sum(), values.mean(), values.std(), values.max(), np.median(values),
                  values.sum(dtype=np.float32), give_copy(np.array(3.0)) * 2.0):  # fmt: skip
        assert isinstance(found, np.floating) and not isinstance(found, np.ndarray)
    assert values.sum() == 15.0 and repr(values.max()) == repr(np.float64(5.0))
    twice = values * 2.0
    twice[0] = 1.0
    assert isinstance(twice, GivenCopy)
    assert values.reshape(2, 3).sum(0).tolist() == [3.0, 5.0, 7.0]


def test_a_copy_of_it_is_an_array_like_any_other():
    with GPUNeuronPool(5, device="cpu") as pool:
        values = pool.state["v"]
        mine = values.copy()
        mine[:2] = -50.0
        mine += 1.0
        assert mine[0] == -49.0 and values[0] == -65.0
        pool.state["v"] = mine
        assert pool.state["v"][0] == -49.0
        assert type(pickle.loads(pickle.dumps(values))) is np.ndarray
        assert "GivenCopy" not in repr(values) and isinstance(values, GivenCopy)
        assert float(values.mean()) == -65.0

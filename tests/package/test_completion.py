"""What Tab offers in IPython and Jupyter: names of modules, attributes and keys."""

import pytest

import spikecuda
import spikecuda.network
from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, Network
from spikecuda.network import ExpCurrent


def keys(value) -> list[str]:
    """Return the keys that IPython offers: of a dict by itself, else those that are told."""
    return list(value) if isinstance(value, dict) else value._ipython_key_completions_()


def test_the_packages_offer_what_they_export():
    assert dir(spikecuda) == sorted(spikecuda.__all__)
    assert dir(spikecuda.network) == sorted(spikecuda.network.__all__)
    for package in (spikecuda, spikecuda.network):
        assert all(hasattr(package, name) for name in dir(package))


def test_a_pool_offers_states_parameters_and_traces():
    with GPUNeuronPool(3, "adex", device="cpu") as pool:
        assert keys(pool.state) == list(pool.state) == ["v", "w"]
        assert set(keys(pool.params)) == set(pool.model.parameters)
        assert {"state", "params", "run", "metrics"} <= set(dir(pool))
        result = pool.run(steps=2, record=("v", "w"))
        assert keys(result.traces) == ["v", "w"]
        assert {"spikes", "traces"} <= set(dir(result))


def test_a_system_offers_types_and_their_states():
    with MultiGPUNeuronSystem(
        total_neurons=4, neurons_per_gpu=2, neuron_types=["lif", "qif"], devices=["cpu"]
    ) as system:
        assert keys(system.state) == ["lif", "qif"]
        assert "v" in keys(system.state["lif"])


def test_a_network_offers_populations_and_their_states():
    with Network(dt=0.1) as net:
        net.population("E", 3, "lif", receptors={"exc": ExpCurrent(tau=2.0)})
        net.population("I", 2, "lif")
        net.record("E", "v")
        assert keys(net) == ["E", "I"]
        assert keys(net["E"].state) == ["v", "refrac", "i_exc"]
        assert keys(net["E"].receptors) == ["exc"]
        assert {"state", "receptors", "size"} <= set(dir(net["E"]))
        result = net.run(0.5)
        assert keys(result.traces) == ["E"]
        assert keys(result.traces["E"]) == ["v"]


def test_parameters_of_a_pool_change_or_are_refused():
    with GPUNeuronPool(3, "lif", device="cpu") as pool:
        before = dict(pool.params)
        for name, value in (("tau", 5.0), ("tau_m", -1.0), ("tau_m", [1.0, 2.0])):
            with pytest.raises(spikecuda.SpikecudaError, match=name):
                pool.params[name] = value
        assert {n: float(v) for n, v in pool.params.items()} == {
            n: float(v) for n, v in before.items()
        }
        pool.params["tau_m"] = 5.0
        assert pool.params["tau_m"] == 5.0 != before["tau_m"]

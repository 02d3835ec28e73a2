"""Where a system's neurons go: by measured cost and by memory, before anything is allocated."""

import numpy as np
import pytest

from spikecuda import MultiGPUNeuronSystem
from spikecuda.devices import tuning_cache as tuning
from spikecuda.devices.cpu.device import CpuDevice
from spikecuda.devices.kinds import kind_of
from spikecuda.errors import OutOfMemoryError
from spikecuda.placement.place import bytes_per_neuron, place
from spikecuda.placement.update_costs import cost, measure
from spikecuda.runtime.neuron_spec import resolve_neurons


def neuron_spec(count, model="lif", precision="float32"):
    return resolve_neurons(count, model, precision, 0.1, 0)


def device(name, memory=None, description=None):
    """Return a CPU device that poses as another, with a memory of its own."""
    made = CpuDevice(1)
    made.name, made.kind = name, kind_of(name)
    if memory is not None:
        made.home = name
        made.available_memory = lambda: memory
    made.description = description or made.description
    return made


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """Keep what is measured in a file of the test's own."""
    monkeypatch.setattr(tuning, "path", lambda: tmp_path / "tuning.json")
    yield
    tuning._read.cache_clear()


def numbers(found):
    return {name: [(d.name, n) for d, _, n in ranges] for name, ranges in found.places.items()}


def test_alike_devices_are_not_measured(monkeypatch):
    monkeypatch.setattr("spikecuda.placement.place.cost", lambda *_: pytest.fail("measured"))
    found = place(
        {"lif": neuron_spec(6400), "adex": neuron_spec(640, "adex")},
        [device("a"), device("b")],
        10**6,
    )
    assert numbers(found) == {
        "lif": [("a", 3200), ("b", 3200)], "adex": [("a", 320), ("b", 320)],
    }  # fmt: skip


def test_unlike_devices_get_neurons_by_their_cost(monkeypatch):
    seconds = {("a", "lif"): 1.0, ("b", "lif"): 3.0, ("a", "adex"): 2.0, ("b", "adex"): 6.0}
    monkeypatch.setattr(
        "spikecuda.placement.place.cost",
        lambda d, neuron_spec: seconds[d.name, neuron_spec.model.name],
    )
    devices = [device("a"), device("b", description="slower")]
    found = place({"lif": neuron_spec(6400), "adex": neuron_spec(6400, "adex")}, devices, 10**6)
    assert numbers(found) == {
        "lif": [("a", 4800), ("b", 1600)], "adex": [("a", 4800), ("b", 1600)],
    }  # fmt: skip
    # Where each is better at one of the types, types run side by side.
    seconds.update({("b", "lif"): 8.0, ("a", "adex"): 8.0, ("b", "adex"): 1.0})
    found = place({"lif": neuron_spec(6400), "adex": neuron_spec(6400, "adex")}, devices, 10**6)
    assert numbers(found) == {"lif": [("a", 6400)], "adex": [("b", 6400)]}


def test_a_gpu_gets_several_partitions_and_a_cpu_one(monkeypatch):
    monkeypatch.setattr("spikecuda.placement.place.cost", lambda *_: 1.0)
    devices = [device("cpu:0"), device("cuda:0", description="a GPU")]
    found = place({"lif": neuron_spec(6400)}, devices, 1000)
    assert numbers(found)["lif"] == [("cpu:0", 3200), *[("cuda:0", 1024)] * 3, ("cuda:0", 128)]


def test_a_cost_is_measured_once_and_remembered(monkeypatch):
    one, other = device("a"), device("b", description="another processor")
    asked = neuron_spec(5000)
    first = cost(one, asked)
    assert 1e-12 < first < 1e-5
    assert tuning.lookup(one.description, asked.spec(), "seconds") == first
    monkeypatch.setattr(
        "spikecuda.placement.update_costs.measure", lambda *_: pytest.fail("measured")
    )
    assert cost(one, neuron_spec(99)) == first
    with pytest.raises(pytest.fail.Exception):
        cost(other, asked)
    assert one.held() == {} and one.memory().in_use == 0
    one.close()
    other.close()


def test_measuring_leaves_nothing_behind_and_sees_the_model():
    one = device("a")
    best = {}
    for _ in range(3):
        for model in ("lif", "adex"):
            taken = measure(one, neuron_spec(30_000, model))
            best[model] = min(taken, best.get(model, taken))
    assert one.held() == {}
    # AdEx has an exponential and a state more.
    assert best["adex"] > best["lif"] > 0
    one.close()


def test_a_full_memory_leaves_neurons_to_other_devices(monkeypatch):
    monkeypatch.setattr("spikecuda.placement.place.cost", lambda *_: 1.0)
    asked = neuron_spec(10_000)
    size = bytes_per_neuron(asked)
    found = place(
        {"lif": asked}, [device("a", 2000 * size), device("b", 10**9)], 10**6
    )  # fmt: skip
    counts = dict(numbers(found)["lif"])
    assert abs(counts["a"] - 2000) <= 32 and counts["a"] + counts["b"] == 10_000


def short_of_host_memory(monkeypatch, size):
    monkeypatch.setattr("spikecuda.devices.host_device.available_memory", lambda: size)


def test_what_does_not_fit_anywhere_is_refused_with_the_numbers(monkeypatch):
    short_of_host_memory(monkeypatch, 30_000)
    devices = [device("a", 40_000), device("b", 20_000)]
    neuron_specs = {"lif": neuron_spec(10_000), "adex": neuron_spec(5_000, "adex")}
    words = (
        r"15,000 neurons need 130 KB \(lif 80 KB, adex 50 KB; available: 40 KB on a, 20 KB on b\)"
    )
    with pytest.raises(OutOfMemoryError, match=words):
        place(neuron_specs, devices, 10**6)
    assert all(d.memory().peak == 0 for d in devices)


def test_one_memory_is_counted_once(monkeypatch):
    short_of_host_memory(monkeypatch, 30_000)
    devices = [device("a", 60_000), device("b", 10**9)]
    devices[1].home = "a"
    with pytest.raises(OutOfMemoryError, match="available: 60 KB on a"):
        place({"lif": neuron_spec(10_000)}, devices, 10**6)


def test_what_no_device_holds_streams_through_those_with_memory_of_their_own(monkeypatch):
    monkeypatch.setattr(
        "spikecuda.placement.place.cost", lambda device, _: {"a": 1.0}.get(device.name, 3.0)
    )
    devices = [device("a", 40_000), device("b", 60_000, "slower"), device("c", 10**4, "slower")]
    found = place({"lif": neuron_spec(10_016), "adex": neuron_spec(5_024, "adex")}, devices, 32)
    assert {d.name: n for d, n in found.streaming.items()} == {"a": 2, "c": 2}
    # By speed, in one piece where it streams, in pieces of neurons_per_gpu where it does not.
    assert [(d.name, n) for d, _, n in found.places["adex"] if d.name != "b"] == [
        ("a", 3008), ("c", 992)
    ]  # fmt: skip
    assert {n for d, _, n in found.places["adex"] if d.name == "b"} == {32}
    short_of_host_memory(monkeypatch, 100_000)
    with pytest.raises(OutOfMemoryError, match="10 KB on c, 100 KB on host"):
        place({"lif": neuron_spec(10_016), "adex": neuron_spec(5_024, "adex")}, devices, 32)


def test_a_system_keeps_within_its_estimate():
    """The estimate is what is allocated: state and constants to the byte, and bits for a window."""
    params = {"adex": {"c_m": np.full(3000, 250.0)}}
    with MultiGPUNeuronSystem(9000, 10**6, devices="cpu", params=params) as system:
        held = system.metrics()["total"]["bytes"]
        clocks = 8 * sum(len(p.partitions) for p in system.populations.values())
        estimate = sum(
            p.neuron_spec.count * p.neuron_spec.bytes_per_neuron()
            for p in system.populations.values()
        )
        assert held == estimate + clocks


def test_a_spoilt_file_is_not_believed(tmp_path):
    spec = neuron_spec(10).spec()
    file = tmp_path / "tuning.json"
    for text in ("", "[]", "{", '{"version": 99}', '{"version": 1, "devices": [1]}'):
        file.write_text(text)
        assert tuning.lookup("a", spec, "block") is None
    tuning.store("a", spec, block=256)
    assert tuning.lookup("a", spec, "block") == 256
    file.write_text(file.read_text().replace("256", "-7"))
    assert tuning.lookup("a", spec, "block") is None
    tuning.store("b", spec, block=64)
    tuning.store("b", spec, seconds=1e-9)
    assert tuning.lookup("b", spec, "block") == 64
    assert tuning.lookup("b", spec, "seconds") == 1e-9
    assert tuning.lookup("b", neuron_spec(10, "adex").spec(), "block") is None

"""A system gives the bits of single pools, for any devices, types, shares and split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import MultiGPUNeuronSystem, Noise, SpikecudaError, Uniform
from spikecuda.errors import DeviceError

CURRENT = {"lif": 300.0, "adex": 900.0, "izhikevich": 12.0}
START = {name: {"v": Uniform(-66.0, -55.0)} for name in CURRENT}


def run(total, types, steps=(40,), **options):
    options.setdefault("devices", ["cpu"])
    with MultiGPUNeuronSystem(
        total, neuron_types=types, initial={t: START[t] for t in types}, seed=5,
        **{"neurons_per_gpu": total, **options},
    ) as system:  # fmt: skip
        drive = {t: Noise(CURRENT[t] / 2, mean=CURRENT[t]) for t in system.counts}
        spikes = []
        for k in steps:
            result = system.run(steps=k, input=drive)
            spikes.append((result.spikes.step, result.spikes.neuron))
        joined = [np.concatenate(part).tobytes() for part in zip(*spikes, strict=True)]
        state = {
            (name, key): values[key].tobytes()
            for name, values in system.state.items()
            for key in values
        }
        return joined, state


@settings(max_examples=25, deadline=None)
@given(
    total=st.integers(3, 3000),
    types=st.permutations(["lif", "adex", "izhikevich"]).flatmap(
        lambda p: st.integers(1, 3).map(lambda k: list(p[:k]))
    ),
    devices=st.lists(st.sampled_from(["cpu", "cpu:0", "cpu:1"]), min_size=1, max_size=4),
    most=st.integers(40, 3000),
    batch=st.one_of(st.none(), st.integers(1, 500)),
    precision=st.sampled_from(["float16", "float32"]),
    parts=st.sampled_from([(40,), (1, 39), (13, 27)]),
)
def test_any_split_gives_the_same_bits(total, types, devices, most, batch, precision, parts):
    expected = run(total, types, precision=precision)
    found = run(
        total, types, parts, devices=devices, neurons_per_gpu=most, batch_size=batch,
        precision=precision,
    )  # fmt: skip
    assert found == expected


@pytest.mark.parametrize("devices", [["cuda-emu:0", "cuda-emu:1"], ["cuda-emu:0", "cpu:0"]])
def test_emulated_gpus_give_the_same_bits(devices):
    types = ["adex", "lif", "izhikevich"]
    expected = run(1000, types)
    assert run(1000, types, devices=devices, neurons_per_gpu=100) == expected
    assert len(expected[0][0]) > 0


def test_the_original_call_works():
    with MultiGPUNeuronSystem(
        total_neurons=9000, neurons_per_gpu=1000, neuron_types=["adex", "lif", "izhikevich"]
    ) as system:
        assert system.counts == {"adex": 3000, "lif": 3000, "izhikevich": 3000}
        assert system.first == {"adex": 0, "lif": 3000, "izhikevich": 6000}
        result = system.run(duration=20.0, input=CURRENT, record=("spikes", "v"))
        spikes = result.spikes
        order = spikes.step * 9000 + spikes.neuron
        assert np.all(np.diff(order) > 0) and result.num_spikes == len(spikes) > 1000
        lif = (spikes.neuron >= 3000) & (spikes.neuron < 6000)
        assert lif.sum() == result.parts["lif"].num_spikes > 0
        assert result.parts["lif"].traces["v"].shape == (200, 3000)
        figures = system.metrics()
        assert figures["total"]["neurons"] == 9000
        assert figures["total"]["spikes"] == result.num_spikes
        assert figures["lif"]["updates"] == 600_000
        held = sum(p.held()[n] for p in system.populations.values() for n in p.held())
        assert figures["total"]["bytes"] == held
        system.reset()
        assert system.steps == 0 and system.metrics()["total"]["spikes"] == 0
        assert "3,000 lif" in repr(system)


def test_shares_and_parameters_by_type():
    with MultiGPUNeuronSystem(
        1000, neuron_types=["lif", "adex"], shares={"lif": 3, "adex": 1},
        params={"lif": {"tau_m": 10.0}}, devices="cpu",
    ) as system:  # fmt: skip
        assert system.counts == {"lif": 750, "adex": 250}
        assert float(system.populations["lif"].plan.params["tau_m"]) == 10.0


BAD = [
    (dict(total_neurons=0), "total_neurons must be from 1"),
    (dict(neurons_per_gpu=0), "neurons_per_gpu must be from 1"),
    (dict(neuron_types=[]), "neuron_types must be a list"),
    (dict(neuron_types="lif"), "neuron_types must be a list"),
    (dict(neuron_types=["lif", "lif"]), "neuron_types must differ"),
    (dict(neuron_types=["lif", "adx"]), "did you mean 'adex'"),
    (dict(devices=[]), "devices must name"),
    (dict(devices=["cpu", "gpu"]), "device must be one of"),
    (dict(params={"lfi": {}}), "did you mean 'lif'"),
    (dict(params={"lif": {"tau_m": -1.0}}), "tau_m must be > 0"),
    (dict(params=[1]), "params must be a dict by type"),
    (dict(shares={"lif": -1.0}), "shares must be finite"),
]


@pytest.mark.parametrize("options, words", BAD, ids=[w for _, w in BAD])
def test_bad_arguments_are_refused(options, words):
    with pytest.raises(SpikecudaError, match=words):
        MultiGPUNeuronSystem(**{"total_neurons": 100, "devices": "cpu", **options})


def test_a_failing_device_leaves_the_others_readable(monkeypatch):
    with MultiGPUNeuronSystem(
        4000, neuron_types=["lif"], devices=["cpu:0", "cpu:1"], seed=1
    ) as system:
        system.run(steps=10, input=300.0)
        broken = system.devices[1]
        monkeypatch.setattr(
            broken, "synchronize", lambda: (_ for _ in ()).throw(OSError("fell off the bus"))
        )
        with pytest.raises(DeviceError, match=r"cpu:1 failed at step 10 .*fell off the bus"):
            system.run(steps=10, input=300.0)
        parts = system.populations["lif"].partitions
        assert np.isfinite(parts[0].read("v")).all()
    assert all(device.held() == {} for device in system.devices)


def test_a_device_that_cannot_allocate_gives_everything_back(monkeypatch):
    from spikecuda.backends.cpu import CpuDevice
    from spikecuda.errors import OutOfMemoryError

    opened = []
    original = CpuDevice.__init__

    def remember(self, threads=None):
        original(self, threads)
        opened.append(self)

    monkeypatch.setattr(CpuDevice, "__init__", remember)
    monkeypatch.setattr(
        CpuDevice, "available_memory", lambda self: 10**9 if self is opened[0] else 1000
    )
    with pytest.raises(OutOfMemoryError, match="needs"):
        MultiGPUNeuronSystem(50_000, neuron_types=["lif"], devices=["cpu:0", "cpu:1"])
    assert [device.held() for device in opened] == [{}, {}]

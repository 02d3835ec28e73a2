"""A system gives the bits of single pools, for any devices, types, shares and split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, Noise, SpikecudaError, Uniform
from spikecuda.placement.apportion import shares_of
from spikecuda.runtime.neuron_spec import resolve_neurons
from spikecuda.runtime.population import Population
from spikecuda.runtime.state import StateView

CURRENT = {"lif": 300.0, "adex": 900.0, "izhikevich": 12.0}
START = {name: {"v": Uniform(-66.0, -55.0)} for name in CURRENT}


PRECISIONS = ("float16", "float32")
STEPS = 40


def drive(types):
    return {t: Noise(CURRENT[t] / 2, mean=CURRENT[t]) for t in types}


def run(total, types, steps=(STEPS,), **options):
    """Return a system's spikes, with global numbers, and its final state, as bytes."""
    with MultiGPUNeuronSystem(
        total, neuron_types=types, initial={t: START[t] for t in types}, seed=5, **options
    ) as system:
        found = [system.run(steps=k, input=drive(system.counts)).spikes for k in steps]
        spikes = [np.concatenate([getattr(s, f) for s in found]) for f in ("step", "neuron")]
        state = {
            (name, key): values[key].tobytes()
            for name, values in system.state.items()
            for key in values
        }
        return [s.tobytes() for s in spikes], state


def pools(counts, precision):
    """Return the same of one CPU pool for each type, put together by sorting."""
    steps, neurons, state, first = [], [], {}, 0
    for name, count in counts.items():
        if not count:
            continue
        neuron_spec = resolve_neurons(
            count, name, precision, 0.1, 5, initial=START[name], identity=first
        )
        with GPUNeuronPool(1, name, device="cpu", threads=1) as pool:
            pool.population.close()
            population = Population(neuron_spec, [(pool.device, 0, count)])
            # A pool is fixed; this one gets neurons that count on from the last type's.
            vars(pool).update(
                neuron_spec=neuron_spec, num_neurons=count, population=population,
                state=StateView(population),
            )  # fmt: skip
            spikes = pool.run(steps=STEPS, input=drive([name])[name]).spikes
            steps.append(spikes.step)
            neurons.append(spikes.neuron + first)
            state.update({(name, key): pool.state[key].tobytes() for key in pool.state})
        first += count
    step, neuron = np.concatenate(steps), np.concatenate(neurons).astype(np.int32)
    order = np.lexsort((neuron, step))
    return [step[order].tobytes(), neuron[order].tobytes()], state


NAMES = ("cpu", "cpu:0", "cpu:1", "cuda-emu:0", "cuda-emu:1")


@settings(max_examples=40, deadline=None)
@given(
    total=st.integers(3, 3000),
    types=st.permutations(["lif", "adex", "izhikevich"]).flatmap(
        lambda p: st.integers(1, 3).map(lambda k: list(p[:k]))
    ),
    weights=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3),
    devices=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4),
    costs=st.lists(st.floats(0.1, 10.0), min_size=2, max_size=2),
    most=st.integers(40, 3000),
    batch=st.one_of(st.none(), st.integers(1, 500)),
    precision=st.sampled_from(PRECISIONS),
    parts=st.sampled_from([(STEPS,), (1, STEPS - 1), (13, 27)]),
)
def test_any_split_gives_the_same_bits(
    total, types, weights, devices, costs, most, batch, precision, parts
):
    """As one CPU pool for each type; costs are drawn, so that the places of neurons are, too."""
    shares = dict(zip(types, weights, strict=False))
    if not any(shares.values()):
        shares = None
    counts = shares_of(total, [shares[t] for t in types] if shares else [1.0] * len(types))

    def cost(device, neuron_spec):
        return costs[len(neuron_spec.model.name) % 2] if device.name.startswith("cpu") else 1.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spikecuda.placement.place.cost", cost)
        found = run(
            total, types, parts, devices=devices, neurons_per_gpu=most, batch_size=batch,
            precision=precision, shares=shares,
        )  # fmt: skip
    assert found == pools(dict(zip(types, counts, strict=True)), precision)


def test_one_type_on_one_device_is_a_pool():
    with GPUNeuronPool(500, "adex", device="cpu", seed=5, initial=START["adex"]) as pool:
        spikes = pool.run(steps=STEPS, input=drive(["adex"])["adex"]).spikes
        expected = [spikes.step.tobytes(), spikes.neuron.tobytes()]
        state = {("adex", key): pool.state[key].tobytes() for key in pool.state}
    assert run(500, ["adex"], devices="cpu") == (expected, state)


def test_emulated_gpus_spike_as_the_cpu_does():
    """With costs as they are measured: an emulated GPU beside a CPU gets few neurons."""
    types = ["adex", "lif", "izhikevich"]
    expected = pools(dict.fromkeys(types, 500), "float32")
    assert len(expected[0][0]) > 0
    for devices in (["cuda-emu:0", "cuda-emu:1"], ["cuda-emu:0", "cpu:0"]):
        assert run(1500, types, devices=devices, neurons_per_gpu=100) == expected


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
        assert float(system.populations["lif"].neuron_spec.params["tau_m"]) == 10.0


def test_an_open_device_stays_open():
    from spikecuda.devices.cpu.device import CpuDevice

    mine = CpuDevice(1)
    with MultiGPUNeuronSystem(1000, devices=[mine, "cpu:1"], seed=5) as system:
        system.run(steps=5)
        assert system.devices[0] is mine and mine.held()
        with pytest.raises(SpikecudaError, match="once"):
            MultiGPUNeuronSystem(10, devices=[mine, mine])
    assert mine.held() == {}
    with GPUNeuronPool(10, device=mine) as pool:
        pool.run(steps=1)
    mine.close()


BAD = [
    (dict(total_neurons=0), "total_neurons must be from 1"),
    (dict(neurons_per_gpu=0), "neurons_per_gpu must be from 1"),
    (dict(total_neurons=2, neuron_types=["lif", "adex", "qif"]), "got 2 for 3 types"),
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


def test_a_device_that_cannot_allocate_gives_everything_back(monkeypatch):
    from spikecuda.devices.cpu.device import CpuDevice
    from spikecuda.errors import OutOfMemoryError

    opened = []
    original = CpuDevice.__init__

    def remember(self, threads=None):
        original(self, threads)
        opened.append(self)

    monkeypatch.setattr("spikecuda.devices.host_device.TRIFLE", 0)
    monkeypatch.setattr(CpuDevice, "__init__", remember)
    monkeypatch.setattr(
        CpuDevice, "available_memory", lambda self: 10**9 if self is opened[0] else 1000
    )
    with pytest.raises(OutOfMemoryError, match="needs"):
        MultiGPUNeuronSystem(50_000, neuron_types=["lif"], devices=["cpu:0", "cpu:1"])
    assert [device.held() for device in opened] == [{}, {}]


def test_a_system_tells_where_its_neurons_are():
    with MultiGPUNeuronSystem(
        900, 100, ["lif", "adex"], devices=["cuda-emu:0", "cpu"], shares={"lif": 2, "adex": 1}
    ) as system:
        parts = system.partitions()
        assert {name for name, *_ in parts} == {"lif", "adex"}
        assert {device for _, device, *_ in parts} <= {"cuda-emu:0", "cpu"}
        first = 0
        for name, device, start, count in parts:  # every neuron once, in order
            assert start == first and (device == "cpu" or count <= 128)
            assert system.first[name] <= start < system.first[name] + system.counts[name]
            first += count
        assert first == 900
        with pytest.raises(SpikecudaError, match=r"the types lif, adex \(got 'v'\); system.state"):
            system.state["v"]
        with pytest.raises(SpikecudaError, match=r"record knows spikes, v of lif \(got 'w'\)"):
            system.run(steps=1, record=("spikes", "w"))
    with pytest.raises(SpikecudaError, match="the system is closed"):
        system.run(steps=1)

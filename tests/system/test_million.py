"""A million mixed neurons: at most 16 bytes each while they run, and windows as long as pools."""

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, Noise
from spikecuda.devices.cpu.device import CpuDevice
from spikecuda.report.workloads import WORKLOADS

TYPES, STEPS = ("adex", "lif", "izhikevich"), 64


def test_a_million_mixed_neurons_take_16_bytes_each():
    start = {name: WORKLOADS[name].initial() for name in TYPES}
    with MultiGPUNeuronSystem(1_000_000, neuron_types=TYPES, devices="cpu", initial=start) as made:
        current = {name: WORKLOADS[name].current(n) for name, n in made.counts.items()}
        held = []

        def look(done, total):
            held.append(made.metrics()["total"]["bytes"])

        made.run(steps=STEPS, input=current, progress=look)
        # State 8, one current 4, spike bits of 16 steps 2.
        assert 12 * 1_000_000 < max(held) <= 16 * 1_000_000


def test_types_on_a_cpu_have_windows_as_long_as_pools_of_their_sizes():
    """The host is called as often as by the pools, and spike bits take the largest one's memory."""
    n, steps = {"adex": 3000, "lif": 5000, "izhikevich": 4000}, 200
    drive = {"adex": Noise(300.0, mean=900.0), "lif": 400.0, "izhikevich": 12.0}
    device, row = CpuDevice(2), 4 * -(-5000 // 32)
    device.window_bytes = 20 * row
    with MultiGPUNeuronSystem(12_000, neuron_types=list(n), devices=[device], shares=n) as made:
        # The buffers are let go of, and lent anew, whenever a run is of another kind.
        results = [made.run(steps=steps, input=drive, record=what) for what in ("spikes", "v")]
        results.append(made.run(steps=steps, input=drive))
        assert made.metrics()["total"]["windows"] == 3 * 3 * steps / 20
        assert device.memory().buffers["spike bits"].peak == 20 * row
        state = {name: view["v"].tobytes() for name, view in made.state.items()}
    for name, first in made.first.items():
        with GPUNeuronPool(12_000, name, device=device) as pool:
            alone = [pool.run(steps=steps, input=drive[name]) for _ in results]
            mine = slice(first, first + n[name])
            assert pool.state["v"][mine].tobytes() == state[name]
        for i in (0, 2):
            neuron = alone[i].spikes.neuron
            kept = (neuron >= first) & (neuron < first + n[name])
            part = results[i].parts[name].spikes
            assert part.step.tobytes() == alone[i].spikes.step[kept].tobytes() and len(part) > 100
    device.close()

"""A million mixed neurons take at most 16 bytes each while they run."""

from spikecuda import MultiGPUNeuronSystem
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

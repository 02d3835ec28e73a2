"""Random networks of every rule, receptor and delay give the same bits over any list of devices.

What ``test_network_bits`` shows of threads and partitions, for devices: the reference is the stored
network on one thread, which ``test_against_oracle`` compares with the oracle.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import Layout, built, descriptions
from test_network_bits import assert_samples, outcome, spikes_of

from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.network.cuda import delivery, resident
from spikecuda.network.cuda import procedural_rows as drawn
from spikecuda.network.cuda import row_tables as row_tables
from spikecuda.network.model.trace import variables
from spikecuda.network.run import window as per_step

LISTS = (
    ("cuda-emu:0",), ("cpu:0", "cuda-emu:0"), ("cuda-emu:0", "cuda-emu:1"),
    ("cuda-emu:0", "cpu:0", "cuda-emu:0"),
)  # fmt: skip
# Rows by threads, by warps, in shared memory; as chosen.
STYLES = (
    {}, {(delivery, "SHORT_ROW"): 10**9}, {(delivery, "SHORT_ROW"): 0},
    {(row_tables, "DENSE"): 0.0, (row_tables, "TILE_ROW"): 0},
)  # fmt: skip


@dataclass
class Machine:
    """What must not change a bit: devices, how they work, and how the run is split.

    Attributes:
        places: names of the devices, each a partition.
        window: the most steps between two exchanges of spikes.
        windows: that a list of spikes holds; with one device, as many are under way twice.
        style: constants that choose how rows are delivered.
        resident: threads that an emulated device holds at once.
        seed: of the order that it runs blocks and streams in.
        procedural: whether rows that can be drawn again are not stored.
        recorded: what is recorded: "spikes", "nothing" or "everything".
        every: steps between samples.
        cuts: where the run is split, as parts of its steps.
    """

    places: tuple
    window: int
    windows: int
    style: dict
    resident: int
    seed: int
    procedural: bool
    recorded: str
    every: int
    cuts: tuple

    def opened(self, stack):
        """Return the devices, open."""
        devices = {}
        for i, name in enumerate(self.places):
            if name.startswith("cuda-emu") and name not in devices:
                device = CudaEmuDevice(int(name[-1]), seed=self.seed + i)
                stack.callback(device.close)
                device.resident_threads, device.speed = self.resident, 1.0
                devices[name] = device
        return [devices.get(name, name) for name in self.places]


@st.composite
def machines(draw):
    """A ``Machine``."""
    return Machine(
        draw(st.sampled_from(LISTS)), draw(st.sampled_from((1, 2, 5, 64))),
        draw(st.sampled_from((1, 4, 254))), draw(st.sampled_from(STYLES)),
        draw(st.sampled_from((128, 1024, 1 << 14))), draw(st.integers(0, 3)), draw(st.booleans()),
        draw(st.sampled_from(("spikes", "nothing", "everything"))), draw(st.integers(1, 9)),
        tuple(draw(st.lists(st.floats(0, 1), max_size=3))),
    )  # fmt: skip


def of_links(description, procedural):
    """Store all rows, or none that can be drawn again."""
    for link in description.links:
        link.options["procedural"] = procedural and link.rule.procedural


@settings(max_examples=settings.default.max_examples // 6)
@given(description=descriptions(), machine=machines())
def test_bits_over_devices(description, machine):
    d, m = description, machine
    of_links(d, False)
    with Layout().build(d, "float32") as net:
        built(net)
        state, results = outcome(net, d.steps, d.dt)
        spikes = spikes_of(results)
    of_links(d, m.procedural)
    with ExitStack() as stack:
        devices = m.opened(stack)
        stack.enter_context(mock.patch.object(per_step, "MAX_WINDOW", m.window))
        stack.enter_context(mock.patch.object(resident, "WINDOWS", m.windows))
        stack.enter_context(mock.patch.object(drawn, "SEEN_BYTES", m.resident))
        for (module, name), value in m.style.items():
            stack.enter_context(mock.patch.object(module, name, value))
        net = stack.enter_context(d.build("float32", devices=devices))
        first = d.parts[0].name
        if m.recorded == "nothing":
            net.record(first, "v", every=d.steps * d.dt, only=[0])
        elif m.recorded == "everything":
            for p in d.parts:
                net.record(p.name, ["spikes", *variables(net[p.name])], every=m.every * d.dt)
        splits = sorted(int(cut * d.steps) for cut in m.cuts)
        for _ in range(2):
            other, results = outcome(net, d.steps, d.dt, splits)
            assert other == state
            if m.recorded != "nothing":
                assert spikes_of(results) == spikes
            if m.recorded == "everything":
                assert_samples(results, net, d, m.every)
            net.reset()
            assert net.time == 0.0

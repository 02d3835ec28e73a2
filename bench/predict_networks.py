"""What networks ask of a GPU and of the host beside it; no GPU needed.

    python bench/predict_networks.py

Seven tables:

- launches, and microseconds of the host, for a millisecond of model time: measured here, on a
  device whose launches do nothing, so what the CUDA driver takes itself is not in it;
- host time and bytes of a window over two and four devices, spikes from device to device and
  through the host: measured and counted likewise;
- what that is in the time of a window: PREDICTED from assumptions that are printed with it;
- bytes for a synapse and for a synaptic event: counted;
- the real-time factor of the full microcircuit: PREDICTED, never measured, from machine code,
  published figures and the assumptions that are printed with it (docs/networks-on-gpus.md), beside
  what others measured;
- a window of a plastic network of 12,500 neurons, and its real-time factor: PREDICTED likewise.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikecuda.cli import terminal
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.devices.work import Event, Graph, Kernel, Stream
from spikecuda.examples import brunel, coba, cuba, microcircuit
from spikecuda.inspection import gpus, inspected, networks, profile
from spikecuda.inspection.learning_window import (
    Learners,
    LearningKernels,
    learning_parts,
    turn_instructions,
)
from spikecuda.inspection.window import (
    CAUTIOUS,
    LEAST,
    SECTOR,
    Load,
    real_time_factor,
    window_parts,
)
from spikecuda.kernels import learn_routines, routines
from spikecuda.network import Network
from spikecuda.network.cuda.delivery import choose
from spikecuda.network.cuda.row_tables import RowTable
from spikecuda.network.run.exchange import LocalSpikeExchange
from spikecuda.network.run.route import HOST, PEERS
from spikecuda.plasticity import STDP

# The full microcircuit as built with seed 3: synapses, segments, the most segments of a row.
SYNAPSES, SEGMENTS, LONGEST = 298_880_970, 5_276_361, 82
# Wall-clock time over model time, as published: simulator, GPU, factor, year.
PUBLISHED = (
    ("GeNN", "V100", 1.84, 2018), ("NEST GPU", "RTX 2080 Ti", 1.06, 2021),
    ("GeNN", "Titan RTX", 0.70, 2021), ("NEST GPU", "RTX 4090", 0.39, 2023),
    ("GeNN", "RTX 4090", 0.27, 2023),
)  # fmt: skip
PREDICTED = ("RTX 4090", "A100", "H100")
MAKE: dict[str, Callable[..., Network]] = {
    "microcircuit, 2 %": lambda **options: microcircuit.network(0.02, **options),
    "brunel": brunel.network,
    "cuba": cuba.network,
    "coba": coba.network,
}


class NullGraph(Graph):
    """A graph whose replay does nothing."""

    def __init__(self, device: "NullDevice", nodes: int) -> None:
        self.device, self.nodes = device, nodes

    def replay(self) -> None:
        """Count."""
        self.device.launches += self.nodes

    def close(self) -> None:
        """Do nothing."""


class MadeUp(LocalSpikeExchange):
    """Hands over as many spikes as the full microcircuit has: devices that do nothing have none."""

    def __init__(self, each: int) -> None:
        super().__init__()
        object.__setattr__(self, "spikes", np.arange(each, dtype=np.int64))

    def swap(self, lists: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Join and sort made-up spikes, as if each partition had sent some."""
        return super().swap([self.spikes for _ in lists])


class NullDevice(CudaEmuDevice):
    """A device whose kernels are never compiled and never run."""

    def kernel(self, spec: Any) -> Kernel:
        """Return a kernel without code."""
        return Kernel(spec, None, 0.0)

    def launch(self, kernel: Kernel, arguments: Any, batches: Any) -> None:
        """Count."""
        self.launches += len(batches)

    def capture(self, work: Callable[[], None]) -> Graph:
        """Count what would be captured."""
        before = self.launches
        work()
        nodes, self.launches = self.launches - before, before
        return NullGraph(self, nodes)


class NullEvent(Event):
    """An event that has always happened."""

    def synchronize(self) -> None:
        """Wait for nothing."""

    def seconds_until(self, later: Event) -> float:
        """Return no time."""
        return 0.0


class NullStream(Stream):
    """A stream without work."""

    def record(self, event: Event | None = None) -> Event:
        """Return an event."""
        return event or NullEvent()

    def wait(self, event: Event) -> None:
        """Wait for nothing."""

    def synchronize(self) -> None:
        """Wait for nothing."""


class SilentDevice(NullDevice):
    """A device whose streams and copies do nothing, either: what is left is the host's own work."""

    def silence(self) -> None:
        """Begin to do nothing."""
        self.stream = self.uploads = self.downloads = NullStream()  # type: ignore[assignment]
        for name in ("write", "upload", "download", "clear", "fetch", "synchronize"):
            setattr(self, name, lambda *arguments: None)
        self.read = lambda buffer, size=None: np.zeros(size or buffer.size, buffer.dtype)


def host_rows(model_time: float = 200.0) -> list[tuple[str, ...]]:
    """Return launches and host time of each network."""
    rows = []
    for name, make in MAKE.items():
        device = NullDevice()
        with make(seed=1, devices=[device]) as net:
            net.run(10.0)
            spent = []
            for _ in range(3):
                before, start = device.launches, time.perf_counter()
                net.run(model_time)
                spent.append(time.perf_counter() - start)
                launches = (device.launches - before) / model_time
            window = net.metrics()["window"]
        rows.append((name, str(window), f"{launches:.3g}", f"{min(spent) * 1e6 / model_time:.3g}"))
        device.close()
    return rows


def exchanges(model_time: float = 100.0) -> list[tuple[str, ...]]:
    """Return, by devices and way of spikes, waits and host time of a window, and bytes of a device.

    Bytes are those of the full microcircuit, whose windows have one step: its bits, or its spikes.
    """
    rows = []
    neurons, spikes = sum(microcircuit.NEURONS), load(1).spikes
    for count in (2, 4):
        each = round(spikes / count)
        for way in (PEERS, HOST):
            devices = [SilentDevice(i) for i in range(count)]
            with microcircuit.network(0.02, seed=1, devices=devices, exchange=way) as net:
                engine = net.build()
                if way == HOST:
                    engine._exchange = MadeUp(each)  # type: ignore[attr-defined]
                for device in devices:
                    device.silence()
                net.run(10.0)
                spent = []
                for _ in range(5):
                    start = time.perf_counter()
                    net.run(model_time)
                    spent.append(time.perf_counter() - start)
            windows = model_time / microcircuit.DT
            down = neurons / count / 8 * (count - 1) if way == PEERS else 8 * (spikes + 8.0)
            waits = "0" if way == PEERS else str(WAITS)
            rows.append((
                str(count), way, waits, f"{min(spent) * 1e6 / windows:.0f}", f"{down:,.0f}",
            ))  # fmt: skip
            for device in devices:
                device.close()
    return rows


# Through the host, a device is waited for: twice for what it sent, then after the upload of what
# the others sent, after that of its place, and after its delivery.
WAITS = 5
# ASSUMED, from no datasheet: microseconds that a wait of the host takes until the next launch runs,
# and a copy between devices until what waits for it runs.
WAIT, COPY = {"least": 5.0, "cautious": 15.0}, {"least": 2.0, "cautious": 10.0}
# GB/s in one direction: PCIe 4.0 x16, and the NVLink of an A100 (600 GB/s in both).
LINKS = {"PCIe 4.0": 32.0, "NVLink 3": 300.0}


def exchange_predictions() -> list[tuple[str, ...]]:
    """Return the predicted microseconds that a window of the microcircuit spends on its spikes."""
    rows = []
    bits = sum(microcircuit.NEURONS) / 8
    for count in (2, 4):
        for assumed in (LEAST, CAUTIOUS):
            host = WAITS * WAIT[assumed.name]
            cells = []
            for bandwidth in LINKS.values():
                # A copy from each of the others, one after the other, and a list of its spikes.
                copies = (count - 1) * (COPY[assumed.name] + assumed.start)
                cells.append(f"{copies + bits / count * (count - 1) / bandwidth * 1e-3:.1f}")
            rows.append((str(count), assumed.name, *cells, f"{host:.0f}"))
    return rows


def load(resident: int) -> Load:
    """Return what the full microcircuit asks of a window of one step."""
    neurons = np.array(microcircuit.NEURONS, float)
    rates = np.array(microcircuit.FULL_RATES)
    spikes = float(neurons @ rates) * 1e-4
    events = float((microcircuit.synapses() * rates).sum()) * 1e-4
    total = int(neurons.sum())
    lengths = np.full(total, SYNAPSES // total, np.int64)
    row_table = RowTable(routines.NARROW, {}, lengths, SEGMENTS, LONGEST)
    choice = choose(row_table, 1, spikes, total, resident, 128)
    each = 2 + 2 + 8 * SEGMENTS / SYNAPSES
    return Load(
        total, 1, microcircuit.DT, spikes, events, each, choice.options["group"],
        choice.options["pieces"], SYNAPSES / total,
    )  # fmt: skip


def predictions() -> tuple[list[tuple[str, ...]], Load]:
    """Return the rows of the table of predictions, and what was asked on the last GPU."""
    rows = []
    for name in PREDICTED:
        gpu = gpus.gpu(name)
        asked = load(1024 * gpu.multiprocessors)
        update = profile(inspected(networks.update("microcircuit"), gpu.cc), poisson_levels=16.0)
        collect = inspected(routines.collect(), gpu.cc)
        rows_kernel = inspected(routines.deliver_rows(routines.NARROW), gpu.cc)
        for assumed in (LEAST, CAUTIOUS):
            parts = window_parts(update, collect, rows_kernel, gpu, asked, assumed)
            times = [f"{part.time:.2f} ({part.binding})" for part in parts]
            factor = real_time_factor(parts, asked)
            rows.append((gpu.name, assumed.name, *times, f"{factor:.3f}"))
    return rows, asked


# Brunel's network, pair STDP from excitatory to excitatory neurons; in- and out-degrees, neurons,
# the rate of all in Hz, steps of a window (the delay), the refractory period in steps.
EXCITATORY, INHIBITORY, FROM_E, FROM_I = 10_000, 2_500, 1_000, 250
PLASTIC_RATE, PLASTIC_WINDOW = 30.0, 15
# Bytes of a synapse: target, weight read and written, units.
PLASTIC_BYTES, LINE_SECTORS = 2 + 4 + 4 + 0.2, 2
# A line has room for so many spikes more than are needed: the first of 10,000 neurons has as many
# after this part of the mean time (a Poisson process; refractory neurons are more regular).
SPARE, FIRST = 8, 0.25


def plastic_load(resident: int) -> tuple[Load, Learners]:
    """Return what ``brunel_stdp`` asks of a window: of neurons and static synapses, of learning."""
    neurons, seconds = EXCITATORY + INHIBITORY, PLASTIC_WINDOW * 1e-4
    spikes = neurons * PLASTIC_RATE * seconds
    sent = neurons * FROM_E / EXCITATORY  # synapses that an excitatory neuron sends to
    static = EXCITATORY * (sent - FROM_E) + INHIBITORY * neurons * FROM_I / INHIBITORY
    lengths = np.full(neurons, static / neurons, np.int64)
    choice = choose(
        RowTable(routines.CONSTANT, {}, lengths, neurons, 8), PLASTIC_WINDOW, spikes, neurons,
        resident, 128,
    )  # fmt: skip
    options = {"group": 1, "pieces": 1, **choice.options}
    load = Load(
        neurons, PLASTIC_WINDOW, 0.1, spikes, static * PLASTIC_RATE * seconds, 2.0,
        options["group"], options["pieces"], static / neurons,
    )  # fmt: skip
    synapses = EXCITATORY * FROM_E
    learners = Learners(
        synapses, synapses * PLASTIC_RATE * seconds, 2 * -(-EXCITATORY // 32), 5.0, PLASTIC_BYTES,
        LINE_SECTORS, 1e3 * FIRST * SPARE / PLASTIC_RATE,
    )  # fmt: skip
    return load, learners


def learning_predictions() -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return the rows of the tables of ``learn_rows``, and of all of a window."""
    learned, windows = [], []
    spec = STDP(w_max=1.0).spec("float32")
    for name in PREDICTED:
        gpu = gpus.gpu(name)
        asked, learners = plastic_load(1024 * gpu.multiprocessors)
        kernels = LearningKernels(
            profile(inspected(networks.update("brunel"), gpu.cc), poisson_levels=16.0),
            *(
                inspected(routine, gpu.cc)
                for routine in (
                    routines.collect(), routines.deliver_rows(routines.CONSTANT),
                    learn_routines.keep_spikes(spec), learn_routines.learn_rows(spec),
                    learn_routines.sweep_rows(spec),
                )
            ),
        )  # fmt: skip
        for assumed in (LEAST, CAUTIOUS):
            parts = learning_parts(kernels, gpu, asked, learners, assumed)
            learn = parts[-2]
            learned.append((
                gpu.name, assumed.name, str(turn_instructions(kernels.learn)),
                f"{learn.time:.2f} ({learn.binding})", f"{learners.events / learn.time * 1e-3:.0f}",
            ))  # fmt: skip
            times = [f"{part.time:.2f} ({part.binding})" for part in parts]
            factor = real_time_factor(parts, asked)
            windows.append((gpu.name, assumed.name, *times, f"{factor:.3f}"))
    return learned, windows


def main() -> None:
    out = terminal.console()
    columns = ("network", "window", "launches/ms", "host µs/ms")
    out.print(terminal.table("Measured here, with launches that do nothing", columns, host_rows()))
    columns = ("devices", "spikes go", "waits of the host", "host µs a window", "bytes a window")
    out.print(terminal.table(
        "Measured likewise, and counted: a window of the microcircuit over several devices",
        columns, exchanges(),
    ))  # fmt: skip
    columns = ("devices", "assumptions", *(f"{link}, µs" for link in LINKS), "through the host, µs")
    out.print(terminal.table(
        "PREDICTED, not measured: the exchange of a window of the full microcircuit", columns,
        exchange_predictions(),
    ))  # fmt: skip
    for name in WAIT:
        out.print(
            f"{name}: the host waits {WAIT[name]:g} µs for a device, a copy between devices takes "
            f"{COPY[name]:g} µs and its bytes, and a kernel lists its spikes",
            style="dim",
        )
    rows, asked = predictions()
    out.print(
        f"The full microcircuit: {asked.synapse_bytes:.2f} B a synapse on the device; an event "
        f"reads {asked.synapse_bytes:.2f} B from memory and adds to 4 B in a sector of {SECTOR} B "
        f"of the L2 cache; {asked.spikes:.1f} spikes and {asked.events:,.0f} events a step."
    )
    columns = (
        "GPU", "assumptions", "update, µs", "list, µs", "deliver, µs", "real-time factor",
    )  # fmt: skip
    out.print(terminal.table("PREDICTED, not measured: the full microcircuit", columns, rows))
    for a in (LEAST, CAUTIOUS):
        out.print(
            f"{a.name}: {a.start:g} µs to start a kernel of a graph, loads of {a.l2:g} (L2) and "
            f"{a.memory:g} cycles (memory), {a.issue:g} cycles an instruction of a warp, "
            f"{a.l2_bandwidth:g} B a cycle and multiprocessor from the L2 cache",
            style="dim",
        )
    columns = ("GPU", "assumptions", "instructions of 32 events", "learn, µs", "G events/s")
    title = "PREDICTED, not measured: learning of a window of 1.5 ms, 450,000 plastic events"
    learned, windows = learning_predictions()
    out.print(terminal.table(title, columns, learned))
    columns = (
        "GPU", "assumptions", "update, µs", "list, µs", "deliver, µs", "keep, µs", "learn, µs",
        "sweep, µs", "real-time factor",
    )  # fmt: skip
    out.print(terminal.table("PREDICTED, not measured: a window of brunel_stdp", columns, windows))
    published = [(s, g, f"{f:g}", str(y)) for s, g, f, y in PUBLISHED]
    columns = ("simulator", "GPU", "real-time factor", "year")
    out.print(terminal.table("MEASURED by others, published", columns, published))


if __name__ == "__main__":
    main()

"""What networks ask of a GPU and of the host beside it; no GPU needed.

    python bench/predict_networks.py

Four tables:

- launches, and microseconds of the host, for a millisecond of model time: measured here, on a
  device whose launches do nothing, so what the CUDA driver takes itself is not in it;
- bytes for a synapse and for a synaptic event: counted;
- the real-time factor of the full microcircuit: PREDICTED, never measured, from machine code,
  published figures and the assumptions that are printed with it (docs/networks-on-gpus.md), beside
  what others measured;
- the learning of a window of a plastic network of 12,500 neurons: PREDICTED likewise.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from spikecuda.cli import terminal
from spikecuda.devices.base import Graph, Kernel
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.examples import brunel, coba, cuba, microcircuit
from spikecuda.inspection import gpus, inspected, networks, profile
from spikecuda.inspection.window import (
    CAUTIOUS,
    LEAST,
    SCHEDULERS,
    SECTOR,
    Load,
    real_time_factor,
    window_parts,
)
from spikecuda.kernels import learn_routines, routines
from spikecuda.network import Network
from spikecuda.network.cuda.delivery import choose
from spikecuda.network.cuda.row_tables import RowTable
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


# Brunel's network, pair STDP from excitatory to excitatory neurons: sources, synapses of a row,
# their rate in Hz, steps of a window; bytes of a synapse: target, weight read and written, units.
PLASTIC_SOURCES, PLASTIC_ROW, PLASTIC_RATE, PLASTIC_WINDOW = 10_000, 1_000, 30.0, 15
PLASTIC_BYTES, LINE_SECTORS = 2 + 4 + 4 + 0.2, 2


def learning_predictions() -> list[tuple[str, ...]]:
    """Return the rows of the table of predictions of ``learn_rows``, all its paths taken once."""
    rows = []
    routine = learn_routines.learn_rows(STDP(w_max=1.0).spec("float32"))
    events = PLASTIC_SOURCES * PLASTIC_ROW * PLASTIC_RATE * PLASTIC_WINDOW * 1e-4
    for name in PREDICTED:
        gpu = gpus.gpu(name)
        code = inspected(routine, gpu.cc).code
        sizes = [
            sum(len(code.block(b)) for b in loop.body) for loop in code.graph.loops
            if any(i.opcode in ("RED", "REDG") for b in loop.body for i in code.block(b))
        ]  # fmt: skip
        turn = min(sizes)  # instructions of a warp for 32 events
        for assumed in (LEAST, CAUTIOUS):
            sectors = SECTOR * (1 + LINE_SECTORS) + PLASTIC_BYTES
            limits = {
                "issue": turn * events / 32 / (SCHEDULERS * gpu.multiprocessors) / gpu.clock,
                "DRAM": events * PLASTIC_BYTES / (gpu.bandwidth * 1e3),
                "L2": events * sectors / (assumed.l2_bandwidth * gpu.multiprocessors) / gpu.clock,
                "latency": (4 * assumed.l2 + 5 * assumed.memory + 2 * turn * assumed.issue)
                / gpu.clock,
            }
            binding = max(limits, key=lambda limit: limits[limit])
            time_of = assumed.start + limits[binding]
            rows.append((
                gpu.name, assumed.name, str(turn), f"{time_of:.2f} ({binding})",
                f"{events / time_of * 1e-3:.0f}",
            ))  # fmt: skip
    return rows


def main() -> None:
    out = terminal.console()
    columns = ("network", "window", "launches/ms", "host µs/ms")
    out.print(terminal.table("Measured here, with launches that do nothing", columns, host_rows()))
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
    out.print(terminal.table(title, columns, learning_predictions()))
    published = [(s, g, f"{f:g}", str(y)) for s, g, f, y in PUBLISHED]
    columns = ("simulator", "GPU", "real-time factor", "year")
    out.print(terminal.table("MEASURED by others, published", columns, published))


if __name__ == "__main__":
    main()

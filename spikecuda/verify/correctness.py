"""Compare runs on a device with the same runs on the CPU, bit for bit."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikecuda.devices.base import Device
from spikecuda.devices.cpu.device import CpuDevice
from spikecuda.errors import SpikecudaError
from spikecuda.pool.pool import GPUNeuronPool
from spikecuda.report.results import Skipped
from spikecuda.verify.cases import Case
from spikecuda.verify.results import Comparison
from spikecuda.verify.settings import Settings

GRAPH_WINDOW = 16
BLOCK = 128
SPIKE_BYTES = 16  # two int64 for each: step and neuron


@dataclass(frozen=True)
class Variation:
    """How a case is run.

    Attributes:
        neurons: size of the population.
        splits: steps of each run.
        batch: neurons per launch, or None.
        block: threads per block.
        window: the most steps of a launch, or None.
    """

    neurons: int
    splits: tuple[int, ...]
    batch: int | None = None
    block: int = BLOCK
    window: int | None = None


def variations(settings: Settings) -> Iterator[Variation]:
    """Yield the ways that ``settings.varied`` are run in, the plain one left out."""
    plain = Variation(settings.neurons, settings.splits[0])
    for neurons in settings.sizes:
        yield replace(plain, neurons=neurons)
    for batch in settings.batches:
        yield replace(plain, batch=min(batch, settings.neurons))
    for splits in settings.splits[1:]:
        yield replace(plain, splits=splits)
    for block in settings.blocks:
        yield replace(plain, block=block)
    yield replace(plain, splits=(settings.replayed,), window=GRAPH_WINDOW)


class Comparer:
    """Compares runs on a device with runs on the CPU.

    Args:
        device: with an attribute ``block``, threads per block.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self._cpu = CpuDevice()
        # The last runs on the CPU: variations of one case share them.
        self._expected: dict[tuple[Case, int, int], dict[str, bytes]] = {}

    def compare(self, case: Case, way: Variation) -> Comparison:
        """Run a case on both and compare what they give; errors are differences."""
        spikes, difference = 0, ""
        block = getattr(self.device, "block", BLOCK)
        try:
            expected = self._on_cpu(case, way)
            spikes = len(expected["spikes"]) // SPIKE_BYTES
            self.device.block = way.block
            found = simulate(case, way, self.device)
            wrong = [name for name, data in expected.items() if found[name] != data]
            difference = f"different: {', '.join(wrong)}" if wrong else ""
        except SpikecudaError as error:
            difference = f"{type(error).__name__}: {error}"
        finally:
            self.device.block = block
        return Comparison(
            case.model, case.scheme, case.precision, case.structure, way.neurons,
            list(way.splits), way.batch or 0, way.block, way.window or 0, spikes,
            not difference, difference,
        )  # fmt: skip

    def close(self) -> None:
        """End the threads of the CPU."""
        self._cpu.close()

    def _on_cpu(self, case: Case, way: Variation) -> dict[str, bytes]:
        """Return what one run on the CPU gives, whatever the launches on the device are."""
        key = (case, way.neurons, sum(way.splits))
        if key not in self._expected:
            if self._expected and next(iter(self._expected))[0] != case:
                self._expected.clear()
            plain = Variation(way.neurons, (sum(way.splits),))
            self._expected[key] = simulate(case, plain, self._cpu)
        return self._expected[key]


def compare_all(
    device: Device, settings: Settings, tick: Callable[[str], None], deadline: float
) -> tuple[list[Comparison], list[Skipped]]:
    """Compare every case of the settings.

    Args:
        device: with an attribute ``block``.
        settings: what to compare.
        tick: is told what comes next.
        deadline: ``time.perf_counter()`` after which no further case is begun.

    Returns:
        The comparisons, and what there was no time for.
    """
    plain = Variation(settings.neurons, settings.splits[0])
    work: list[tuple[Case, tuple[Variation, ...]]] = []
    work += [(case, (plain,)) for case in settings.cases]
    work += [(case, tuple(variations(settings))) for case in settings.varied]
    found: list[Comparison] = []
    skipped: list[Skipped] = []
    comparer = Comparer(device)
    try:
        for case, ways in work:
            if time.perf_counter() > deadline:
                what = f"{case.name}: {len(ways)} comparison{'s' if len(ways) > 1 else ''}"
                skipped.append(Skipped(what, "no time left in the budget"))
                continue
            tick(case.name)
            found += [comparer.compare(case, way) for way in ways]
    finally:
        comparer.close()
    return found, skipped


def simulate(case: Case, way: Variation, device: Device) -> dict[str, bytes]:
    """Return the bytes of spikes, traces and state after the runs, by name."""
    total, done = sum(way.splits), 0
    record = ("spikes", *case.traces)
    parts: dict[str, list[bytes]] = {}
    with GPUNeuronPool(
        way.neurons, device=device, batch_size=way.batch, window=way.window,
        **case.options(way.neurons),
    ) as pool:  # fmt: skip
        for steps in way.splits:
            given = case.input(way.neurons, total, done, done + steps)
            run = pool.run(steps=steps, input=given, record=record)
            pairs = np.stack([run.spikes.step, run.spikes.neuron.astype(np.int64)], axis=1)
            parts.setdefault("spikes", []).append(pairs.tobytes())
            for name, rows in run.traces.items():
                parts.setdefault(f"trace of {name}", []).append(rows.tobytes())
            done += steps
        for name in pool.state:
            parts[name] = [pool.state[name].tobytes()]
    return {name: b"".join(pieces) for name, pieces in parts.items()}

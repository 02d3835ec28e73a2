"""Find the launch geometry that is fastest here, and keep it for later runs.

On a CUDA device: threads per block.  On the CPU: how many neurons are worth another thread.
"""

import functools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from spikecuda.devices import tuning_cache
from spikecuda.devices.base import Device
from spikecuda.devices.cpu.device import CpuDevice
from spikecuda.devices.launch_geometry import BLOCKS
from spikecuda.errors import NumericalError, SpikecudaValueError
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.pool.pool import GPUNeuronPool
from spikecuda.report.workloads import DT, WORKLOADS
from spikecuda.verify.throughput import Window, replay

# Steps of a launch, as long windows have them; windows in a graph.
STEPS, WINDOWS = 256, 4
CHECK_STEPS = 64
# CPU pools that are tried with one thread and with all.
SIZES = (1024, 2048, 4096, 8192, 16384, 32768, 65536)
# All threads must be faster by this much to be worth waking.
WORTH = 1.05


@dataclass(frozen=True)
class Tried:
    """One geometry.

    Attributes:
        model, precision, device, neurons: the pool.
        field: what was varied: "block" or "neurons_per_thread".
        value: its value; for the CPU, the neurons that each of the threads in use had.
        threads: CPU threads in use; 0 elsewhere.
        nanoseconds: of an update, median of the repeats.
        best: whether it is kept.
    """

    model: str
    precision: str
    device: str
    neurons: int
    field: str
    value: int
    threads: int
    nanoseconds: float
    best: bool = False


def tune(
    device: Device, model: str, precision: str, neurons: int, seconds: float, repeats: int
) -> list[Tried]:
    """Time every geometry of a kernel and keep the best; all give the same bits, or it raises.

    Args:
        device: open.
        model: its name.
        precision: its name.
        neurons: of the pool; the CPU tries sizes of its own.
        seconds: least time for each geometry.
        repeats: of each.

    Raises:
        NumericalError: two geometries give different bits.
        SpikecudaValueError: the device has no geometry to choose.
    """
    if isinstance(device, CpuDevice):
        if device.threads < 2:
            raise SpikecudaValueError(
                f"threads must be >= 2 to have something to tune on the CPU (got {device.threads})"
            )
        return _tune_threads(device, model, precision, seconds, repeats)
    if not hasattr(device, "block"):
        raise SpikecudaValueError(f"device must be a CPU or CUDA device (got {device.name})")
    return _tune_block(device, model, precision, neurons, seconds, repeats)


def _tune_block(
    device: Any, model: str, precision: str, neurons: int, seconds: float, repeats: int
) -> list[Tried]:
    """Try every block that the kernel's registers allow."""
    from spikecuda.devices.occupancy import occupancy

    before, found, expected = device.block, {}, b""
    current = WORKLOADS[model].current(neurons)
    with _pool(device, model, precision, neurons) as pool:
        spec = pool.neuron_spec.spec()
        try:
            expected = _bits(pool, current)
            drive = ResolvedInput(current, neurons, DT, 0, pool.neuron_spec.precision.real)
            registers = device.kernel(pool.neuron_spec.spec(drive.spec)).resources["registers"]
            for block in BLOCKS:
                if not occupancy(device.cc, registers, block).blocks:
                    continue
                device.block = block
                pool.reset()
                _require_same(_bits(pool, current), expected, f"{model} in blocks of {block}")
                window = Window(pool, current, STEPS)
                try:
                    work = functools.partial(replay, device, window.graph(WINDOWS))
                    found[block] = _time(work, seconds, repeats) / (neurons * STEPS * WINDOWS)
                finally:
                    window.close()
        finally:
            device.block = before
    best = min(found, key=lambda block: found[block])
    tuning_cache.store(device.description, spec, block=best, seconds=found[best])
    return [
        Tried(model, precision, device.name, neurons, "block", block, 0, 1e9 * each, block == best)
        for block, each in found.items()
    ]


def _tune_threads(
    device: CpuDevice, model: str, precision: str, seconds: float, repeats: int
) -> list[Tried]:
    """Find the size from which on all threads are faster than one."""
    rows: list[Tried] = []
    for neurons in SIZES:
        current, expected = WORKLOADS[model].current(neurons), b""
        for threads in (1, device.threads):
            batch = -(-neurons // threads)
            with _pool(device, model, precision, neurons, batch_size=batch) as pool:
                spec, bits = pool.neuron_spec.spec(), _bits(pool, current)
                _require_same(bits, expected or bits, f"{model} on {threads} threads")
                expected = bits
                each = _time(functools.partial(_run, pool, current), seconds, repeats)
            nanoseconds = 1e9 * each / (neurons * STEPS)
            rows.append(
                Tried(model, precision, device.name, neurons, "neurons_per_thread", batch,
                      threads, nanoseconds)
            )  # fmt: skip
    worth = SIZES[-1]
    for one, several in reversed(list(zip(rows[::2], rows[1::2], strict=True))):
        if one.nanoseconds < WORTH * several.nanoseconds:
            break
        worth = one.neurons
    fastest = min(row.nanoseconds for row in rows) / 1e9
    tuning_cache.store(
        device.description, spec, neurons_per_thread=worth // device.threads, seconds=fastest
    )
    return [replace(row, best=(row.neurons, row.threads) == (worth, device.threads))
            for row in rows]  # fmt: skip


def _pool(
    device: Device, model: str, precision: str, neurons: int, **options: Any
) -> GPUNeuronPool:
    return GPUNeuronPool(
        neurons, model, precision=precision, dt=DT, seed=1, device=device,
        initial=WORKLOADS[model].initial(), **options,
    )  # fmt: skip


def _bits(pool: GPUNeuronPool, current: Any) -> bytes:
    spikes = pool.run(steps=CHECK_STEPS, input=current).spikes
    state = b"".join(pool.state[name].tobytes() for name in pool.state)
    return spikes.step.tobytes() + spikes.neuron.tobytes() + state


def _require_same(bits: bytes, expected: bytes, what: str) -> None:
    if bits != expected:
        raise NumericalError(f"{what}: bits differ from another geometry's; please report this")


def _run(pool: GPUNeuronPool, current: Any, times: int) -> float:
    """Run a number of windows; return their seconds."""
    begin = time.perf_counter()
    pool.run(steps=times * STEPS, input=current, record=None)
    return time.perf_counter() - begin


def _time(work: Callable[[int], float], seconds: float, repeats: int) -> float:
    """Return the seconds of one unit of work; ``work(n)`` does n and returns their seconds."""
    work(1)
    once = max(work(1), 1e-7)
    times = max(1, round(seconds / repeats / once))
    return statistics.median(work(times) / times for _ in range(repeats))

"""Speed against the number of neurons and of threads, and the memory that goes with it."""

from collections.abc import Callable

from spikecuda.common.host_memory import available_memory
from spikecuda.errors import OutOfMemoryError
from spikecuda.pool.pool import GPUNeuronPool
from spikecuda.report.measure import Timing, open_pool, speed_point, time_pool
from spikecuda.report.results import MemoryPoint, Skipped, SpeedPoint
from spikecuda.report.settings import Settings
from spikecuda.report.workloads import WORKLOADS

# Host bytes per neuron while a point is prepared: current, start values and their copies.
HOST_BYTES = 80
MEMORY_NEURONS = 1_000_000
# A launch takes at most this many steps, and no more than fill this buffer of spike bits.
LAUNCH_STEPS, LAUNCH_BYTES = 1024, 32 << 20
THREAD_PRECISION = "float32"


def measure_scaling(
    settings: Settings, device: str, tick: Callable[[str], None]
) -> tuple[list[SpeedPoint], list[MemoryPoint], list[Skipped]]:
    """Return speed for each size, model and precision; memory at a million or fewer; what lacks."""
    speed: list[SpeedPoint] = []
    memory: list[MemoryPoint] = []
    at = max([n for n in settings.sizes if n <= MEMORY_NEURONS], default=settings.sizes[0])
    skipped: list[Skipped] = []
    threads = settings.threads[-1]
    for neurons in settings.sizes:
        for model in settings.models:
            for precision in settings.precisions:
                tick(f"{neurons:,} {model} neurons, {precision}")
                what = f"{neurons:,} {model} neurons, {precision}, on {device}"
                if neurons * HOST_BYTES > available_memory():
                    need, there = neurons * HOST_BYTES / 1e9, available_memory() / 1e9
                    reason = f"needs about {need:.1f} GB of RAM ({there:.1f} GB available)"
                    skipped.append(Skipped(what, reason))
                    continue
                try:
                    with open_pool(
                        model, precision, neurons, device=device, threads=threads,
                        seed=settings.seed,
                    ) as pool:  # fmt: skip
                        timing = _time(pool, settings)
                        speed.append(speed_point(pool, timing, threads))
                        if neurons == at:
                            memory.append(memory_point(pool, settings.seed))
                except OutOfMemoryError as error:
                    skipped.append(Skipped(what, str(error)))
    return speed, memory, skipped


def measure_threads(settings: Settings, tick: Callable[[str], None]) -> list[SpeedPoint]:
    """Return the speed for each model and number of threads of the CPU."""
    points = []
    for model in settings.models:
        for threads in settings.threads:
            tick(f"{model}, {threads} thread{'s' if threads > 1 else ''}")
            with open_pool(
                model, THREAD_PRECISION, settings.thread_neurons, threads=threads,
                seed=settings.seed,
            ) as pool:  # fmt: skip
                points.append(speed_point(pool, _time(pool, settings), threads))
    return points


def _time(pool: GPUNeuronPool, settings: Settings) -> Timing:
    current = WORKLOADS[pool.model.name].current(pool.num_neurons, settings.seed)
    return time_pool(pool, current, settings.seconds, settings.repeats)


def memory_point(pool: GPUNeuronPool, seed: int) -> MemoryPoint:
    """Return a pool's memory per neuron in a long run, its buffers sorted by what they are for."""
    n = pool.num_neurons
    buffers: dict[str, int] = {}

    def look(done: int, total: int) -> None:
        m = pool.metrics()
        buffers.update(m.device_bytes or m.host_bytes)

    # One launch, so that the buffer of spike bits has its final size.
    window = min(LAUNCH_STEPS, max(16, LAUNCH_BYTES // (4 * ((n + 31) // 32))))
    current = WORKLOADS[pool.model.name].current(n, seed)
    pool.run(steps=window, input=current, record=None, progress=look)
    held = dict.fromkeys(("state", "parameters", "input", "spike_bits", "other"), 0)
    states = {*pool.model.states, "refrac"}
    constants = {*pool.model.kernel_arguments(pool.scheme), "n_ref"}
    for name, size in buffers.items():
        if name in states:
            kind = "state"
        elif name in constants:
            kind = "parameters"
        elif name == "spike bits":
            kind = "spike_bits"
        elif name.startswith(("bias", "wave", "drive", "gain", "shape", "sigma")):
            kind = "input"
        else:
            kind = "other"
        held[kind] += size
    return MemoryPoint(
        model=pool.model.name, precision=pool.precision, device=pool.device.name, neurons=n,
        buffers=buffers, **{kind: size / n for kind, size in held.items()},
    )  # fmt: skip

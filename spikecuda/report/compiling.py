"""Build every kernel the report needs, in parallel, and note how long each took."""

from collections.abc import Callable, Sequence
from typing import Any

from spikecuda.report.child import finish, start
from spikecuda.report.machine import usable_cores
from spikecuda.report.results import CompilePoint
from spikecuda.report.settings import Settings

MAX_PROCESSES = 4


def measure_compiling(
    settings: Settings, devices: Sequence[str], tick: Callable[[str], None]
) -> list[CompilePoint]:
    """Return the time to build each kernel; afterwards the cache holds them all."""
    wanted = [
        [model, precision, kind] for kind in dict.fromkeys(("constant", *settings.drives))
        for model in settings.models for precision in settings.precisions
    ] + [[model, "float32", "trace"] for model in settings.models]  # fmt: skip
    points: list[CompilePoint] = []
    if "cpu" in devices:
        count = min(MAX_PROCESSES, usable_cores(), len(wanted))
        tick(f"{len(wanted)} kernels in {count} processes")
        function = "spikecuda.report.compiling:build_all"
        processes = [start(function, wanted[i::count]) for i in range(count)]
        try:
            for process in processes:
                points += [CompilePoint(**found) for found in finish(process)]
                built = sum(1 for p in points if p.input)
                tick(f"{built} of {len(wanted)} kernels")
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                    process.communicate()
    for device in devices:
        if device != "cpu":
            for names in wanted:
                tick(f"{device}: {' '.join(names)}")
                points.append(CompilePoint(**build(names[0], names[1], names[2], device)))
    # Each process builds the host's loops; one figure is enough.
    host = [p for p in points if p.input == ""]
    return [*host[:1], *(p for p in points if p.input)]


def build_all(wanted: Sequence[Sequence[str]], begin: float) -> list[dict[str, Any]]:
    """Build kernels one after the other; runs in the fresh process."""
    import time

    from spikecuda.common.precision import as_precision

    start = time.perf_counter()
    # Imports the compiler and builds what every pool needs, so that a kernel's time is its own.
    with _pool("lif", "float32", "cpu") as pool:
        pool.device.build_host_loops(as_precision("float32"))
    seconds = time.perf_counter() - start
    facts: list[dict[str, Any]] = [
        {"kernel": "host loops, with importing the compiler", "target": "cpu", "input": "",
         "seconds": seconds, "cached": False}
    ]  # fmt: skip
    return facts + [build(*names) for names in wanted]


def build(model: str, precision: str, kind: str, device: str = "cpu") -> dict[str, Any]:
    """Build one kernel by running a small pool once; return the fields of a CompilePoint."""
    from spikecuda.inputs.stimulus import Constant, Noise

    terms: list[Any] = [Constant([1.0] * 64)]
    if kind == "noise":
        terms.append(Noise(1.0))
    with _pool(model, precision, device) as pool:
        pool.run(steps=1, input=terms, record=["spikes", *(["v"] if kind == "trace" else [])])
        (kernel,) = pool.device.kernels.values()
        stats = getattr(kernel.function, "stats", None)
        return {
            "kernel": kernel.spec.name,
            "target": device,
            "input": kind,
            "seconds": kernel.compile_seconds,
            "cached": bool(stats is not None and sum(stats.cache_hits.values())),
        }


def _pool(model: str, precision: str, device: str) -> Any:
    from spikecuda.pool.pool import GPUNeuronPool

    return GPUNeuronPool(64, model, precision=precision, device=device)

"""What a run leaves behind: an npz file and a summary table."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.cli.runconfig import RunConfig
from spikecuda.common.npz import write_npz

if TYPE_CHECKING:
    from spikecuda.pool.pool import GPUNeuronPool, RunResult


def write(
    path: Path, pool: "GPUNeuronPool", result: "RunResult", inputs: str, config: RunConfig
) -> Path:
    """Write spikes, traces, parameters and metadata; all of the file or nothing.

    Arrays: ``spike_step`` int64 and ``spike_neuron`` int32; ``time`` (ms) and ``trace_<state>``
    (steps, num_neurons); ``param_<name>``; ``metadata``, a JSON text.
    """
    arrays: dict[str, Any] = {f"param_{name}": v for name, v in pool.params.items()}
    if result.recorded_spikes is not None:
        arrays["spike_step"], arrays["spike_neuron"] = result.spikes.step, result.spikes.neuron
    if result.traces:
        arrays["time"] = result.time
        arrays.update({f"trace_{name}": trace for name, trace in result.traces.items()})
    arrays["metadata"] = np.array(json.dumps(metadata(pool, result, inputs, config)))
    return write_npz(path, arrays)


def metadata(
    pool: "GPUNeuronPool", result: "RunResult", inputs: str, config: RunConfig
) -> dict[str, Any]:
    """Return what is needed to understand and to repeat the run."""
    from spikecuda import __version__

    return {
        "format": "spikecuda run 1",
        "spikecuda": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "model": pool.model.name,
        "num_neurons": pool.num_neurons,
        "precision": pool.precision,
        "scheme": pool.scheme,
        "substeps": pool.substeps,
        "dt": pool.dt,
        "seed": pool.seed,
        "steps": result.steps,
        "num_spikes": result.num_spikes,
        "device": pool.device.name,
        "device_description": pool.device.description,
        "input": inputs,
        "params": config.params,
        "initial": config.initial,
        "metrics": pool.metrics().as_dict(),
    }


def summary(
    pool: "GPUNeuronPool",
    result: "RunResult",
    inputs: str,
    wall: float,
    why: str,
    written: Path | None,
) -> None:
    """Print what the run did."""
    from spikecuda.cli.terminal import console, facts, human_bytes, human_rate, human_seconds

    m = pool.metrics()
    held = m.device_bytes or m.host_bytes
    shown = ", ".join(f"{name} {human_bytes(size)}" for name, size in held.items())
    faster = f"{1 / m.realtime_factor:.3g}x real time" if m.realtime_factor else "no time passed"
    substeps = f", {pool.substeps} substeps" if pool.substeps > 1 else ""
    console().print(facts("", [
        ("neurons", f"{pool.num_neurons:,} {pool.model.name} (scheme {pool.scheme}{substeps}), "
                    f"{pool.precision}"),
        ("device", f"{pool.device.name}: {pool.device.description}"),
        ("", why),
        ("input", inputs),
        ("model time", f"{m.time:,.6g} ms, {m.steps:,} steps of {pool.dt:g} ms"),
        ("spikes", f"{result.num_spikes:,}"),
        ("mean rate", f"{m.mean_rate:.4g} Hz"),
        ("run time", f"{human_seconds(m.run_seconds)}: {faster} "
                     f"(real-time factor {m.realtime_factor:.3g})"),
        ("speed", f"{human_rate(m.updates_per_second)} neuron updates"),
        ("compile time", f"{human_seconds(m.compile_seconds)}, not part of the run time"),
        ("in all", human_seconds(wall)),
        ("windows", f"{m.windows:,}, each {m.launches_per_window:.3g} launches and "
                    f"{m.host_microseconds:.3g} µs of the host"),
        ("memory", f"{human_bytes(sum(held.values()))}: {shown} (peak "
                   f"{human_bytes(m.memory.peak)}, cached {human_bytes(m.memory.cached)})"),
        ("written", str(written) if written else "nothing; --out FILE.npz keeps what is recorded"),
    ]))  # fmt: skip

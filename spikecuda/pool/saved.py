"""Pools and systems in files: what both have in common."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from spikecuda.common.npz import FormatError
from spikecuda.inputs.drive import Drive
from spikecuda.runtime.pace import as_lateness
from spikecuda.runtime.population import Population
from spikecuda.runtime.result import RunResult
from spikecuda.runtime.spikes import Spikes
from spikecuda.saving.codec import Decoder, Encoder
from spikecuda.saving.neurons import neurons_tree
from spikecuda.saving.save_file import Saved

# Figures of a population since its last reset.
COUNTS = ("spikes", "windows", "launches")
SECONDS = ("run_seconds", "kernel_seconds", "host_seconds")


def populations_tree(
    populations: Mapping[str, Population], encoder: Encoder, state: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Return populations by name as a tree; their state goes to ``state``."""
    trees = {}
    for name, population in populations.items():
        spec = population.neuron_spec
        parts = population.partitions
        for variable in parts[0].state:
            pieces = [part.stored(variable) for part in parts]
            state[f"state/{name}/{variable}"] = np.concatenate(pieces)
        trees[name] = {
            "neurons": neurons_tree(spec, encoder, name),
            "states": list(parts[0].state),
            "figures": {key: getattr(population, key) for key in (*COUNTS, *SECONDS)},
        }
    return trees


def put_states(
    populations: Mapping[str, Population], trees: Mapping[str, Any], saved: Saved, steps: int
) -> None:
    """Give populations the states and figures that were saved."""
    for name, population in populations.items():
        parts, tree = population.partitions, trees[name]
        if sorted(parts[0].state) != sorted(tree["states"]):
            raise FormatError(f"{name} has the states {', '.join(tree['states'])}")
        for variable in parts[0].state:
            kind = parts[0].state[variable].dtype.str[1:]
            count = population.neuron_spec.count
            values = saved.take(f"state/{name}/{variable}", kind, 1, count)
            for part in parts:
                part.put(variable, values[part.first : part.first + part.count])
        population.steps = steps
        for key in COUNTS:
            setattr(population, key, int(tree["figures"][key]))
        for key in SECONDS:
            setattr(population, key, float(tree["figures"][key]))


def drives_tree(drives: Iterable[tuple[str, Drive]], encoder: Encoder) -> list[Any]:
    """Return drives, with the type of each, as a tree."""
    return [[name, encoder.tree(f"a drive of {name}", list(d.inputs))] for name, d in drives]


def result_tree(name: str, result: RunResult, state: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return a result as a tree; its arrays go to ``state``."""
    if result.recorded_spikes is not None:
        state[f"result/{name}/step"] = result.recorded_spikes.step
        state[f"result/{name}/neuron"] = result.recorded_spikes.neuron
    for variable, rows in result.traces.items():
        state[f"result/{name}/trace/{variable}"] = rows
    return {
        "spikes": result.recorded_spikes is not None, "traces": list(result.traces),
        "steps": result.steps, "start": result.start, "num_spikes": result.num_spikes,
        "lateness": None if result.lateness is None else result.lateness.as_dict(),
    }  # fmt: skip


def result_of(
    name: str, tree: Mapping[str, Any], saved: Saved, dt: float, neurons: int
) -> RunResult:
    """Return a result of ``result_tree``."""
    spikes, steps = None, int(tree["steps"])
    if tree["spikes"]:
        step = saved.take(f"result/{name}/step", "i8", 1)
        spikes = Spikes(step, saved.take(f"result/{name}/neuron", "i4", 1, step.size), dt)
    traces = {
        variable: saved.take(f"result/{name}/trace/{variable}", "f2 f4 f8 i4", 2, steps)
        for variable in tree["traces"]
    }
    return RunResult(
        spikes, traces, steps, int(tree["start"]), dt, int(tree["num_spikes"]), neurons,
        as_lateness(tree.get("lateness")),
    )  # fmt: skip


def read_drives(trees: Iterable[Any], decoder: Decoder) -> list[tuple[str, list[Any]]]:
    """Return the type and the inputs of each drive of ``drives_tree``."""
    return [(name, decoder.value(inputs)) for name, inputs in trees]

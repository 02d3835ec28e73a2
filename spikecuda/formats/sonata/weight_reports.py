"""Reports of weights: what synapses that learn send at each spike of their source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.files import write_text
from spikecuda.common.time_grid import nearest_steps
from spikecuda.errors import SpikecudaValueError, nearest, shown
from spikecuda.formats.sonata.config import Config
from spikecuda.formats.sonata.synapse_kinds import KINDS
from spikecuda.network.results.synapse_traces import SynapseTraces

MODULE = "weight_recorder"
KNOWN = ("module", "nest_model", "model_template", "file_name", "enabled")
# As the Brain Modeling Toolkit writes it, but for "ports", which only NEST has.
COLUMNS = (
    "source_node_id", "source_population", "target_node_id", "target_population", "time_ms",
    "weights",
)  # fmt: skip


@dataclass(frozen=True)
class WeightReport:
    """A file of weights.

    Attributes:
        file_name: within the folder of outputs.
        model: of NEST's synapses.
        template: the model_template by which edges name both the model and this report.
    """

    file_name: str
    model: str
    template: str


def read_weight_reports(config: Config) -> dict[str, WeightReport]:
    """Return the reports of weights, by the ``model_template`` of their edges.

    Raises:
        SpikecudaValueError: a report that is not possible; names the file and the report.
    """
    result: dict[str, WeightReport] = {}
    path = config.sources.get("reports", config.path)
    for name, options in config.reports.items():
        if options.get("module") != MODULE:
            continue
        where = f"{path}, reports.{name}"
        for key in options:
            if key not in KNOWN:
                raise SpikecudaValueError(
                    f"{where}: has an option that is not known here (got {key!r:.80}"
                    f"{nearest(key, KNOWN)})"
                )
        learning = [model for model, kind in KINDS.items() if kind.rule and kind.rule.learns]
        model = options.get("nest_model")
        if not is_name(model, learning):
            raise SpikecudaValueError(
                f"{where}: nest_model must be {' or '.join(learning)}, whose weights change (got "
                f"{shown(model)}); leave the report out"
            )
        template, file = options.get("model_template"), options.get("file_name", f"{name}.csv")
        if not isinstance(template, str) or template in (*KINDS, *result):
            raise SpikecudaValueError(
                f"{where}: model_template must be a name of its own, which edges have (got "
                f"{shown(template)})"
            )
        if not isinstance(file, str) or not file:
            raise SpikecudaValueError(f"{where}: file_name must be a text (got {shown(file)})")
        result[template] = WeightReport(file, model, template)
    return result


def sent_weights(
    neurons: np.ndarray, times: np.ndarray, traces: SynapseTraces, dt: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which spike and which synapse each weight that was sent belongs to, and the weight.

    Args:
        neurons: that sent the spikes, int64 (spikes,).
        times: of the spikes, ms, float64 (spikes,).
        traces: weights of all synapses after each step.
        dt: length of a step, ms.
    """
    order = np.argsort(traces.source, kind="stable")
    ordered = traces.source[order]
    first, last = (np.searchsorted(ordered, neurons, side) for side in ("left", "right"))
    counts = last - first
    spike = np.repeat(np.arange(neurons.size), counts)
    place = np.arange(spike.size) - np.repeat(np.cumsum(counts) - counts, counts)
    synapse = order[first[spike] + place]
    step = np.searchsorted(nearest_steps(traces.time, dt), nearest_steps(times, dt)[spike])
    return spike, synapse, traces["weight"][step, synapse]


def write_weights(file: Path, parts: Sequence[Mapping[str, Any]]) -> None:
    """Write weights as a text, in the order of time.

    Args:
        file: to write.
        parts: by name of a column: values (rows,), or one text for all.
    """
    sizes = [np.size(part["time_ms"]) for part in parts]
    columns = {
        name: np.concatenate([
            np.broadcast_to(np.asarray(part[name]), size)
            for part, size in zip(parts, sizes, strict=True)
        ] or [np.empty(0)])
        for name in COLUMNS
    }  # fmt: skip
    order = np.lexsort((columns["target_node_id"], columns["source_node_id"], columns["time_ms"]))
    rows = zip(*(columns[name][order].tolist() for name in COLUMNS), strict=True)
    lines = [" ".join(COLUMNS), *(
        f"{source} {of} {target} {to} {time:.12g} {weight:.9g}"
        for source, of, target, to, time, weight in rows
    )]  # fmt: skip
    write_text(file, "\n".join(lines) + "\n")

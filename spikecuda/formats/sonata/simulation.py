"""A SONATA simulation as a Network, its run, and the files that it writes."""

import logging
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_positive, is_name
from spikecuda.common.files import write_text
from spikecuda.common.notice import notice
from spikecuda.common.seed import as_seed
from spikecuda.common.time_grid import nearest_steps
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.formats.sonata.build import Learning, Part, build
from spikecuda.formats.sonata.cell_kinds import VARIABLES
from spikecuda.formats.sonata.config import OUTPUT_DIR, SPIKES_FILE, Config, read_config
from spikecuda.formats.sonata.read import INTFIRE, read_circuit
from spikecuda.formats.sonata.reports import Report, read_reports
from spikecuda.formats.sonata.weight_reports import sent_weights, write_weights
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.results.sonata import ORDERS, write_report, write_spikes

DT = 0.1
# ms; with it NEURON's spikes of the example 300_intfire are all there.
INTFIRE_DT = 0.05


@dataclass(frozen=True, eq=False)
class SonataSimulation:
    """A network, and what the files say about its run.

    Attributes:
        net: the network, which can be changed before it runs.
        duration: of the run, ms.
        parts: by population of SONATA: the populations of ``net`` that hold its nodes.
        reports: what ``write`` writes beside the spikes.
        learning: synapses whose weights ``write`` writes, too.
        ignored: what the files have that has no effect here, in words.
        config: what was read.
    """

    net: Network
    duration: float
    parts: Mapping[str, list[Part]]
    reports: list[Report]
    learning: list[Learning]
    ignored: tuple[str, ...]
    config: Config

    def run(self, progress: Callable[[int, int], None] | bool = False) -> NetworkResult:
        """Run the network for ``duration``; see ``Network.run``."""
        return self.net.run(self.duration, progress=progress)

    def spikes(self, result: NetworkResult) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return node ids, int64 (spikes,), and times in ms, float64, by population of SONATA.

        They are sorted by time, then by node.
        """
        sent = {}
        for name, parts in self.parts.items():
            some = [(part, result.spikes[part.name]) for part in parts if part.cells is not None]
            if some:
                nodes = np.concatenate([part.ids[spikes.neuron] for part, spikes in some])
                times = np.concatenate([spikes.time for _, spikes in some])
                order = np.lexsort((nodes, times))
                sent[name] = nodes[order], times[order]
        return sent

    def write(
        self, result: NetworkResult, folder: str | os.PathLike[str] | None = None
    ) -> list[Path]:
        """Write spikes and reports as the configuration says.

        Args:
            result: of ``run``.
            folder: where to; None: the configuration's ``output_dir``.

        Returns:
            The files.

        Raises:
            SpikecudaValueError: the configuration forbids to replace files that are there.
            OSError: a file cannot be written.
        """
        where, spikes_file, table, reports, weights = self._files(folder)
        where.mkdir(parents=True, exist_ok=True)
        sorting = str(self.config.output.get("spikes_sort_order", "by_time") or "none")
        write_spikes(spikes_file, self.spikes(result), sorting)
        if table is not None:
            self._write_table(result, table)
        for report, file in zip(self.reports, reports, strict=True):
            self._write_report(result, report, file)
        for file in weights:
            mine = [some for some in self.learning if where / some.report == file]
            write_weights(file, [self._sent(result, some) for some in mine])
        return [spikes_file, *([] if table is None else [table]), *reports, *weights]

    def require_writable(self, folder: str | os.PathLike[str] | None = None) -> None:
        """Raise before a run if ``write`` would replace what the configuration forbids to replace.

        Args:
            folder: as for ``write``.

        Raises:
            SpikecudaValueError: a file is there; names it.
        """
        self._files(folder)

    def _files(
        self, folder: str | os.PathLike[str] | None
    ) -> tuple[Path, Path, Path | None, list[Path], list[Path]]:
        """Return the folder, and the files of spikes, their table, reports and weights."""
        output = self.config.output
        where = Path(folder or output.get("output_dir", self.config.path.parent / OUTPUT_DIR))
        spikes_file = where / str(output.get("spikes_file", SPIKES_FILE))
        table = where / str(output["spikes_file_csv"]) if output.get("spikes_file_csv") else None
        reports = [where / report.file_name for report in self.reports]
        weights = [where / name for name in dict.fromkeys(some.report for some in self.learning)]
        for file in (spikes_file, *([] if table is None else [table]), *reports, *weights):
            if output.get("overwrite_output_dir", True) is False and file.exists():
                raise SpikecudaValueError(
                    f"{self.config.path}: overwrite_output_dir is false, and {file} is there; give "
                    "another folder"
                )
        return where, spikes_file, table, reports, weights

    def _sent(self, result: NetworkResult, some: Learning) -> dict[str, Any]:
        """Return the weights that the spikes of a projection's sources sent."""
        (source, from_part), (target, to_part) = some.source, some.target
        which: Any = some.projection  # two may have one name
        spikes, traces = result.spikes[from_part.name], result.synapses[which]
        sent, row, weights = sent_weights(spikes.neuron, spikes.time, traces, self.net.dt)
        return {
            "source_node_id": from_part.ids[traces.source[row]], "source_population": source,
            "target_node_id": to_part.ids[traces.target[row]], "target_population": target,
            "time_ms": spikes.time[sent], "weights": weights,
        }  # fmt: skip

    def _write_table(self, result: NetworkResult, file: Path) -> None:
        """Write the spikes as a text, sorted by population and time."""
        lines = ["timestamps population node_ids"]
        for name, (nodes, times) in self.spikes(result).items():
            lines += [f"{t:.10g} {name} {n}" for t, n in zip(times, nodes, strict=True)]
        write_text(file, "\n".join(lines) + "\n")

    def _write_report(self, result: NetworkResult, report: Report, file: Path) -> None:
        """Write a report: its samples of each population, at its interval."""
        frames, unit = {}, report.unit or ""
        state, dt = VARIABLES[report.variable], self.net.dt
        for population, rows in report.selection.items():
            columns, nodes = [], []
            for part in self.parts[population]:
                mine = np.flatnonzero(np.isin(part.rows, rows))
                if part.cells is None or not mine.size:
                    continue
                # Samples are at steps; the first one is at dt.
                steps = nearest_steps(result.trace_times[part.name], dt)
                chosen = (steps >= report.first) & (steps <= report.last)
                chosen &= steps % report.every == 0
                places = np.searchsorted(result.trace_neurons(part.name), mine)
                columns.append(result.traces[part.name][state][chosen][:, places])
                nodes.append(part.ids[mine])
                unit = report.unit or result.units[part.name][state]
            ids = np.concatenate(nodes)
            order = np.argsort(ids)
            frames[population] = ids[order], np.concatenate(columns, axis=1)[:, order]
        samples = max(len(values) for _, values in frames.values())
        times = tuple(s * dt for s in (
            report.first, report.first + samples * report.every, report.every
        ))  # fmt: skip
        write_report(file, frames, (times[0], times[1], times[2]), unit)


def from_sonata(
    config: str | os.PathLike[str],
    *,
    dt: float | None = None,
    duration: float | None = None,
    **options: Any,
) -> SonataSimulation:
    """Read a SONATA simulation of point neurons.

    All files are read and checked before the network is made.

    Args:
        config: JSON file of the simulation, of the circuit, or one that names both.
        dt: length of a step, ms; None: the configuration's, or 0.1, and at most 0.05 with
            ``nrn:IntFire1``.
        duration: of the run, ms; None: the configuration's ``tstop``.
        options: of ``Network``: precision, threads, devices, seed.

    Returns:
        The simulation; ``run()`` runs it, ``write(result)`` writes what its files say.

    Raises:
        SpikecudaValueError: cells with compartments, a model, input or report that is not possible,
            a node or a type that is not there, arrays that do not fit each other; the message names
            the file and the row.
        MissingPackageError: h5py is not installed: ``pip install "spikecuda[sonata]"``.
        OSError: a file cannot be read.

    Source: SONATA developer guide 0.1 (github.com/AllenInstitute/sonata); what it leaves open is as
    in the Brain Modeling Toolkit 1.2 with NEST.
    """
    found = read_config(config)
    step = as_positive("dt", found.run.get("dt", DT) if dt is None else dt, "ms")
    stop = duration
    if stop is None:
        stop = found.run.get("tstop", found.run.get("duration"))
    if stop is None:
        raise SpikecudaValueError(
            f"{found.path}: run.tstop must be given in ms (got none); or give duration="
        )
    stop = as_positive("duration", stop, "ms")
    sorting = found.output.get("spikes_sort_order", "by_time") or "none"
    if not is_name(sorting, ORDERS):
        raise SpikecudaValueError(
            f"{found.sources.get('output', found.path)}: output.spikes_sort_order must be one of "
            f"{', '.join(name for name in ORDERS if name)} (got {sorting!r:.80})"
        )
    seed = as_seed(options.get("seed", 0))
    circuit = read_circuit(found, step, seed)
    between = any(cells.template == INTFIRE for some in circuit.cells.values() for cells in some)
    if between and step > INTFIRE_DT:
        text = (
            f"{found.path}: NEURON's IntFire1 takes spikes between steps, whatever its dt; here "
            "they are rounded to dt = "
        )
        if dt is None:
            step /= math.ceil(step / INTFIRE_DT)
            circuit = read_circuit(found, step, seed)
            notice(f"{text}{step:g} ms; dt= sets another")
        else:
            notice(f"{text}{step:g} ms; {INTFIRE_DT} or less is nearer to it", logging.WARNING)
    reports = read_reports(found, circuit.sets, circuit.nodes, step, stop)
    try:
        net = Network(dt=step, **options)
    except TypeError as error:
        if isinstance(error, SpikecudaError):
            raise
        raise SpikecudaValueError(f"options must be those of Network ({error!s:.200})") from None
    parts, learning = build(net, circuit, reports, stop)
    return SonataSimulation(net, stop, parts, reports, learning, tuple(found.ignored), found)

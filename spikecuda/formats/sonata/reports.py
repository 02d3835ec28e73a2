"""Reports: which variables of which nodes a simulation writes, and when."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.time_grid import nearest_step, whole_steps
from spikecuda.errors import SpikecudaValueError, nearest, shown
from spikecuda.formats.sonata.cell_kinds import VARIABLES
from spikecuda.formats.sonata.config import SPIKES_FILE, Config
from spikecuda.formats.sonata.node_sets import NodeSets, Selection
from spikecuda.formats.sonata.nodes import Nodes
from spikecuda.formats.sonata.weight_reports import MODULE as WEIGHTS

MODULES = ("membrane_report", "multimeter_report")
KNOWN = (
    "cells", "variable_name", "module", "sections", "enabled", "start_time", "end_time", "dt",
    "file_name", "unit", "format",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Report:
    """A file of samples of one variable.

    Attributes:
        where: file and name, for errors.
        file_name: within the folder of outputs.
        variable: as the file calls it.
        selection: whose.
        every: steps between samples.
        first, last: steps of the first sample and of the end of the window.
        unit: what the file says; None: that of the variable.
    """

    where: str
    file_name: str
    variable: str
    selection: Selection
    every: int
    first: int
    last: int
    unit: str | None


def read_reports(
    config: Config, sets: NodeSets, nodes: Mapping[str, Nodes], dt: float, duration: float
) -> list[Report]:
    """Return the reports of a configuration.

    Args:
        config, sets, nodes: of the simulation.
        dt: length of a step, ms.
        duration: of the run, ms.

    Raises:
        SpikecudaValueError: a report that is not possible; names the file and the report.
    """
    reports: list[Report] = []
    path = config.sources.get("reports", config.path)
    for name, options in config.reports.items():
        if options.get("module") == WEIGHTS:
            continue
        where = f"{path}, reports.{name}"
        _require(where, options)
        selection = sets.find(where, options.get("cells", options.get("node_set")))
        for population, rows in selection.items():
            selection[population] = rows[~nodes[population].virtual[rows]]
        selection = {population: rows for population, rows in selection.items() if rows.size}
        if not selection:
            raise SpikecudaValueError(f"{where}: cells must have neurons (got none)")
        every = whole_steps(f"{where}: dt", _time(where, options, "dt", dt), dt, some=True)
        start = _time(where, options, "start_time", 0.0)
        end = _time(where, options, "end_time", duration)
        given = options.get("variable_name")
        for variable in given if isinstance(given, list) else [given]:
            if not is_name(variable, VARIABLES):
                known = list(VARIABLES)
                raise SpikecudaValueError(
                    f"{where}: variable_name must be one of {', '.join(known)} (got "
                    f"{variable!r:.80}{nearest(str(variable), known)})"
                )
            file = options.get("file_name") or f"{name}.h5"
            if isinstance(given, list) and len(given) > 1:
                stem = file.removesuffix(".h5")
                file = f"{stem}_{variable}.h5"
            spikes = config.output.get("spikes_file", SPIKES_FILE)
            if file in (spikes, *(report.file_name for report in reports)):
                raise SpikecudaValueError(
                    f"{where}: file_name must be one that nothing else is written to (got "
                    f"{file!r:.80}); give another"
                )
            first = max(1, math.ceil(nearest_step(start, dt) / every)) * every
            reports.append(Report(
                where, file, str(variable), selection, every, first, nearest_step(end, dt),
                options.get("unit"),
            ))  # fmt: skip
    return reports


def _require(where: str, options: Mapping[str, Any]) -> None:
    module = options.get("module", MODULES[0])
    if module not in MODULES:
        raise SpikecudaValueError(
            f"{where}: module must be {', '.join(MODULES)} or {WEIGHTS} (got {module!r:.80}); "
            "enabled: false leaves it out"
        )
    if str(options.get("format", "HDF5")).upper() != "HDF5":
        raise SpikecudaValueError(f"{where}: format must be HDF5 (got {options['format']!r:.80})")
    for key in ("file_name", "unit"):
        if not isinstance(options.get(key), str | None):
            raise SpikecudaValueError(
                f"{where}: {key} must be a text (got {shown(options[key])}); write one, or leave "
                "it out"
            )
    for key in options:
        if key not in KNOWN:
            raise SpikecudaValueError(
                f"{where}: has an option that is not known here (got {key!r:.80}"
                f"{nearest(key, KNOWN)})"
            )


def _time(where: str, options: Mapping[str, Any], key: str, default: float) -> float:
    value = options.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise SpikecudaValueError(f"{where}: {key} must be a time >= 0 ms (got {value!r:.80})")
    return float(value)


def recorded(
    reports: list[Report], population: str, rows: np.ndarray
) -> tuple[list[Report], np.ndarray, int] | None:
    """Return the reports of a part of a population, which of its rows they need, and how often.

    Args:
        reports: all.
        population: of SONATA.
        rows: of the part, ascending.
    """
    mine = [
        r for r in reports
        if population in r.selection and np.isin(rows, r.selection[population]).any()
    ]  # fmt: skip
    if not mine:
        return None
    wanted = np.unique(np.concatenate([r.selection[population] for r in mine]))
    every = math.gcd(*(report.every for report in mine))
    return mine, np.flatnonzero(np.isin(rows, wanted)), every

"""NetworkResult as a table on the terminal."""

from typing import TYPE_CHECKING

import numpy as np

from spikecuda.common.arguments import as_real
from spikecuda.common.notebook import table_html
from spikecuda.common.terminal import table as make_table
from spikecuda.common.time_grid import nearest_step
from spikecuda.network.results.result import SYNCHRONY_BIN, NetworkResult

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("population", "neurons", "spikes", "rate (Hz)", "CV", "synchrony")


def table(result: NetworkResult, start: float | None = None, stop: float | None = None) -> "Table":
    """Return a rich table of the populations; a dash stands for what the time was too short for.

    Args:
        result: of a run.
        start, stop: part of it, ms.
    """
    return make_table(*contents(result, start, stop))


def table_of(result: NetworkResult) -> str:
    """Return the table as HTML."""
    return table_html(*contents(result))


def contents(
    result: NetworkResult, start: float | None = None, stop: float | None = None
) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    """Return the table's title, columns and rows."""
    unknown = dict.fromkeys(result.spikes, float("nan"))
    first = result.start if start is None else as_real("start", start, "ms")
    last = result.stop if stop is None else as_real("stop", stop, "ms")
    span = last - first
    bins = span / max(SYNCHRONY_BIN, result.dt)
    measured = (
        result.rates(start, stop) if span else unknown,
        result.cv(start, stop) if span else unknown,
        result.synchrony(start, stop) if bins >= 3.0 else unknown,
    )
    rows: list[tuple[str, ...]] = []
    edges = [nearest_step(time, result.dt) for time in (first, last)]
    for name, size in result.sizes.items():
        spikes = result.spikes.get(name)
        if spikes is None:
            rows.append((name, f"{size:,}", "not recorded", "", "", ""))
            continue
        low, high = np.searchsorted(spikes.step, edges)
        neurons = result.neurons(name)
        count = f"{result.sizes[name]:,}"
        if not isinstance(neurons, int):
            count = f"{neurons.size:,} of {count}"
        cells = [f"{m[name]:.3g}" if m[name] == m[name] else "–" for m in measured]
        rows.append((name, count, f"{high - low:,}", *cells))
    title = f"{first:g} to {last:g} ms"
    whole = span == result.duration
    if whole:
        title += f", in {result.seconds:.3g} s"
    if whole and result.duration:
        title += f": real-time factor {result.realtime_factor:.3g}"
    if whole and result.lateness is not None:
        title += f"; in real time, {result.lateness}"
    return title, COLUMNS, rows

"""NetworkResult as a table on the terminal."""

from typing import TYPE_CHECKING

from spikecuda.network.result import SYNCHRONY_BIN, NetworkResult
from spikecuda.terminal import table as make_table

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("population", "neurons", "spikes", "rate (Hz)", "CV", "synchrony")


def table(result: NetworkResult) -> "Table":
    """Return a rich table of the populations; a dash stands for what the run was too short for."""
    unknown = dict.fromkeys(result.spikes, float("nan"))
    bins = result.duration / max(SYNCHRONY_BIN, result.dt)
    measured = (
        result.rates() if result.duration else unknown,
        result.cv() if result.duration else unknown,
        result.synchrony() if bins >= 3.0 else unknown,
    )
    rows = []
    for name, spikes in result.spikes.items():
        neurons = result.neurons(name)
        count = f"{result.sizes[name]:,}"
        if not isinstance(neurons, int):
            count = f"{neurons.size:,} of {count}"
        cells = [f"{m[name]:.3g}" if m[name] == m[name] else "–" for m in measured]
        rows.append((name, count, f"{len(spikes):,}", *cells))
    title = f"{result.start:g} to {result.stop:g} ms, in {result.seconds:.3g} s"
    if result.duration:
        title += f": real-time factor {result.realtime_factor:.3g}"
    return make_table(title, COLUMNS, rows)

"""Current clamps: which currents go into which neurons, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.hdf5 import reading_hdf5
from spikecuda.errors import SpikecudaValueError, nearest, shown
from spikecuda.formats.sonata.node_sets import Selection
from spikecuda.formats.sonata.nodes import EXTRA, Nodes
from spikecuda.formats.sonata.text_rows import read_rows

CURRENT_MODULES = ("IClamp", "iclamp")
SWEEPS = ("nwb", "allen")
CURRENT_TYPES = ("current_clamp", "csv", "file", *SWEEPS)
COMMON = ("input_type", "module", "node_set", "enabled")


@dataclass(frozen=True, eq=False)
class Clamp:
    """A current of pieces.

    Attributes:
        where: file and name, for errors.
        selection: whose.
        start, stop: of each piece, ms, float64 (pieces,).
        amplitude: of each, pA.
    """

    where: str
    selection: Selection
    start: np.ndarray
    stop: np.ndarray
    amplitude: np.ndarray


def require_options(where: str, options: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raise for an option of an input that is not known."""
    for key in options:
        if key not in (*COMMON, *known):
            raise SpikecudaValueError(
                f"{where}: has an option that is not known here (got {key!r:.80}"
                f"{nearest(key, [*COMMON, *known])}); it takes {', '.join(known)}"
            )


def read_clamp(
    where: str, options: Mapping[str, Any], selection: Selection, nodes: Mapping[str, Nodes]
) -> Clamp:
    """Return the current of an input.

    Args:
        where: file and name of the input, for errors.
        options: of the input.
        selection: whose it is.
        nodes: the populations.

    Raises:
        SpikecudaValueError: a current that is not possible; names the input, or the file and line.
    """
    if not any(rows.size for rows in selection.values()):
        raise SpikecudaValueError(f"{where}: node_set must have neurons (got none); give theirs")
    for population, rows in selection.items():
        virtual = nodes[population].virtual[rows]
        if virtual.any():
            elements = nodes[population].elements
            raise SpikecudaValueError(
                f"{where}: node_set must be of neurons (got "
                f"{elements.where(int(rows[virtual.argmax()]))}, which is virtual)"
            )
    if options["input_type"] == "current_clamp" and "file" not in options:
        require_options(where, options, ("amp", "delay", "duration"))
        amp, delay, length = (_list(where, options, key) for key in ("amp", "delay", "duration"))
        if not amp.size == delay.size == length.size:
            raise SpikecudaValueError(
                f"{where}: amp, delay and duration must be of one length (got {amp.size}, "
                f"{delay.size}, {length.size})"
            )
        start, stop = delay, delay + length
    elif options["input_type"] in SWEEPS:
        require_options(where, options, ("file", "sweep_id", "downsample", "sweep_window", "delay"))
        start, amp = _sweep(where, options)
        stop = np.full(start.size, np.inf)
    else:
        require_options(
            where, options, ("file", "separator", "timestamps_column", "amplitudes_column")
        )
        start, amp = _table(where, options)
        stop = np.full(start.size, np.inf)
    if (np.diff(start) <= 0).any() or (start < 0).any() or (stop < start).any():
        raise SpikecudaValueError(
            f"{where}: pieces must begin at 0 ms or later and follow each other (got delay "
            f"{start.tolist()!s:.80})"
        )
    # A later piece takes the place of one that is still on.
    stop[:-1] = np.minimum(stop[:-1], start[1:])
    return Clamp(where, selection, start, stop, amp)


def _sweep(where: str, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return times, ms, and amplitudes, pA, of a sweep of the Allen Cell Types Database.

    The toolkit writes amperes times 10^9 into NEST, which takes pA; here they are pA.
    """
    path, sweep = options.get("file"), options.get("sweep_id")
    if not isinstance(path, str) or not isinstance(sweep, int | str) or isinstance(sweep, bool):
        raise SpikecudaValueError(
            f"{where}: file and sweep_id must be given (got {shown(path)}, {shown(sweep)})"
        )
    name = f"Sweep_{sweep}" if str(sweep).isdigit() else str(sweep)
    with reading_hdf5(Path(path), "a recording in NWB", EXTRA) as file:
        sweeps = file.names("/epochs")
        if name not in sweeps:
            raise SpikecudaValueError(
                f"{where}: sweep_id must be one of {path} (got {shown(sweep)}"
                f"{nearest(name, sweeps)})"
            )
        base = f"/epochs/{name}/stimulus/timeseries"
        amp = file.array(f"{base}/data", "f").astype(np.float64)
        amp *= 1e12 * (file.number(f"{base}/data", "conversion") or 1.0)
        rate = file.number(f"{base}/starting_time", "rate") or 0.0
    if not (rate > 0 and np.isfinite(rate) and amp.size and np.isfinite(amp).all()):
        raise SpikecudaValueError(f"{path}, {base}: must have a rate > 0 Hz and finite amperes")
    step = 1e3 / rate
    wanted = _list(where, options, "downsample")[0] if options.get("downsample") else step
    stride = max(1, round(wanted / step)) if wanted > step else 1
    start, amp = (np.arange(amp.size) * step)[::stride], amp[::stride]
    if options.get("sweep_window") is not None:
        window = _list(where, options, "sweep_window")
        if window.size != 2 or not 0 <= window[0] < window[1]:
            raise SpikecudaValueError(
                f"{where}: sweep_window must be [begin, end] in ms (got {shown(window.tolist())})"
            )
        chosen = (start >= window[0]) & (start <= window[1])
        if not chosen.any():
            raise SpikecudaValueError(
                f"{where}: sweep_window must be within the sweep, which ends at {start[-1]:g} ms"
            )
        start, amp = start[chosen], amp[chosen]
    late = _list(where, {"delay": options.get("delay", 0.0)}, "delay")[0]
    # A current that does not change is one piece.
    new = np.flatnonzero(np.diff(amp, prepend=np.nan) != 0)
    return start[new] + late, amp[new]


def _list(where: str, options: Mapping[str, Any], key: str) -> np.ndarray:
    value = options.get(key)
    values: list[Any] = value if isinstance(value, list) else [value]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if not values or not numbers or not np.isfinite(values).all():
        raise SpikecudaValueError(
            f"{where}: {key} must be a number or a list of numbers (got {value!r:.80})"
        )
    return np.array(values, np.float64)


def _table(where: str, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return times and amplitudes of a file."""
    file = options.get("file")
    if not isinstance(file, str):
        raise SpikecudaValueError(f"{where}: file must be given (got {file!r:.80})")
    time = str(options.get("timestamps_column", "timestamps"))
    amps = str(options.get("amplitudes_column", "amps"))
    separator = str(options.get("separator", " "))
    if len(separator) != 1 or separator in '"\r\n':
        raise SpikecudaValueError(f"{where}: separator must be one character (got {separator!r})")
    rows: list[tuple[float, float]] = []
    columns: list[str] = []
    for line, cells in read_rows(Path(file), "a table of currents", separator):
        if not columns:
            columns = cells
            continue
        row = dict(zip(columns, cells, strict=False))
        try:
            rows.append((float(row[time]), float(row[amps])))
        except (KeyError, ValueError):
            raise SpikecudaValueError(
                f"{file}, line {line}: must have numbers in the columns {time} and {amps} (got "
                f"{', '.join(f'{name}: {cell}' for name, cell in row.items()):.120})"
            ) from None
    if not rows or not np.isfinite(rows).all():
        raise SpikecudaValueError(f"{file}: must have finite times and amplitudes")
    table = np.array(rows)
    return table[:, 0], table[:, 1]

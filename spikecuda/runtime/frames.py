"""Spikes, traces and rates as pandas DataFrames, of pools, systems and networks alike."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_real, is_name
from spikecuda.common.data_frame import data_frame, labels
from spikecuda.common.time_grid import nearest_step, nearest_steps
from spikecuda.errors import SpikecudaValueError, nearest, shown
from spikecuda.runtime.spikes import Spikes

KINDS = ("spikes", "traces", "rates")


def as_kind(what: object, *more: str) -> str:
    """Return what a table is of; raise for what there is no table of.

    Args:
        what: was asked for.
        more: kinds that there are beside those of all results.
    """
    known = (*KINDS, *more)
    if not is_name(what, known):
        raise SpikecudaValueError(
            f"what must be one of {', '.join(known)} (got {shown(what)}){nearest(str(what), known)}"
        )
    return what


def as_window(
    start: float | None, stop: float | None, first: float, last: float, dt: float
) -> tuple[int, int]:
    """Return a part of a run as steps, [from, to).

    Args:
        start, stop: ms of model time, taken to the nearest step; None: those of the run.
        first, last: of the run, ms.
        dt: ms.
    """
    begin = first if start is None else as_real("start", start, "ms")
    end = last if stop is None else as_real("stop", stop, "ms")
    slack = 1e-9 * max(1.0, abs(last))
    if not first - slack <= begin <= end <= last + slack:
        raise SpikecudaValueError(
            f"start and stop must lie in the run, {first:g} to {last:g} ms (got {begin:g} to "
            f"{end:g})"
        )
    return nearest_step(begin, dt), nearest_step(end, dt)


def spike_frame(owner: str, spikes: Mapping[str, Spikes], window: tuple[int, int]) -> Any:
    """Return a row for each spike: whose, which neuron, time in ms.

    Args:
        owner: name of the column of owners; empty: there is none.
        spikes: by owner.
        window: steps, [from, to).
    """
    parts = []
    for train in spikes.values():
        low, high = np.searchsorted(train.step, window)
        parts.append((train.time[low:high], train.neuron[low:high]))
    sizes = [time.size for time, _ in parts]
    return _frame(owner, list(spikes), sizes, {
        "neuron": _joined([neuron for _, neuron in parts], np.int32),
        "time": _joined([time for time, _ in parts], np.float64),
    })  # fmt: skip


def rate_frame(
    owner: str,
    spikes: Mapping[str, Spikes],
    neurons: Mapping[str, np.ndarray],
    window: tuple[int, int],
) -> Any:
    """Return a row for each neuron: whose, which, its spikes, its mean rate in Hz (NaN for 0 ms).

    Args:
        owner, spikes, window: see ``spike_frame``.
        neurons: numbers of those whose spikes were recorded, by owner, each once.
    """
    counts, rates = [], []
    for name, train in spikes.items():
        low, high = np.searchsorted(train.step, window)
        size = int(neurons[name].max(initial=-1)) + 1
        count = np.bincount(train.neuron[low:high], minlength=size)[neurons[name]]
        seconds = (window[1] - window[0]) * train.dt / 1000.0
        counts.append(count)
        rates.append(count / seconds if seconds else np.full(count.size, np.nan))
    return _frame(owner, list(spikes), [count.size for count in counts], {
        "neuron": _joined([neurons[name] for name in spikes], np.int64),
        "spikes": _joined(counts, np.int64),
        "rate": _joined(rates, np.float64),
    })  # fmt: skip


def trace_frame(
    owner: str,
    traces: Mapping[str, Mapping[str, np.ndarray]],
    times: Mapping[str, np.ndarray],
    neurons: Mapping[str, np.ndarray],
    window: tuple[int, int],
    dt: float,
) -> Any:
    """Return a row for each sample and neuron: whose, which, time in ms, and all variables.

    Variables that an owner lacks are NaN.  Rows are in the order of owner, neuron and time.

    Args:
        owner, window: see ``spike_frame``.
        traces: by owner and variable: arrays (samples, neurons).
        times: of the samples, by owner, ms.
        neurons: of the columns, by owner.
        dt: ms.
    """
    variables = list(dict.fromkeys(v for states in traces.values() for v in states))
    columns: dict[str, list[np.ndarray]] = {"neuron": [], "time": []}
    columns.update({variable: [] for variable in variables})
    sizes = []
    for name, states in traces.items():
        # The sample at the end of step k belongs to it, as a spike does.
        steps = nearest_steps(times[name], dt) - 1
        low, high = np.searchsorted(steps, window)
        time, ids = times[name][low:high], neurons[name]
        sizes.append(time.size * ids.size)
        columns["neuron"].append(np.repeat(ids, time.size))
        columns["time"].append(np.tile(time, ids.size))
        for variable in variables:
            if variable in states:
                values = states[variable][low:high].T.ravel()
            else:
                values = np.full(sizes[-1], np.nan, np.float32)
            columns[variable].append(values)
    return _frame(owner, list(traces), sizes, {
        key: _joined(parts, np.float64) for key, parts in columns.items()
    })  # fmt: skip


def _frame(
    owner: str, names: Sequence[str], sizes: Sequence[int], columns: Mapping[str, np.ndarray]
) -> Any:
    whose = {owner: labels(names, sizes)} if owner else {}
    return data_frame({**whose, **columns})


def _joined(parts: Sequence[np.ndarray], empty: Any) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, empty)

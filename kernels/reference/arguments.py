"""Broadcast what a caller gives to one float64 value per neuron."""

import numpy as np


def columns(values, names, count):
    """Return the named entries of a dict as contiguous float64 arrays of ``count`` values."""
    return [np.array(np.broadcast_to(np.asarray(values[n], np.float64), count)) for n in names]


def grid(current, pulses):
    """Return current and pulses (zeros for None) as contiguous (steps, n) float64 arrays."""
    current = np.ascontiguousarray(current, np.float64)
    if current.ndim != 2:
        raise ValueError(f"current must have shape (steps, n) (got {current.shape})")
    if pulses is None:
        return current, np.zeros_like(current)
    pulses = np.ascontiguousarray(pulses, np.float64)
    if pulses.shape != current.shape:
        raise ValueError(f"pulses must have shape {current.shape} (got {pulses.shape})")
    return current, pulses


def counters(state, count):
    """Return the refractory counters as int64, zero where the state has none."""
    return np.array(np.broadcast_to(np.asarray(state.get("refrac", 0), np.int64), count))


def refractory_steps(params, dt, count):
    """Return t_ref in whole steps, half-way to the longer period.

    What is half-way but for what float32 resolves, a part in 2^23, is half-way.
    """
    place = np.asarray(params.get("t_ref", 0.0), np.float64) / dt
    slack = np.minimum(2.0**-23 * np.maximum(place, 1.0), 1e-3)
    return np.array(np.broadcast_to(np.floor(place + 0.5 + slack).astype(np.int64), count))


def tables(states, steps, substeps, count):
    """Return the dict of arrays that a simulation fills, as the package's docstring lists them."""
    names = (*states, "refrac")
    traces = {name: np.zeros((steps, count)) for name in names}
    parts = (steps, substeps, count)
    traces.update({f"before_{name}": np.zeros(parts) for name in states})
    traces["tested"] = np.full(parts, np.nan)
    traces["fired"] = np.zeros(parts, np.bool_)
    return traces


def single(simulate, state, params, current, pulse, dt, scheme, substeps):
    """Run one step of ``simulate`` and return (spikes, traces) without the time axis."""
    rows = np.asarray(current, np.float64)[None, :]
    jumps = None if pulse is None else np.asarray(pulse, np.float64)[None, :]
    spikes, traces = simulate(state, params, rows, jumps, dt, scheme, substeps)
    return spikes[0], {name: trace[0] for name, trace in traces.items()}

"""Random input that is drawn on the host: each number is a function of seed, neuron and step.

Renewal trains are functions of seed, neuron and the number of the interval instead; what they are
in a step follows from all intervals before.
"""

import numpy as np

from spikecuda.kernels.compile.entry import loop
from spikecuda.kernels.numerics import exp64, expm1_64, gaussian_pair, log64, philox, uniform_open
from spikecuda.kernels.numerics.inner import inner

U, W, D = np.uint32, np.uint64, np.float64
# The third word of the counter for the draw that begins a train; attempts count from 0.
BEGIN = U(0xFFFFFFFF)
MOST_EVENTS = 1000


@inner
def _node(identity, step, stream, key0, key1, out):
    """Write the standard normal number of a step for each neuron: four steps share a block."""
    group = step >> 2
    low, high = U(group & 0xFFFFFFFF), U((group >> 32) & 0xFFFFFFFF)
    late, odd = (step & 2) != 0, (step & 1) != 0
    for j in range(out.size):
        w0, w1, w2, w3 = philox(U(identity + U(j)), low, high, stream, key0, key1)
        a, b = gaussian_pair(w2 if late else w0, w3 if late else w1)
        out[j] = b if odd else a


@inner
def _group(identity, group, stream, key0, key1, a, b, c, d):
    """Write the standard normal numbers of the four steps of a group."""
    low, high = U(group & 0xFFFFFFFF), U((group >> 32) & 0xFFFFFFFF)
    for j in range(a.size):
        w0, w1, w2, w3 = philox(U(identity + U(j)), low, high, stream, key0, key1)
        a[j], b[j] = gaussian_pair(w0, w1)
        c[j], d[j] = gaussian_pair(w2, w3)


@inner
def _between(left, right, normal, carry, spread, out):
    """Write what lies half-way between two values of an Ornstein-Uhlenbeck process."""
    for j in range(out.size):
        out[j] = carry * (left[j] + right[j]) + spread * normal[j]


@loop(
    "void(uint32, uint32, uint32, uint32, int64, int64, int64, float64[::1], float64[::1],"
    " float64[:,::1])",
    allocates=True,
)
def ornstein_uhlenbeck(identity, stream, key0, key1, first, top, bottom, carry, spread, out):
    """Write a process of mean 0 and variance 1 at ``2^bottom`` steps, for neurons in a row.

    Values at multiples of ``2^top`` steps are independent; in between, level by level, each is
    drawn from its distribution given its two neighbours, ``2^e`` steps away: a normal one of mean
    ``carry[e] (left + right)`` and standard deviation ``spread[e]``.

    Args:
        identity: of the first neuron.
        stream, key0, key1: of the generator.
        first: number of the first step, a multiple of ``2^bottom``.
        top, bottom: levels, ``top >= bottom``.
        carry, spread: float64 (top,).
        out: float64 (2^bottom, neurons).
    """
    size, n = out.shape
    left, right, middle = np.empty(n), np.empty(n), np.empty(n)
    normal = np.empty((max(size, 4), n), np.float32)
    begin = (first >> top) << top
    _node(identity, begin, stream, key0, key1, left)
    _node(identity, begin + (np.int64(1) << top), stream, key0, key1, right)
    for level in range(top, bottom, -1):
        half = np.int64(1) << (level - 1)
        _node(identity, begin + half, stream, key0, key1, normal[0])
        _between(left, right, normal[0], carry[level - 1], spread[level - 1], middle)
        if first >= begin + half:
            begin += half
            left[:] = middle
        else:
            right[:] = middle
    if size >= 4:
        for g in range(0, size, 4):
            _group(
                identity, (first + g) >> 2, stream, key0, key1, normal[g], normal[g + 1],
                normal[g + 2], normal[g + 3],
            )  # fmt: skip
    elif size == 2:
        _node(identity, first + 1, stream, key0, key1, normal[1])
    out[0] = left
    for level in range(bottom, 0, -1):
        half = np.int64(1) << (level - 1)
        for at in range(half, size, 2 * half):
            after = out[at + half] if at + half < size else right
            _between(
                out[at - half], after, normal[at], carry[level - 1], spread[level - 1], out[at]
            )


@inner
def _gamma(neuron, index, stream, key0, key1, shape):
    """Return a number of the gamma distribution of a shape, with mean 1.

    Source: Marsaglia & Tsang (2000) ACM Trans Math Softw 26:363, also for shapes below 1.
    """
    raised = shape + 1.0 if shape < 1.0 else shape
    d = raised - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    attempt = np.int64(0)
    while True:
        w0, w1, w2, w3 = philox(neuron, U(index), U(attempt), stream, key0, key1)
        x, _ = gaussian_pair(w0, w1)
        v = 1.0 + c * D(x)
        if v > 0.0:
            v = v * v * v
            if log64(D(uniform_open(w2))) < 0.5 * D(x) * D(x) + d - d * v + d * log64(v):
                break
        attempt += 1
    value = d * v
    if shape < 1.0:
        value *= exp64(log64(D(uniform_open(w3))) / shape)
    return value / shape


@inner
def _begin(neuron, stream, key0, key1, shape, silent):
    """Return how a train begins that has been going on for ever.

    Args:
        silent: the part of the time that it is refractory.

    Returns:
        What is left of the refractory period, in periods, and of the interval after it, in its
        mean; source: Cox (1962) Renewal Theory, chapter 5.
    """
    w0, w1, _, _ = philox(neuron, U(0), BEGIN, stream, key0, key1)
    part = D(uniform_open(w1))
    if D(uniform_open(w0)) <= silent:
        return part, _gamma(neuron, 0, stream, key0, key1, shape)
    # An interval that a moment falls into is longer than others, and the moment is anywhere in it.
    longer = _gamma(neuron, 0, stream, key0, key1, shape + 1.0) * ((shape + 1.0) / shape)
    return 0.0, part * longer


@loop("void(uint32, uint32, uint32, uint32, float64, float64[::1], float64[::1], float64[::1])")
def begin_trains(identity, stream, key0, key1, shape, silent, resting, waiting):
    """Write for each train what is left of a refractory period and of an interval; see ``_begin``.

    Args:
        identity: of the first neuron.
        stream, key0, key1: of the generator.
        shape: of the intervals.
        silent: float64 (neurons,): the part of the time that each is refractory.
        resting, waiting: float64 (neurons,), written.
    """
    for j in range(silent.size):
        neuron = U(identity + U(j))
        resting[j], waiting[j] = _begin(neuron, stream, key0, key1, shape, silent[j])


@loop(
    "void(uint32, uint32, uint32, uint32, float64, float64, float64[::1], float64, int64, int64,"
    " float64[::1], int64[::1], float32[:,::1])"
)
def regular_trains(
    identity, stream, key0, key1, shape, rest, interval, dt, first, steps, due, index, out
):  # fmt: skip
    """Count the spikes of trains whose rates stay the same.

    Args:
        identity, stream, key0, key1, shape: as above.
        rest: refractory period in ms.
        interval: mean time after it until the next spike, ms, float64 (neurons,).
        dt: ms.
        first: number of the first step, counted from the trains' first one.
        steps: how many.
        due: time of each train's next spike, ms; ``index``: number of its interval; both advanced.
        out: float32 (steps, neurons), written.
    """
    out[:] = np.float32(0.0)
    limit = D(first + steps)
    for j in range(due.size):
        neuron = U(identity + U(j))
        while due[j] / dt < limit:
            at = np.int64(np.floor(due[j] / dt)) - first
            if at >= 0:
                out[at, j] += np.float32(1.0)
            index[j] += 1
            some = _gamma(neuron, index[j], stream, key0, key1, shape)
            due[j] += rest + interval[j] * some


@loop(
    "void(uint32, uint32, uint32, uint32, float64, float64, float64[:,::1], float64, float64[::1],"
    " float64[::1], int64[::1], float32[:,::1])"
)
def changing_trains(
    identity, stream, key0, key1, shape, rest, hazard, dt, resting, waiting, index, out
):  # fmt: skip
    """Count the spikes of trains whose rates change from step to step.

    Args:
        identity, stream, key0, key1, shape, rest, dt: as above.
        hazard: intervals that pass in a ms, float64 (steps, neurons) or (steps, 1).
        resting: what is left of each train's refractory period, ms; ``waiting``: of its interval,
            in its mean; ``index``: the interval's number; all advanced.
        out: float32 (steps, neurons), written.
    """
    one = hazard.shape[1] == 1
    for k in range(out.shape[0]):
        for j in range(out.shape[1]):
            speed = hazard[k, 0 if one else j]
            left, count = dt, np.float32(0.0)
            while True:
                if resting[j] >= left:
                    resting[j] -= left
                    break
                left -= resting[j]
                resting[j] = 0.0
                if waiting[j] >= speed * left:
                    waiting[j] -= speed * left
                    break
                left -= waiting[j] / speed
                count += np.float32(1.0)
                index[j] += 1
                resting[j] = rest
                neuron = U(identity + U(j))
                waiting[j] = _gamma(neuron, index[j], stream, key0, key1, shape)
            out[k, j] = count


@loop(
    "void(uint32, uint32, uint32, uint32, uint32, uint32, float64[::1], uint64, int64,"
    " float32[:,::1])"
)
def copied_trains(
    mother, identity, mother_stream, copy_stream, key0, key1, mean, chance, clock, out
):  # fmt: skip
    """Count the spikes of trains that copy the spikes of one Poisson train.

    Args:
        mother: what the common train is drawn with, in place of a neuron's identity.
        identity: of the first neuron.
        mother_stream, copy_stream, key0, key1: of the generator; four spikes of the common train
            in a step take a stream.
        mean: spikes of the common train expected in each step, float64 (steps,).
        chance: of a copy, in 2^-32.
        clock: number of the first step.
        out: float32 (steps, neurons), written.
    """
    out[:] = np.float32(0.0)
    for k in range(out.shape[0]):
        now = np.int64(clock + k)
        low, high = U(now & 0xFFFFFFFF), U((now >> 32) & 0xFFFFFFFF)
        number = D(uniform_open(philox(mother, low, high, mother_stream, key0, key1)[0]))
        mass, tail = exp64(-mean[k]), -expm1_64(-mean[k])
        events = 0
        while number <= tail and events < MOST_EVENTS:
            events += 1
            mass *= mean[k] / events
            tail -= mass
        for some in range(0, events, 4):
            stream = U(copy_stream + U(some >> 2))
            for j in range(out.shape[1]):
                w0, w1, w2, w3 = philox(U(identity + U(j)), low, high, stream, key0, key1)
                count = np.float32(W(w0) < chance)
                if some + 1 < events:
                    count += np.float32(W(w1) < chance)
                if some + 2 < events:
                    count += np.float32(W(w2) < chance)
                if some + 3 < events:
                    count += np.float32(W(w3) < chance)
                out[k, j] += count

"""Positions, masks and profiles: what a pair's distance decides, in float64 on every device.

A pair's displacement goes from its source to its target, along the shortest way where space is
periodic.  Whether it is connected depends on that and on random words of its own, with the counter
(row, choice, projection, stream): not on the cells that only bound which pairs are looked at.
"""

import numpy as np

from spikecuda.kernels.network.field import (
    BLOCK,
    CONSTANT,
    GAUSSIAN,
    LINEAR,
    OVAL,
)
from spikecuda.kernels.numerics.arithmetic import _fma, _mul, _select, _sqrt
from spikecuda.kernels.numerics.elementary import exp64
from spikecuda.kernels.numerics.inner import inner

I32, D = np.int32, np.float64

STREAM_NEAR = 1029

ONE, HALF, TWO_32 = D(1.0), D(0.5), D(2.0**32)
TWO_53, TWO_26 = D(2.0**-53), D(2.0**26)


@inner
def shortest(delta, period):
    """Return a displacement along a periodic axis, at most half a period; of others as it is."""
    half = _mul(HALF, period)
    wrapped = _select(delta > half, delta - period, delta)
    wrapped = _select(wrapped < -half, wrapped + period, wrapped)
    return _select(period > D(0.0), wrapped, delta)


@inner
def length(dx, dy, dz):
    """Return the length of a displacement."""
    return _sqrt(_mul(dx, dx) + _mul(dy, dy) + _mul(dz, dz))


@inner
def covers(kind, a, b, c, d, e, f, dx, dy, dz):
    """Tell whether a mask covers a displacement from its middle.

    Args:
        kind: of the mask.
        a, b, c, d, e, f: its numbers.
    """
    if kind == BLOCK:
        return (a <= dx) & (dx <= d) & (b <= dy) & (dy <= e) & (c <= dz) & (dz <= f)
    if kind == OVAL:
        u = _mul(_mul(dx, a) + _mul(dy, b), c)
        v = _mul(_mul(dy, a) - _mul(dx, b), d)
        w = _mul(dz, e)
        return _mul(u, u) + _mul(v, v) + _mul(w, w) <= f
    square = _mul(dx, dx) + _mul(dy, dy) + _mul(dz, dz)
    return (square > b) & (square <= a)


@inner
def bounded(value, low, high):
    """Return a value within bounds; NaN becomes the lower one."""
    value = _select(value > low, value, low)
    return _select(value < high, value, high)


@inner
def built_in(kind, a, b, c, distance):
    """Return the value of one of the profiles above but ``OWN``, without its bounds.

    Args:
        kind: of the profile.
        a, b, c: its numbers.
        distance: of the pair.
    """
    if kind == CONSTANT:
        return a
    if kind == LINEAR:
        return _fma(b, distance, a)
    if kind == GAUSSIAN:
        away = distance - c
        return _mul(a, exp64(_mul(b, _mul(away, away))))
    return _mul(a, exp64(_mul(b, distance)))


@inner
def accepts(word, p):
    """Tell whether a pair with probability p is connected: p is a multiple of 2^-32, about."""
    return D(np.int64(word)) + HALF < _mul(p, TWO_32)


@inner
def cell_range(at, low, high, origin, per, cells, wraps):
    """Return the first cell along an axis that a window meets, and how many; of a ring any number.

    Args:
        at: the coordinate of the row's neuron.
        low, high: bounds of the displacement.
        origin, per, cells: of the axis.
        wraps: whether it is periodic.
    """
    # What rounding of a quotient can move a choice by.
    first = _mul(at - origin + low, per) - D(1e-6)
    last = _mul(at - origin + high, per) + D(1e-6)
    most = D(np.int32(cells))
    if wraps:
        if last - first >= most - ONE:
            return I32(0), I32(cells)
        # All is within four rounds of the first cell: counted from there nothing is negative.
        rounds = _mul(most, D(4.0))
        start = I32(first + rounds)
        return I32(start % I32(cells)), I32(I32(last + rounds) - start + I32(1))
    begin = I32(bounded(first, D(0.0), most - ONE))
    end = I32(bounded(last, D(0.0), most - ONE))
    return begin, I32(end - begin + I32(1))

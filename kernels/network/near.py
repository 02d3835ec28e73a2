"""What the displacement of a pair decides: a profile's value."""

import numpy as np

from spikecuda.kernels.network.field import (
    G_PERIOD,
    G_SIGN,
    G_WRONG,
    OWN,
    S_CHOICES,
    S_ROWS,
)
from spikecuda.kernels.network.machine import (
    call_profile,
    float64_at,
)
from spikecuda.kernels.network.space import (
    bounded,
    built_in,
    length,
    shortest,
)
from spikecuda.kernels.numerics.arithmetic import _mul
from spikecuda.kernels.numerics.inner import inner

D = np.float64


@inner
def value_of(s, g, kind, at, call, dx, dy, dz):
    """Return a profile's value of a displacement from source to target."""
    distance = length(dx, dy, dz)
    if s[kind] == OWN:
        value = call_profile(s[call], distance, dx, dy, dz)
        if value != value:
            g[G_WRONG] = D(1.0)
    else:
        value = built_in(s[kind], g[at], g[at + 1], g[at + 2], distance)
    return bounded(value, g[at + 3], g[at + 4])


@inner
def pair_value(s, g, row, choice, kind, at, call):
    """Return a profile's value of a pair."""
    a, b = float64_at(s[S_ROWS] + 24 * row, 3), float64_at(s[S_CHOICES] + 24 * choice, 3)
    sign = g[G_SIGN]
    dx = _mul(sign, shortest(b[0] - a[0], g[G_PERIOD]))
    dy = _mul(sign, shortest(b[1] - a[1], g[G_PERIOD + 1]))
    dz = _mul(sign, shortest(b[2] - a[2], g[G_PERIOD + 2]))
    return value_of(s, g, kind, at, call, dx, dy, dz)

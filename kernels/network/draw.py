"""What connectivity is drawn from: pure functions of (seed; projection, source, synapse).

Counter of the generator: (source, synapse, projection + 65536 attempt, stream).  The result does
not depend on partitions, threads or the order of the work, so that a network can be built in
parallel, and a row drawn again whenever it is needed.
"""

import numpy as np

from spikecuda.kernels.network.rules import IN_DEGREE, NEAR_IN, NEAR_OUT, ONE_TO_ONE, OUT_DEGREE
from spikecuda.kernels.numerics.arithmetic import _fma, _mul, _select
from spikecuda.kernels.numerics.elementary import exp32, log64
from spikecuda.kernels.numerics.inner import inner
from spikecuda.kernels.numerics.philox import philox, philox_wide
from spikecuda.kernels.numerics.variates import gaussian_pair, uniform_open

U, I32, F, D = np.uint32, np.int32, np.float32, np.float64

# Streams of the generator.
STREAM_TARGETS, STREAM_VALUES, STREAM_WEIGHT_AGAIN, STREAM_DELAY_AGAIN, STREAM_TARGET_AGAIN = (
    1024, 1025, 1026, 1027, 1028,
)  # fmt: skip

# Integers of a projection's description.
PROJECTION = 16
(
    J_RULE,
    J_SOURCES,  # sizes of the two views
    J_TARGETS,
    J_DEGREE,  # synapses of a source (OUT_DEGREE), 0 if each has its own
    J_NUMBER,  # the projection's number
    J_MULTAPSES,
    J_AUTAPSES,
    J_WEIGHT,  # kinds of the distributions
    J_DELAY,
    J_MAX_WEIGHT,  # bounds of the integers
    J_MAX_DELAY,
    J_FIXED_WEIGHT,  # the integers of FIXED distributions
    J_FIXED_DELAY,
    J_FIELD,  # address: the table of ``field``, of a rule or profile of distances
    J_KEPT,  # address: int64 (rows, 2), where each row was kept, and its synapses
    J_OWN,  # address: the loop of ``network_own`` that draws a part of a row, 0 if there is none
) = range(PROJECTION)

# Floats of a projection's description.
(
    Q_LOG,  # 1 / log(1 - p)
    Q_W_A,
    Q_W_B,
    Q_W_LOW,
    Q_W_HIGH,
    Q_SCALE,  # integer weight of one unit
    Q_D_A,
    Q_D_B,
    Q_D_LOW,
    Q_D_HIGH,
    Q_STEPS,  # steps of a millisecond
) = range(11)

# Distributions: CLIPPED and REDRAWN normal (a: mean, b: standard deviation), LOGNORMAL (a, b: of
# the logarithm), UNIFORM (a: low, b: range), GIVEN: one number for each synapse, PROFILE: one that
# follows from the distance.
FIXED, CLIPPED, REDRAWN, LOGNORMAL, UNIFORM, GIVEN, PROFILE = range(7)

TILE_BITS = 14
TILE = 1 << TILE_BITS
ATTEMPTS = 1000
HALF, LARGEST = F(0.5), F(2147483520.0)
TWO_53, FARTHEST = D(2.0**-53), D(1e9)


@inner
def below(word, size):
    """Return an integer in [0, size) from a uint32: ``word size / 2^32``."""
    return I32((np.uint64(word) * np.uint64(size)) >> np.uint64(32))


@inner
def nearest(value):
    """Return a float32 rounded to the nearest int32, halves away from zero."""
    value = _select(value > LARGEST, LARGEST, value)
    value = _select(value < -LARGEST, -LARGEST, value)
    return I32(value + _select(value < F(0.0), -HALF, HALF))


@inner
def _quads(source, number, size, key0, key1, out):
    """Write independent uniform targets in [0, size); a block of words serves four synapses."""
    for j in range(out.size >> 2):
        a, b, c, d = philox_wide(U(source), U(j), U(number), U(STREAM_TARGETS), key0, key1)
        out[4 * j] = below(a, size)
        out[4 * j + 1] = below(b, size)
        out[4 * j + 2] = below(c, size)
        out[4 * j + 3] = below(d, size)


@inner
def target_again(source, synapse, attempt, number, size, key0, key1):
    """Return another target for a synapse whose first one is not allowed."""
    counter = U(U(number) | (U(attempt) << U(16)))
    word, _, _, _ = philox(U(source), U(synapse), counter, U(STREAM_TARGET_AGAIN), key0, key1)
    return below(word, size)


@inner
def chosen(source, number, size, degree, banned, multapses, key0, key1, seen, out):
    """Write ``degree`` uniform targets in [0, size), none of them ``banned``.

    Without multapses they are a uniform subset: drawn one after the other, those already there
    again; where that is over half of all, the ones that are left out are drawn.

    Args:
        source: whose row it is (of the target for fixed in-degree).
        banned: a target that is not allowed, or -1.
        seen: int32 scratch, ``size`` zeros if there are no multapses; zeros again at the end.
        out: int32, at least ``degree + 4`` long.
    """
    left_out = not multapses and 2 * degree > size
    drawn = size - degree - np.int64(banned >= 0) if left_out else degree
    _quads(source, number, size, key0, key1, out[: (drawn + 3) & ~3])
    if banned >= 0 or not multapses:
        for j in range(drawn):
            attempt = 0
            while out[j] == banned or (not multapses and seen[out[j]]):
                attempt += 1
                out[j] = target_again(source, j, attempt, number, size, key0, key1)
            if not multapses:
                seen[out[j]] = 1
    if left_out:
        count = 0
        for t in range(size):
            out[count] = t
            count += t != banned and not seen[t]
            seen[t] = 0
    elif not multapses:
        for j in range(drawn):
            seen[out[j]] = 0


@inner
def _gap(u, inverse_log):
    """Return the distance to the next target for a uniform number; cut where no tile has it."""
    distance = log64(u) * inverse_log
    return np.int64(_select(distance < FARTHEST, distance, FARTHEST))


@inner
def probable_targets(source, number, size, inverse_log, key0, key1, first, last, out):
    """Write the targets in [first, last) of a row with a fixed probability, ascending.

    Distances between neighbours are geometric; each tile of 16384 targets has a sequence of its
    own, so that part of a row can be drawn without the rest.
    Source: Devroye (1986) Non-Uniform Random Variate Generation, section X.2.
    """
    count = 0
    for tile in range(first >> TILE_BITS, (last + TILE - 1) >> TILE_BITS):
        start = tile << TILE_BITS
        end = start + TILE if start + TILE < size else size
        at, i = start - 1, 0
        while True:
            a, b, c, d = philox(
                U(source), U((tile << TILE_BITS) | i), U(number), U(STREAM_TARGETS), key0, key1
            )
            i += 1
            u = (D(np.int64(a >> U(5))) * D(67108864.0) + D(np.int64(b >> U(6))) + D(0.5)) * TWO_53
            at += 1 + _gap(u, inverse_log)
            if at >= end:
                break
            if first <= at < last:
                out[count] = at
                count += 1
            u = (D(np.int64(c >> U(5))) * D(67108864.0) + D(np.int64(d >> U(6))) + D(0.5)) * TWO_53
            at += 1 + _gap(u, inverse_log)
            if at >= end:
                break
            if first <= at < last:
                out[count] = at
                count += 1
    return count


# The ways to draw a row, or with a fixed in-degree a column.  All write targets (of a column
# sources) in the order of its synapses, and return how many.  ``banned`` is one that is not
# allowed, or -1; ``first`` and ``last`` are what is wanted of a row that can be drawn in part.


@inner
def range_targets(ints, source, banned, first, last, out):
    """Draw a row of ALL_TO_ALL or ONE_TO_ONE."""
    if ints[J_RULE] == ONE_TO_ONE:
        out[0] = source
        return np.int64(source != banned)
    count = np.int64(0)
    for t in range(first, last):
        out[count] = t
        count += t != banned
    return count


@inner
def scattered_targets(ints, floats, source, banned, key0, key1, first, last, out):
    """Draw a row of PROBABILITY."""
    found = probable_targets(
        source, ints[J_NUMBER], ints[J_TARGETS], floats[Q_LOG], key0, key1, first, last, out
    )
    count = np.int64(0)
    for i in range(found):
        out[count] = out[i]
        count += out[i] != banned
    return count


@inner
def chosen_targets(ints, source, degree, banned, key0, key1, seen, out):
    """Draw a row of OUT_DEGREE or a column of IN_DEGREE; see ``chosen``."""
    size = ints[J_SOURCES] if ints[J_RULE] == IN_DEGREE else ints[J_TARGETS]
    chosen(
        source, ints[J_NUMBER], size, degree, banned, ints[J_MULTAPSES], key0, key1, seen, out
    )  # fmt: skip
    return degree


@inner
def numbered(ints):
    """Tell whether a row's synapses are told apart by their number in it, not by their target."""
    rule = ints[J_RULE]
    return rule in (OUT_DEGREE, IN_DEGREE) or (ints[J_MULTAPSES] and rule in (NEAR_OUT, NEAR_IN))


@inner
def by_column(rule):
    """Tell whether a row is that of a target, and what is drawn its sources."""
    return rule in (IN_DEGREE, NEAR_IN)


@inner
def _bounded(kind, a, b, low, high, normal, uniform):
    """Return a value of a distribution from a standard normal and a uniform number (float32)."""
    if kind == LOGNORMAL:
        return exp32(_fma(normal, F(b), F(a)))
    if kind == UNIFORM:
        return _fma(uniform, F(b), F(a))
    value = _fma(normal, F(b), F(a))
    if kind == CLIPPED:
        value = _select(value < F(low), F(low), value)
        value = _select(value > F(high), F(high), value)
    return value


@inner
def _again(source, synapse, number, stream, a, b, low, high, key0, key1):
    """Return a normal number between low and high; clipped if a thousand draws miss."""
    value = F(a)
    for attempt in range(1, ATTEMPTS):
        counter = U(U(number) | (U(attempt) << U(16)))
        p, q, _, _ = philox(U(source), U(synapse), counter, U(stream), key0, key1)
        normal, _ = gaussian_pair(p, q)
        value = _fma(normal, F(b), F(a))
        if F(low) <= value <= F(high):
            return value
    return min(max(value, F(low)), F(high))


@inner
def _both_values(
    source, keys, number, wkind, wa, wb, wl, wh, dkind, da, db, dl, dh, key0, key1, w, d
):
    for j in range(w.size):
        p, q, r, s = philox_wide(U(source), U(keys[j]), U(number), U(STREAM_VALUES), key0, key1)
        first, second = gaussian_pair(p, q)
        w[j] = _bounded(wkind, wa, wb, wl, wh, first, uniform_open(r))
        d[j] = _bounded(dkind, da, db, dl, dh, second, uniform_open(s))


@inner
def _normals(source, keys, number, key0, key1, w, d):
    for j in range(w.size):
        p, q, _, _ = philox_wide(U(source), U(keys[j]), U(number), U(STREAM_VALUES), key0, key1)
        w[j], d[j] = gaussian_pair(p, q)


@inner
def _affine(values, a, b):
    for j in range(values.size):
        values[j] = _fma(values[j], b, a)


@inner
def _whole(values, scale, low, high, out):
    for j in range(values.size):
        whole = nearest(_mul(values[j], scale))
        out[j] = min(max(whole, low), high)


@inner
def draw_values(ints, floats, source, keys, key0, key1, w, d, weights, delays):
    """Write integer weights and delays (steps) of a row's synapses.

    Args:
        ints, floats: the projection.
        source: number within the source view (of the target for fixed in-degree).
        keys: int32, what tells the row's synapses apart.
        w, d: float32 scratch.
        weights, delays: int32, as long as ``keys``; those that follow from distances stay.
    """
    wkind, dkind, number = ints[J_WEIGHT], ints[J_DELAY], ints[J_NUMBER]
    wa, wb, wl, wh = floats[Q_W_A], floats[Q_W_B], floats[Q_W_LOW], floats[Q_W_HIGH]
    da, db, dl, dh = floats[Q_D_A], floats[Q_D_B], floats[Q_D_LOW], floats[Q_D_HIGH]
    plain_w = wkind in (FIXED, CLIPPED, REDRAWN, PROFILE)
    plain_d = dkind in (FIXED, CLIPPED, REDRAWN, PROFILE)
    if wkind in (FIXED, PROFILE) and dkind in (FIXED, PROFILE):
        pass
    elif plain_w and plain_d:
        _normals(source, keys, number, key0, key1, w, d)
        _affine(w, F(wa), F(wb))
        _affine(d, F(da), F(db))
    else:
        _both_values(
            source, keys, number, wkind, wa, wb, wl, wh, dkind, da, db, dl, dh, key0, key1, w, d
        )
    if wkind == REDRAWN:
        for j in range(w.size):
            if not F(wl) <= w[j] <= F(wh):
                w[j] = _again(
                    source, keys[j], number, STREAM_WEIGHT_AGAIN, wa, wb, wl, wh, key0, key1
                )
    elif wkind == CLIPPED:
        for j in range(w.size):
            w[j] = min(max(w[j], F(wl)), F(wh))
    if dkind == REDRAWN:
        for j in range(d.size):
            if not F(dl) <= d[j] <= F(dh):
                d[j] = _again(
                    source, keys[j], number, STREAM_DELAY_AGAIN, da, db, dl, dh, key0, key1
                )
    elif dkind == CLIPPED:
        for j in range(d.size):
            d[j] = min(max(d[j], F(dl)), F(dh))
    if wkind == FIXED:
        weights[:] = I32(ints[J_FIXED_WEIGHT])
    elif wkind != PROFILE:
        largest = I32(ints[J_MAX_WEIGHT])
        _whole(w, F(floats[Q_SCALE]), -largest, largest, weights)
    if dkind == FIXED:
        delays[:] = I32(ints[J_FIXED_DELAY])
    elif dkind != PROFILE:
        _whole(d, F(floats[Q_STEPS]), I32(1), I32(ints[J_MAX_DELAY]), delays)

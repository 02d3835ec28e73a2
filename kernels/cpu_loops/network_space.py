"""Draw rows by distance: the choices near a row's neuron, and what their distances decide.

Called by their addresses like the loops of ``network_draw``.
"""

import numpy as np

from spikecuda.kernels.compile.entry import pointer
from spikecuda.kernels.network.draw import (
    J_AUTAPSES,
    J_FIELD,
    J_MULTAPSES,
    J_NUMBER,
    PROJECTION,
)
from spikecuda.kernels.network.field import (
    BLOCK,
    CONSTANT,
    EXPONENTIAL,
    FIELD,
    FLOATS,
    G_AROUND,
    G_HIGH,
    G_LOW,
    G_MASK,
    G_OFFSET,
    G_ORIGIN,
    G_P,
    G_PER,
    G_PERIOD,
    G_SIGN,
    GAUSSIAN,
    LINEAR,
    OVAL,
    RING,
    S_CELLS,
    S_COUNT,
    S_FIRST,
    S_LONGEST,
    S_MASK,
    S_NUMBERS,
    S_ORDER,
    S_P,
    S_P_CALL,
    S_ROWS,
    S_SORTED,
    S_WRAP,
)
from spikecuda.kernels.network.machine import (
    float64_at,
    int32_at,
    int64_at,
    uint32_at,
)
from spikecuda.kernels.network.near import pair_value
from spikecuda.kernels.network.rules import TARGETS
from spikecuda.kernels.network.space import (
    STREAM_NEAR,
    TWO_26,
    TWO_53,
    accepts,
    bounded,
    built_in,
    cell_range,
    covers,
    length,
    shortest,
)
from spikecuda.kernels.numerics.arithmetic import _mul, _select
from spikecuda.kernels.numerics.elementary import log64
from spikecuda.kernels.numerics.inner import inner
from spikecuda.kernels.numerics.philox import philox

U, I32, F, D = np.uint32, np.int32, np.float32, np.float64


@inner
def _axis(g, s, axis, at):
    return cell_range(
        at, g[G_LOW + axis], g[G_HIGH + axis], g[G_ORIGIN + axis], g[G_PER + axis],
        s[S_CELLS + axis], (s[S_WRAP] >> axis) & 1,
    )  # fmt: skip


@inner
def _window(s, g, row):
    """Return the cells around a row's neuron: for each axis the first, and how many."""
    at = float64_at(s[S_ROWS] + 24 * row, 3)
    x0, nx = _axis(g, s, 0, at[0])
    y0, ny = _axis(g, s, 1, at[1])
    z0, nz = _axis(g, s, 2, at[2])
    return x0, nx, y0, ny, z0, nz


@inner
def _distances(s, g, kind, a, x, y, w, out):
    """Write the distances of the sorted choices from ``a`` on, -1 where the mask does not cover."""
    n = s[S_COUNT]
    xs, ys = float64_at(s[S_SORTED], n), float64_at(s[S_SORTED] + 8 * n, n)
    zs = float64_at(s[S_SORTED] + 16 * n, n)
    # Read once: as far as the compiler knows, what is written could be these.
    sign, px, py, pz = g[G_SIGN], g[G_PERIOD], g[G_PERIOD + 1], g[G_PERIOD + 2]
    ox, oy, oz = g[G_OFFSET], g[G_OFFSET + 1], g[G_OFFSET + 2]
    ax, ay, az = g[G_AROUND], g[G_AROUND + 1], g[G_AROUND + 2]
    b, c, d = g[G_MASK + 1], g[G_MASK + 2], g[G_MASK + 3]
    first, e, f = g[G_MASK], g[G_MASK + 4], g[G_MASK + 5]
    for i in range(out.size):
        dx = _mul(sign, shortest(xs[a + i] - x, px))
        dy = _mul(sign, shortest(ys[a + i] - y, py))
        dz = _mul(sign, shortest(zs[a + i] - w, pz))
        inside = covers(
            kind, first, b, c, d, e, f, shortest(dx - ox, ax), shortest(dy - oy, ay),
            shortest(dz - oz, az),
        )  # fmt: skip
        out[i] = _select(inside, length(dx, dy, dz), D(-1.0))


@inner
def _profile(g, kind, out):
    """Turn distances into the values of a profile of a kind."""
    a, b, c, low, high = g[G_P], g[G_P + 1], g[G_P + 2], g[G_P + 3], g[G_P + 4]
    for i in range(out.size):
        out[i] = bounded(built_in(kind, a, b, c, out[i]), low, high)


@inner
def _covered(s, g, row, a, z, banned, first, last, out, distances, count):
    """Write the choices of a run of cells that the mask covers, and their distances.

    Args:
        a, z: the run: the first sorted choice, and the end.
        banned, first, last, out, distances: see ``_search``.
        count: choices so far.

    Returns:
        How many choices there are now.
    """
    size = np.int64(z) - np.int64(a)
    if size <= 0:
        return count
    at = float64_at(s[S_ROWS] + 24 * row, 3)
    order = int32_at(s[S_ORDER], s[S_COUNT])
    found = distances[count : count + size]
    # Kinds are literals here, so that each loop is one of vectors.
    if s[S_MASK] == RING:
        _distances(s, g, RING, np.int64(a), at[0], at[1], at[2], found)
    elif s[S_MASK] == BLOCK:
        _distances(s, g, BLOCK, np.int64(a), at[0], at[1], at[2], found)
    else:
        _distances(s, g, OVAL, np.int64(a), at[0], at[1], at[2], found)
    for i in range(size):
        choice, distance = order[a + i], found[i]
        out[count] = choice
        distances[count] = distance
        count += (
            (distance >= D(0.0)) & (choice != banned) & (choice >= first) & (choice < last)
        )  # fmt: skip
    return count


@inner
def _search(s, g, row, banned, first, last, out, distances):
    """Write the choices that the mask covers around a row's neuron, and their distances.

    Args:
        banned, first, last: which choices are wanted, see ``draw_range``.
        out, distances: room for all that are looked at.

    Returns:
        How many there are.
    """
    x0, nx, y0, ny, z0, nz = _window(s, g, row)
    cells = s[S_CELLS]
    starts = int32_at(s[S_FIRST], cells * s[S_CELLS + 1] * s[S_CELLS + 2] + 1)
    # A run of cells that goes over the edge of a periodic axis is two.
    end = np.int64(x0) + nx
    found = np.int64(0)
    for i in range(nz):
        plane = (np.int64(z0) + i) % s[S_CELLS + 2] * s[S_CELLS + 1]
        for j in range(ny):
            line = (plane + (np.int64(y0) + j) % s[S_CELLS + 1]) * cells
            for part in range(2 if end > cells else 1):
                a = starts[line + (0 if part else x0)]
                z = starts[line + (end - cells if part else min(end, cells))]
                found = _covered(s, g, row, a, z, banned, first, last, out, distances, found)
    return found


@inner
def _chances(s, g, row, choices, out):
    """Turn the distances of a row's choices into chances."""
    if s[S_P] == CONSTANT:
        _profile(g, CONSTANT, out)
    elif s[S_P] == GAUSSIAN:
        _profile(g, GAUSSIAN, out)
    elif s[S_P] == EXPONENTIAL:
        _profile(g, EXPONENTIAL, out)
    elif s[S_P] == LINEAR:
        _profile(g, LINEAR, out)
    else:
        for i in range(out.size):
            out[i] = pair_value(s, g, row, np.int64(choices[i]), S_P, G_P, S_P_CALL)


@pointer(TARGETS)
def draw_near(ints, floats, source, degree, twin, key0, key1, first, last, seen, out):
    """Write the targets of a row, each connected by its own chance; see ``draw_range``."""
    about = int64_at(ints, PROJECTION)
    s = int64_at(about[J_FIELD], FIELD)
    g = float64_at(s[S_NUMBERS], FLOATS)
    banned = np.int64(-1) if about[J_AUTAPSES] else twin
    longest = s[S_LONGEST]
    # The first four arrays of scratch: choices, random words, and distances or chances.
    rows, distances = int32_at(out, longest), float64_at(out + 8 * longest, longest)
    found = _search(s, g, source, banned, first, last, rows, distances)
    chances, words = distances[:found], uint32_at(out + 4 * longest, found)
    _chances(s, g, source, rows, chances)
    number, k0, k1 = U(about[J_NUMBER]), U(key0), U(key1)
    for i in range(found):
        words[i], _, _, _ = philox(U(source), U(rows[i]), number, U(STREAM_NEAR), k0, k1)
    count = np.int64(0)
    for i in range(found):
        rows[count] = rows[i]
        count += accepts(words[i], chances[i])
    return count


@inner
def _sift(keys, out, at, size):
    """Let the entry at ``at`` of a heap of so many sink below larger ones, by key, then number."""
    key, choice = keys[at], out[at]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        right = child + 1
        if right < size and (
            keys[right] > keys[child] or (keys[right] == keys[child] and out[right] > out[child])
        ):
            child = right
        if not (keys[child] > key or (keys[child] == key and out[child] > choice)):
            break
        keys[at], out[at] = keys[child], out[child]
        at = child
    keys[at], out[at] = key, choice


@pointer(TARGETS)
def draw_chosen_near(ints, floats, source, degree, twin, key0, key1, first, last, seen, out):
    """Write ``degree`` targets of a row, or sources of a column: chosen one after the other, with
    chances in proportion to the profile; see ``draw_range``.

    Each choice comes after an exponential waiting time with the rate that the profile gives, and
    with multapses again and again; the first ``degree`` to come are chosen.  With multapses they
    are in that order, which their numbers follow.  Without, fewer are written if fewer have a rate
    above 0.
    Source: Efraimidis & Spirakis (2006) Inf Process Lett 97:181.
    """
    about = int64_at(ints, PROJECTION)
    s = int64_at(about[J_FIELD], FIELD)
    g = float64_at(s[S_NUMBERS], FLOATS)
    banned = np.int64(-1) if about[J_AUTAPSES] else twin
    longest = s[S_LONGEST]
    # The arrays of scratch: choices, those chosen, distances or chances, and times.
    rows, distances = int32_at(out, longest), float64_at(out + 8 * longest, longest)
    chosen, keys = int32_at(out + 4 * longest, longest), float64_at(out + 16 * longest, longest)
    number, again = U(about[J_NUMBER]), about[J_MULTAPSES]
    found = _search(s, g, source, banned, np.int64(0), s[S_COUNT], rows, distances)
    chances = distances[:found]
    _chances(s, g, source, rows, chances)
    count = np.int64(0)
    for i in range(found):
        choice, p = np.int64(rows[i]), chances[i]
        if not p > D(0.0):
            continue
        key, event = D(0.0), np.int64(0)
        while True:
            a, b, c, d = philox(
                U(source), U(choice), U(number | U(event >> 1 << 16)), U(STREAM_NEAR), U(key0),
                U(key1),
            )  # fmt: skip
            if event & 1:
                a, b = c, d
            u = (D(np.int64(a >> U(5))) * TWO_26 + D(np.int64(b >> U(6))) + D(0.5)) * TWO_53
            key += -log64(u) / p
            if count < degree:
                keys[count], chosen[count] = key, I32(choice)
                count += 1
                if count == degree:
                    for j in range(degree // 2 - 1, -1, -1):
                        _sift(keys, chosen, j, degree)
            elif degree > 0 and (key < keys[0] or (key == keys[0] and choice < chosen[0])):
                keys[0], chosen[0] = key, I32(choice)
                _sift(keys, chosen, 0, degree)
            else:
                break
            if not again:
                break
            event += 1
    if again:
        for j in range(count - 1, 0, -1):
            keys[0], keys[j] = keys[j], keys[0]
            chosen[0], chosen[j] = chosen[j], chosen[0]
            _sift(keys, chosen, 0, j)
    for i in range(count):
        rows[i] = chosen[i]
    return count

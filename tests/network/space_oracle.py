"""Connections by distance as plain NumPy over all pairs, from the documentation: the oracle.

Nothing is shared with what it checks: formulas of masks and profiles are written again, and random
words come from the reference generator.
"""

from dataclasses import dataclass

import numpy as np

WORD = 0xFFFFFFFF
STREAM = 1029


def words(seed, projection, rows, choices):
    """Return the random words of each pair, four of (rows, choices), from the Philox of papers."""
    shape, word, half = (rows, choices), np.uint64(WORD), np.uint64(32)
    x0 = np.broadcast_to(np.arange(rows, dtype=np.uint64)[:, None], shape)
    x1 = np.broadcast_to(np.arange(choices, dtype=np.uint64)[None, :], shape)
    x2, x3 = np.full(shape, projection, np.uint64), np.full(shape, STREAM, np.uint64)
    k0, k1 = seed & WORD, seed >> 32 & WORD
    for _ in range(7):
        left, right = x2 * np.uint64(0xCD9E8D57), x0 * np.uint64(0xD2511F53)
        x0, x1 = (left >> half) ^ x1 ^ np.uint64(k0), left & word
        x2, x3 = (right >> half) ^ x3 ^ np.uint64(k1), right & word
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return [x.astype(np.int64) for x in (x0, x1, x2, x3)]


@dataclass
class Pairs:
    """All pairs of two sets of points.

    Attributes:
        d: (sources, targets, axes), displacements from source to target.
        distance: (sources, targets).
    """

    d: np.ndarray
    distance: np.ndarray


def pairs(source, target, period):
    """Return all pairs; ``period`` is a length for each axis, 0 where it is not periodic."""
    d = target[None, :, :] - source[:, None, :]
    for axis, length in enumerate(period):
        if length:
            d[..., axis] -= length * (d[..., axis] > length / 2)
            d[..., axis] += length * (d[..., axis] < -length / 2)
    return Pairs(d, np.sqrt((d * d).sum(-1)))


def covered(p, mask, period):
    """Tell which pairs a mask covers, given as (name, numbers, offset), or None.

    Along a periodic axis it is asked about the image that is nearest to its middle.
    """
    if mask is None:
        return np.ones(p.distance.shape, bool)
    name, numbers, offset = mask
    middle = np.array(offset)
    if name == "Box":
        middle = middle + (np.array(numbers[0]) + np.array(numbers[1])) / 2
    d = p.d - middle
    for axis, length in enumerate(period):
        if length:
            d[..., axis] -= length * np.rint(d[..., axis] / length)
    r = np.sqrt((d * d).sum(-1))
    if name == "Disc":
        return r <= numbers[0]
    if name == "Annulus":
        return (r > numbers[0]) & (r <= numbers[1])
    if name == "Box":
        return (np.abs(d) <= (np.array(numbers[1]) - np.array(numbers[0])) / 2).all(-1)
    major, minor, angle = numbers[:3]
    z = (d[..., 0] + (1j * d[..., 1] if d.shape[-1] > 1 else 0)) * np.exp(-1j * np.deg2rad(angle))
    total = (2 * z.real / major) ** 2 + (2 * z.imag / minor) ** 2
    if d.shape[-1] == 3:
        total = total + (2 * d[..., 2] / numbers[3]) ** 2
    return total <= 1.0


def profile(p, name, numbers, low=-np.inf, high=np.inf):
    """Return the values of a profile for all pairs."""
    r = p.distance
    value = {
        "Level": lambda a: np.full(r.shape, a),
        "Gaussian": lambda std, peak, mean: peak * np.exp(-(((r - mean) / std) ** 2) / 2),
        "Exponential": lambda scale, peak: peak * np.exp(-r / scale),
        "Linear": lambda intercept, slope: intercept + slope * r,
        "own": lambda: np.where(p.d[..., 0] > 0.0, np.exp(-r / 0.25), 0.125),
    }[name](*numbers)
    return np.clip(value, low, high)


def by_probability(p, chance, inside, seed, projection):
    """Return which pairs are connected, each by its own chance."""
    first = words(seed, projection, *p.distance.shape)[0]
    return inside & (first + 0.5 < chance * 2.0**32)


def by_degree(p, chance, inside, seed, projection, degree, multapses):
    """Return how often each row gets each choice: the first to come, in processes of Poisson.

    Without multapses each choice comes once.
    """
    open_, events = inside & (chance > 0), degree if multapses else min(degree, 1)
    times, now = np.full((events, *p.distance.shape), np.inf), 0.0
    for event in range(events):
        words_of = words(seed, projection | event // 2 << 16, *p.distance.shape)
        a, b = words_of[2:] if event % 2 else words_of[:2]
        uniform = ((a >> 5) * 2.0**26 + (b >> 6) + 0.5) * 2.0**-53
        with np.errstate(divide="ignore"):
            now = now - np.log(uniform) / np.where(open_, chance, 1.0)
        times[event] = np.where(open_, now, np.inf)
    result = np.zeros(p.distance.shape, int)
    for row in range(len(result)):
        at = np.argsort(times[:, row], axis=None)[:degree]
        some = times[:, row].ravel()[at] < np.inf
        np.add.at(result[row], at[some] % result.shape[1], 1)
    return result

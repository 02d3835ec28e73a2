"""Oracle of the random input: Philox, normal numbers, Poisson counts.

Source: Salmon, Moraes, Dror, Shaw (2011) "Parallel random numbers: as easy as 1, 2, 3", SC11,
section 3.3: a round of Philox4x32 on (x0, x1, x2, x3) with the key (k0, k1) gives
``hi(x2 M1) ^ x1 ^ k0, lo(x2 M1), hi(x0 M0) ^ x3 ^ k1, lo(x0 M0)``; between rounds the key is
raised by Weyl's constants.  Box & Muller (1958) Ann Math Statist 29:610.

The counter is (neuron, group low, group high, stream) with group = step >> 2: the four words serve
the four steps of a group.  In a network it is (neuron >> 2, step low, step high, stream + 128): the
four words serve the four neurons of a quad ("lanes").
"""

import math

import numpy as np

MULTIPLIER_0, MULTIPLIER_1 = 0xD2511F53, 0xCD9E8D57
WEYL_0, WEYL_1 = 0x9E3779B9, 0xBB67AE85
WORD = 0xFFFFFFFF
STREAM_NOISE, STREAM_POISSON, STREAM_MODEL, LANES = 512, 768, 1024, 128


def philox4x32(counter, key, rounds=7):
    """Return the four output words, as Python ints, of four counter words and two key words."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(rounds):
        left, right = x2 * MULTIPLIER_1, x0 * MULTIPLIER_0
        x0, x1 = (left >> 32) ^ x1 ^ k0, left & WORD
        x2, x3 = (right >> 32) ^ x3 ^ k1, right & WORD
        k0, k1 = (k0 + WEYL_0) & WORD, (k1 + WEYL_1) & WORD
    return x0, x1, x2, x3


def words(seed, stream, first_step, steps, neurons):
    """Return the words that serve each step, and for each step the four words of its group.

    Args:
        seed: 64-bit integer.
        stream: last word of the counter.
        first_step: number of the first step.
        steps: how many.
        neurons: integer array (n,), the identities.

    Returns:
        uint64 array (steps, n, 4): the four words of the step's group.
    """
    return _blocks(seed, stream, [(first_step + k) >> 2 for k in range(steps)], neurons)


def _blocks(seed, stream, groups, neurons):
    """Return the words (groups, n, 4) for counters (neuron, group low, group high, stream)."""
    word, half = np.uint64(WORD), np.uint64(32)
    m0, m1 = np.uint64(MULTIPLIER_0), np.uint64(MULTIPLIER_1)
    low = np.array([g & WORD for g in groups], np.uint64)[:, None]
    high = np.array([g >> 32 & WORD for g in groups], np.uint64)[:, None]
    shape = (len(groups), len(neurons))
    x0 = np.broadcast_to(np.asarray(neurons, np.uint64) & word, shape)
    x1, x2 = np.broadcast_to(low, shape), np.broadcast_to(high, shape)
    x3 = np.full(shape, stream, np.uint64)
    k0, k1 = seed & WORD, seed >> 32 & WORD
    for _ in range(7):
        left, right = x2 * m1, x0 * m0
        x0, x1 = (left >> half) ^ x1 ^ np.uint64(k0), left & word
        x2, x3 = (right >> half) ^ x3 ^ np.uint64(k1), right & word
        k0, k1 = (k0 + WEYL_0) & WORD, (k1 + WEYL_1) & WORD
    return np.stack([x0, x1, x2, x3], axis=-1)


def uniform(word):
    """Return ``(word >> 1) / 2^31 + 2^-32``, in (0, 1], rounded to float32, as float64."""
    exact = (np.asarray(word, np.uint64) >> np.uint64(1)).astype(np.float64) * 2.0**-31 + 2.0**-32
    return exact.astype(np.float32).astype(np.float64)


def normal_pair(first, second):
    """Return two standard normal float64 arrays from two arrays of words (Box and Muller)."""
    radius = np.sqrt(-2.0 * np.log(uniform(first)))
    second = np.asarray(second, np.uint64)
    quadrant = (second >> np.uint64(30)).astype(np.float64)
    rest = (second << np.uint64(2) & np.uint64(WORD)).astype(np.uint32).view(np.int32)
    theta = quadrant * (math.pi / 2) + rest.astype(np.float64) / 2.0**31 * (math.pi / 4)
    return radius * np.cos(theta), radius * np.sin(theta)


def normals(seed, term, first_step, steps, neurons, stream=STREAM_NOISE):
    """Return the standard normal numbers (steps, n) of the noise input number ``term``."""
    w = words(seed, stream + term, first_step, steps, neurons)
    slot = np.array([(first_step + k) & 3 for k in range(steps)])[:, None]
    early = normal_pair(w[..., 0], w[..., 1])
    late = normal_pair(w[..., 2], w[..., 3])
    return np.select([slot == 0, slot == 1, slot == 2], [early[0], early[1], late[0]], late[1])


def white_noise(sigma, dt, seed, term, first_step, steps, neurons):
    """Return the current (steps, n), pA, of Gaussian white noise of density sigma pA sqrt(ms)."""
    return np.asarray(sigma) / math.sqrt(dt) * normals(seed, term, first_step, steps, neurons)


def uniforms(seed, term, first_step, steps, neurons, stream=STREAM_POISSON):
    """Return the uniform numbers (steps, n) of the Poisson input number ``term``."""
    w = words(seed, stream + term, first_step, steps, neurons)
    slot = np.array([(first_step + k) & 3 for k in range(steps)])
    return uniform(np.stack([w[k, :, s] for k, s in enumerate(slot)]))


def lane_words(seed, stream, first_step, steps, neurons):
    """Return the words (steps, n, 4) of each neuron's quad in a network, and its lane (n,)."""
    neurons = np.asarray(neurons)
    groups = [first_step + k for k in range(steps)]
    return _blocks(seed, stream + LANES, groups, neurons >> 2), neurons & 3


def lane_normals(seed, term, first_step, steps, neurons, stream=STREAM_NOISE):
    """Return the standard normal numbers (steps, n) of a noise input in a network."""
    w, lane = lane_words(seed, stream + term, first_step, steps, neurons)
    early = normal_pair(w[..., 0], w[..., 1])
    late = normal_pair(w[..., 2], w[..., 3])
    return np.select([lane == 0, lane == 1, lane == 2], [early[0], early[1], late[0]], late[1])


def lane_uniforms(seed, term, first_step, steps, neurons, stream=STREAM_POISSON):
    """Return the uniform numbers (steps, n) of a Poisson input in a network."""
    w, lane = lane_words(seed, stream + term, first_step, steps, neurons)
    return uniform(np.take_along_axis(w, lane[None, :, None], axis=2)[..., 0])


def draws(seed, kind, number, first_step, steps, neurons):
    """Return what a model draws itself (steps, n): its number ``number``, "n" normal, "u" uniform.

    The numbers of threshold come first, then those of reset, then those of the step.
    """
    function = normals if kind[0] == "n" else uniforms
    return function(seed, number, first_step, steps, neurons, STREAM_MODEL)


def lane_draws(seed, kind, number, first_step, steps, neurons):
    """Return the same in a network."""
    function = lane_normals if kind[0] == "n" else lane_uniforms
    return function(seed, number, first_step, steps, neurons, STREAM_MODEL)


def poisson_survival(mean):
    """Return P(N > k) for k = 0, 1, ... until it is below 2^-33, smaller than any uniform."""
    survival, k = [], 0
    while True:
        log_mean = math.log(mean) if mean > 0 else -math.inf
        tail, i = 0.0, k + 1
        while True:
            term = math.exp(i * log_mean - mean - math.lgamma(i + 1))
            tail += term
            if term <= tail * 1e-18 and i > mean:
                break
            i += 1
        if tail < 2.0**-33:
            return np.array(survival)
        survival.append(tail)
        k += 1


def poisson_counts(uniform_numbers, mean):
    """Return the number of k >= 0 with ``uniform <= P(N > k)``, for one mean."""
    survival = poisson_survival(mean)
    return (np.asarray(uniform_numbers)[..., None] <= survival).sum(axis=-1)

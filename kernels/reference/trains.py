"""Oracle of what is drawn on the host: Ornstein-Uhlenbeck processes, renewal and copied trains.

Plain Python from the definitions; counters of Philox are those that ``noise`` describes, with the
streams and words that the inputs' documentation of randomness names.
"""

import math

import numpy as np

from spikecuda.kernels.reference.noise import WORD, normal_pair, normals, philox4x32, uniform

STREAM_NOISE = 512
STREAM_OU, STREAM_RENEWAL, STREAM_COMMON, STREAM_COPIES = 4096, 8192, 12288, 1 << 20
BEGIN = 0xFFFFFFFF


def ornstein_uhlenbeck(tau, dt, seed, term, step, neurons):
    """Return the values (n,) of a process of mean 0 and variance 1 at a step.

    Values at multiples of L steps, a power of two and at least 40 tau, are independent.  Any other
    step has two neighbours, ``h`` steps away, where h is the largest power of two that divides it;
    given them it is normal with mean ``(a + b) / (2 cosh(h dt / tau))`` and variance
    ``tanh(h dt / tau)``.
    """
    apart = 64
    while apart * dt < 40 * tau:
        apart *= 2
    number = normals(seed, STREAM_OU - STREAM_NOISE + term, step, 1, neurons)[0]
    if step % apart == 0:
        return number
    half = step & -step
    x = half * dt / tau
    left = ornstein_uhlenbeck(tau, dt, seed, term, step - half, neurons)
    right = ornstein_uhlenbeck(tau, dt, seed, term, step + half, neurons)
    mean = (left + right) / (2 * math.cosh(x)) if x < 300 else 0.0 * left
    return mean + math.sqrt(math.tanh(x)) * number


def _words(seed, neuron, index, attempt, stream):
    return philox4x32((neuron, index & WORD, attempt, stream), (seed & WORD, seed >> 32))


def gamma(seed, stream, neuron, index, shape):
    """Return a gamma number of mean 1.

    Source: Marsaglia & Tsang (2000) ACM Trans Math Softw 26:363, section 2 and 6.
    """
    d = (shape + 1 if shape < 1 else shape) - 1 / 3
    attempt = 0
    while True:
        w = _words(seed, neuron, index, attempt, stream)
        x = float(normal_pair(np.array([w[0]]), np.array([w[1]]))[0][0])
        v = (1 + x / math.sqrt(9 * d)) ** 3
        if v > 0 and math.log(float(uniform(w[2]))) < x * x / 2 + d - d * v + d * math.log(v):
            break
        attempt += 1
    boost = float(uniform(w[3])) ** (1 / shape) if shape < 1 else 1.0
    return d * v * boost / shape


def renewal_times(seed, term, neuron, rate, shape, rest, stop):
    """Return the times in ms, from 0 on, of a stationary renewal train of a rate in Hz."""
    stream, times = STREAM_RENEWAL + term, []
    interval = 1000 / rate - rest
    w = _words(seed, neuron, 0, BEGIN, stream)
    part = float(uniform(w[1]))
    if float(uniform(w[0])) <= rest * rate / 1000:
        time = part * rest + interval * gamma(seed, stream, neuron, 0, shape)
    else:
        longer = gamma(seed, stream, neuron, 0, shape + 1) * (shape + 1) / shape
        time = part * longer * interval
    while time < stop:
        times.append(time)
        time += rest + interval * gamma(seed, stream, neuron, len(times), shape)
    return times


def copied_counts(seed, term, neurons, mean, chance, step):
    """Return the spikes (n,) in a step of trains that copy a common one.

    ``mean``: spikes of the common train expected in the step; its counter has the identity of the
    first neuron.
    """
    key, low, high = (seed & WORD, seed >> 32), step & WORD, step >> 32
    first = philox4x32((int(neurons[0]), low, high, STREAM_COMMON + term), key)[0]
    number, events = float(uniform(first)), 0
    while number <= 1 - sum(
        math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(events + 1)
    ):
        events += 1
    counts = np.zeros(len(neurons))
    for event in range(events):
        stream = STREAM_COPIES + 256 * term + event // 4
        for j, neuron in enumerate(neurons):
            word = philox4x32((int(neuron), low, high, stream), key)[event % 4]
            counts[j] += word < round(chance * 2**32)
    return counts

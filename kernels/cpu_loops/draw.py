"""Random numbers that the host needs: initial values, and the step words of float16 rounding."""

import numpy as np

from spikecuda.kernels.compile.entry import loop
from spikecuda.kernels.numerics import gaussian_pair, philox

U = np.uint32


@loop("void(uint32, uint32, uint32, uint32, float64[::1])")
def draw_normal(identity, stream, key0, key1, out):
    """Write one standard normal float64 for each neuron from ``identity`` on."""
    for j in range(out.size):
        a, b, _, _ = philox(U(identity + U(j)), U(0), U(0), stream, key0, key1)
        first, _ = gaussian_pair(a, b)
        out[j] = first


@loop("void(uint32, uint32, uint32, uint32, float64[::1])")
def draw_uniform(identity, stream, key0, key1, out):
    """Write one uniform float64 in [0, 1) with 53 bits for each neuron from ``identity`` on."""
    for j in range(out.size):
        a, b, _, _ = philox(U(identity + U(j)), U(0), U(0), stream, key0, key1)
        high = np.int64(a >> U(5))
        low = np.int64(b >> U(6))
        out[j] = (high * 67108864.0 + low) * 1.1102230246251565e-16


@loop("void(int64, int64, int64, uint32, uint32, uint32, uint32[::1])")
def step_words(clock, steps, words, stream, key0, key1, out):
    """Write ``words`` odd random uint32 words for each of ``steps`` steps from ``clock`` on."""
    for k in range(steps):
        now = np.int64(clock + k)
        low = U(now & 0xFFFFFFFF)
        high = U((now >> 32) & 0xFFFFFFFF)
        for w in range(words):
            out[words * k + w] = philox(low, high, U(w), stream, key0, key1)[0] | U(1)

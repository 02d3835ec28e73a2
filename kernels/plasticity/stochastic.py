"""Synapses that release at random.

Source: Katz (1969) The Release of Neural Transmitter Substances, Liverpool University Press.
"""

from spikecuda.kernels.language import Real, real, select


def release(uniform: Real, p: Real) -> Real:
    """Return 1 with probability p, else 0."""
    return select(uniform < p, real(1), real(0))

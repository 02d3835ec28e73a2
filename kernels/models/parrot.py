"""Parrot: repeats the spikes that arrive.

    x = what arrived in this step;  a spike when x >= 0.5

Source: NEST's ``parrot_neuron``, which repeats several simultaneous spikes as many; here they are
one.
"""

from spikecuda.kernels.language import Real, real


def step(x: Real) -> Real:
    """Forget the last step; what arrives is added after this."""
    return real(0.0)


def threshold(x: Real) -> bool:
    """Tell whether a spike arrived."""
    return x >= real(0.5)


def reset(x: Real) -> Real:
    """Return x after a spike."""
    return real(0.0)

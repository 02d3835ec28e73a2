"""Symmetric plasticity of inhibitory synapses, which balances their targets.

    at a spike of the target:  w += eta x
    at a spike of the source:  w += eta (y - alpha)

Source: Vogels, Sprekeler, Zenke, Clopath & Gerstner (2011) Science 334:1569, equations 9 and 10 of
the supplement.
"""

from spikecuda.kernels.language import Real


def potentiate(w: Real, x: Real, eta: Real) -> Real:
    """Return the weight after a spike of the target."""
    return w + eta * x


def change(w: Real, y: Real, w_max: Real, eta: Real, loss: Real) -> Real:
    """Return the weight after a spike of the source: the gain meets its bound before the loss."""
    return min(w + eta * y, w_max) - loss

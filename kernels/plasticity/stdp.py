"""Pair-based spike-timing-dependent plasticity.

x and y are traces of the source's and the target's spikes, each just before the present one:

    at a spike of the target:  w += lam w_max (1 - w / w_max)^mu_plus x
    at a spike of the source:  w -= alpha lam w_max (w / w_max)^mu_minus y

Source: Gütig, Aharonov, Rotter & Sompolinsky (2003) J Neurosci 23:3697; additive for mu = 0 (Song,
Miller & Abbott (2000) Nat Neurosci 3:919), multiplicative for mu = 1.
"""

from spikecuda.kernels.language import Real, pow, real


def potentiate(w: Real, x: Real, step_up: Real, mu_plus: Real, per_max: Real) -> Real:
    """Return the weight after a spike of the target; ``step_up`` = lam w_max."""
    return w + step_up * pow(max(real(1) - w * per_max, real(0)), mu_plus) * x


def depress(w: Real, y: Real, step_down: Real, mu_minus: Real, per_max: Real) -> Real:
    """Return the weight after a spike of the source; ``step_down`` = alpha lam w_max."""
    return w - step_down * pow(w * per_max, mu_minus) * y


def potentiate_additive(w: Real, x: Real, step_up: Real) -> Real:
    """Return the weight after a spike of the target, whatever it was."""
    return w + step_up * x


def depress_additive(w: Real, y: Real, step_down: Real) -> Real:
    """Return the weight after a spike of the source, whatever it was."""
    return w - step_down * y

"""NMDA receptors that saturate, as a release that depends on the source's spikes before.

Each source opens its part s of the receptors by

    ds/dt = alpha x (1 - s) - s / tau_decay    dx/dt = -x / tau_rise, and x += 1 at a spike

A spike that comes when x has died away takes s, in terms of the slow decay from its time on, to
``k_0 + k_1 s``: ``k_1`` = exp(-alpha tau_rise), ``k_0`` as in ``spikecuda.plasticity.saturating``.

Source: Wang (1999) J Neurosci 19:9587; Skaar et al., model ``iaf_bw_2001`` of NEST 3.9 (jump).
"""

from spikecuda.kernels.language import Real, exp, real, select


def release(
    s: Real, elapsed: Real, fresh: bool, k_0: Real, k_1: Real, tau_decay: Real
) -> tuple[Real, Real]:
    """Return s after the spike, and how much it grew."""
    before = select(fresh, real(0), s * exp(-elapsed / tau_decay))
    grown = max(k_0 - (real(1) - k_1) * before, real(0))
    return before + grown, grown

"""Pair STDP of nearest spikes only, in three schemes.

The changes are those of ``stdp``; a scheme says which pairs count:

- symmetric: each spike with the last one of the other neuron;
- restricted: only immediate neighbours, so each spike belongs to one pair at most for each change;
- pre-centred: each spike of the source with the last and with the next one of the target.

Source: Morrison, Diesmann & Gerstner (2008) Biol Cybern 98:459, section 4.1.2 and figure 7.
"""

from spikecuda.kernels.language import Real, pow, real, select


def potentiate_first(
    w: Real, x: Real, first: bool, step_up: Real, mu_plus: Real, per_max: Real
) -> Real:
    """Return the weight after a spike of the target, if it is the first since the source's."""
    up = step_up * pow(max(real(1) - w * per_max, real(0)), mu_plus) * x
    return w + select(first, up, real(0))


def depress_paired(
    w: Real, y: Real, paired: bool, step_down: Real, mu_minus: Real, per_max: Real
) -> Real:
    """Return the weight after a spike of the source, if one of the target came since the last."""
    down = step_down * pow(w * per_max, mu_minus) * y
    return w - select(paired, down, real(0))


def potentiate_waiting(
    w: Real, waiting: Real, step_up: Real, mu_plus: Real, per_max: Real
) -> tuple[Real, Real]:
    """Return the weight after a spike of the target, and that no spike waits for one any more."""
    up = step_up * pow(max(real(1) - w * per_max, real(0)), mu_plus) * waiting
    return w + up, real(0)


def depress_waiting(
    w: Real, waiting: Real, y: Real, step_down: Real, mu_minus: Real, per_max: Real
) -> tuple[Real, Real]:
    """Return the weight after a spike of the source, which then waits for one of the target."""
    return w - step_down * pow(w * per_max, mu_minus) * y, waiting + real(1)

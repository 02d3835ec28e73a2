"""Short-term plasticity: what a spike releases depends on the source's spikes before.

``markram``: u is the part of the resources r that a spike releases; both are just at a spike, h ms
after the one before:

    r = 1 - (1 - r (1 - u)) e^(-h / tau_rec)    with the u of the spike before
    u = U + u (1 - U) e^(-h / tau_fac)
    sent: u r

``three_states``: recovered (r), active (a) and inactive (z) resources, 1 in all, and u, between
spikes

    dz/dt = a / tau_psc - z / tau_rec    da/dt = -a / tau_psc    du/dt = -u / tau_fac

and at a spike ``u += U (1 - u)`` and then ``sent = u r``, which goes from r to a.

Sources: Maass & Markram (2002) Neural Networks 15:155, equations 2 and 3; Tsodyks, Uziel & Markram
(2000) J Neurosci 20:RC50, equations 3 and 4.
"""

from spikecuda.kernels.language import Real, exp, real, select


def markram(
    u: Real, r: Real, elapsed: Real, fresh: bool, U: Real, tau_rec: Real, tau_fac: Real
) -> tuple[Real, Real, Real]:
    """Return u, r and what is sent; tau_fac = 0: no facilitation."""
    h = select(fresh, real(0), elapsed)
    recovered = real(1) - (real(1) - r * (real(1) - u)) * exp(-h / tau_rec)
    left = select(tau_fac > real(0), exp(-h / max(tau_fac, real(1e-30))), real(0))
    r = select(fresh, r, recovered)
    u = select(fresh, u, U + u * (real(1) - U) * left)
    return u, r, u * r


def three_states(
    u: Real,
    r: Real,
    a: Real,
    elapsed: Real,
    fresh: bool,
    U: Real,
    tau_psc: Real,
    tau_rec: Real,
    tau_fac: Real,
    gain: Real,
) -> tuple[Real, Real, Real, Real]:
    """Return u, r, a and what is sent; ``gain`` = tau_rec / (tau_rec - tau_psc)."""
    h = select(fresh, real(0), elapsed)
    fade = exp(-h / tau_rec)
    active = a * exp(-h / tau_psc)
    inactive = (real(1) - r - a) * fade + gain * (a * fade - active)
    left = select(tau_fac > real(0), exp(-h / max(tau_fac, real(1e-30))), real(0))
    r = select(fresh, r, real(1) - active - inactive)
    u = select(fresh, u, u * left)
    u = u + U * (real(1) - u)
    sent = u * r
    return u, r - sent, active + sent, sent

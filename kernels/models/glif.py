"""Generalised leaky integrate-and-fire neurons of the Allen Institute, by their exact propagators.

    c_m dv/dt = -g_l (v - e_l) + i_1 + i_2 + i                 v, GLIF1 to 5
    di_j/dt = -k_j i_j                                         after-spike currents, GLIF3, 4 and 5
    dtheta_s/dt = -b_s theta_s                                 reset rules, GLIF2, 4 and 5
    dtheta_v/dt = a_v (v - e_l) - b_v theta_v                  voltage-dependent threshold, GLIF5

A spike when v >= v_th + theta_s + theta_v.  The equations are linear: for an input that is constant
over a step a matrix takes the state to its end.  Its entries are named ``p_`` for the row of v and
``q_`` for the row of theta_v; ``d_1``, ``d_2`` and ``d_s`` are decays over a step, ``f_1``, ``f_2``
and ``f_s`` the factors of a spike, which stands for the whole refractory period.
GLIF1 has the functions of ``lif``.
Source: Teeter et al. (2018) Nat Commun 9:709, methods.
"""

from spikecuda.kernels.language import Real, fma


def step_2(
    v: Real, theta_s: Real, current: Real, p_v: Real, p_i: Real, p_rest: Real, d_s: Real
) -> tuple[Real, Real]:
    """Propagate GLIF2."""
    return fma(p_v, v, fma(p_i, current, p_rest)), d_s * theta_s


def step_3(
    v: Real,
    i_1: Real,
    i_2: Real,
    current: Real,
    p_v: Real,
    p_i: Real,
    p_rest: Real,
    p_1: Real,
    p_2: Real,
    d_1: Real,
    d_2: Real,
) -> tuple[Real, Real, Real]:
    """Propagate GLIF3."""
    v_next = fma(p_v, v, fma(p_1, i_1, fma(p_2, i_2, fma(p_i, current, p_rest))))
    return v_next, d_1 * i_1, d_2 * i_2


def step_3_mean(
    v: Real,
    i_1: Real,
    i_2: Real,
    current: Real,
    p_v: Real,
    p_i: Real,
    p_rest: Real,
    m_1: Real,
    m_2: Real,
    d_1: Real,
    d_2: Real,
) -> tuple[Real, Real, Real]:
    """Propagate GLIF3 with each after-spike current at its mean over the step, order 2.

    ``m_1`` and ``m_2`` are (1 - exp(-k dt)) / (k dt).
    """
    after = fma(m_1, i_1, m_2 * i_2)
    return fma(p_v, v, fma(p_i, current + after, p_rest)), d_1 * i_1, d_2 * i_2


def step_4(
    v: Real,
    theta_s: Real,
    i_1: Real,
    i_2: Real,
    current: Real,
    p_v: Real,
    p_i: Real,
    p_rest: Real,
    p_1: Real,
    p_2: Real,
    d_s: Real,
    d_1: Real,
    d_2: Real,
) -> tuple[Real, Real, Real, Real]:
    """Propagate GLIF4."""
    v_next = fma(p_v, v, fma(p_1, i_1, fma(p_2, i_2, fma(p_i, current, p_rest))))
    return v_next, d_s * theta_s, d_1 * i_1, d_2 * i_2


def step_5(
    v: Real,
    theta_s: Real,
    i_1: Real,
    i_2: Real,
    theta_v: Real,
    current: Real,
    p_v: Real,
    p_i: Real,
    p_rest: Real,
    p_1: Real,
    p_2: Real,
    d_s: Real,
    d_1: Real,
    d_2: Real,
    q_theta: Real,
    q_v: Real,
    q_i: Real,
    q_1: Real,
    q_2: Real,
    q_rest: Real,
) -> tuple[Real, Real, Real, Real, Real]:
    """Propagate GLIF5."""
    v_next = fma(p_v, v, fma(p_1, i_1, fma(p_2, i_2, fma(p_i, current, p_rest))))
    risen = fma(q_v, v, fma(q_1, i_1, fma(q_2, i_2, fma(q_i, current, q_rest))))
    return v_next, d_s * theta_s, d_1 * i_1, d_2 * i_2, fma(q_theta, theta_v, risen)


def threshold_s(v: Real, theta_s: Real, v_th: Real) -> bool:
    """Tell whether GLIF2 or GLIF4 spikes."""
    return v >= v_th + theta_s


def threshold_sv(v: Real, theta_s: Real, theta_v: Real, v_th: Real) -> bool:
    """Tell whether GLIF5 spikes."""
    return v >= v_th + theta_s + theta_v


def reset_2(
    v: Real, theta_s: Real, f_v: Real, v_add: Real, f_s: Real, dtheta_s: Real
) -> tuple[Real, Real]:
    """Return the states of GLIF2 after a spike; ``v_add`` = e_l (1 - f_v) + dv."""
    return fma(f_v, v, v_add), fma(f_s, theta_s, dtheta_s)


def reset_3(
    i_1: Real, i_2: Real, v_reset: Real, f_1: Real, f_2: Real, di_1: Real, di_2: Real
) -> tuple[Real, Real, Real]:
    """Return the states of GLIF3 after a spike."""
    return v_reset, fma(f_1, i_1, di_1), fma(f_2, i_2, di_2)


def reset_4(
    v: Real,
    theta_s: Real,
    i_1: Real,
    i_2: Real,
    f_v: Real,
    v_add: Real,
    f_s: Real,
    dtheta_s: Real,
    f_1: Real,
    f_2: Real,
    di_1: Real,
    di_2: Real,
) -> tuple[Real, Real, Real, Real]:
    """Return the states of GLIF4 after a spike."""
    return (
        fma(f_v, v, v_add),
        fma(f_s, theta_s, dtheta_s),
        fma(f_1, i_1, di_1),
        fma(f_2, i_2, di_2),
    )


def reset_5(
    v: Real,
    theta_s: Real,
    i_1: Real,
    i_2: Real,
    theta_v: Real,
    f_v: Real,
    v_add: Real,
    f_s: Real,
    dtheta_s: Real,
    f_1: Real,
    f_2: Real,
    di_1: Real,
    di_2: Real,
) -> tuple[Real, Real, Real, Real, Real]:
    """Return the states of GLIF5 after a spike."""
    return (
        fma(f_v, v, v_add),
        fma(f_s, theta_s, dtheta_s),
        fma(f_1, i_1, di_1),
        fma(f_2, i_2, di_2),
        theta_v,
    )

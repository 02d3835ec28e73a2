"""Hodgkin-Huxley neuron with the sodium and potassium channels of Traub & Miles.

    c_m dv/dt = -g_l (v - e_l) - g_na m^3 h (v - e_na) - g_k n^4 (v - e_k)
                - sum_k g_k (v - e_k) + i
    dx/dt = alpha_x(v) (1 - x) - beta_x(v) x    for x = m, h, n

Source: Traub & Miles (1991) Neuronal Networks of the Hippocampus, as modified by Brette et al.
(2007) J Comput Neurosci 23:349, benchmark 3.

Scheme ``strang``, order 2: half a step of v with the gates fixed, a step of the gates with v fixed,
half a step of v (Strang 1968, SIAM J Numer Anal 5:506).  Each of these equations is linear,
y' = b - s y, and is solved by y <- (y + b dt (1 + z/2)) / (1 + z + z^2/2), z = s dt.  That is the
Padé approximant (0, 2) of the exponential, of order 2; it keeps every gate within 0 and 1, is
stable for any step, needs no exponential, and leaves spike times as accurate as the exact one.
"""

from spikecuda.kernels.language import Real, exp, expm1, fma, real


def step(
    v: Real,
    m: Real,
    h: Real,
    n: Real,
    current: Real,
    g_syn: Real,
    g_e_syn: Real,
    g_l: Real,
    i_l: Real,
    g_na: Real,
    e_na: Real,
    g_k: Real,
    e_k: Real,
    v_t: Real,
    h_c: Real,
    dt: Real,
) -> tuple[Real, Real, Real, Real]:
    """Strang splitting, order 2; ``i_l`` = g_l e_l and ``h_c`` = dt / (2 c_m)."""
    one = real(1)
    half = real(0.5)
    g_rest = g_l + g_syn
    i_rest = i_l + g_e_syn + current

    sodium = g_na * (m * m * (m * h))
    potassium = g_k * (n * n * (n * n))
    z = h_c * (g_rest + sodium + potassium)
    w = fma(half, z, one)
    i = fma(sodium, e_na, fma(potassium, e_k, i_rest))
    middle = fma(h_c * w, i, v) / fma(z, w, one)

    # x / (e^x - 1) is 1 at x = 0; -y / (e^-y - 1) = y + y / (e^y - 1).
    u = middle - v_t
    x = real(0.25) * (real(13) - u)
    alpha_m = real(1.28) * (x / expm1(x) if x != real(0) else one)
    x = real(0.2) * (real(15) - u)
    alpha_n = real(0.16) * (x / expm1(x) if x != real(0) else one)
    y = real(0.2) * (real(40) - u)
    power = expm1(y)
    beta_m = real(1.4) * (y + (y / power if y != real(0) else one))
    beta_h = real(4) / (power + real(2))
    # Beyond -340 mV a gate follows at once; the bound keeps z^2 within float32.
    alpha_h = real(0.128) * exp(min((real(17) - u) * real(0.05555555555555556), real(20)))
    beta_n = half * exp(min((real(10) - u) * real(0.025), real(20)))

    z = dt * (alpha_m + beta_m)
    w = fma(half, z, one)
    m_next = fma(dt * alpha_m, w, m) / fma(z, w, one)
    z = dt * (alpha_h + beta_h)
    w = fma(half, z, one)
    h_next = fma(dt * alpha_h, w, h) / fma(z, w, one)
    z = dt * (alpha_n + beta_n)
    w = fma(half, z, one)
    n_next = fma(dt * alpha_n, w, n) / fma(z, w, one)

    sodium = g_na * (m_next * m_next * (m_next * h_next))
    potassium = g_k * (n_next * n_next * (n_next * n_next))
    z = h_c * (g_rest + sodium + potassium)
    w = fma(half, z, one)
    i = fma(sodium, e_na, fma(potassium, e_k, i_rest))
    v_next = fma(h_c * w, i, middle) / fma(z, w, one)
    return v_next, m_next, h_next, n_next


def threshold(v: Real, v_before: Real, v_th: Real) -> bool:
    """Tell whether the membrane potential has risen through the threshold."""
    return v >= v_th and v_before < v_th


def reset(v: Real, m: Real, h: Real, n: Real) -> tuple[Real, Real, Real, Real]:
    """Leave everything as it is: the channels end the spike."""
    return v, m, h, n

"""How far a correct kernel may be from an oracle: first-order running error analysis.

Notation: u is the unit roundoff of the kernel's arithmetic (2^-24 or 2^-53), r that of float64, in
which the host derives constants and the oracle computes.  A term of a sum that k roundings affect
adds ``k u |term|``: one for a constant cast to the kernel's type, one for each operation whose
result it is part of.  The same is done for the oracle and the host with r.  Counts are rounded up
to keep the formulas short, by less than a factor of two.

``follow`` carries the bound through steps and parts of steps: with E the bounds on the errors of
the states and J the Jacobian of one integration, ``E <- |J| E + e``.  A clamp or a reset makes the
error of v that of the constant it is set to.  Where the oracle's v is nearer to the threshold than
the bound, or the input is ambiguous, either outcome is right and the neuron is no longer judged.
Second-order terms are covered by SLACK as long as E stays below ``LIMIT`` mV; beyond that a
neuron is no longer judged either.

float16 (kernel arithmetic is float32): after a step each state is stored as the half
``(x - origin) / span``, rounded to either neighbour (less than one spacing of halves), from two
constants and one fma, and is read back with one fma: see ``stored``.
"""

from dataclasses import dataclass

import numpy as np

R = 2.0**-53
UNIT = {"float16": 2.0**-24, "float32": 2.0**-24, "float64": 2.0**-53}
SLACK = 1.02
LIMIT = 1e-2


@dataclass
class Slopes:
    """Slopes of the two states, the error of computing them, and their derivatives."""

    v: np.ndarray
    x: np.ndarray
    error_v: np.ndarray
    error_x: np.ndarray
    size_v: np.ndarray
    size_x: np.ndarray
    vv: np.ndarray
    vx: np.ndarray
    xv: np.ndarray
    xx: np.ndarray


def lif(v, _, current, h, p, scheme, u):
    """Return (J, e) of one exact step: ``fma(p_v, v, fma(p_i, I, p_rest))``.

    The term p_v v meets 2 roundings (cast of p_v, last fma), p_i I meets 4 (casts of both, both
    fma), p_rest 3; the host's constants 6 and the oracle 8.  ``p_rest`` is at most ``|v_rest|``.
    """
    decay = np.exp(-h / p["tau_m"])
    drive = np.abs(current) * -np.expm1(-h / p["tau_m"]) * p["tau_m"] / p["c_m"]
    error = (4 * u + 16 * R) * (np.abs(v) + 2 * np.abs(p["v_rest"]) + drive)
    zero = np.zeros_like(v)
    return (decay, zero, zero, zero), (error, zero)


def adex_slopes(v, w, current, p, u):
    """Return the slopes of AdEx with the errors of the kernel and the oracle together.

    Exponent ``fma(v, 1/delta_t, -v_t/delta_t)``: 2 roundings of terms that add up to X, and the
    cast of its cap.  exp: 1.1 ulp = 2.2 u; cast of g_l delta_t; then two sums: 6 u of G.  Leak:
    cast of e_l, difference, cast of g_l, sum: 4 u.  Current: cast, difference, two sums: 4 u; w: 3.
    """
    cap = np.minimum((p["v_peak"] - p["v_t"]) / p["delta_t"], 80.0)
    exponent = np.minimum((v - p["v_t"]) / p["delta_t"], cap)
    x_error = (2 * u + 4 * R) * (np.abs(v) + np.abs(p["v_t"])) / p["delta_t"]
    x_error += (u + 2 * R) * np.abs(cap)
    upstroke = p["g_l"] * p["delta_t"] * np.exp(exponent)
    leak = p["g_l"] * (np.abs(v) + np.abs(p["e_l"]))
    size = leak + upstroke + np.abs(current) + np.abs(w)
    size_w = np.abs(p["a"]) * (np.abs(v) + np.abs(p["e_l"])) + np.abs(w)
    free = (v - p["v_t"]) / p["delta_t"] < cap + x_error
    c, tau = p["c_m"], p["tau_w"]
    return Slopes(
        v=(-p["g_l"] * (v - p["e_l"]) + upstroke - w + current) / c,
        x=(p["a"] * (v - p["e_l"]) - w) / tau,
        error_v=((6 * u + 12 * R) * size + upstroke * x_error) / c,
        error_x=(4 * u + 8 * R) * size_w / tau,
        size_v=size / c,
        size_x=size_w / tau,
        vv=(-p["g_l"] + free * upstroke / p["delta_t"]) / c,
        vx=-1.0 / c,
        xv=p["a"] / tau,
        xx=-1.0 / tau,
    )


def adex(v, w, current, h, p, scheme, u):
    """Return (J, e) of one Euler or Heun step.

    Euler: ``fma(k_e, exp, fma(k_v, v, fma(h_c, I - w, k_0)))`` with k_v = 1 - h g_l / c_m, k_0 =
    h g_l e_l / c_m and k_e = h g_l delta_t / c_m.  k_v v and k_0 meet 3 roundings (cast, two fma),
    h_c (I - w) 5 (casts of h_c and I, difference, two fma), k_e exp 4.2 (cast, exp, fma).

    w, and both states in Heun's step: one fma with h/c_m or h/tau_w (cast, fma: 2 u of the
    increment, 1 u of the state).  Heun adds the two slopes (1 u), halves h/c_m (exact), and its
    second slopes inherit the prediction's error through their derivatives.
    """
    one, two = u + 2 * R, 2 * u + 4 * R
    s = adex_slopes(v, w, current, p, u)
    e_v = h * (s.error_v + two * s.size_v) + one * np.abs(v)
    e_w = h * (s.error_x + two * s.size_x) + one * np.abs(w)
    m = (1 + h * s.vv, h * s.vx, h * s.xv, 1 + h * s.xx)
    if scheme == "euler":
        cap = np.minimum((p["v_peak"] - p["v_t"]) / p["delta_t"], 80.0)
        x_error = (2 * u + 4 * R) * (np.abs(v) + np.abs(p["v_t"])) / p["delta_t"]
        x_error += (u + 2 * R) * np.abs(cap)
        exponent = np.minimum((v - p["v_t"]) / p["delta_t"], cap)
        k_v, k_l = 1 - h * p["g_l"] / p["c_m"], h * p["g_l"] / p["c_m"]
        linear = np.abs(k_v * v) + k_l * np.abs(p["e_l"])
        e_v = (3 * u + 10 * R) * linear + (5 * u + 10 * R) * h / p["c_m"] * (
            np.abs(current) + np.abs(w)
        )
        e_v = e_v + k_l * p["delta_t"] * np.exp(exponent) * (5 * u + 12 * R + x_error)
        return m, (e_v, e_w)
    guess = v + h * s.v
    capped = guess - p["v_peak"] > e_v
    guess = np.minimum(guess, p["v_peak"])
    g_v = np.where(capped, one * np.abs(p["v_peak"]), e_v)
    m = (np.where(capped, 0.0, m[0]), np.where(capped, 0.0, m[1]), m[2], m[3])
    t = adex_slopes(guess, w + h * s.x, current, p, u)
    half = 0.5 * h
    three = u + two
    e_v = one * np.abs(v) + half * (
        s.error_v + t.error_v + np.abs(t.vv) * g_v + np.abs(t.vx) * e_w
        + three * (s.size_v + t.size_v)
    )  # fmt: skip
    e_w = one * np.abs(w) + half * (
        s.error_x + t.error_x + np.abs(t.xv) * g_v + np.abs(t.xx) * e_w
        + three * (s.size_x + t.size_x)
    )  # fmt: skip
    jacobian = (
        1 + half * (s.vv + t.vv * m[0] + t.vx * m[2]),
        half * (s.vx + t.vv * m[1] + t.vx * m[3]),
        half * (s.xv + t.xv * m[0] + t.xx * m[2]),
        1 + half * (s.xx + t.xv * m[1] + t.xx * m[3]),
    )
    return jacobian, (e_v, e_w)


def izhikevich(v, w, current, h, p, scheme, u):
    """Return (J, e) of one step: v in one or two Euler steps, then ``fma(h a, fma(b, v, -u), u)``.

    In forward Euler with the old v.

    Each Euler step of v is ``fma(fma(k2, v, k1), v, h (c0 - u + I))`` with k2 = h c2 and k1 = 1 +
    h c1: 3 roundings of k2 v^2 and k1 v (cast, two fma), 7 of the rest (three casts, two sums,
    product, fma).  Recovery: casts of h a and b, two fma: 4 u of the increment, 1 u of u.
    """
    one, three, seven = u + 2 * R, 3 * u + 8 * R, 7 * u + 14 * R
    j_v, j_u, e_v = np.ones_like(v), np.zeros_like(v), np.zeros_like(v)
    parts = (0.5 * h, 0.5 * h) if scheme == "half_steps" else (h,)
    new = scheme != "forward_euler"
    old = v
    for part in parts:
        square = part * np.abs(p["c2"]) * v * v + np.abs((1 + part * p["c1"]) * v)
        drive = part * (np.abs(p["c0"]) + np.abs(w) + np.abs(current))
        growth = 1 + part * (2 * p["c2"] * v + p["c1"])
        e_v = np.abs(growth) * e_v + three * square + seven * drive
        j_v, j_u = growth * j_v, growth * j_u - part
        v = v + part * (p["c2"] * v * v + p["c1"] * v + p["c0"] - w + current)
    rate = h * p["a"]
    size = np.abs(p["b"] * (v if new else old)) + np.abs(w)
    e_u = (4 * u + 12 * R) * np.abs(rate) * size + one * np.abs(w)
    gain = rate * p["b"]
    if not new:
        return (j_v, j_u, gain * np.ones_like(v), 1 - rate), (e_v, e_u)
    e_u = e_u + np.abs(gain) * e_v
    return (j_v, j_u, gain * j_v, 1 - rate + gain * j_u), (e_v, e_u)


@dataclass
class Model:
    """What ``follow`` needs to know of a model."""

    local: object
    second: str | None
    threshold: str
    v_reset: str
    jump: str | None


MODELS = {
    "lif": Model(lif, None, "v_th", "v_reset", None),
    "adex": Model(adex, "w", "v_peak", "v_reset", "b"),
    "izhikevich": Model(izhikevich, "u", "v_peak", "c", "d"),
}


def follow(name, traces, params, current, pulses, dt, scheme, precision, ambiguous=None):
    """Carry the error bound along an oracle's run.

    Args:
        name: the model.
        traces: of the oracle.
        params: all parameters, each scalar or (n,).
        current, pulses: (steps, n); pulses may be None.
        dt: ms.
        scheme: of the model.
        precision: of the kernel.
        ambiguous: (steps, n) bool: the pulse could be another one.

    Returns:
        judged: (steps, n) bool, whether spikes and states after the step are determined.
        error_v, error_x: (n,) bounds after the last step (x: the second state, 0 for none).
    """
    model, u = MODELS[name], UNIT[precision]
    p = {k: np.asarray(value, np.float64) for k, value in params.items()}
    before, tested, fired = traces["before_v"], traces["tested"], traces["fired"]
    steps, parts, count = before.shape
    second = traces[f"before_{model.second}"] if model.second else np.zeros_like(before)
    e_v, e_x = np.zeros(count), np.zeros(count)
    good = np.ones(count, np.bool_)
    judged = np.zeros((steps, count), np.bool_)
    threshold, reset = p[model.threshold], np.abs(p[model.v_reset])
    jump = np.abs(p[model.jump]) if model.jump else 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(steps):
            for part in range(parts):
                v, x = before[k, part], second[k, part]
                j, e = model.local(v, x, current[k], dt / parts, p, scheme, u)
                e_v, e_x = (
                    SLACK * (np.abs(j[0]) * e_v + np.abs(j[1]) * e_x + e[0]),
                    SLACK * (np.abs(j[2]) * e_v + np.abs(j[3]) * e_x + e[1]),
                )
                clamped = np.isnan(tested[k, part])
                if pulses is not None and part == parts - 1:
                    size = np.abs(tested[k, part]) + 2 * np.abs(pulses[k])
                    e_v = e_v + 3 * (u + R) * size
                    if ambiguous is not None:
                        good &= clamped | ~ambiguous[k]
                distance = np.abs(tested[k, part] - threshold) - u * np.abs(threshold)
                good &= clamped | (distance > e_v)
                set_back = clamped | fired[k, part]
                e_v = np.where(set_back, u * reset, e_v)
                e_x = e_x + fired[k, part] * 2 * (u + R) * (np.abs(x) + e_x + jump)
                good &= e_v < LIMIT
            judged[k] = good
    return judged, e_v, e_x


def stored(value, error, origin, span):
    """Return the bound for a float16 state that should be ``value`` within ``error``.

    In physical units, with d = |value - origin|, encoding rounds the gain (u d), the shift
    (u (|origin| + 0.75 span)), an fma (u (d + 0.75 span)) and a difference (u d), and decoding an
    fma (u |value|): less than 4 u (|value| + |origin|) + 1.5 u span.  Then one spacing of halves.
    """
    size = np.abs(value) + error + abs(origin)
    scaled = (np.abs(value - origin) + error) / abs(span)
    spacing = np.spacing(scaled.astype(np.float16)).astype(np.float64)
    return error + 2.0**-24 * (4 * size + 1.5 * abs(span)) + abs(span) * spacing

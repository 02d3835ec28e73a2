"""The published rules of plastic synapses, each as the plain functions of a ``Rule``.

``make(name, **parameters)`` returns one.  x and r are traces of the source's spikes, y and o of the
target's, each without the present spike; w is a magnitude, from w_min to w_max.
"""

import math

from spikecuda.kernels.reference.plasticity import Rule, Trace, Variable


def make(name, w_max=math.inf, w_min=0.0, **parameters):
    """Return the ``Rule`` of a name in ``RULES``; times in ms."""
    rule = RULES[name](**parameters)
    rule.w_max, rule.w_min = w_max, w_min
    rule.values = {**parameters, **rule.values}
    return rule


def stdp(lam, alpha, tau_plus, tau_minus, mu_plus=0.0, mu_minus=0.0, nearest=""):
    """Pair STDP, all spikes or the nearest ones only.

    Gütig, Aharonov, Rotter & Sompolinsky (2003) J Neurosci 23:3697, equations 1 to 4; additive for
    exponents of 0 (Song, Miller & Abbott 2000), multiplicative for 1.  Nearest-neighbour schemes:
    Morrison, Diesmann & Gerstner (2008) Biol Cybern 98:459, figure 7: "symmetric" (each spike with
    the last of the other neuron), "restricted" (immediate neighbours only), "pre_centred" (each
    spike of the source with the last and the next of the target).
    """

    def up(w, x, w_max):
        return w + w_max * lam * (1 - w / w_max) ** mu_plus * x

    def down(w, y, w_max):
        return w - w_max * alpha * lam * (w / w_max) ** mu_minus * y

    def up_first(w, x, w_max, first):
        return up(w, x, w_max) if first else w

    def down_paired(w, y, w_max, paired):
        return down(w, y, w_max) if paired else w

    def up_waiting(w, waiting, w_max):
        return up(w, waiting, w_max), 0.0

    def down_waiting(w, waiting, y, w_max):
        return down(w, y, w_max), waiting + 1.0

    rule = Rule(down, up, post={"y": Trace(tau_minus, to_one=nearest != "")})
    if nearest == "pre_centred":
        rule.on_pre, rule.on_post = down_waiting, up_waiting
        rule.variables = {"waiting": Variable(0.0, tau_plus)}
        return rule
    if nearest == "restricted":
        rule.on_pre, rule.on_post = down_paired, up_first
    rule.pre = {"x": Trace(tau_plus, to_one=nearest != "")}
    return rule


def amplitudes(a_plus, a_minus, tau_plus, tau_minus):
    """Additive pair STDP with amplitudes in the unit of w: Song, Miller & Abbott (2000)."""
    return Rule(
        lambda w, y: w - a_minus * y, lambda w, x: w + a_plus * x,
        pre={"x": Trace(tau_plus)}, post={"y": Trace(tau_minus)},
    )  # fmt: skip


def power_law(lam, alpha, mu, tau_plus, tau_minus):
    """Morrison, Aertsen & Diesmann (2007) Neural Comput 19:1437, equation 6.

    lam has the factor w_0^(1 - mu).
    """
    return Rule(
        lambda w, y: w - lam * alpha * w * y, lambda w, x: w + lam * w**mu * x,
        pre={"x": Trace(tau_plus)}, post={"y": Trace(tau_minus)},
    )  # fmt: skip


def triplet(a2_plus, a2_minus, a3_plus, a3_minus, tau_plus, tau_x, tau_minus, tau_y):
    """Pfister & Gerstner (2006) J Neurosci 26:9673, equations 3 and 4."""
    return Rule(
        lambda w, o1, r2: w - o1 * (a2_minus + a3_minus * r2),
        lambda w, r1, o2: w + r1 * (a2_plus + a3_plus * o2),
        pre={"r1": Trace(tau_plus), "r2": Trace(tau_x)},
        post={"o1": Trace(tau_minus), "o2": Trace(tau_y)},
    )


def vogels(eta, alpha, tau, tau_minus=None):
    """Vogels, Sprekeler, Zenke, Clopath & Gerstner (2011) Science 334:1569.

    At a spike of the source ``w += eta (y - alpha)``, in two parts: the first meets the upper bound
    and then the second the lower one, as in NEST.
    """

    def on_pre(w, y, w_max):
        return max(min(w + eta * y, w_max) - eta * alpha, 0.0)

    traces = {"x": Trace(tau)}, {"y": Trace(tau if tau_minus is None else tau_minus)}
    return Rule(on_pre, lambda w, x: w + eta * x, pre=traces[0], post=traces[1])


def dopamine(a_plus, a_minus, tau_plus, tau_minus, tau_c, tau_n, b, clip="events"):
    """Izhikevich (2007) Cereb Cortex 17:2443; Potjans, Morrison & Diesmann (2010).

    ``dw/dt = c (n - b)``; c decays with tau_c, and with tau_n n, which a spike of the third factor
    raises by 1 / tau_n.  Exact, but for the bounds: w is held within them at the synapse's spikes,
    or, with clip="steps", at each step, as in NEST with a shortest delay of a step.
    """
    both = 1.0 / tau_c + 1.0 / tau_n

    def change(c, n, h):
        return c * (n * -math.expm1(-h * both) / both + b * tau_c * math.expm1(-h / tau_c))

    def flow(w, c, n, steps, dt, w_min, w_max):
        if clip == "events":
            return w + change(c, n, steps * dt)
        # change(c, n, dt), with what is the same in each step worked out once.
        of_n, of_b = change(1.0, 1.0, dt) - change(1.0, 0.0, dt), change(1.0, 0.0, dt)
        fade_c, fade_n = math.exp(-dt / tau_c), math.exp(-dt / tau_n)
        for _ in range(steps if c else 0):
            w = min(max(w + c * (n * of_n + of_b), w_min), w_max)
            c, n = c * fade_c, n * fade_n
        return w

    return Rule(
        lambda w, c, y: (w, c - a_minus * y), lambda w, c, x: (w, c + a_plus * x), flow=flow,
        pre={"x": Trace(tau_plus)}, post={"y": Trace(tau_minus)},
        variables={"c": Variable(0.0, tau_c)}, third=Trace(tau_n, jump=1.0 / tau_n),
    )  # fmt: skip


def clopath(a_ltp, a_ltd, theta_plus, theta_minus, tau_x, dt, u_ref_squared=None):
    """Clopath, Büsing, Vasilaki & Gerstner (2010) Nat Neurosci 13:344, equations 1 to 3.

    Signals of the target at the end of each step, mV: ``u``, and low-passed and earlier by the
    spike's width ``u_plus``, ``u_minus``; with u_ref_squared (mV^2) also ``u_mean``, the
    slow homeostatic average.
    """

    def on_step(w, x, u, u_plus):
        if u > theta_plus and u_plus > theta_minus:
            return w + a_ltp * (u - theta_plus) * (u_plus - theta_minus) * dt * x
        return w

    def on_pre(w, u_minus):
        return w - a_ltd * max(u_minus - theta_minus, 0.0)

    def on_pre_homeostatic(w, u_minus, u_mean):
        return w - a_ltd * u_mean**2 / u_ref_squared * max(u_minus - theta_minus, 0.0)

    rule = Rule(on_pre, on_step=on_step, pre={"x": Trace(tau_x, jump=1.0 / tau_x)})
    if u_ref_squared is not None:
        rule.on_pre = on_pre_homeostatic
    return rule


def tsodyks_markram(u_0, tau_rec, tau_fac, u_start=None, x_start=1.0):
    """Maass & Markram (2002) Neural Networks 15:155, equations 2 and 3; tau_fac = 0: none.

    Source variables: u, the part released, and x, what is there to be released.
    """

    def release(u, x, elapsed, fresh):
        if not fresh:
            x = 1.0 - (1.0 - x * (1.0 - u)) * math.exp(-elapsed / tau_rec)
            u = u_0 + u * (1.0 - u_0) * _decay(elapsed, tau_fac)
        return u, x, u * x

    start = u_0 if u_start is None else u_start
    return Rule(release=release, source_variables={"u": start, "x": x_start})


def tsodyks_2000(u_0, tau_psc, tau_rec, tau_fac, u_start=0.0, x_start=1.0, y_start=0.0):
    """Tsodyks, Uziel & Markram (2000) J Neurosci 20:RC50, equations 3 and 4; tau_fac = 0: none.

    Source variables: u, and the parts of the resources that are recovered (x) and active (y); the
    rest is inactive.
    """
    if tau_psc == tau_rec:
        raise ValueError(f"tau_psc and tau_rec must differ (got {tau_psc} ms)")

    def release(u, x, y, elapsed, fresh):
        if not fresh:
            # z' = y / tau_psc - z / tau_rec and y' = -y / tau_psc; x = 1 - y - z.
            z, fade = 1.0 - x - y, math.exp(-elapsed / tau_rec)
            active = y * math.exp(-elapsed / tau_psc)
            z = z * fade + tau_rec / (tau_rec - tau_psc) * (y * fade - active)
            x, y = 1.0 - active - z, active
            u = u * _decay(elapsed, tau_fac)
        u = u + u_0 * (1.0 - u)
        sent = u * x
        return u, x - sent, y + sent, sent

    first = {"u": u_start, "x": x_start, "y": y_start}
    return Rule(release=release, source_variables=first)


def diehl_cook(eta_pre, eta_post, tau_pre, tau_post_1, tau_post_2):
    """Diehl & Cook (2015) Front Comput Neurosci 9:99, with the traces of their published code."""
    return Rule(
        lambda w, post_1: w - eta_pre * post_1,
        lambda w, pre, post_2: w + eta_post * pre * post_2,
        pre={"pre": Trace(tau_pre, to_one=True)},
        post={"post_1": Trace(tau_post_1, to_one=True), "post_2": Trace(tau_post_2, to_one=True)},
    )


def stochastic(p):
    """A spike is sent with probability p, to each synapse by itself (Katz 1969)."""
    return Rule(transmit=lambda uniform: 1.0 if uniform < p else 0.0)


def _decay(elapsed, tau):
    return math.exp(-elapsed / tau) if tau > 0 else 0.0


RULES = {
    "stdp": stdp,
    "amplitudes": amplitudes,
    "power_law": power_law,
    "triplet": triplet,
    "vogels": vogels,
    "dopamine": dopamine,
    "clopath": clopath,
    "tsodyks_markram": tsodyks_markram,
    "tsodyks_2000": tsodyks_2000,
    "diehl_cook": diehl_cook,
    "stochastic": stochastic,
}

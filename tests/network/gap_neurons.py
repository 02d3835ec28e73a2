"""The neurons of NEST's ``hh_psc_alpha_gap``, for comparisons."""

import numpy as np

from spikecuda import Model, Parameter, State
from spikecuda.language import exp, expm1, real
from spikecuda.network import Coupled, Delta

V_START = -69.60401191631222


class GapNeuron(Model):
    """Mancilla et al. (2007) J Neurosci 27:2058, with alpha currents; a spike is a maximum of v."""

    schemes = ("rk4",)
    refractory, while_refractory = True, "silent"
    arrivals = {"ex": "u", "inh": "w"}
    v, m, h = State("mV", V_START, span=50.0), State(""), State("")
    n, p = State(""), State("")
    u, s = State("pA/ms"), State("pA")
    w, r = State("pA/ms"), State("pA")
    t_ref = Parameter(2.0, "ms")

    def dv(v, m, h, n, p, s, r, current):
        sodium = real(4500) * m * m * m * h * (v - real(74))
        potassium = (real(9) * n * n * n * n + real(9000) * p * p) * (v + real(90))
        return (current + s + r - sodium - potassium - real(10) * (v + real(70))) / real(40)

    def dm(v, m):
        x = (real(75.5) - v) / real(13.5)
        alpha = real(540) * (x / expm1(x) if x != real(0) else real(1))
        return alpha * (real(1) - m) - real(1.2262) * exp(v / real(-42.248)) * m

    def dh(v, h):
        x = (real(51.25) + v) / real(-5.2)
        beta = real(0.0884) * (x / expm1(x) if x != real(0) else real(1))
        return real(0.0035) * exp(v / real(-24.186)) * (real(1) - h) - beta * h

    def dn(v, n):
        x = (v + real(44)) / real(-2.3)
        alpha = real(0.0322) * (x / expm1(x) if x != real(0) else real(1))
        return alpha * (real(1) - n) - real(0.0043) * exp((v + real(44)) / real(-34)) * n

    def dp(v, p):
        x = (real(95) - v) / real(11.8)
        alpha = real(11.8) * (x / expm1(x) if x != real(0) else real(1))
        return alpha * (real(1) - p) - real(0.025) * exp(v / real(-22.222)) * p

    def du(u):
        return u / real(-0.2)

    def ds(u, s):
        return u - s / real(0.2)

    def dw(w):
        return w / real(-2.0)

    def dr(w, r):
        return w - r / real(2.0)

    def threshold(v, v_before):
        return v >= real(0) and v_before > v

    def reset(v, m, h, n, p, u, s, w, r):
        return v, m, h, n, p, u, s, w, r


# What spikes arrive at; an alpha current of peak 1 pA begins with a slope of e / tau.
SLOPES = {"ex": np.e / 0.2, "inh": np.e / 2.0}
PORTS = {"ex": Delta(), "inh": Delta(), "gap": Coupled()}


# The gates at rest.
GATES = {
    "m": 0.019198766985083732, "h": 0.868462041294399, "n": 0.0005741576228359767,
    "p": 0.0002511318227150632,
}  # fmt: skip


def crossings(v: np.ndarray) -> list[tuple[int, int]]:
    """Return neuron and number of the first sample above 0 mV of each spike; samples from 1 on."""
    step, neuron = np.nonzero((v[1:] >= 0) & (v[:-1] < 0))
    return sorted(zip(neuron.tolist(), (step + 2).tolist(), strict=True))

"""The neurons of NEST's ``hh_psc_alpha_gap``, for comparisons."""

import numpy as np

from spikecuda import Model, Parameter, State
from spikecuda.language import exp, expm1, real

V_START = -69.60401191631222


class GapNeuron(Model):
    """Mancilla et al. (2007) J Neurosci 27:2058, with an alpha current as in NEST."""

    schemes = ("rk4",)
    arrivals = {"ex": "u"}
    v, m, h = State("mV", V_START, span=50.0), State(""), State("")
    n, p = State(""), State("")
    u, s = State("pA/ms"), State("pA")
    tau = Parameter(0.2, "ms", above=0.0)

    def dv(v, m, h, n, p, s, current):
        sodium = real(4500) * m * m * m * h * (v - real(74))
        potassium = (real(9) * n * n * n * n + real(9000) * p * p) * (v + real(90))
        return (current + s - sodium - potassium - real(10) * (v + real(70))) / real(40)

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

    def du(u, tau):
        return -u / tau

    def ds(u, s, tau):
        return u - s / tau

    def threshold(v, v_before):
        return v >= real(0) and v_before < real(0)

    def reset(v, m, h, n, p, u, s):
        return v, m, h, n, p, u, s


# The gates at rest.
GATES = {
    "m": 0.019198766985083732, "h": 0.868462041294399, "n": 0.0005741576228359767,
    "p": 0.0002511318227150632,
}  # fmt: skip


def crossings(v: np.ndarray) -> list[tuple[int, int]]:
    """Return neuron and number of the first sample above 0 mV of each spike; samples from 1 on."""
    step, neuron = np.nonzero((v[1:] >= 0) & (v[:-1] < 0))
    return sorted(zip(neuron.tolist(), (step + 2).tolist(), strict=True))

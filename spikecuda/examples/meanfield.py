"""Rates of populations of leaky integrate-and-fire neurons with exponential currents, by theory.

Source: Fourcaud & Brunel (2002) Neural Comput 14:2057, equation 4.33; which solution is found, and
how: Schuecker et al. (2017) PLoS Comput Biol 13:e1005179.
"""

import numpy as np

# sqrt(2) |zeta(1/2)|
ALPHA = 2.0652531522
# erfc to 1.2e-7 of its value: Press et al., Numerical Recipes (1992), chapter 6.2.
ERFC = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398,
    1.48851587, -0.82215223, 0.17087277,
)  # fmt: skip
NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)
# Of the way to the solution, in time constants of the rates: larger steps jump over the low one.
STEP, STEPS = 0.05, 500


def scaled_erfc(x: np.ndarray) -> np.ndarray:
    """Return exp(x^2) erfc(x) within 1.2e-7 of its value; infinity where that is too large."""
    t = 1.0 / (1.0 + 0.5 * np.abs(x))
    positive = t * np.exp(np.polynomial.polynomial.polyval(t, ERFC))
    with np.errstate(over="ignore"):
        return np.where(x >= 0.0, positive, 2.0 * np.exp(x * x) - positive)


def stationary_rate(
    mean: np.ndarray, deviation: np.ndarray, tau_m: float, tau_syn: float, t_ref: float,
    threshold: float, reset: float,
) -> np.ndarray:  # fmt: skip
    """Return rates in Hz for a fast synaptic time constant.

    Args:
        mean, deviation: float64, of the free membrane potential, mV above rest; for a membrane
            that takes white noise the deviation is that of its stationary distribution times
            sqrt(2).
        tau_m, tau_syn, t_ref: ms.
        threshold, reset: mV above rest.
    """
    shift = 0.5 * ALPHA * np.sqrt(tau_syn / tau_m)
    low, high = (reset - mean) / deviation + shift, (threshold - mean) / deviation + shift
    half = 0.5 * (high - low)
    u = half[:, None] * NODES + 0.5 * (high + low)[:, None]
    with np.errstate(over="ignore"):
        integral = half * (scaled_erfc(-u) @ WEIGHTS)
    return np.asarray(1e3 / (t_ref + tau_m * np.sqrt(np.pi) * integral))


def rates_from_rest(
    jumps: np.ndarray, indegree: np.ndarray, mean: np.ndarray, variance: np.ndarray,
    tau_m: float, tau_syn: float, t_ref: float, threshold: float, reset: float,
) -> np.ndarray:  # fmt: skip
    """Return the rates that populations come to from silence, Hz.

    Args:
        jumps: float64 (targets, sources), what a spike adds to the membrane in all, mV.
        indegree: float64 (targets, sources).
        mean, variance: float64 (targets,), of the input from outside, per ms: mV and mV^2.
        tau_m, tau_syn, t_ref, threshold, reset: see ``stationary_rate``.
    """
    first, second = indegree * jumps, indegree * jumps**2
    rates = np.zeros(mean.size)
    for _ in range(STEPS):
        mu = tau_m * (1e-3 * (first @ rates) + mean)
        deviation = np.sqrt(tau_m * (1e-3 * (second @ rates) + variance))
        there = stationary_rate(mu, deviation, tau_m, tau_syn, t_ref, threshold, reset)
        rates = rates + STEP * (there - rates)
    return rates

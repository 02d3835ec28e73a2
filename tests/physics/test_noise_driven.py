"""LIF driven by noise: Siegert's rate, and the membrane under Poisson pulses."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfcx

from spikecuda import GPUNeuronPool
from spikecuda.inputs.stimulus import Noise, Poisson

# exp(u^2) (1 + erf u) is erfcx(-u); -zeta(1/2) / sqrt(2 pi).
OVERSHOOT = 0.5825971579


def siegert(mean, std, v_th, v_reset, tau_m, t_ref):
    """Return the rate (Hz) of a LIF neuron whose free membrane has this mean and deviation (mV).

    Source: Siegert (1951) Phys Rev 81:617; Brunel (2000) J Comput Neurosci 8:183, equation 21.
    """
    scale = math.sqrt(2.0) * std
    area = quad(lambda u: erfcx(-u), (v_reset - mean) / scale, (v_th - mean) / scale)[0]
    return 1000.0 / (t_ref + tau_m * math.sqrt(math.pi) * area)


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_siegerts_rate(target, precision):
    """Means from well below threshold to above it, 17 to 71 Hz.

    A neuron that looks at v only every dt misses crossings between; that is as if its threshold
    were higher by 0.5826 sd(increment of v) (Broadie, Glasserman, Kou 1997, Math Finance 7:325),
    here 4 to 9 % of the rate, up to terms of the order of dt / tau_m.  A count of n spikes is known
    to 1 / sqrt(n) at least, since the intervals are more regular than a Poisson process's.
    """
    cases = [(8.0, 6.0), (10.0, 4.0), (13.0, 3.0), (14.0, 5.0), (20.0, 5.0)]
    n, dt, tau, c, duration = 1000, 0.1, 10.0, 250.0, 2000.0
    mean, std = np.repeat(cases, n, axis=0).T
    sigma = std * math.sqrt(2.0 / tau)
    params = {"tau_m": tau, "c_m": c, "v_rest": 0.0, "v_reset": 0.0, "v_th": 15.0, "t_ref": 2.0}
    noise = Noise(sigma=sigma * c, mean=mean * c / tau)
    pool = GPUNeuronPool(
        mean.size, "lif", precision=precision, dt=dt, seed=21, params=params, **target
    )
    with pool:
        pool.run(duration=200.0, input=noise)
        counts = pool.run(duration=duration, input=noise).spikes.counts(mean.size)
    for (case_mean, case_std), number in zip(cases, counts.reshape(-1, n).sum(1), strict=True):
        shift = OVERSHOOT * case_std * math.sqrt(2.0 / tau * dt)
        expected = siegert(case_mean, case_std, 15.0 + shift, 0.0, tau, 2.0)
        rate = number / (n * duration * 1e-3)
        assert abs(rate / expected - 1) < 4 / math.sqrt(number) + 0.5 * dt / tau
        assert rate < 0.97 * siegert(case_mean, case_std, 15.0, 0.0, tau, 2.0)


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("dt", "rate", "weight"), [(0.1, 2000.0, 0.5), (1.0, 300.0, -0.8)])
def test_the_membrane_under_poisson_pulses(target, precision, dt, rate, weight):
    """Mean, variance and third cumulant, far below threshold (Campbell 1909).

    v <- p v + w n with p = exp(-dt/tau) and n Poisson of mean m: the j-th cumulant is
    w^j m / (1 - p^j), for small steps w^j rate tau / j.  n samples give the mean to sqrt(k2 / n),
    the variance to sqrt((k4 + 2 k2^2) / n) and the third to
    sqrt((k6 + 9 k4 k2 + 9 k3^2 + 6 k2^3) / n) (Kendall & Stuart).  float16 adds the variance of its
    roundings: at most a quarter of a squared spacing (2^-11 of the span of 20 mV) each step, held
    over tau/(2 dt) steps.
    """
    n, tau = 20_000, 10.0
    params = {"tau_m": tau, "v_rest": 0.0, "v_reset": -10.0, "v_th": 20.0, "t_ref": 0.0}
    mean_count, decay = rate * dt * 1e-3, math.exp(-dt / tau)
    k = [weight**j * mean_count / (1 - decay**j) for j in range(1, 7)]
    pool = GPUNeuronPool(n, "lif", precision=precision, dt=dt, seed=31, params=params, **target)
    samples = []
    with pool:
        pulses = Poisson(rate=rate, weight=weight)
        for _ in range(6):
            # 5 tau between samples: correlated by exp(-5), 1.3 % of the variance of the mean.
            assert len(pool.run(steps=round(5 * tau / dt), input=pulses).spikes) == 0
            samples.append(pool.state["v"].astype(np.float64))
    values = np.array(samples[1:])
    added = 0.25 * (20.0 * 2.0**-11) ** 2 * tau / (2 * dt) if precision == "float16" else 0.0
    centred, size = values - values.mean(), values.size
    assert abs(values.mean() - k[0]) < 5 * math.sqrt((k[1] + added) / size)
    error = 5 * math.sqrt((k[3] + 2 * (k[1] + added) ** 2) / size)
    assert -error < (centred**2).mean() - k[1] < error + added
    spread = k[5] + 9 * k[3] * k[1] + 9 * k[2] ** 2 + 6 * (k[1] + added) ** 3
    assert abs((centred**3).mean() - k[2]) < 5 * math.sqrt(spread / size)

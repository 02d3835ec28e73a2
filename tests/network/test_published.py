"""The examples beside what was published and what other simulators give."""

from itertools import pairwise

import numpy as np
import pytest

from spikecuda import Network
from spikecuda.errors import SpikecudaValueError
from spikecuda.examples import brunel, coba, cuba, find, izhikevich2003, microcircuit
from spikecuda.network import ExpCurrent, SpikeTrain

# A difference of so many standard errors is no chance (5 sigma: one in two million).
SIGMAS = 5.0


def standard_errors(result, start, window=100.0):
    """Return the standard error of each population's rate, from windows of the run."""
    edges = np.arange(start, result.stop + 1e-9, window)
    rates = [result.rates(a, b) for a, b in pairwise(edges)]
    return {
        name: np.std([r[name] for r in rates], ddof=1) / np.sqrt(len(rates)) for name in rates[0]
    }


def test_a_postsynaptic_potential_of_the_microcircuit_is_150_microvolts_high():
    net = Network(dt=0.01, precision="float64")
    net.population(
        "n", 1, "lif", microcircuit.NEURON, receptors={"syn": ExpCurrent(microcircuit.TAU_SYN)}
    )
    net.drive("n", SpikeTrain([0.01], weight=microcircuit.psc()))
    net.record("n", "v")
    v = net.run(10.0).traces["n"]["v"] + 65.0
    # The maximum may lie between two samples, up to half a step away; there, the current is
    # v c_m / tau_m and decays with 0.5 ms: v'' = -0.15 / (10 0.5) mV / ms^2.
    assert microcircuit.PSP - 0.03 * 0.005**2 / 2 < v.max() < microcircuit.PSP * (1 + 1e-9)


def test_the_full_microcircuit_has_the_published_number_of_synapses():
    # The authors' code gives 298,880,968; its logarithms round a few of the 64 numbers by one.
    assert abs(microcircuit.synapses().sum() - 298_880_968) <= 8
    net = microcircuit.network()
    assert sum(p.expected for p in net.projections) == microcircuit.synapses().sum()
    assert sum(len(population) for population in net.populations.values()) == 77_169


@pytest.mark.parametrize("scale", [0.1, 0.5])
def test_scaling_keeps_the_mean_input_and_its_variance(scale):
    rates = np.array(microcircuit.FULL_RATES)
    weights = microcircuit.psc() * microcircuit.relative_weights()
    indegree = microcircuit.synapses() / np.array(microcircuit.NEURONS)[:, None]
    background = np.array(microcircuit.EXTERNAL) * microcircuit.BACKGROUND_RATE

    def mean(s):
        total = (indegree * s * weights / np.sqrt(s) * rates).sum(axis=1)
        return (
            1e-3 * microcircuit.TAU_SYN * (total + background * s * microcircuit.psc() / np.sqrt(s))
        )

    restored = mean(scale) + microcircuit.missing_current(scale)
    np.testing.assert_allclose(restored, mean(1.0), rtol=1e-12)
    variance = (indegree * scale * (weights / np.sqrt(scale)) ** 2 * rates).sum(axis=1)
    np.testing.assert_allclose(variance, (indegree * weights**2 * rates).sum(axis=1), rtol=1e-12)


def test_a_tenth_of_the_microcircuit_has_nests_rates():
    with microcircuit.network(scale=0.1, seed=1, threads=1) as net:
        result = net.run(1500.0)
    errors, rates = standard_errors(result, 500.0), result.rates(start=500.0)
    for name, expected in zip(
        microcircuit.POPULATIONS, microcircuit.expected(scale=0.1), strict=True
    ):
        slack = SIGMAS * errors[name]
        assert expected.low - slack < rates[name] < expected.high + slack, name
        assert slack < 0.5 * rates[name], name  # the run is long enough to tell
        assert "seeds" in expected.source and "ms" in expected.source
    # Irregular, as in NEST's 5 s (0.74 to 0.86); a second has few intervals, which lowers it.
    cvs = result.cv(start=500.0)
    assert all(0.5 < cvs[name] < 1.0 for name in ("L4E", "L4I", "L5E", "L6I"))


# Rate of E in NEST 3.10 (iaf_psc_delta, fixed in-degree, Poisson generator; seed 1, 0.1 to 1 s).
@pytest.mark.parametrize(
    ("variant", "duration", "start", "nest"),
    [("AI", 700.0, 200.0, 37.735), ("SR", 200.0, 100.0, 329.974),
     ("SI-fast", 700.0, 200.0, 58.672), ("SI-slow", 1200.0, 200.0, 5.704)],
)  # fmt: skip
def test_brunel_has_four_regimes(variant, duration, start, nest):
    with brunel.network(seed=1, threads=1, variant=variant) as net:
        result = net.run(duration)
    assert brunel.regime(result, start) == variant
    rate = result.rates(start=start)["E"]
    if variant == "SR":
        # All neurons spike together: the window may hold one volley more or less.
        assert abs(rate - nest) <= 1e3 / (duration - start)
    else:
        assert abs(rate - nest) < SIGMAS * standard_errors(result, start, 50.0)["E"]
    for expected in brunel.expected(variant):
        value = expected.measure(result, start)
        # The paper has one run of each; its mean-field theory is off by as much.
        assert value == expected.low or abs(value / expected.low - 1.0) < 0.15


@pytest.mark.parametrize(
    ("module", "options"),
    [(cuba, {"variant": "nest"}), (cuba, {"variant": "brian"}), (coba, {})],
    ids=["cuba-nest", "cuba-brian", "coba"],
)
def test_cuba_and_coba_sustain_themselves_at_the_other_simulators_rates(module, options):
    with module.network(seed=1, threads=1, **options) as net:
        result = net.run(1200.0)
    errors = standard_errors(result, 200.0)
    activity, *rates = module.expected(**options)
    assert activity.measure(result, 200.0) == "sustained"
    for name, expected in zip(("E", "I"), rates, strict=True):
        slack = SIGMAS * errors[name]
        assert expected.low - slack < expected.measure(result, 200.0) < expected.high + slack


def test_without_the_kick_coba_is_silent():
    with coba.network(kicked=0, seed=1, threads=1) as net:
        assert net.run(200.0).num_spikes == 0


def program_in_the_paper(seed):
    """Return the rates of E and I in Hz: the MATLAB program of Izhikevich (2003), in NumPy."""
    draw = np.random.default_rng(seed)
    e, i = draw.random(800), draw.random(200)
    a = np.concatenate([np.full(800, 0.02), 0.02 + 0.08 * i])
    b = np.concatenate([np.full(800, 0.2), 0.25 - 0.05 * i])
    c = np.concatenate([-65.0 + 15.0 * e**2, np.full(200, -65.0)])
    d = np.concatenate([8.0 - 6.0 * e**2, np.full(200, 2.0)])
    weights = np.concatenate([0.5 * draw.random((800, 1000)), -draw.random((200, 1000))])
    v = np.full(1000, -65.0)
    u = b * v
    counts = np.zeros(1000)
    for _ in range(1000):
        current = np.concatenate([5.0 * draw.standard_normal(800), 2.0 * draw.standard_normal(200)])
        fired = v >= 30.0
        counts += fired
        v[fired] = c[fired]
        u[fired] += d[fired]
        current += weights[fired].sum(axis=0)
        for _ in range(2):
            v += 0.5 * (0.04 * v * v + 5.0 * v + 140.0 - u + current)
        u += a * (b * v - u)
    return counts[:800].mean(), counts[800:].mean()


def test_izhikevichs_network_has_the_rates_of_the_program_in_the_paper():
    theirs = np.array([program_in_the_paper(seed) for seed in range(6)])
    ours = []
    for seed in range(6):
        with izhikevich2003.network(seed=seed, threads=1) as net:
            rates = net.run(1000.0).rates()
            ours.append((rates["E"], rates["I"]))
    error = np.sqrt((theirs.var(axis=0, ddof=1) + np.var(ours, axis=0, ddof=1)) / 6.0)
    assert np.all(np.abs(theirs.mean(axis=0) - np.mean(ours, axis=0)) < SIGMAS * error)
    assert 6.0 < np.mean(ours, axis=0) @ [0.8, 0.2] < 9.0


@pytest.mark.parametrize("module", [brunel, cuba, microcircuit])
def test_unknown_variants_are_refused(module):
    for function in (module.network, module.expected):
        if module is microcircuit and function is module.expected:
            continue  # start values change no expectation
        with pytest.raises(SpikecudaValueError, match=r"variant must be one of .* \(got 'no'\)"):
            function(variant="no")


def test_every_example_says_what_it_is():
    from spikecuda.examples import NAMES

    for name in NAMES:
        example = find(name)
        assert example.name == name and example.about and example.source
        for variant in example.variants or (None,):
            options = example.options(variant)
            assert example.expected(**options)
            small = {"areas": ["V1"]} if name == "multi_area" else {}
            assert example.network(**options, **small, seed=1, threads=1).projections

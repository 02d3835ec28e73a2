"""Networks that learn, many seeds here against many seeds of NEST 3.10.

``nest_that_learns.json`` has for each network a row for each seed of NEST, in it the parts of the
run, and in them the measures of the test.  Rates and CV are of a part, weights those at its end.

NEST shows a weight as the last spike of its source left it, without what spikes of the target did
since.  The rules here keep that number in a variable ``sent``.  NEST delivers the spikes of one
shortest delay together, so the last ones of a part are missing from its weights, and here, too.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from spikecuda import Network, Poisson, Uniform
from spikecuda.analysis import cv
from spikecuda.examples import song2000, vogels2011
from spikecuda.kernels.language import pow, real
from spikecuda.network import Delta, FixedInDegree
from spikecuda.plasticity import STDP, PowerLawSTDP, Variable, VogelsSTDP

NEST = json.loads(Path(__file__).with_name("nest_that_learns.json").read_text(encoding="utf-8"))
# A difference of means of so many standard errors is no chance: with 5 to 12 seeds on either side
# it happens to one number in a hundred.  All seeds are fixed, so a test that passes goes on to
# pass.  If other random numbers make one fail by little, more seeds will tell.
SIGMAS = 3.0


class SentSTDP(STDP):
    """STDP that keeps the weight that was sent last."""

    name = "_sent_stdp"
    sent = Variable(0.5)

    def on_post(w, x, step_up, sent):
        return w + step_up * x, sent

    def on_pre(w, y, step_down):
        new = max(w - step_down * y, real(0))
        return new, new


class SentPowerLawSTDP(PowerLawSTDP):
    """Power-law STDP that keeps the weight that was sent last."""

    name = "_sent_power_law_stdp"
    sent = Variable(0.5)

    def on_post(w, x, step_up, mu, sent):
        return w + step_up * pow(w, mu) * x, sent

    def on_pre(w, y, part_down):
        new = w - part_down * w * y
        return new, new


class SentVogelsSTDP(VogelsSTDP):
    """Inhibitory plasticity that keeps the weight that was sent last."""

    name = "_sent_vogels_stdp"
    sent = Variable(0.001)

    def on_post(w, x, eta, sent):
        return w + eta * x, sent

    def on_pre(w, y, w_max, eta, loss):
        new = max(min(w + eta * y, w_max) - loss, real(0))
        return new, new


def parts(net, stops, delivered, measure):
    """Run a network in parts and return the measures of each.

    Args:
        net: a network with one projection that learns.
        stops: ends of the parts, ms.
        delivered: NEST delivers spikes at multiples of this time, ms.
        measure: returns a list from a part's result and the weights that were sent last.
    """
    (learns,) = (p for p in net.projections if p.learns)
    rows = []
    with net:
        for stop in stops:
            last = (math.ceil(round(stop / delivered, 6)) - 1) * delivered
            result = net.run(round(last - net.time, 6))
            sent = learns.values("sent")
            rows.append(measure(result + net.run(round(stop - net.time, 6)), sent))
    return rows


def assert_same_means(ours, nest, measures):
    """Compare the means of arrays (seeds, parts, measures)."""
    ours, nest = np.array(ours), np.array(nest)
    error = np.sqrt(ours.var(0, ddof=1) / len(ours) + nest.var(0, ddof=1) / len(nest))
    away = (ours.mean(0) - nest.mean(0)) / error
    assert np.all(np.abs(away) < SIGMAS), dict(zip(measures, away.T.round(1), strict=True))
    # There are seeds enough to tell networks apart: at the end each error is below a tenth.
    assert np.all(error[-1] < 0.1 * nest.mean(0)[-1]), (error[-1] / nest.mean(0)[-1]).round(3)


# Brunel's network with 2,500 neurons; synapses between excitatory ones learn.
BRUNEL = ("rate of E", "rate of I", "CV of E", "mean weight", "s.d. of weights")
RULES = {
    "additive": ((STDP, SentSTDP), {"w_max": 1.5, "lam": 0.005, "alpha": 1.05}),
    "power law": (
        (PowerLawSTDP, SentPowerLawSTDP),
        {
            "w_max": 5.0, "tau_plus": 15.0, "tau_minus": 30.0, "lam": 0.03298769776932236,
            "alpha": 0.7699840157872823, "mu": 0.4,
        },
    ),
}  # fmt: skip


def brunel(rule, seed):
    neuron = {"tau_m": 20.0, "v_rest": 0.0, "v_th": 20.0, "v_reset": 10.0, "t_ref": 2.0}
    start = {"v": Uniform(0.0, 20.0)}
    net = Network(0.1, seed=seed, threads=1)
    for name, n in (("E", 2000), ("I", 500)):
        net.population(name, n, "lif", neuron, initial=start, receptors={"jump": Delta()})
        net.drive(name, Poisson(3000.0, 0.5))
    net.connect("E", "E", FixedInDegree(200), 0.5, 1.5, plasticity=rule)
    net.connect("E", "I", FixedInDegree(200), 0.5, 1.5)
    for target in ("E", "I"):
        net.connect("I", target, FixedInDegree(50), -2.5, 1.5)
    return net


def of_brunel(result, sent):
    rates = result.rates()
    # NEST's CV is of 500 neurons, those with five intervals or more.
    irregular = np.nanmean(cv(*result.window("E"), min_intervals=5)[:500])
    return [rates["E"], rates["I"], irregular, sent.mean(), sent.std()]


@pytest.mark.parametrize("kind", RULES)
def test_brunels_network_learns_as_in_nest(kind):
    (_, sent), numbers = RULES[kind]
    stops = (100.0, 250.0, 500.0, 1000.0)
    ours = [parts(brunel(sent(**numbers), s), stops, 1.5, of_brunel) for s in range(1, 9)]
    assert_same_means(ours, NEST[f"brunel, {kind}"], BRUNEL)


def test_the_power_law_goes_on_for_seconds_as_in_nest():
    (_, sent), numbers = RULES["power law"]
    stops = (500.0, 1250.0, 2500.0, 5000.0)
    ours = [parts(brunel(sent(**numbers), s), stops, 1.5, of_brunel) for s in range(1, 6)]
    assert_same_means(ours, NEST["brunel, power law, 5 s"], BRUNEL)


@pytest.mark.parametrize("kind", RULES)
def test_rules_that_keep_what_was_sent_are_the_built_in_ones(kind):
    spikes, weights = [], []
    for rule in RULES[kind][0]:
        with brunel(rule(**RULES[kind][1]), 1) as net:
            spikes.append(net.run(300.0).spikes["E"])
            weights.append(net.projections[0].weights)
    assert np.array_equal(spikes[0].step, spikes[1].step)
    assert np.array_equal(spikes[0].neuron, spikes[1].neuron)
    assert np.array_equal(*weights)


SONG = ("rate", "mean weight", "s.d. of weights", "weights below 0.1", "weights above 0.9")


def of_song(result, sent):
    part = sent / song2000.SETTINGS["w_max"].default
    crowds = [np.mean(part < 0.1), np.mean(part > 0.9)]
    return [result.rates()["cell"], part.mean(), part.std(), *crowds]


@pytest.mark.parametrize("variant", ["15-Hz", "25-Hz"])
def test_synapses_compete_as_in_nest(variant, monkeypatch):
    monkeypatch.setattr(song2000, "STDP", SentSTDP)
    stops = (10_000.0, 50_000.0)
    ours = [
        parts(song2000.network(variant, seed=s, threads=1), stops, 1.0, of_song)
        for s in range(1, 7)
    ]
    assert_same_means(ours, NEST[f"song2000, {variant}"], SONG)


def of_vogels(result, sent):
    rates = result.rates()
    irregular = np.nanmean(cv(*result.window("E"), min_intervals=5))
    return [rates["E"], rates["I"], irregular, sent.mean(), sent.std()]


def test_inhibition_finds_the_balance_as_in_nest(monkeypatch):
    monkeypatch.setattr(vogels2011, "VogelsSTDP", SentVogelsSTDP)
    nets = [vogels2011.network(seed=s, threads=1) for s in range(1, 7)]
    ours = [parts(net, (400.0, 1000.0, 2000.0), 0.1, of_vogels) for net in nets]
    assert_same_means(ours, NEST["vogels2011"], BRUNEL)

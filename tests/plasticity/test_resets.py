"""A network that goes back to time 0 keeps what its synapses have learned up to then."""

import numpy as np
import pytest

from spikecuda import Network, Poisson
from spikecuda.language import real, select
from spikecuda.network import ExpCurrent, FixedInDegree
from spikecuda.network.cpu import learning
from spikecuda.plasticity import STDP, SynapseRule
from tests.plasticity.everything import Everything


class Tosses(SynapseRule):
    """Weights that go a step up or down at random."""

    name = "_tosses"

    def on_post(w, uniform):
        """Return the weight."""
        return w + select(uniform < real(0.5), real(1.0), real(-1.0))


def busy(rule, **options):
    net = Network(dt=0.1, seed=3, devices="cpu", **options)
    net.population("E", 30, "lif", receptors={"exc": ExpCurrent(tau=2.0)})
    net.drive("E", Poisson(rate=20000.0, weight=60.0), "exc")
    p = net.connect(
        "E", "E", FixedInDegree(8), 0.5 * rule.w_max, 1.5, plasticity=rule, dendritic=0.5
    )
    return net, p


@pytest.mark.parametrize("trial", [None, 0, 1])
@pytest.mark.parametrize(
    "rule", [STDP(w_max=60.0, lam=0.1), Everything(w_max=60.0), Tosses(w_max=9.0)]
)
def test_weights_are_kept_as_they_were_read(rule, trial):
    net, p = busy(rule, partitions=2)
    with net:
        net.run(60.0)
        before = p.weights
        assert before.std() > 0
        net.reset(trial=trial)
        assert np.array_equal(p.weights, before)
        variables = {name: p.values(name) for name in rule.variables}
        net.run(20.0)
        after = p.weights
    other, q = busy(rule, trial=trial or 0)
    with other:
        q.weights = before
        for name, values in variables.items():
            assert np.array_equal(q.values(name), values)
        other.run(20.0)
        assert np.array_equal(q.weights, after)


def test_weights_are_kept_after_sweeps(monkeypatch):
    monkeypatch.setattr(learning, "LEAST", 1)
    monkeypatch.setattr(learning, "LOG_BYTES", 1e-9)
    net, p = busy(STDP(w_max=60.0, lam=0.1))
    with net:
        first = p.weights
        net.run(150.0)
        before = p.weights
        net.reset()
        net.reset()
        assert np.array_equal(p.weights, before)
        p.weights = first
        net.run(150.0)
        assert np.array_equal(p.weights, before)

"""The parrot repeats what arrives; with a Poisson drive it is a source of Poisson spikes."""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, Network, Poisson
from spikecuda.network import Delta, Pairs, SpikeTrain
from spikecuda.verify.oracle import check_model


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_it_repeats_in_the_step_of_arrival(precision):
    net = Network(seed=1, precision=precision)
    net.source("s", 3, SpikeTrain([1.0, 2.0, 2.0, 5.0, 7.0, 7.1], [0, 0, 1, 1, 2, 2]))
    net.population("p", 4, "parrot", receptors={"in": Delta()})
    # Neuron 0 hears train 0, 1 hears train 1, 2 hears it too faintly, 3 hears train 2 twice.
    net.connect("s", "p", Pairs([0, 1, 1, 2, 2], [0, 1, 2, 3, 3]), [1.0, 1.0, 0.3, 0.3, 0.3], 0.3)
    spikes = net.run(10.0).spikes["p"]
    np.testing.assert_allclose(spikes.time, [1.3, 2.3, 2.3, 5.3, 7.3, 7.4])
    assert spikes.neuron.tolist() == [0, 0, 1, 1, 3, 3]


def test_faint_arrivals_of_different_steps_do_not_add_up():
    net = Network()
    net.population("p", 1, "parrot", receptors={"in": Delta()})
    net.drive("p", SpikeTrain([1.0, 1.1, 1.2], weight=0.4))
    assert net.run(2.0).num_spikes == 0


def test_a_poisson_drive_makes_it_a_poisson_source():
    # At most one spike a step: a rate of (1 - exp(-rate dt)) / dt, in counts of Bernoulli trials.
    rate, dt, n, steps = 2000.0, 0.1, 1000, 2000
    with GPUNeuronPool(n, "parrot", device="cpu", dt=dt, seed=3) as pool:
        spikes = pool.run(steps=steps, input=Poisson(rate, 1.0)).spikes
    p = -np.expm1(-rate * dt * 1e-3)
    trials = n * steps
    assert abs(len(spikes) - trials * p) < 5.0 * np.sqrt(trials * p * (1 - p))
    per_neuron = spikes.counts(n)
    spread = np.var(per_neuron) / (steps * p * (1 - p))
    assert abs(spread - 1.0) < 5.0 * np.sqrt(2.0 / n)


def test_kernels_agree_with_the_functions():
    report = check_model("parrot", neurons=20)
    assert all(count == 20 for count in report.compared.values())

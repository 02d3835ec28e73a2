"""Field potentials: against the sum as it is written, and tables of the publication."""

import numpy as np
import pytest

from spikecuda import SpikecudaError, analysis
from spikecuda.runtime.spikes import Spikes

DT = 0.1


def some_spikes(rng, neurons, count, steps):
    step = np.sort(rng.integers(0, steps, count))
    return Spikes(step, rng.integers(0, neurons, count).astype(np.int32), DT)


@pytest.mark.parametrize(
    ("kind", "layer", "peak", "sigma"),
    [
        ("excitatory", "soma", 0.48, 3.15),
        ("inhibitory", "soma", 3.0, 2.1),
        ("excitatory", "deep", -0.16, 3.15),
        ("inhibitory", "superficial", -1.2, 2.1),
    ],
)
def test_the_sum_as_it_is_written(kind, layer, peak, sigma):
    rng = np.random.default_rng(1)
    spikes, where = some_spikes(rng, 20, 300, 4000), rng.uniform(0.0, 0.4, (20, 2))
    electrode = (0.1, 0.2)
    time, field = analysis.field_potential(spikes, 20, 100.0, 350.0, where, electrode, kind, layer)
    r = np.hypot(*(where - electrode).T)
    assert np.allclose(time, 100.0 + DT * np.arange(1, 2501))
    expected = np.zeros(time.size)
    for step, n in zip(spikes.step, spikes.neuron, strict=True):
        if step >= 3500:  # after the window
            continue
        t = (step + 1) * DT + 10.4 + r[n] / 0.2
        expected += peak * np.exp(-r[n] / 0.2) * np.exp(-((time - t) ** 2) / (2 * sigma**2))
    # What is cut of each of 300 kernels is below 1e-8 of its peak.
    assert np.abs(field - expected).max() < 300 * 1e-8 * abs(peak)
    assert np.abs(field).max() > 0.5 * abs(peak)


def test_numbers_of_ones_own_and_a_choice_of_neurons():
    spikes = Spikes(np.array([99, 99]), np.array([3, 5], np.int32), DT)
    time, field = analysis.field_potential(
        spikes, [5], 0.0, 40.0, [[0.5]], [0.0], "excitatory", amplitude=2.0, width=1.0, delay=5.0,
        space=0.5, velocity=0.1,
    )  # fmt: skip
    assert time[field.argmax()] == pytest.approx(10.0 + 5.0 + 5.0)
    assert field.max() == pytest.approx(2.0 / np.e)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "both"}, "kind must be one of"),
        ({"layer": "L4"}, "layer must be one of"),
        ({"positions": np.zeros((3, 2))}, "a row for each of the 2 neurons"),
        ({"electrode": (0.0, 0.0, 0.0)}, "electrode must have 2 coordinates"),
        ({"electrode": (0.0, np.nan)}, "finite"),
        ({"width": 0.0}, "width must be"),
        ({"velocity": 0.0}, "velocity must be"),
        ({"start": 50.0, "stop": 50.0}, "stop must be"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {
        "spikes": Spikes(np.array([3]), np.array([0], np.int32), DT), "neurons": 2, "start": 0.0,
        "stop": 10.0, "positions": np.zeros((2, 2)), "electrode": (0.0, 0.0),
        "kind": "excitatory", **change,
    }  # fmt: skip
    with pytest.raises(SpikecudaError, match=message):
        analysis.field_potential(**arguments)

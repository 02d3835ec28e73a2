"""The comparison of spikes, by hand; the oracle's seam; the plots' label placement."""

import numpy as np
import pytest

from spikecuda.plots.style import factor_label, rate_label, spread
from spikecuda.report import oracle
from spikecuda.report.accuracy import coincident, compare, make_problem, match, run_pool
from spikecuda.report.measure import open_pool, time_pool
from spikecuda.report.settings import settings_for
from spikecuda.report.tables import percent


def spikes(*pairs):
    """Return (step, neuron) arrays, sorted as pools sort them."""
    pairs = sorted(pairs)
    return (
        np.array([step for step, _ in pairs], np.int64),
        np.array([neuron for _, neuron in pairs], np.int32),
    )


A = spikes((10, 0), (20, 0), (15, 1), (40, 1))


def test_the_kth_spike_meets_the_kth():
    assert match(A, A).tolist() == [0, 0, 0, 0]
    # Neuron 0: 10 -> 12, its second is missing; neuron 1: 15 -> 14, 40 -> 40.
    got = spikes((12, 0), (14, 1), (40, 1))
    assert sorted(match(A, got).tolist()) == [-1, 0, 2]


def test_nothing_to_match():
    none = spikes()
    assert match(A, none).size == match(none, A).size == 0
    assert coincident(none, A, 10) is None
    assert coincident(A, none, 10) == 0.0


def test_coincident_forgives_an_extra_spike():
    got = spikes((1, 0), (10, 0), (20, 0), (18, 1), (51, 1))
    assert coincident(A, got, 0) == 0.5
    assert coincident(A, got, 3) == 0.75
    assert coincident(A, got, 11) == 1.0
    # A neighbour's spike does not count.
    assert coincident(spikes((5, 0)), spikes((5, 1)), 100) == 0.0


@pytest.mark.parametrize("model", ["lif", "adex", "izhikevich"])
@pytest.mark.parametrize("noisy", [False, True])
def test_float64_pools_agree_with_the_oracle(model, noisy):
    settings = settings_for("quick", accuracy_neurons=16, accuracy_duration=120.0)
    problem = make_problem(model, noisy, settings)
    noise = oracle.NoiseRows(settings.seed, 16) if noisy else None
    slices = list(oracle.simulate(problem, noise))
    expected = tuple(np.concatenate(parts) for parts in zip(*slices, strict=True))
    point = compare(problem, "x", "float64", "cpu", expected, run_pool(problem, "float64", "cpu"))
    assert point.oracle_spikes > 10
    assert point.rate_error == 0.0 and point.identical > 0.98 and point.coincident > 0.98


def test_slices_do_not_show(monkeypatch):
    settings = settings_for("quick", accuracy_neurons=8, accuracy_duration=60.0)
    problem = make_problem("lif", True, settings)
    found = []
    for size in (600, 77):
        monkeypatch.setattr(oracle, "SLICE", size)
        slices = oracle.simulate(problem, oracle.NoiseRows(settings.seed, 8))
        found.append([np.concatenate(p).tolist() for p in zip(*slices, strict=True)])
    assert found[0] == found[1] and len(found[0][0]) > 5


def test_timing_repeats_until_there_is_enough():
    with open_pool("lif", "float32", 500, threads=1) as pool:
        timing = time_pool(pool, 200.0, seconds=0.03, repeats=3)
    assert len(timing.seconds) >= 3 and sum(timing.seconds) >= 0.02
    assert timing.kernel_seconds <= sum(timing.seconds)
    assert timing.buffers["v"] == 2000 and "spike bits" in timing.buffers


def test_labels_are_moved_apart_and_stay_in_order():
    placed = spread([1.0, 1.02, 5.0, 0.99], 0.2)
    order = np.argsort(placed)
    assert order.tolist() == [3, 0, 1, 2]
    assert np.all(np.diff(np.array(placed)[order]) >= 0.2 - 1e-6)


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(None, "-"), (1.0, "100%"), (0.0, "0%"), (0.999999, "99.99%"), (1e-9, "0.01%"),
     (0.5, "50.00%")],
)  # fmt: skip
def test_percentages_never_hide_a_blemish(fraction, text):
    assert percent(fraction) == text


def test_factors():
    assert [factor_label(x) for x in (4853.2, 1032.4, 955, 12.34, 1.0)] == [
        "4,850×", "1,030×", "955×", "12.3×", "1×",
    ]  # fmt: skip


def test_rates():
    assert [rate_label(x) for x in (1.5e9, 2e6, 3e3, 7)] == ["1.5 G", "2 M", "3 k", "7"]

"""Any statistic of any selection equals plain loops over lists; bad selections are refused."""

import statistics
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trains import as_spikes

from spikecuda import SpikecudaError, analysis
from spikecuda.errors import OutOfMemoryError
from spikecuda.runtime.spikes import Spikes

SIZE, STEPS, DT = 12, 60, 0.25


@st.composite
def selections(draw):
    """Spikes in random cells, some neurons in any order, a window and a bin, in steps."""
    cells = draw(st.sets(st.integers(0, SIZE * STEPS - 1), max_size=150))
    neurons = draw(st.lists(st.integers(0, SIZE + 3), min_size=1, max_size=SIZE, unique=True))
    start = draw(st.integers(0, STEPS - 2))
    stop = draw(st.integers(start + 2, STEPS))
    bin = draw(st.integers(1, (stop - start) // 2))
    return cells, neurons, start, stop, bin


@settings(max_examples=200)
@given(selections())
def test_everything_equals_plain_loops(selection):
    cells, neurons, start, stop, bin = selection
    trains = {n: sorted(c // SIZE for c in cells if c % SIZE == n) for n in range(SIZE + 4)}
    spikes = as_spikes([c // SIZE for c in cells], [c % SIZE for c in cells], DT)
    ids = np.array(neurons) if len(neurons) % 2 else neurons
    window = (spikes, ids, start * DT, stop * DT)

    lists = [[s for s in trains[n] if start <= s < stop] for n in neurons]
    seconds = (stop - start) * DT / 1000.0
    assert analysis.rates(*window) == pytest.approx([len(s) / seconds for s in lists], rel=1e-12)

    edges = range(start, stop - bin + 1, bin)
    counts = [[sum(e <= s < e + bin for s in steps) for e in edges] for steps in lists]
    assert analysis.count_matrix(*window, bin * DT).T.tolist() == counts
    total = [sum(column) for column in zip(*counts, strict=True)]
    assert analysis.population_counts(*window, bin * DT).tolist() == total
    time, rate = analysis.rate_histogram(*window, bin * DT)
    assert time == pytest.approx([(e + bin / 2) * DT for e in edges])
    expected = [n / len(neurons) / (bin * DT / 1000.0) for n in total]
    assert rate == pytest.approx(expected, rel=1e-12)

    fano = analysis.fano_factor(*window, bin * DT)
    expected = [statistics.variance(c) / statistics.mean(c) if any(c) else np.nan for c in counts]
    assert fano == pytest.approx(expected, rel=1e-12, nan_ok=True)
    sync = statistics.variance(total) / statistics.mean(total) if any(total) else np.nan
    found = analysis.synchrony(*window, bin * DT)
    assert found == pytest.approx(sync, rel=1e-12, abs=1e-15, nan_ok=True)

    gaps = [[b - a for a, b in pairwise(s)] for s in lists]
    interval, index = analysis.intervals(*window)
    assert interval.tolist() == [g * DT for row in gaps for g in row]
    assert index.tolist() == [i for i, row in enumerate(gaps) for _ in row]
    pairs = [list(pairwise(g)) for g in gaps]
    for measure, values in (
        (analysis.cv, [statistics.pstdev(g) / statistics.mean(g) if g[1:] else 0 for g in gaps]),
        (analysis.cv2, [np.mean([2 * abs(a - b) / (a + b) for a, b in p or [(1, 1)]])
                        for p in pairs]),
        (analysis.lv, [np.mean([3 * ((a - b) / (a + b)) ** 2 for a, b in p or [(1, 1)]])
                       for p in pairs]),
    ):  # fmt: skip
        expected = [v if len(g) >= 2 else np.nan for v, g in zip(values, gaps, strict=True)]
        assert measure(*window) == pytest.approx(expected, rel=1e-12, abs=1e-15, nan_ok=True)

    where, matrix = analysis.correlation_matrix(*window, bin * DT)
    assert where.tolist() == [i for i, c in enumerate(counts) if len(set(c)) > 1]
    for i, a in enumerate(where):
        for j, b in enumerate(where):
            expected = statistics.correlation(counts[a], counts[b])
            assert matrix[i, j] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "neurons, start, stop, bin, message",
    [
        (3, 0.0, 10.0, 1.0, r"above every neuron that spiked \(got 3, but neuron 4 spiked"),
        (0, 0.0, 10.0, 1.0, "neurons must be from 1"),
        ([], 0.0, 10.0, 1.0, "neurons must be a number, or a list"),
        ([0.5], 0.0, 10.0, 1.0, "neurons must be a number, or a list"),
        ([[1]], 0.0, 10.0, 1.0, "neurons must be a number, or a list"),
        ([1, 1], 0.0, 10.0, 1.0, "neurons must be >= 0 and differ"),
        ([-1], 0.0, 10.0, 1.0, "neurons must be >= 0 and differ"),
        (5, 5.0, 5.0, 1.0, "stop must be > start = 5 ms"),
        (5, -1.0, 5.0, 1.0, "start must be >= 0 ms"),
        (5, 0.0, 5.25, 1.0, r"stop must be a multiple of dt = 0.5 ms \(got 5.25\)"),
        (5, 0.0, 5.0, 0.0, "bin must be >= dt"),
        (5, 0.0, 5.0, 0.7, "bin must be a multiple of dt"),
        (5, 0.0, 5.0, 3.0, "must hold at least 2 bins of 3 ms"),
    ],
)
def test_bad_selections_are_refused(neurons, start, stop, bin, message):
    spikes = as_spikes([0, 3, 3], [0, 1, 4], 0.5)
    with pytest.raises(SpikecudaError, match=message):
        analysis.fano_factor(spikes, neurons, start, stop, bin)


def test_other_bad_arguments_are_refused():
    spikes = as_spikes([0, 3, 3], [0, 1, 4], 0.5)
    with pytest.raises(SpikecudaError, match="neurons must be above"):
        analysis.synchrony(spikes, 3, 0.0, 5.0, 1.0, max_neurons=2)
    with pytest.raises(SpikecudaError, match="max_neurons must be from 2"):
        analysis.correlations(spikes, 5, 0.0, 5.0, 1.0, max_neurons=1)
    with pytest.raises(SpikecudaError, match="seed must be an integer"):
        analysis.correlations(spikes, 5, 0.0, 5.0, 1.0, max_neurons=2, seed="x")
    with pytest.raises(SpikecudaError, match="sorted by step"):
        analysis.rates(type(spikes)(spikes.step[::-1], spikes.neuron, 0.5), 5, 0.0, 5.0)
    with pytest.raises(SpikecudaError, match=r"values must be of shape \(bins,\)"):
        analysis.smooth(np.zeros((2, 2)), 1.0, 1.0)
    with pytest.raises(SpikecudaError, match="sigma must be > 0 ms"):
        analysis.smooth(np.zeros(4), 1.0, 0.0)
    with pytest.raises(SpikecudaError, match=r"traces must be numbers of shape"):
        analysis.chi(np.zeros(4))


def test_counts_that_do_not_fit_are_refused(monkeypatch):
    spikes = Spikes(np.array([3], np.int64), np.array([0], np.int32), 0.1)
    with pytest.raises(OutOfMemoryError, match=r"a count of 1,000,000,000,000,000 bins needs"):
        analysis.population_counts(spikes, 10, 0.0, 1e14, 0.1)
    with pytest.raises(OutOfMemoryError, match=r"counts of 10,000,000,000 bins needs"):
        analysis.count_matrix(spikes, 1000, 0.0, 1e9, 0.1)
    monkeypatch.setattr(np, "bincount", lambda *a, **k: (_ for _ in ()).throw(MemoryError("none")))
    with pytest.raises(OutOfMemoryError, match=r"a statistic must fit in memory .*none"):
        analysis.rates(spikes, 10, 0.0, 10.0)

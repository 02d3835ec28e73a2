"""A network's result: statistics by population, windows, the table."""

import dataclasses
import io

import numpy as np
import pytest
from recorded import DURATION, SIZES, START, make

from spikecuda import SpikecudaError, analysis
from spikecuda.runtime.spikes import Spikes


@pytest.fixture(scope="module")
def result():
    return make()


def test_rates_are_those_of_recorded_neurons(result):
    seconds = DURATION / 1000.0
    expected = {
        name: len(result.spikes[name]) / seconds / n
        for name, n in (("L2/3E", 400), ("L2/3I", 100), ("thalamus", 10))
    }
    assert result.rates() == pytest.approx(expected, rel=1e-12)
    assert list(result.rates()) == ["L2/3E", "L2/3I", "thalamus"]
    assert result.num_spikes == sum(len(s) for s in result.spikes.values())
    halves = [result.rates(stop=750.0), result.rates(start=750.0)]
    for name, rate in result.rates().items():
        assert (halves[0][name] + halves[1][name]) / 2 == pytest.approx(rate, rel=1e-12)


def test_statistics_are_those_of_the_analysis(result):
    for name in result.spikes:
        window = (result.spikes[name], result.neurons(name), START, START + DURATION)
        cv = analysis.cv(*window, min_intervals=10)
        assert result.cv()[name] == pytest.approx(np.nanmean(cv), rel=1e-13)
        assert np.isfinite(cv).any()
        pairs = analysis.correlations(*window, 2.0)
        assert result.correlations()[name] == pairs.mean()
        assert result.synchrony()[name] == analysis.synchrony(*window, 3.0, max_neurons=1000)
        assert result.synchrony(bin=3.04, max_neurons=5)[name] == analysis.synchrony(
            *window, 3.0, max_neurons=5
        )


def test_a_window_must_lie_in_the_run(result):
    assert result.window("thalamus", 300.0, 400.0)[2:] == (300.0, 400.0)
    assert result.window("thalamus")[1].tolist() == list(range(0, 50, 5))
    for start, stop in ((249.0, None), (None, 1251.0), (400.0, 300.0)):
        with pytest.raises(SpikecudaError, match="lie in the run, 250 to 1250 ms"):
            result.rates(start, stop)
    with pytest.raises(SpikecudaError, match=r"L2/3I, thalamus.*'thalamos'.*mean 'thalamus'"):
        result.neurons("thalamos")
    with pytest.raises(SpikecudaError, match="whose spikes were recorded"):
        result.window("silent")


def test_nothing_recorded_and_no_time(result):
    empty = dataclasses.replace(result, spikes={}, traces={}, duration=0.0)
    assert empty.rates() == {} and empty.num_spikes == 0
    assert np.isnan(empty.realtime_factor)
    assert "nobody" in repr(empty)
    none = {"silent": Spikes(np.empty(0, np.int64), np.empty(0, np.int32), 0.1)}
    silent = dataclasses.replace(result, spikes=none, ids={})
    assert silent.rates() == {"silent": 0.0}
    for measure in (silent.cv, silent.synchrony, silent.correlations):
        assert np.isnan(measure()["silent"])
    assert printed(silent)["silent"] == ["10", "0", "0", "–", "–"]
    still = dataclasses.replace(silent, duration=0.0)
    assert printed(still)["silent"] == ["10", "0", "–", "–", "–"]


def test_the_table(result, capsys):
    rows = printed(result)
    assert rows["L2/3E"][:2] == ["400", f"{len(result.spikes['L2/3E']):,}"]
    assert rows["thalamus"][:3] == ["10", "of", "50"]
    assert rows["silent"] == ["10", "not", "recorded"]
    measured = (result.rates(), result.cv(), result.synchrony())
    for name in result.spikes:
        measures = [each[name] for each in measured]
        assert rows[name][-3:] == [f"{m:.3g}" for m in measures]
    result.summary()
    out = capsys.readouterr().out
    assert "250 to 1250 ms, in 0.3 s: real-time factor 0.3" in out and "L2/3I" in out
    assert result.realtime_factor == (0.1 + 0.2) / 1.0
    assert repr(result).startswith(f"<NetworkResult: {result.num_spikes:,} spikes of L2/3E,")


def printed(result):
    """Return the cells of the printed table by population."""
    from rich.console import Console

    page = io.StringIO()
    Console(file=page, width=140).print(result)
    lines = [line.split() for line in page.getvalue().splitlines()]
    return {cells[0]: cells[1:] for cells in lines if cells and cells[0] in SIZES}

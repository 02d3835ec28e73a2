"""Plots show every spike of the rows they show, at its place, and the figures of the analysis."""

import numpy as np
import pytest

from spikecuda import SpikecudaError, analysis, plots
from spikecuda.plots.colours import colours, kind
from spikecuda.plots.raster import evenly, shares
from spikecuda.plots.sheet import as_bin
from spikecuda.plots.style import DARK, LIGHT
from spikecuda.plots.traces import round_length
from spikecuda.runtime.spikes import Spikes

SIZES = {"L4E": 300, "L4I": 60, "TC": 40}
RATES = {"L4E": 10.0, "L4I": 30.0, "TC": 50.0}


@pytest.fixture(scope="module")
def spikes():
    rng = np.random.default_rng(1)
    made = {}
    for name, size in SIZES.items():
        step, neuron = np.nonzero(rng.random((1000, size)) < RATES[name] * 0.5 / 1000.0)
        made[name] = Spikes(step, neuron.astype(np.int32), 0.5)
    return made


@pytest.fixture
def axes():
    from matplotlib.figure import Figure

    return Figure().subplots()


def test_every_spike_of_the_shown_rows_is_a_dot(spikes, axes):
    assert plots.raster(spikes, SIZES, 100.0, 400.0, ax=axes) is axes.figure
    dots = [c.get_offsets() for c in axes.collections]
    top = 0.0
    for (name, size), found in zip(SIZES.items(), dots, strict=True):
        s = spikes[name]
        kept = (s.step >= 200) & (s.step < 800)
        assert np.array_equal(found[:, 0], s.time[kept])
        assert np.allclose(found[:, 1], top + s.neuron[kept])
        top += size + 0.012 * 400
    assert [t.get_text() for t in axes.get_yticklabels()] == list(SIZES)
    first, last = axes.get_ylim()
    assert first > last  # the first population is at the top
    rates = [analysis.rates(spikes[n], SIZES[n], 100.0, 400.0).mean() for n in SIZES]
    assert [t.get_text() for t in axes.texts] == [f"{rate:.3g} Hz" for rate in rates]


def test_rows_are_shared_by_size():
    assert shares([300, 60, 40], 10_000) == [300, 60, 40]
    assert shares([20683, 5834, 1065, 5], 2000) == [1499, 423, 77, 5]
    assert shares([10_000, 10], 100) == [100, 10]
    assert evenly(10, 5).tolist() == [0, 2, 4, 6, 8]
    assert evenly([9, 3, 5], 3).tolist() == [3, 5, 9]


def test_few_rows_are_strokes(spikes, axes):
    plots.raster({"TC": spikes["TC"]}, {"TC": [3, 4, 30]}, 0.0, 500.0, ax=axes)
    (lines,) = axes.collections
    expected = sum(len(spikes["TC"].of(n)) for n in (3, 4, 30))
    assert len(lines.get_segments()) == expected


@pytest.mark.parametrize("theme, name", [("light", "a.png"), ("dark", "a.svg"), ("light", "a.pdf")])
def test_files(spikes, tmp_path, theme, name):
    figure = plots.raster(spikes, SIZES, 0.0, 500.0, path=tmp_path / name, theme=theme, title="t")
    start = {"a.png": b"\x89PNG", "a.svg": b"<?xml", "a.pdf": b"%PDF"}[name]
    assert (tmp_path / name).read_bytes().startswith(start)
    top, below = figure.axes
    assert top.get_title(loc="left") == "t"
    # Excitatory, inhibitory and other neurons have a rate each.
    assert [t.get_text() for t in below.get_legend().get_texts()] == [
        "excitatory",
        "inhibitory",
        "TC",
    ]
    edges = below.patches[-1].get_data().edges
    assert edges[0] == 0.0 and edges[-1] == 500.0 and edges[1] == 2.0
    _, rate = analysis.rate_histogram(spikes["TC"], 40, 0.0, 500.0, 2.0)
    assert np.allclose(below.patches[-1].get_data().values, rate)


def test_rates(spikes, tmp_path):
    figure = plots.rates(spikes, SIZES, 0.0, 500.0, path=tmp_path / "r.png", bin=5.0)
    boxes, _, bars, *rows = figure.axes
    assert (tmp_path / "r.png").stat().st_size > 10_000
    for row, (name, ax) in enumerate(zip(SIZES, rows, strict=True)):
        assert ax.get_ylabel() == name
        _, rate = analysis.rate_histogram(spikes[name], SIZES[name], 0.0, 500.0, 5.0)
        assert np.allclose(ax.patches[0].get_data().values, rate)
        rates = analysis.rates(spikes[name], SIZES[name], 0.0, 500.0)
        median, mean = boxes.lines[2 * row : 2 * row + 2]
        assert median.get_xdata()[0] == np.median(rates)
        assert mean.get_xdata()[0] == rates.mean()
        expected = analysis.synchrony(spikes[name], SIZES[name], 0.0, 500.0, 3.0)
        assert bars.patches[row].get_width() == pytest.approx(expected)


def test_a_silent_population_can_be_drawn(tmp_path):
    none = {"E": Spikes(np.empty(0, np.int64), np.empty(0, np.int32), 0.1)}
    plots.raster(none, {"E": 5}, 0.0, 20.0, path=tmp_path / "a.png")
    plots.rates(none, {"E": 5}, 0.0, 20.0, path=tmp_path / "b.png")


def test_traces(spikes, tmp_path):
    time = np.arange(1, 201) * 0.5
    v = -65.0 + 11.0 * np.sin(time[:, None] / 10.0 + np.arange(5))
    figure = plots.traces(
        {"L4E": {"v": v, "w": np.full((200, 5), 2.0)}}, {"L4E": time},
        units={"L4E": {"v": "mV"}}, spikes={"L4E": {0: np.array([10.0, 20.0, 500.0])}},
        path=tmp_path / "t.png", max_neurons=2,
    )  # fmt: skip
    first, second = figure.axes
    assert [ax.get_ylabel() for ax in figure.axes] == ["L4E v", "L4E w"]
    # Two traces, the first one above, and the scale bar.
    lines = [line.get_ydata() for line in first.lines]
    assert np.allclose(lines[1], v[:, 1]) and np.allclose(np.diff(lines[0]), np.diff(v[:, 0]))
    assert lines[0].min() > lines[1].max()
    assert np.diff(lines[2]) == pytest.approx(10.0)
    assert first.texts[0].get_text() == "10 mV" and second.texts[0].get_text() == "2"
    # The spike at 500 ms is after the last sample; two are strokes that start at the trace.
    strokes = first.collections[0].get_segments()
    assert [s[0][0] for s in strokes] == [10.0, 20.0]
    assert strokes[0][0][1] == pytest.approx(lines[0][19])


def test_pyplot_gets_the_figure_of_a_notebook(spikes, monkeypatch):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    figure = plots.raster(spikes, SIZES, 0.0, 500.0)
    try:
        assert plt.figure(figure.number) is figure and figure.number not in before
    finally:
        plt.close(figure)


def test_a_figure_that_cannot_be_drawn_is_not_left_open(spikes, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    import matplotlib.pyplot as plt

    from spikecuda.plots import raster

    before, settings = plt.get_fignums(), dict(plt.rcParams)
    monkeypatch.setattr(raster_module(), "_rates", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        raster(spikes, SIZES, 0.0, 500.0)
    assert plt.get_fignums() == before and dict(plt.rcParams) == settings


def raster_module():
    import sys

    return sys.modules["spikecuda.plots.raster"]


def test_colours_of_unknown_populations_are_refused(spikes):
    with pytest.raises(SpikecudaError, match=r"colors must name populations.*L4F.*did you mean"):
        plots.raster(spikes, SIZES, 0.0, 500.0, colors={"L4F": "red"})


@pytest.mark.parametrize(
    "name, expected",
    [
        ("E", "E"), ("i", "I"), ("L23E", "E"), ("L2/3i", "I"), ("L5 I", "I"), ("pop_e", "E"),
        ("pyrE", "E"), ("exc", "E"), ("Inhibitory", "I"), ("lif", None), ("mouse", None),
        ("TRN", None), ("SNI", None), ("", None),
    ],
)  # fmt: skip
def test_kinds_by_name(name, expected):
    assert kind(name) == expected


def test_times_far_into_a_run_are_written_out(tmp_path):
    late = {"E": Spikes(np.array([3_600_000 - 500]), np.zeros(1, np.int32), 0.5)}
    figure = plots.raster(late, {"E": 5}, 1_799_500.0, 1_800_000.0, path=tmp_path / "a.png")
    labels = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert "1799500" in labels and not figure.axes[-1].xaxis.get_offset_text().get_text()


def test_colours():
    for theme in (LIGHT, DARK):
        blue, red = theme.accents
        found = colours(["L4E", "L4I", "TC", "RE"], theme)
        assert found["L4E"] == blue and found["L4I"] == red
        assert found["TC"] not in theme.accents and len(set(found.values())) == 4
        assert len(set(colours(["a", "b", "c", "d"], theme).values())) == 4
        assert colours(["L4E"], theme, {"L4E": "black"}) == {"L4E": "black"}


def test_round_numbers():
    assert as_bin(None, 0.0, 1000.0, 0.1) == pytest.approx(5.0)
    assert as_bin(None, 0.0, 10_000.0, 0.1) == pytest.approx(50.0)
    assert as_bin(None, 0.0, 10.0, 0.1) == pytest.approx(0.1)
    assert as_bin(None, 0.0, 0.5, 0.1) == pytest.approx(0.1)
    assert as_bin(3.0, 0.0, 10.0, 0.1) == pytest.approx(3.0)
    assert [round_length(x) for x in (1.0, 4.9, 50.0, 0.0021)] == [1.0, 2.0, 50.0, 0.002]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"ax": "mine"}, "give either path or ax"),
        ({"theme": "drak"}, r"theme must be one of light, dark \(got 'drak'\); did you mean"),
        ({"path": "x.bmp2"}, r"path must end in one of .*\.png.*got 'x.bmp2'"),
        ({"spikes": {}}, "at least one population"),
        ({"neurons": {"L4E": 300}}, "neurons must name every population"),
        ({"max_neurons": 0}, "max_neurons must be from 1"),
        ({"bin": 0.7}, "bin must be a multiple of dt"),
        ({"stop": 0.0}, "stop must be > start"),
    ],
)
def test_bad_arguments_are_refused(spikes, change, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {
        "spikes": spikes, "neurons": SIZES, "start": 0.0, "stop": 500.0, "path": "x.png", **change,
    }  # fmt: skip
    with pytest.raises(SpikecudaError, match=message):
        plots.raster(**given)
    assert not list(tmp_path.iterdir())


def test_no_traces():
    with pytest.raises(SpikecudaError, match="at least one trace"):
        plots.traces({}, {})


def test_psth(spikes, tmp_path):
    trials = [spikes["L4I"]] * 3
    figure = plots.psth(trials, 60, 0.0, 500.0, 10.0, path=tmp_path / "p.png", max_trials=2)
    top, below = figure.axes
    assert (tmp_path / "p.png").stat().st_size > 10_000
    assert [len(line.get_xdata()) for line in top.lines] == [len(spikes["L4I"])] * 2
    assert np.array_equal(top.lines[0].get_xdata(), spikes["L4I"].time)
    assert top.get_ylabel() == "trial (first 2 of 3)"
    _, rate, _ = analysis.psth(trials, 60, 0.0, 500.0, 10.0)
    assert np.allclose(below.patches[0].get_data().values, rate)
    events = [100.0, 250.0]
    figure = plots.psth(
        spikes["L4I"], 60, -50.0, 200.0, events=events, path=tmp_path / "e.svg", theme="dark"
    )
    top, below = figure.axes
    time = spikes["L4I"].time
    for line, event in zip(top.lines, events, strict=False):
        inside = (time > event - 49.9) & (time < event + 200.1)
        assert np.allclose(line.get_xdata(), time[inside] - event)
    assert top.get_xlim() == (-50.0, 200.0) and below.get_xlabel().endswith("-50 to 200 ms")


def test_correlograms(spikes, tmp_path):
    found = {
        "L4E": analysis.autocorrelogram(spikes["L4E"], 300, 0.0, 500.0, 1.0, 20.0),
        "TC": (np.array([0.0]), np.array([1.0])),
    }
    figure = plots.correlograms(found, path=tmp_path / "c.png", title="t")
    first, second = figure.axes
    assert (tmp_path / "c.png").stat().st_size > 10_000
    data = first.patches[0].get_data()
    assert np.allclose(data.values, found["L4E"][1]) and data.edges[0] == -20.5
    assert second.get_title(loc="left") == "TC" and second.get_ylabel() == "rate (Hz)"
    for values, message in (
        ({}, "at least one"), ({"a": 3}, "must be \\(lags, values\\)"),
        ({"a": ([1.0], [1.0, 2.0])}, "as many values as lags"),
    ):  # fmt: skip
        with pytest.raises(SpikecudaError, match=message):
            plots.correlograms(values)
    with pytest.raises(SpikecudaError, match="unit must be one of"):
        plots.correlograms(found, unit="Hz")

"""Pictures of weights show every synapse, at its place."""

import numpy as np
import pytest

from spikecuda import plots
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.results.synapse_traces import SynapseTraces


@pytest.fixture
def axes():
    from matplotlib.figure import Figure

    return Figure().subplots()


def heights(axes):
    return [p.get_data().values for p in axes.patches if not p.get_fill()]


def test_a_histogram_counts_every_synapse(axes):
    weights = np.random.default_rng(1).normal(size=1000)
    assert plots.weight_histogram(weights, unit="pA", ax=axes) is axes.figure
    (found,) = heights(axes)
    assert np.array_equal(found, np.histogram(weights, 50)[0]) and found.sum() == 1000
    assert axes.get_xlabel() == "weight (pA)" and axes.get_legend() is None


def test_several_histograms_are_parts_of_one_axis(axes):
    a, b = np.linspace(0, 1, 10), np.linspace(0, 2, 40)
    plots.weight_histogram({"before": a, "after": b}, bins=4, ax=axes)
    before, after = heights(axes)
    assert before == pytest.approx([0.5, 0.4, 0.1, 0]) and after.sum() == pytest.approx(1.0)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["before", "after"]
    plots.weight_histogram(np.ones(5), bounds=(0.0, 4.0), bins=4, ax=axes)
    assert heights(axes)[-1].tolist() == [0, 5, 0, 0]


def test_a_matrix_has_targets_downwards_and_holes(axes):
    plots.weight_matrix([0, 2, 2], [1, 0, 0], [-3.0, 1.0, 2.0], shape=(4, 2), ax=axes)
    (image,) = axes.images
    found = image.get_array()
    assert found.shape == (2, 4) and found[1, 0] == -3.0 and found[0, 2] == 1.5
    assert np.ma.count_masked(found) == 6 and image.get_clim() == (-3.0, 3.0)


def test_a_large_matrix_shows_means(axes):
    source, target = (i.ravel() for i in np.indices((1000, 500)))
    plots.weight_matrix(source, target, source * 1.0, max_cells=10, ax=axes)
    found = axes.images[0].get_array()
    assert found.shape == (10, 10) and found[3].tolist() == [100 * k + 49.5 for k in range(10)]
    assert axes.get_xlim() == (-0.5, 999.5) and axes.get_ylim() == (499.5, -0.5)


def test_weights_over_time(axes):
    values = np.arange(12.0).reshape(3, 4)
    plots.weight_traces([1.0, 2.0, 3.0], values, unit="pA", max_synapses=2, ax=axes)
    lines = [line.get_ydata().tolist() for line in axes.lines]
    assert lines == [[0, 4, 8], [3, 7, 11], [1.5, 5.5, 9.5]]
    assert len(axes.collections) == 2 and axes.get_ylabel() == "weight (pA)"


def test_a_result_draws_its_synapses(tmp_path):
    traces = SynapseTraces(
        3, np.array([1.0, 2.0]), np.array([0, 1]), np.array([1, 1]),
        {"weight": np.ones((2, 2)), "c": np.ones((2, 2))}, {"weight": "pA", "c": ""},
    )  # fmt: skip
    result = NetworkResult({}, {}, {}, {}, {}, 0.0, 2.0, 0.1, 1.0, synapses={"a -> b (x)": traces})
    for what in ("weight", "c"):
        path = tmp_path / f"{what}.png"
        result.plot_weights("a -> b (x)", path, what)
        assert path.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(KeyError, match="records them"):
        result.plot_weights("a")


def test_what_cannot_be_drawn_is_said(tmp_path, axes):
    for words, call in (
        ("at least one synapse", lambda: plots.weight_histogram([])),
        ("finite", lambda: plots.weight_histogram([np.nan])),
        ("must ascend", lambda: plots.weight_histogram([1.0], bounds=(2.0, 1.0))),
        ("bins", lambda: plots.weight_histogram([1.0], bins=0)),
        ("colors must name", lambda: plots.weight_histogram([1.0], colors={"x": "red"})),
        ("one entry for each", lambda: plots.weight_matrix([0], [1], [1.0, 2.0])),
        ("must hold all sources", lambda: plots.weight_matrix([5], [1], [1.0], shape=(3, 3))),
        ("of shape", lambda: plots.weight_traces([1.0], [1.0])),
        ("either path or ax", lambda: plots.weight_histogram([1.0], path="a.png", ax=axes)),
        ("theme must", lambda: plots.weight_histogram([1.0], theme="x")),
        ("must end in", lambda: plots.weight_histogram([1.0], path=tmp_path / "a.xyz")),
    ):
        with pytest.raises(SpikecudaValueError, match=words):
            call()
    with pytest.raises(SpikecudaError):
        plots.weight_matrix("a", [1], [1.0])

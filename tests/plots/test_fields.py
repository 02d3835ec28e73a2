"""Pictures of receptive fields show every weight where its input lies."""

import numpy as np
import pytest

from spikecuda import plots
from spikecuda.errors import SpikecudaValueError


def test_each_field_is_at_its_place(tmp_path):
    weights = np.arange(6.0 * 5).reshape(6, 5)
    figure = plots.receptive_fields(
        weights, (2, 3), labels=[1, -1, 3, 4, 5], unit="nS", title="fields",
        path=tmp_path / "fields.png",
    )  # fmt: skip
    axes, bar = figure.axes
    picture = axes.images[0].get_array()
    assert picture.shape == (2 * 3 - 1, 3 * 4 - 1) and bar.get_ylabel() == "weight (nS)"
    for n in range(5):
        top, left = n // 3 * 3, n % 3 * 4
        field = picture[top : top + 2, left : left + 3]
        assert np.array_equal(field, weights[:, n].reshape(2, 3))
    assert np.ma.count_masked(picture) == picture.size - weights.size
    assert axes.images[0].get_clim() == (0.0, 29.0)
    assert [text.get_text() for text in axes.texts] == ["1", "3", "4", "5"]
    assert (tmp_path / "fields.png").stat().st_size > 1000


def test_negative_weights_have_a_scale_around_0_and_columns_are_chosen():
    figure = plots.receptive_fields(np.array([[1.0, -3.0, 2.0]]), (1, 1), columns=3)
    image = figure.axes[0].images[0]
    assert image.get_clim() == (-3.0, 3.0) and image.get_array().shape == (1, 5)
    assert not plots.receptive_fields(np.zeros((1, 1)), (1, 1)).axes[0].texts
    high = plots.receptive_fields(np.ones((1, 200)), (1, 1), columns=1)
    assert high.get_figheight() == 40.0


@pytest.mark.parametrize(
    ("weights", "shape", "options", "message"),
    [
        (np.ones((5, 2)), (2, 3), {}, r"2 x 3 = 6 inputs, .* \(got shape \(5, 2\)\)"),
        (np.ones(6), (2, 3), {}, "weights must be of shape"),
        (np.ones((6, 0)), (2, 3), {}, "one neuron at least"),
        (np.full((6, 1), np.nan), (2, 3), {}, "weights must be finite"),
        (np.ones((6, 2)), (2, 3), {"labels": [1]}, "labels must have one entry for each of 2"),
        (np.ones((6, 2)), (2, 3), {"columns": 3}, "columns must be from 1 to 2"),
    ],
)
def test_what_does_not_fit_is_refused(weights, shape, options, message):
    with pytest.raises(SpikecudaValueError, match=message):
        plots.receptive_fields(weights, shape, **options)

"""Pictures of positions and of a neuron's targets."""

import numpy as np
import pytest

from spikecuda import plots
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError

GRID = np.stack(np.meshgrid(np.arange(5.0), np.arange(4.0), indexing="ij"), -1).reshape(-1, 2)
WIRES = {
    "source": np.array([0, 0, 3]), "target": np.array([1, 7, 2]),
    "weight": np.array([1.0, 2.0, 3.0]), "delay": np.array([0.5, 0.6, 0.7]),
}  # fmt: skip


def points(figure):
    return [np.asarray(c.get_offsets()) for c in figure.axes[0].collections]


def test_positions_are_where_they_are(tmp_path):
    deep = np.column_stack([GRID, GRID[:, 0] * 2])
    figure = plots.positions({"E": GRID, "I": GRID + 0.5}, unit="mm", path=tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert (points(figure)[0] == GRID).all() and (points(figure)[1] == GRID + 0.5).all()
    assert figure.axes[0].get_xlabel() == "x (mm)"
    figure = plots.positions(deep, axes=(2, 1), path=tmp_path / "b.png", max_points=7)
    assert points(figure)[0].shape == (7, 2) and figure.axes[0].get_xlabel() == "z"
    figure = plots.positions(GRID[:, :1], path=tmp_path / "c.png")
    assert (points(figure)[0][:, 1] == 0).all()


@pytest.mark.parametrize("what", ["weight", "delay"])
def test_targets_of_a_neuron(tmp_path, what):
    figure = plots.targets(GRID, GRID, WIRES, 0, what=what, path=tmp_path / "a.png")
    every, mine, own = points(figure)
    assert (every == GRID).all() and (mine == GRID[[1, 7]]).all() and (own == GRID[:1]).all()
    assert (figure.axes[0].collections[1].get_array() == WIRES[what][:2]).all()
    alone = points(plots.targets(GRID, GRID, WIRES, 1, path=tmp_path / "b.png"))
    assert len(alone) == 2  # no targets


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.positions({}), "points must hold at least one population"),
        (lambda: plots.positions(np.arange(3.0)), "neurons must be finite coordinates"),
        (lambda: plots.positions(GRID, axes=(0, 2)), "axes must be"),
        (lambda: plots.targets(GRID, GRID, WIRES, 20), "neuron must be"),
        (lambda: plots.targets(GRID, GRID[:, :1], WIRES, 1), "must have the same axes"),
        (lambda: plots.targets(GRID, GRID[:3], WIRES, 0), "target must have a row for each neuron"),
        (lambda: plots.targets(GRID, GRID, {}, 0), "connections must be those of a projection"),
        (lambda: plots.targets(GRID, GRID, WIRES, 0, what="age"), "what must be 'weight' or"),
    ],
)
def test_wrong_arguments_are_named(draw, message):
    with pytest.raises((SpikecudaValueError, SpikecudaTypeError), match=message):
        draw()

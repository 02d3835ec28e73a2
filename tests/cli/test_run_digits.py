"""spikecuda run diehl2015: what it prints and writes, and what it refuses before it builds."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from spikecuda.network.network import Network

sys.path.insert(0, str(Path(__file__).parents[1] / "plasticity"))
from shapes import shapes, write


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, shapes(60, 1), shapes(20, 2))
    return folder


def test_it_learns_names_tests_draws_and_writes(cli, tmp_path, data):
    out_folder = tmp_path / "out"
    argv = ("run", "diehl2015", "--data", data, "--set", "neurons=20", "--seed", 1)
    code, out, err = cli(*argv, "--passes", 2, "-o", out_folder)
    assert (code, err) == (0, "")
    for words in ("Diehl & Cook (2015)", "recognised (%)", "20 images that were not learned",
                  "60 images, 2 passes", "804 neurons", "seed 1", "1 thread"):  # fmt: skip
        assert words in " ".join(out.split())
    names = ["receptive_fields.png", "summary.json", "weights.npz"]
    assert sorted(path.name for path in out_folder.iterdir()) == names
    assert (out_folder / names[0]).read_bytes().startswith(b"\x89PNG")
    learned = np.load(out_folder / "weights.npz")
    assert learned["weights"].shape == (784, 20) and learned["shape"].tolist() == [28, 28]
    assert learned["weights"].sum(axis=0) == pytest.approx(78.0, rel=1e-4)
    assert learned["theta"].shape == learned["assignments"].shape == (20,)
    assert (learned["theta"] > 20.0).any() and set(learned["assignments"]) <= {-1, 0, 1, 2}
    numbers = json.loads((out_folder / "summary.json").read_text())
    assert numbers["accuracy"] > 70.0 and numbers["tested"] == 20 and numbers["passes"] == 2
    assert sum(numbers["neurons_of_class"]) + numbers["neurons_without_class"] == 20
    assert [done for done, _ in numbers["course"]] == [24 + 12 * k for k in range(9)]
    assert numbers["accuracy_of_class"][3] is None
    assert set(numbers["seconds"]) == {"learning", "naming", "testing", "in all"}


def test_quiet_few_images_and_nothing_written(cli, tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)
    argv = ("run", "diehl2015", "--data", data, "--images", 3, "--set", "neurons=5")
    assert cli(*argv, "-q", "-o", "none") == (0, "", "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "diehl2015 needs --data FOLDER with the four files of MNIST (got none)"),
        (("--data", "nowhere"), "data must be a folder (got nothing at nowhere)"),
        (("--data", "data", "--images", "0"), "images must be a whole number >= 1"),
        (("--data", "data", "--passes", "0"), "passes must be from 1"),
        (("--data", "data", "-t", "100"), "--duration is for other examples"),
        (("--data", "data", "--plastic"), "diehl2015 has no synapses that can be made to learn"),
        (("--data", "data", "--set", "inputs=100"), "images of"),
        (("--data", "data", "--set", "neuron=9"), "did you mean 'neurons'?"),
        (("--data", "data", "-p", "float16"), "must be float32 or float64"),
        (("--data", "data", "-o", "data/train-labels-idx1-ubyte"), "out must be a folder"),
    ],
)
def test_what_it_refuses_before_it_builds(cli, argv, message, data, monkeypatch):
    monkeypatch.chdir(data.parent)
    monkeypatch.setattr(Network, "build", lambda *_: pytest.fail("built"))
    code, out, err = cli("run", "diehl2015", *argv)
    assert code == 2 and out == "" and message in err, err


@pytest.mark.parametrize("option", [("--data", "x"), ("--images", "3"), ("--passes", "2")])
def test_options_of_data_are_for_examples_that_learn_from_it(cli, option):
    code, _, err = cli("run", "brunel", *option)
    assert code == 2 and f"{option[0]} is for examples that learn from files" in err
    code, _, err = cli("run", *option)
    assert code == 2 and f"{option[0]} is for examples" in err

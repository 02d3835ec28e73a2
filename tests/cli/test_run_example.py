"""spikecuda run EXAMPLE: what it prints and writes, and what it refuses."""

import json

import numpy as np
import pytest

from spikecuda.examples import izhikevich2003
from spikecuda.network.results.result import NetworkResult


def test_it_prints_the_expectation_beside_the_result_and_writes_what_ran(cli, tmp_path):
    folder = tmp_path / "izhikevich"
    code, out, err = cli("run", "izhikevich2003", "--duration", 300, "--seed", 3, "-o", folder)
    assert (code, err) == (0, "")
    for words in ("IEEE Trans Neural Netw 14:1569", "rate of all (Hz)", "about 8 Hz",
                  "real-time factor", "1,000 neurons, 1,000,000 synapses", "seed 3"):  # fmt: skip
        assert words in out
    assert sorted(p.name for p in folder.iterdir()) == [
        "raster.png", "rates.png", "spikes.npz", "summary.json",
    ]  # fmt: skip
    with izhikevich2003.network(seed=3) as net:
        expected = net.run(300.0)
    result = NetworkResult.load(folder / "spikes.npz")
    for name in ("E", "I"):
        np.testing.assert_array_equal(result.spikes[name].step, expected.spikes[name].step)
        np.testing.assert_array_equal(result.spikes[name].neuron, expected.spikes[name].neuron)
    numbers = json.loads((folder / "summary.json").read_text())
    rates = expected.rates()
    mean = 0.8 * rates["E"] + 0.2 * rates["I"]
    assert numbers["expected"][0]["here"] == pytest.approx(mean)
    assert numbers["seed"] == 3 and numbers["metrics"]["synapses"] == 1_000_000


def test_quiet_and_nothing_written(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("run", "izhikevich2003", "-t", 100, "-q", "-o", "none") == (0, "", "")
    assert not list(tmp_path.iterdir())


def test_a_run_is_saved_and_goes_on(cli, tmp_path):
    file, folder = tmp_path / "net.spk", tmp_path / "whole"
    run = ("run", "izhikevich2003", "-q")
    saving = ("--save", file, "--save-every", 30)
    assert cli(*run, "-t", 40, "-o", "none", *saving) == (0, "", "")
    assert cli(*run, "-t", 80, "-o", "none", "--resume", file, *saving) == (0, "", "")
    assert cli(*run, "-t", 120, "-o", folder, "--resume", file, *saving) == (0, "", "")
    with izhikevich2003.network() as net:
        expected = net.run(120.0)
    found = NetworkResult.load(folder / "spikes.npz")
    np.testing.assert_array_equal(found.spikes["E"].step, expected.spikes["E"].step)
    for more, message in (
        (("-t", 120, "--resume", file), "nothing is left to run"),
        (("-t", 200, "--resume", file, "--seed", 4), "seed must be 4"),
        (("-t", 200, "--resume", file, "--set", "excitation=0.6"), "weight"),
        (("-t", 200, "--save", file), "--save-every MS must be given"),
        (("-t", 200, "--save", file, "--save-every", 0.01), "--save-every must be a multiple of"),
        (("-t", 200, "--resume", tmp_path / "no"), "--resume must be a file that --save wrote"),
        (
            ("-t", 200, "--save", tmp_path / "no" / "x", "--save-every", 30),
            "--save must be in a folder that exists",
        ),
    ):
        code, _, err = cli(*run, "-o", "none", *more)
        assert code != 0 and message in err
    code, _, err = cli("run", "diehl2015", "--resume", file)
    assert code != 0 and "--resume is for examples that are one run (got it for diehl2015" in err


def test_a_variant_is_another_network(cli, tmp_path):
    code, out, err = cli("run", "cuba", "--variant", "brian", "-t", 50, "-o", "none")
    assert (code, err) == (0, "") and "variant brian" in out and "Brian2" in out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ("cuba", "--variant", "nets"),
            "variant must be one of nest, brian (got 'nets'); did you mean 'nest'?",
        ),
        (("coba", "--variant", "nest"), "variant must be left out: there is only one (got 'nest')"),
        (("coba", "--scale", "0.5"), "coba has one size (got scale 0.5)"),
        (("microcircuit", "--scale", "0"), "scale must be from 0.01 to 1 (got 0.0)"),
        (("cuba", "-n", "100"), "--num-neurons is for pools of neurons"),
        (("cuba", "--current", "100"), "--current is for pools of neurons"),
        (("cuba", "--no-gpu"), "--gpu is for pools of neurons"),
        (("cuba", "--threads", "0"), "threads must be from 1"),
        (("cuba", "--duration", "5"), "duration must be >= 10 ms (got 5)"),
        (("cuba", "--duration", "20.05"), "multiple of dt"),
        (("cuba", "--precision", "float8"), "float16, float32 or float64"),
        (("cuba", "--out", "/nonexistent/folder"), "does not exist"),
        (("cuba", "--out", __file__), "out must be a folder"),
    ],
)
def test_refusals(cli, argv, message):
    code, out, err = cli("run", *argv)
    assert code == 2 and out == ""
    assert err.startswith("error: ") and message in err, err

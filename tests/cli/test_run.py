"""spikecuda run: options, TOML, a user's model, what it writes and what it refuses."""

import json

import numpy as np
import pytest

from spikecuda import Constant, GPUNeuronPool, Noise, Poisson

SMALL = ("-n", "100", "--steps", "200")


def load(path):
    data = np.load(path)
    return data, json.loads(str(data["metadata"]))


def test_summary_says_what_ran_where_and_why(cli):
    code, out, err = cli("run", *SMALL, "--no-gpu")
    assert code == 0 and err == ""
    for words in ("100 lif", "asked for by --no-gpu", "example drive", "mean rate", "compile time",
                  "real-time factor", "memory"):  # fmt: skip
        assert words in out


def test_quiet(cli):
    assert cli("run", *SMALL, "-q") == (0, "", "")


def test_npz_holds_what_the_pool_gave(cli, tmp_path):
    out = tmp_path / "a.npz"
    code, _, err = cli("run", *SMALL, "--current", 300, "--seed", 3, "--record", "spikes,v",
                       "--param", "tau_m=15", "--no-gpu", "-o", out)  # fmt: skip
    assert code == 0, err
    data, facts = load(out)
    with GPUNeuronPool(100, "lif", False, seed=3, params={"tau_m": 15.0}) as pool:
        expected = pool.run(steps=200, input=300.0, record=["spikes", "v"])
    assert len(expected.spikes) > 0
    np.testing.assert_array_equal(data["spike_step"], expected.spikes.step)
    np.testing.assert_array_equal(data["spike_neuron"], expected.spikes.neuron)
    np.testing.assert_array_equal(data["trace_v"], expected.traces["v"])
    np.testing.assert_allclose(data["time"], expected.time)
    assert data["param_tau_m"] == 15.0
    assert facts["model"] == "lif" and facts["seed"] == 3 and facts["dt"] == 0.1
    assert facts["num_spikes"] == len(expected.spikes)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_inputs_add_up(cli, tmp_path):
    out = tmp_path / "a.npz"
    code, text, err = cli("run", *SMALL, "--current", 100, "--current", "150", "--noise", 40,
                          "--poisson", "200,0.5", "--no-gpu", "-o", out)  # fmt: skip
    assert code == 0, err
    words = "current 100 pA; current 150 pA; noise 40 pA sqrt(ms); poisson 200 Hz, 0.5 mV"
    assert words in " ".join(text.split())
    with GPUNeuronPool(100, "lif", False) as pool:
        expected = pool.run(steps=200, input=[Constant(250.0), Noise(40.0), Poisson(200.0, 0.5)])
    np.testing.assert_array_equal(load(out)[0]["spike_step"], expected.spikes.step)


def test_drawn_inputs_differ_and_depend_on_the_seed(cli, tmp_path):
    spikes = []
    for seed in (1, 1, 2):
        out = tmp_path / "a.npz"
        cli("run", *SMALL, "--current", "uniform(0,400)", "--current", "uniform(0,400)",
            "--seed", seed, "--initial", "v=uniform(-65,-50)", "-o", out)  # fmt: skip
        spikes.append(load(out)[0]["spike_step"].tolist())
    assert spikes[0] == spikes[1] != spikes[2]


def test_toml_with_options_over_it(cli, tmp_path):
    file = tmp_path / "pool.toml"
    file.write_text(
        """
        [pool]
        neuron_type = "adex"
        num_neurons = 50
        precision = "float64"
        seed = 5
        gpu = false
        [params]
        b = 60
        v_t = "normal(-50, 1)"
        [initial]
        v = "uniform(-70, -60)"
        [input]
        current = 700
        poisson = [{ rate = 100, weight = 0.2 }, { rate = 50, weight = "uniform(0, 1)" }]
        step_current = { amplitude = 50, start = 5 }
        ramp = { first = 0, last = 10, start = 1, stop = 8 }
        [run]
        duration = 20
        record = ["spikes", "w"]
        """
    )
    out = tmp_path / "out.npz"
    code, text, err = cli("run", file, "--steps", 100, "--param", "b=70", "-n", "40", "-o", out)
    assert code == 0, err
    data, facts = load(out)
    assert facts["model"] == "adex" and facts["precision"] == "float64"
    assert facts["num_neurons"] == 40 and facts["steps"] == 100 and facts["seed"] == 5
    assert data["param_b"] == 70.0 and data["param_v_t"].shape == (40,)
    assert data["trace_w"].shape == (100, 40) and "trace_v" not in data
    assert "step_current 50 pA, 5 ms" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[pool\n", "not valid TOML"),
        ("[pol]\nx = 1\n", "unknown table 'pol'; did you mean 'pool'?"),
        ("[pool]\nneurons = 1\n", "unknown key 'neurons'; did you mean 'num_neurons'?"),
        ("pool = 3\n", r"pool must be a table; write \[pool\]"),
        ("[input]\npoisson = 3\n", "poisson must be a table such as"),
        ("[input]\npoisson = { rate = 3 }\n", "poisson needs weight"),
        ("[params]\ntau_m = 'fast'\n", "parameter tau_m must be a number, normal"),
        ("[pool]\nneuron_type = ['m.py:X']\n", r"\[pool\]: neuron_type must be text \(got \['m"),
        ("[pool]\nscheme = []\n", "scheme must be text"),
        ("[pool]\nseed = 1.5\n", "seed must be an integer"),
        ("[pool]\nthreads = true\n", "threads must be an integer"),
        ("[pool]\ngpu = 'yes'\n", "gpu must be true or false"),
        ("[pool]\ndt = 1979-05-27\n", "dt must be a number"),
        ("[pool]\ndt = 1e999\n", r"dt must be > 0 ms \(got inf\)"),
        ("[pool]\ndt = nan\n", r"dt must be > 0 ms \(got nan\)"),
        ("[pool]\nnum_neurons = 1e999\n", "num_neurons must be a whole number"),
        (f"[pool]\nnum_neurons = {10**30}\n", "num_neurons must be a whole number"),
        (f"[pool]\nseed = {2**70}\n", "seed"),
        (f"[pool]\ndt = {'9' * 5000}\n", "not valid TOML"),
        (f"[pool]\ndt = {'9' * 4000}\n", "dt must .*fits? in float64"),
        ('[pool]\nneuron_type = "a\\u0000.py"\n', "NUL"),
        ("[run]\nrecord = 5\n", r"\[run\]: record must be text, or a list of texts \(got 5\)"),
        ("[run]\nrecord = ['v', 5]\n", "record must be text, or a list of texts"),
        ("[run]\nsteps = 10.0\n", "steps must be an integer"),
        ("[run]\nout = ['a.npz']\n", "out must be text"),
        ('[run]\nout = "a\\u0000.npz"\n', "out must hold no NUL"),
        (f"[params]\ntau_m = {'9' * 400}\n", "parameter tau_m must be a number"),
        ("[params]\ntau_m = { a = 1 }\n", "parameter tau_m must be a number"),
        ("[params]\ntau_m = [1, [2]]\n", "parameter tau_m must be a number"),
        ("[input]\ncurrent = { a = 1 }\n", "current must be a number"),
        ("x = " + "[" * 100_000, "nested too deep"),
        ("x = " + "{a=" * 100_000, "nested too deep"),
        ("a" + ".a" * 100_000 + " = 1", "nested too deep"),
        ("[" + "a . " * 100_000 + "a]", "nested too deep"),
        ("\0", "not valid TOML"),
        ("[input]\npoisson = [[[[3]]]]\n", "poisson must be a table such as"),
    ],
)
def test_bad_toml(cli, tmp_path, text, message):
    import re

    file = tmp_path / "bad.toml"
    file.write_text(text)
    code, _, err = cli("run", file)
    assert code == 2 and re.search(message, err) and len(err) < 600, err


def test_toml_may_begin_with_a_mark_and_must_be_utf8(cli, tmp_path):
    file = tmp_path / "pool.toml"
    file.write_bytes(b"\xef\xbb\xbf[run]\nsteps = 2\n")
    assert cli("run", file, "-q")[0] == 0
    file.write_bytes(b"[run]\nout = '\xff.npz'\n")
    code, _, err = cli("run", file)
    assert code == 2 and "not valid TOML" in err and str(file) in err


def test_users_model(cli, model_file, tmp_path):
    out = tmp_path / "q.npz"
    code, text, err = cli("run", "-m", f"{model_file}:MyQIF", "-n", 64, "--steps", 300,
                          "--current", 5, "--param", "tau=5", "-o", out, "--no-gpu")  # fmt: skip
    assert code == 0, err
    assert "64 myqif" in text and load(out)[1]["num_spikes"] > 0
    # One class needs no name, and a built-in drive is for built-in models only.
    code, text, _ = cli("run", "-m", model_file, "-n", 64, "--steps", 1)
    assert code == 0 and "input         none" in text


def test_users_model_beside_its_toml(cli, model_file):
    file = model_file.with_name("pool.toml")
    pool = '[pool]\nneuron_type = "mymodel.py:MyQIF"\nnum_neurons = 32\n'
    file.write_text(pool + "[run]\nsteps = 2\n")
    assert cli("run", file, "-q")[0] == 0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("microcircut",), "unknown example 'microcircut'; did you mean 'microcircuit'?"),
        (("--scale", "0.1"), "--scale is for examples (got it for a pool)"),
        (("gone.toml",), "no such file: gone.toml"),
        (("-m", "lfi"), "did you mean 'lif'"),
        (("-m", "gone.py:A"), "no such model file"),
        (("-n", "0"), "num_neurons must be a whole number >= 1"),
        (("--param", "tau=3"), "no parameter 'tau'"),
        (("--param", "tau_m=-3"), "tau_m must be > 0 ms (got -3.0)"),
        (("--initial", "w=3"), "lif has no state 'w'"),
        (("--device", "tpu"), "device must be one of"),
        (("--device", "cpu", "--gpu"), "contradicts"),
        (("--record", "u"), "record knows spikes, v"),
        (("--duration", "0.05"), "multiple of dt"),
        (("--scheme", "rk4"), "schemes exact"),
        (("--precision", "float8"), "float16, float32 or float64"),
        (("--poisson", "100"), "--poisson takes RATE,WEIGHT"),
        (("--step-current", "1,5,2"), "stop must be > start"),
        (("--out", "x.txt"), "out must end in .npz"),
        (("--out", "/nonexistent/x.npz"), "does not exist"),
    ],
)
def test_refusals(cli, argv, message):
    code, out, err = cli("run", *argv)
    assert code == 2 and out == ""
    assert err.startswith("error: ") and message in err, err


def test_broken_model_file(cli, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("import nothing_of_this_name\n")
    code, _, err = cli("run", "-m", f"{file}:A")
    assert code == 2 and "broken.py fails: ModuleNotFoundError" in err
    file.with_name("empty.py").write_text("x = 1\n")
    code, _, err = cli("run", "-m", file.with_name("empty.py"))
    assert code == 2 and "defines no subclass of spikecuda.Model" in err


def test_wrong_class_name(cli, model_file):
    code, _, err = cli("run", "-m", f"{model_file}:QIV")
    assert code == 2 and "did you mean 'MyQIF'" in err

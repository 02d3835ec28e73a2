"""Odd command lines and configurations: an exit code and a line, never a traceback."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spikecuda.cli import main
from spikecuda.errors import SpikecudaError

ROOT = Path(__file__).resolve().parents[2]
POOL = ["run", "-n", "20", "--steps", "5", "--device", "cpu", "--quiet"]
ODD = ["", "x", "-1", "0", "nan", "inf", "1e400", "5", "a=b", "a=", "=", "1,2", "1,2,3,4,5", "[]",
       "normal(1", "normal(a,b)", "uniform(2,1)", "../x", "/", ".py:X", "m.py:X", "cpu:x",
       "cuda:99",        "\udcff", "a\0b", "x" * 5000, "None", "--", "é"]  # fmt: skip
OPTIONS = {
    "run": ["--precision", "--dt", "--seed", "--scheme", "--substeps", "--param", "--initial",
            "--device", "--threads", "--batch-size", "--current", "--noise", "--poisson", "--ramp",
            "--step-current", "--duration", "--steps", "--record", "-n", "-m", "-p", "-t"],
}  # fmt: skip


def traceback_of(argv, capsys):
    """Run a command line with --debug; return the exception that is none of spikecuda's."""
    try:
        main([*argv, "--debug"])
    except (SpikecudaError, OSError, SystemExit, KeyboardInterrupt):
        return None
    except BaseException as error:
        return f"{argv[-2:]}: {type(error).__name__}: {error}"
    finally:
        capsys.readouterr()


@pytest.mark.parametrize("option", OPTIONS["run"])
def test_odd_values_of_run(option, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong = [traceback_of([*POOL, f"{option}={text}" if len(option) > 2 else option, *(
        [] if len(option) > 2 else [text])], capsys) for text in ODD]  # fmt: skip
    assert not list(filter(None, wrong))


@pytest.mark.parametrize("argv", [
    ["run", "{}"], ["run", "izhikevich2003", "--variant", "{}"],
    ["run", "microcircuit", "--scale={}", "--duration", "1"],
    ["run", "cuba", "--duration={}1e300"],
    ["bench", "-m", "{}"], ["bench", "-p", "{}"], ["bench", "-n", "{}"],
    ["bench", "--device", "{}"],
    ["kernels", "show", "{}"], ["kernels", "list", "--arch", "{}"], ["kernels", "{}"],
    ["cache", "{}"], ["info", "{}"], ["{}"], ["report", "--threads", "{}x"],
    ["sweep", "{}"], ["sweep", "nothing.py:{}"], ["sweep", "nothing.py", "--grid", "{}"],
    ["sweep", "nothing.py", "--grid", "a={}"], ["sweep", "nothing.py", "-g", "a=0:{}:3"],
    ["sweep", "nothing.py", "-g", "a=1", "--task", "{}"],
    ["verify", "--device", "{}x"], ["bench", "tune", "--device", "{}x"],
], ids=lambda argv: "-".join(argv[:3]))  # fmt: skip
def test_odd_values_of_other_commands(argv, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = [text for text in ODD if "{}" not in argv or text not in ("5", "clear")]
    wrong = [
        traceback_of([part.replace("{}", text) for part in argv], capsys)
        for text in texts
        if not (argv[:2] in (["bench", "-n"], ["bench", "-m"], ["bench", "-p"]) and text == "5")
    ]
    assert not list(filter(None, wrong))


VALUES = ["5", "-1", "[]", "['m.py:X']", "{}", "nan", "true", "''", "'x'", "1979-05-27", "[[1]]",
          "[1, 'a']", "{a = 1}", "1e308", "10000000000000000000000"]  # fmt: skip
KEYS = {
    "pool": ["neuron_type", "num_neurons", "precision", "dt", "seed", "scheme", "substeps",
             "threads", "batch_size", "device", "gpu", "unknown"],
    "params": ["tau_m", "x"], "initial": ["v", "x"],
    "input": ["current", "noise", "poisson", "ramp", "step_current", "x"],
    "run": ["duration", "steps", "record", "out", "x"],
}  # fmt: skip


@pytest.mark.parametrize("table", KEYS)
def test_odd_configurations(table, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong = []
    for key, value in itertools.product(KEYS[table], VALUES):
        tables = {"pool": "num_neurons = 20\ndevice = 'cpu'\n", "run": "steps = 5\n"}
        lines = tables.get(table, "").splitlines(keepends=True)
        tables[table] = "".join(x for x in lines if not x.startswith(key)) + f"{key} = {value}\n"
        if (table, key, value) == ("run", "out", "'x'") or key == "duration":
            tables["run"] = f"{key} = {value}\n"
        text = "".join(f"[{name}]\n{body}" for name, body in tables.items())
        (tmp_path / "x.toml").write_text(text)
        if key == "num_neurons" and value in ("1e308",):
            continue
        wrong.append(traceback_of(["run", "x.toml", "--quiet"], capsys))
    assert not list(filter(None, wrong))


@pytest.mark.parametrize("text", [
    "[" * 5000, "a = " + "[" * 5000 + "]" * 5000, "pool = 5", "pool = []", "[pool.x]", "\0", "=",
    "[[pool]]", "[input]\ncurrent = " + "[" * 200 + "1" + "]" * 200,
], ids=range(9))  # fmt: skip
def test_odd_files(text, capsys, tmp_path):
    (tmp_path / "x.toml").write_text(text)
    assert traceback_of(["run", str(tmp_path / "x.toml"), "--quiet"], capsys) is None


def test_options_are_not_abbreviated(capsys):
    for argv in (["run", "--g", "5"], ["run", "--gp"], ["run", "--thread", "2"],
                 ["cache", "--jso"], ["kernels", "list", "--arc", "9.0"]):  # fmt: skip
        with pytest.raises(SystemExit):
            main(argv)
        assert "unrecognized arguments" in capsys.readouterr().err


@pytest.mark.parametrize("code", [
    "GPUNeuronPool(10, device='cpu').run(steps=5)",
    "GPUNeuronPool(10, device='cuda-emu').run(steps=5)",
    "MultiGPUNeuronSystem(10, devices='cpu').run(steps=5)",
    "net = Network(devices='cpu'); net.population('E', 4); net.run(1.0)",
    "from spikecuda.cli import main\n"
    "raise SystemExit(main(['run', '-n', '10', '--device', 'cpu']))",
], ids=["pool", "emulated", "system", "network", "command"])  # fmt: skip
def test_without_compilation(code):
    done = subprocess.run(
        [sys.executable, "-c", "from spikecuda import *; from spikecuda.network import *; " + code],
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode in (1, 2) and "NUMBA_DISABLE_JIT=1); unset it" in last


def test_a_name_that_view_takes_for_its_port_is_told(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--view", "brunel"])
    told = capsys.readouterr().err
    assert "PORT must be a number from 0 to 65535 (got 'brunel')" in told
    assert "write it before --view" in told

"""``spikecuda kernels inspect`` and ``bench/predict.py``."""

import argparse
import runpy
import sys
from pathlib import Path

import pytest

from spikecuda.cli import inspect
from spikecuda.errors import SpikecudaValueError

ROOT = Path(__file__).parents[2]


def run(*argv):
    parser = argparse.ArgumentParser()
    inspect.add_parser(parser.add_subparsers())
    args = parser.parse_args(["inspect", *argv])
    return args.execute(args)


def test_tables(capsys):
    argv = ("lif", "--precision", "float32", "--gpu", "RTX 3060", "--neurons", "100k")
    assert run(*argv, "--steps", "64") == 0
    text = capsys.readouterr().out
    assert "PREDICTED lower bounds of time (not measured): 100,000 neurons" in text
    assert "lif exact float32" in text
    for word in ("registers", "occupancy", "store 32 bit", "ALU", "Source: NVIDIA GeForce"):
        assert word in text


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("lif", "--scheme", "heun"), "lif has the schemes exact"),
        (("lif", "--arch", "6.1"), "--arch must be one of 7.5"),
        (("lif", "--gpu", "H1000"), "did you mean 'H100'"),
        (("lif", "--variant", "noice"), "did you mean 'noise'"),
        (("lif", "--precision", "float8"), "precision must be"),
    ],
)
def test_wrong_names_are_refused(argv, message):
    with pytest.raises(SpikecudaValueError, match=message):
        run(*argv)


def test_gate_reports_a_kernel_over_budget(capsys, monkeypatch):
    from spikecuda.inspection import budgets

    items = [i for i in budgets.covered() if i[1].model.name == "lif" and i[2] == (9, 0)][:1]
    monkeypatch.setattr(budgets, "everything", lambda: items)
    assert run("--gate") == 0
    assert "1 kernels inspected, 0 violations" in capsys.readouterr().out
    monkeypatch.setattr(budgets, "load", dict)
    assert run("--gate") == 1
    assert "has no budget" in capsys.readouterr().out


def test_bench_prints_report_and_prediction(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["predict.py", "--steps", "64"])
    runpy.run_path(str(ROOT / "bench" / "predict.py"), run_name="__main__")
    text = capsys.readouterr().out
    assert "8.10 M" in text
    assert "K = 1, predicted" in text
    assert "PREDICTED, not measured" in text
    assert "B200" in text

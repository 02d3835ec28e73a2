"""``spikecuda sweep``: its grid, its file, its exit codes."""

import json

import pytest

from spikecuda import SpikecudaError
from spikecuda.cli.sweep import as_grid, parameter_values

POINT = """
from math import sqrt
from beside import OFFSET

def point(a, b=0, seed=0):
    if a < 0:
        raise ValueError("a must be >= 0")
    return {"root": sqrt(a) + b + OFFSET, "seed2": 2 * seed}

def _hidden():
    pass
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "beside.py").write_text("OFFSET = 1\n", encoding="utf-8")
    (tmp_path / "point.py").write_text(POINT, encoding="utf-8")
    return tmp_path / "point.py"


def test_it_prints_keeps_and_goes_on(cli, file, tmp_path):
    csv = tmp_path / "t.csv"
    code, out, err = cli("sweep", file, "-g", "a=1,4", "-g", "b=0:1:3", "--workers", 2)
    assert code == 0 and err == ""
    assert "6 of 6 points" in out and "root" in out and "point.sweep.json" in out
    rows = json.loads((tmp_path / "point.sweep.json").read_text())["rows"]
    assert [row["values"]["root"] for row in rows] == [2.0, 2.5, 3.0, 3.0, 3.5, 4.0]
    assert [row["params"] for row in rows][1] == {"a": 1, "b": 0.5}
    before = (tmp_path / "point.sweep.json").read_bytes()
    argv = ["sweep", f"{file}:point", "-g", "a=1,4", "-g", "b=0:1:3", "--csv", csv, "--quiet"]
    code, out, err = cli(*argv)
    assert (code, out, err) == (0, "", "")
    assert (tmp_path / "point.sweep.json").read_bytes() == before
    assert csv.read_text().splitlines()[4].startswith("3,4,0.0,3.0,0,")


def test_failures_tasks_and_seeds(cli, file, tmp_path):
    code, out, _ = cli("sweep", file, "-g", "a=-1,1", "--workers", 1, "-o", "none")
    assert code == 1 and "1 failed" in out and "a=-1: ValueError: a must be >= 0" in out
    assert not list(tmp_path.glob("*.json"))
    out_file = tmp_path / "o.json"
    for task in ("0/2", "1/2"):
        code, _, _ = cli(
            "sweep", file, "-g", "a=1,4", "--seeds", 2, "--task", task, "-o", out_file,
            "--workers", 1,
        )  # fmt: skip
        assert code == 0
    assert sorted(p.name for p in tmp_path.glob("o*")) == ["o.task0of2.json", "o.task1of2.json"]
    code, out, _ = cli("sweep", file, "-g", "a=1,4", "--seeds", 2, "-o", out_file)
    assert code == 0 and "4 of 4 points" in out


@pytest.mark.parametrize(("argv", "message"), [
    (["nothing.py", "-g", "a=1"], "no such file"), (["{file}"], "at least one parameter"),
    (["{file}:none", "-g", "a=1"], r"has the functions point"),
    (["{file}", "-g", "c=1"], "must take the parameters"), (["x.txt", "-g", "a=1"], "Python file"),
    (["{file}", "-g", "a=1", "-g", "a=2"], "given twice"),
    (["{file}", "-g", "a=1,,2"], "each place"),
    (["{file}", "-g", "a=1", "--task", "2"], "must be I/N"),
    (["{file}", "-g", "a=1", "--task", "slurm"], "needs a Slurm array"),
])  # fmt: skip
def test_errors_are_a_line(cli, file, argv, message):
    code, out, err = cli("sweep", *(part.replace("{file}", str(file)) for part in argv))
    assert code == 2 and out == "" and message in err and err.count("\n") == 1


def test_values():
    assert parameter_values("a", "1,2.5,true,AI, x") == [1, 2.5, True, "AI", "x"]
    assert parameter_values("a", "0:1:5") == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert parameter_values("a", "0:1:1") == [0.0]


def test_a_grid_in_a_file(tmp_path):
    path = tmp_path / "grid.json"
    path.write_text('[{"a": 1}, {"a": 2.5}]', encoding="utf-8")
    assert as_grid([str(path)]) == [{"a": 1}, {"a": 2.5}]
    path.write_text("{", encoding="utf-8")
    with pytest.raises(SpikecudaError, match="must be a JSON text"):
        as_grid([str(path)])

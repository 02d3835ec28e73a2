"""Files of sweeps: what is done is kept, wherever the sweep is broken off."""

import collections
import concurrent.futures
import json

import numpy as np
import pytest
import sweep_functions as functions

from spikecuda import SpikecudaError, sweep
from spikecuda.sweeps import executor


def test_a_sweep_goes_on_where_it_ended(tmp_path, threads):
    path = tmp_path / "sweep.json"
    ran = collections.deque()  # a list would be a value that the function depends on

    def point(a):
        ran.append(a)
        if a == 2 and len(ran) < 4:
            raise ValueError("not yet")
        return {"square": a * a}

    first = sweep(point, {"a": [1, 2, 3]}, threads, path=path)
    assert [row["point"] for row in first.failures] == [1]
    again = sweep(point, {"a": [1, 2, 3]}, threads, path=path)
    assert sorted(ran) == [1, 2, 2, 3] and again.complete
    # The grid may grow, in any order.
    larger = sweep(point, {"a": [5, 3, 2, 1]}, threads, path=path)
    assert sorted(ran) == [1, 2, 2, 3, 5] and larger.column("square") == [25, 9, 4, 1]
    whole = sweep(point, {"a": [5, 3, 2, 1]}, threads, path=path)
    assert len(ran) == 5 and list(whole) == list(larger)
    with pytest.raises(SpikecudaError, match=r"must hold points of this grid only \(got 2 others"):
        sweep(point, {"a": [1, 2]}, threads, path=path)


def test_what_a_file_keeps_is_what_was_returned(tmp_path, threads):
    path = tmp_path / "sweep.json"
    grid = {"a": np.array([0.5, 2.0])}
    first = sweep(functions.arrays, grid, threads, seeds=2, path=path)
    again = sweep(functions.arrays, grid, threads, seeds=2, path=path)
    assert first.parameters == ["a", "seed"] and len(first) == 4
    for before, after in zip(first, again, strict=True):
        assert before["noise"].tobytes() == after["noise"].tobytes()
        assert before["noise"].dtype == after["noise"].dtype == np.float64
        assert np.isnan(after["nan"]) and after["pair"] == before["pair"] == (before["a"], None)
        assert after["$x"] == {"$y": 1} and after["seconds"] == before["seconds"]
    refused = sweep(lambda a: {"it": object()}, {"a": [1]}, threads, path=tmp_path / "b.json")
    assert "the result it cannot be kept in a file" in refused[0]["error"]
    with pytest.raises(SpikecudaError, match="the parameter a cannot be kept in a file"):
        sweep(functions.one, [{"a": object()}], threads, path=tmp_path / "c.json")


def changed(tmp_path, text):
    """Return a function of a source of its own."""
    from spikecuda.sweeps.sent_function import function_of_file

    folder = tmp_path / str(abs(hash(text)))
    folder.mkdir(exist_ok=True)
    (folder / "point.py").write_text(text, encoding="utf-8")
    return function_of_file(str(folder / "point.py"), "point")


def test_a_file_belongs_to_a_function_and_a_grid(tmp_path, threads, monkeypatch):
    path = tmp_path / "sweep.json"
    sweep(changed(tmp_path, "def point(a):\n    return a\n"), {"a": [1]}, threads, path=path)
    same = changed(tmp_path, "def point(a):\n    '''Say.'''\n    return   a  # it\n")
    sweep(same, {"a": [1]}, threads, path=path)
    other = changed(tmp_path, "def point(a):\n    return a + 1\n")
    with pytest.raises(SpikecudaError, match="of another function than point is now"):
        sweep(other, {"a": [1]}, threads, path=path)
    table = sweep(other, {"a": [1, 2]}, threads, path=path, same_function=False)
    assert table.column("result") == [1, 3]
    both = changed(tmp_path, "def point(a, b):\n    return a\n")
    with pytest.raises(SpikecudaError, match=r"is of a grid of a \(got one of a, b\)"):
        sweep(both, {"a": [1], "b": [1]}, threads, path=path)
    monkeypatch.setattr("spikecuda.sweeps.file.__version__", "9.0")
    with pytest.raises(SpikecudaError, match=r"is of spikecuda 0.*this is 9.0"):
        sweep(other, {"a": [1, 2]}, threads, path=path)


def test_a_damaged_file_is_refused(tmp_path, threads):
    path = tmp_path / "sweep.json"
    sweep(functions.one, {"a": [1, 2, 3]}, threads, path=path)
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(good), 200):
        bad = bytearray(good)
        bad[at] ^= 1 << rng.integers(0, 7)
        try:
            same = json.loads(bad) == json.loads(good)
        except ValueError:
            same = False
        if same:  # a space that became another one
            continue
        path.write_bytes(bad)
        with pytest.raises(SpikecudaError, match="path must be the file of a sweep"):
            sweep(functions.one, {"a": [1, 2, 3]}, threads, path=path)
        assert path.read_bytes() == bad
    for text in (b"", b"[]", b"{}", good[: len(good) // 2], b"[" * 100_000, b"\xff\xfe"):
        path.write_bytes(text)
        with pytest.raises(SpikecudaError, match="path must be the file of a sweep"):
            sweep(functions.one, {"a": [1, 2, 3]}, threads, path=path)


def test_a_file_that_cannot_be_written(tmp_path, threads, monkeypatch, caplog):
    with pytest.raises(SpikecudaError, match=r"make .*nowhere first"):
        sweep(functions.one, {"a": [1]}, threads, path=tmp_path / "nowhere" / "sweep.json")
    for path, error in ((tmp_path, ValueError), ("a\0b", ValueError), ("x" * 999, ValueError)):
        with pytest.raises(error):
            sweep(functions.one, {"a": [1]}, threads, path=path)
    from spikecuda.sweeps import file

    written = []

    def full(path, text):
        written.append(path)
        if len(written) > 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(file, "write_text", full)
    monkeypatch.setattr(file, "INTERVAL", 0.0)
    monkeypatch.setattr(file, "RARE", 0.0)
    table = sweep(functions.one, {"a": [1, 2, 3]}, threads, path=tmp_path / "sweep.json")
    assert table.complete and len(written) > 2
    assert "No space left on device); the table has them" in caplog.text


def test_two_sweeps_with_one_file_keep_both_rows(tmp_path, threads):
    path = tmp_path / "sweep.json"
    grid = {"a": [1, 2, 3]}

    def other(table):
        if len(table) == 1:
            sweep(functions.one, grid, threads, path=path)

    with concurrent.futures.ThreadPoolExecutor(1) as single:
        sweep(functions.one, grid, single, path=path, call=other)
    assert len(json.loads(path.read_text())["rows"]) == 3


def test_tasks_share_the_points(tmp_path, threads, monkeypatch):
    path = tmp_path / "sweep.json"
    grid = {"a": list(range(7))}
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "3")
    monkeypatch.setenv("SLURM_ARRAY_TASK_MIN", "10")
    monkeypatch.setenv("SLURM_ARRAY_TASK_STEP", "5")
    for number, points in ((10, [0, 3, 6]), (15, [1, 4]), (20, [2, 5])):
        monkeypatch.setenv("SLURM_ARRAY_TASK_ID", str(number))
        table = sweep(functions.one, grid, threads, path=path, task="slurm")
        assert set(points) <= {row["point"] for row in table}
        part = json.loads((tmp_path / f"sweep.task{number // 5 - 2}of3.json").read_text())
        assert [row["params"]["a"] for row in part["rows"]] == points
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID")
    assert not path.exists()
    ran = []
    monkeypatch.setattr(executor, "run_point", lambda *args: ran.append(args))
    whole = sweep(functions.one, grid, threads, path=path)
    assert whole.complete and not ran and whole.column("result") == [a * a for a in range(7)]
    with pytest.raises(SpikecudaError, match="needs a Slurm array"):
        sweep(functions.one, grid, threads, path=path, task="slurm")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "12")
    with pytest.raises(SpikecudaError, match="must count evenly"):
        sweep(functions.one, grid, threads, path=path, task="slurm")
    for task in ("x", 3, (3, 3), (0, 0), (1,), (0.5, 2)):
        with pytest.raises(SpikecudaError, match="task"):
            sweep(functions.one, grid, threads, path=path, task=task)
    with pytest.raises(SpikecudaError, match="task needs path"):
        sweep(functions.one, grid, threads, task=(0, 2))

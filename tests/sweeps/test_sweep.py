"""Sweeps: every point once, whatever works on it, whatever fails, wherever it is broken off."""

import collections
import concurrent.futures
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import sweep_functions as functions
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import SpikecudaError, SweepTable, sweep
from spikecuda.errors import MissingPackageError
from spikecuda.sweeps import executor, run_sweep

HERE = Path(__file__).parent


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        yield executor


def program(text: str, tmp_path: Path, **env: str) -> subprocess.CompletedProcess:
    """Run a script with the tests' functions on its path."""
    file = tmp_path / "script.py"
    file.write_text(text, encoding="utf-8")
    paths = os.pathsep.join([str(HERE), *sys.path])
    return subprocess.run(
        [sys.executable, str(file)], capture_output=True, text=True, timeout=300, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths, **env},
    )  # fmt: skip


def test_processes_do_every_point_once():
    table = sweep(functions.add, {"a": [1, 2, 3], "b": [10, 20]}, workers=2)
    assert table.complete and not table.failures and not table.missing
    assert table.column("sum") == [11, 21, 12, 22, 13, 23]
    assert table.columns == ["point", "a", "b", "sum", "process", "seconds", "error", "traceback"]
    assert [row["point"] for row in table] == list(range(6))
    processes = set(table.column("process"))
    assert os.getpid() not in processes and 1 <= len(processes) <= 2


def test_a_worker_has_one_core():
    table = sweep(functions.network, [{"g": 1.0}], workers=1)
    assert table[0]["threads"] == 1 and table[0]["omp"] == "1", table[0]
    assert "OMP_NUM_THREADS" in os.environ or os.environ.get("OMP_NUM_THREADS") is None


def test_kernels_are_compiled_once_by_all_workers_together(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKECUDA_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("SPIKECUDA_QUIET", "1")
    table = sweep(functions.compiled, {"a": [0.0, 1.0, 2.0, 3.0]}, workers=2)
    assert not table.failures, table.failures[0]
    names = [name for row in table for name in row["compiled"]]
    assert len(names) > 2 and sorted(names) == sorted(set(names))


def test_failures_are_rows():
    table = sweep(functions.sometimes, {"a": [1, 2, 3, 4]}, workers=1)
    assert [row["point"] for row in table.failures] == [2] and not table.complete
    row = table.failures[0]
    assert row["error"] == "ValueError: a must not be a multiple of 3 (got 3)"
    assert 'raise ValueError(f"a must' in row["traceback"] and "run_point" not in row["traceback"]
    assert table.column("result") == [2.0, 3.0, None, 5.0]
    assert "3 of" not in repr(table) and "1 failed" in repr(table)


def test_a_process_that_ends_is_a_failure_of_its_point_only():
    table = sweep(functions.dies, {"a": [1, 2, 3, 4, 5]}, workers=2)
    assert [bool(row["error"]) for row in table] == [False, True, True, True, False]
    assert "SIGKILL; the system does that when memory runs out" in table[1]["error"]
    assert table[2]["error"] == "SystemExit: enough"
    assert "exit code 7" in table[3]["error"]
    assert table.column("result") == [1, None, None, None, 5]


def test_any_executor(threads):
    grid = {"a": [1, 2, 3]}
    assert sweep(functions.one, grid, threads).column("result") == [1, 4, 9]
    with concurrent.futures.ProcessPoolExecutor(1) as executor:
        assert sweep(functions.one, grid, executor).column("result") == [1, 4, 9]
    assert sweep(functions.one, grid, Direct()).column("result") == [1, 4, 9]


def test_an_executor_that_breaks(threads):
    with concurrent.futures.ProcessPoolExecutor(1) as executor:
        table = sweep(functions.dies, {"a": [2, 1]}, executor)
    assert len(table.failures) == 2 and "BrokenProcessPool" in table[0]["error"]


def test_threads_take_any_function(threads):
    table = sweep(lambda a: threading.get_ident(), {"a": range(4)}, threads)
    assert threading.get_ident() not in table.column("result")


def test_functions_of_the_place_are_sent_with_their_code():
    pytest.importorskip("cloudpickle", reason="the extra sweep is not installed")
    factor = 7
    table = sweep(lambda a: a * factor, {"a": [1, 2]}, workers=1)
    assert table.column("result") == [7, 14]


def test_what_cannot_be_sent_is_refused_before_anything_starts(monkeypatch):
    monkeypatch.setattr(run_sweep, "LocalWorkers", None)
    lock = threading.Lock()
    with pytest.raises(TypeError, match=r"sent \(got .*lambda.*cannot pickle '_thread.lock'"):
        sweep(lambda a: lock, {"a": [1]})
    with pytest.raises(TypeError, match=r"parameters must be ones .* sent .* for point 1"):
        sweep(functions.one, [{"a": 1}, {"a": lock}])
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(TypeError, match=r'pip install "spikecuda\[sweep\]"'):
        sweep(lambda a: a, {"a": [1]})


def test_what_the_function_does_not_take_is_refused():
    with pytest.raises(TypeError, match=r"must take the parameters a, c by name.*'c'"):
        sweep(functions.add, {"a": [1], "c": [2]})
    with pytest.raises(TypeError, match=r"missing a required argument: 'a'"):
        sweep(functions.add, {"b": [1]})
    with pytest.raises(SpikecudaError, match="executor must have a method submit"):
        sweep(functions.one, {"a": [1]}, 4)
    with pytest.raises(SpikecudaError, match="leave one of them out"):
        sweep(functions.one, {"a": [1]}, concurrent.futures.ThreadPoolExecutor(), workers=2)


def test_results_that_cannot_be_used_are_failures(threads):
    table = sweep(functions.taken, {"a": [1]}, threads)
    assert "'a', which is a parameter" in table[0]["error"]
    table = sweep(functions.unsendable, {"a": [0, 1]}, threads)
    assert table[0]["it"] == 1 and "pickle" in table[1]["error"]


def test_rows_come_as_they_are_done(threads):
    seen = []
    done = []

    def call(table):
        seen.append((len(table), isinstance(table, SweepTable)))
        return False if len(table) == 3 else None

    table = sweep(
        functions.one, {"a": list(range(6))}, threads, call=call,
        progress=lambda n, total: done.append((n, total)),
    )  # fmt: skip
    assert seen == [(1, True), (2, True), (3, True)]
    assert done == [(n, 6) for n in range(4)]
    assert len(table) == 3 and len(table.missing) == 3 and not table.complete


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
    with pytest.raises(OSError, match="nowhere"):
        sweep(functions.one, {"a": [1]}, threads, path=tmp_path / "nowhere" / "sweep.json")
    for path, error in ((tmp_path, OSError), ("a\0b", ValueError), ("x" * 999, OSError)):
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


def test_ctrl_c_keeps_what_there_is(tmp_path):
    found = program(
        "import os, signal, sys, threading, time\n"
        "import sweep_functions\n"
        "from spikecuda import sweep\n"
        "def press(table):\n"
        "    if len(table) == 2:\n"
        "        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "begin = time.time()\n"
        "table = sweep(sweep_functions.slow, {'a': [1, 2, 3, 4, 5]}, workers=2, path='s.json',\n"
        "              call=press)\n"
        "print(len(table), table.column('result'), len(table.missing), time.time() - begin < 50)\n",
        tmp_path,
    )
    assert found.stdout == "2 [1, 2] 3 True\n", found.stderr
    assert "interrupted after" in found.stderr and "2 of 5 points" in found.stderr
    assert "Traceback" not in found.stderr
    assert len(json.loads((tmp_path / "s.json").read_text())["rows"]) == 2


def test_a_sweep_that_was_killed_goes_on(tmp_path):
    text = (
        "import sys, sweep_functions\n"
        "from spikecuda import sweep\n"
        "from spikecuda.sweeps import file\n"
        "file.INTERVAL = file.RARE = 0.0\n"
        "table = sweep(sweep_functions.logged, {'a': range(12)}, workers=2, path='s.json')\n"
        "print(table.complete, table.column('result') == [a * a for a in range(12)])\n"
    )
    file = tmp_path / "script.py"
    file.write_text(text, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    kept = tmp_path / "s.json"
    process = subprocess.Popen([sys.executable, str(file)], cwd=tmp_path, env=env)
    try:
        deadline = time.monotonic() + 120.0
        while not (kept.exists() and len(json.loads(kept.read_text())["rows"]) >= 3):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()  # SIGKILL
        process.wait()
    time.sleep(0.5)  # what the workers were at ends, and they do, too
    done = {row["params"]["a"] for row in json.loads(kept.read_text())["rows"]}
    (tmp_path / "log").unlink()
    again = program(text, tmp_path)
    assert again.stdout == "True True\n", again.stderr
    ran = sorted(map(int, (tmp_path / "log").read_text().split()))
    assert len(done) >= 3 and ran == sorted(set(range(12)) - done)


class Direct:
    """An executor that works at once, as one of another process would."""

    def submit(self, function, *args):
        future = concurrent.futures.Future()
        future.set_result(function(*args))
        return future


class DirectThread(Direct, concurrent.futures.ThreadPoolExecutor):
    """An executor that works at once, here."""


@given(st.data())
@settings(max_examples=40)
def test_any_order_of_tasks_breaks_and_failures_does_each_point_once(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("sweep") / "s.json"
    size = data.draw(st.integers(1, 8))
    broken = set(data.draw(st.lists(st.integers(0, 7))))
    # What is in a set is no value that the function's hash depends on.
    box = {"ran": [], "broken": broken, "hidden": {1}}

    def work(a):
        box["ran"].append(a)
        if a in box["broken"]:
            raise ValueError(f"{a} fails")
        return {"b": -a}

    grid = {"a": list(range(size))}
    for _ in range(data.draw(st.integers(0, 6))):
        count = data.draw(st.integers(1, 3))
        task = data.draw(st.sampled_from([None, *((i, count) for i in range(count))]))
        enough = data.draw(st.integers(1, 9))
        end = len(box["ran"]) + enough
        sweep(
            work, grid, DirectThread(1), path=path, task=task,
            call=lambda table: len(box["ran"]) < end,  # noqa: B023
        )  # fmt: skip
    box["broken"] = set()
    table = sweep(work, grid, DirectThread(1), path=path)
    assert table.complete and table.column("b") == [-a for a in range(size)]
    often = collections.Counter(box["ran"])
    assert all(often[a] == 1 or (a in broken and often[a]) for a in range(size))


SCRIPT = """
from spikecuda import sweep
def point(a):
    return a * a
{guard}print(sweep(point, {{"a": [1, 2, 3]}}, workers=1).column("result"))
"""
WITHOUT = "import sys; sys.modules['cloudpickle'] = None"


def test_a_function_of_the_script_that_was_started(tmp_path):
    plain = program(WITHOUT + SCRIPT.format(guard='if __name__ == "__main__": '), tmp_path)
    assert plain.stdout == "[1, 4, 9]\n", plain.stderr
    refused = program(WITHOUT + SCRIPT.format(guard=""), tmp_path)
    assert refused.returncode == 1 and "would come to line 5" in refused.stderr
    assert refused.stderr.count("Traceback") == 1
    pytest.importorskip("cloudpickle", reason="the extra sweep is not installed")
    sent = program(SCRIPT.format(guard=""), tmp_path)
    assert sent.stdout == "[1, 4, 9]\n", sent.stderr


def test_a_function_that_no_worker_can_load(tmp_path, monkeypatch):
    # It can be loaded here, because its module is there by luck.
    import types

    module = types.ModuleType("not_in_any_file")
    exec("def point(a):\n    return a", module.__dict__)
    monkeypatch.setitem(sys.modules, "not_in_any_file", module)
    with pytest.raises(SpikecudaError, match="point cannot be loaded in another process"):
        sweep(module.point, {"a": [1, 2]}, workers=2)


def test_tables(threads, tmp_path, monkeypatch):
    table = sweep(functions.sometimes, {"a": [1, 3]}, threads)
    assert len(table) == 2 and table[-1] is not None and [row["a"] for row in table[:1]] == [1]
    path = table.save_csv(tmp_path / "t.csv")
    lines = path.read_text().splitlines()
    assert lines[0] == "point,a,result,seconds,error" and lines[1].startswith("0,1,2.0,")
    assert "<table" in table._repr_html_()
    with pytest.raises(SpikecudaError, match=r"column must be one of .*'results'.*did you mean"):
        table.column("results")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackageError, match=r'pip install "spikecuda\[pandas\]"'):
        table.to_dataframe()


def test_a_data_frame(threads):
    pytest.importorskip("pandas", reason="the extra pandas is not installed")
    frame = sweep(functions.sometimes, {"a": [1, 3]}, threads).to_dataframe()
    assert frame.index.name == "point"
    assert list(frame.columns) == ["a", "result", "seconds", "error", "traceback"]
    assert frame["a"].dtype == np.int64 and np.isnan(frame["result"][1])
    assert frame.loc[0, "result"] == 2.0


@pytest.mark.parametrize("name", ["dask", "mpi4py"])
def test_executors_of_clusters(name, tmp_path):
    pytest.importorskip({"dask": "distributed", "mpi4py": "mpi4py"}[name])
    ways = {
        "dask": "from distributed import Client\n"
        "    with Client(processes=False, dashboard_address=None, n_workers=1) as client:\n"
        "        executor = client.get_executor()\n",
        "mpi4py": "from mpi4py.futures import MPIPoolExecutor\n"
        "    with MPIPoolExecutor(1) as executor:\n",
    }
    found = program(
        "import sweep_functions\nfrom spikecuda import sweep\n"
        "if __name__ == '__main__':\n"
        f"    {ways[name]}"
        "        table = sweep(sweep_functions.sometimes, {'a': [1, 2, 3]}, executor)\n"
        "        print(table.column('result'), [row['error'] for row in table.failures])\n",
        tmp_path,
    )
    assert found.stdout.startswith("[2.0, 3.0, None] ['ValueError: a must not"), found.stderr


def test_a_function_of_a_notebook(tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("cloudpickle", reason="the extra sweep is not installed")
    cells = [
        "from spikecuda import sweep\nFACTOR = 3",
        "def point(a):\n    return a * FACTOR",
        "table = sweep(point, {'a': [1, 2]}, workers=1, path='s.json', progress=True)",
        "print(table.column('result'))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    client.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert notebook.cells[-1].outputs[0]["text"] == "[3, 6]\n"

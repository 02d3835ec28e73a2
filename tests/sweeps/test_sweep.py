"""Sweeps: every point once, whatever works on it and whatever fails."""

import collections
import concurrent.futures
import os
import sys
import threading

import numpy as np
import pytest
import sweep_functions as functions
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import SpikecudaError, SweepTable, sweep
from spikecuda.errors import MissingPackageError
from spikecuda.sweeps import run_sweep


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

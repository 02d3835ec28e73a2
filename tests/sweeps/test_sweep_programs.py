"""Sweeps as whole programs: scripts, Ctrl-C, kill, executors of clusters, notebooks."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def program(
    text: str, tmp_path: Path, start: tuple[str, ...] = (sys.executable,), **env: str
) -> subprocess.CompletedProcess:
    """Run a script with the tests' functions on its path."""
    file = tmp_path / "script.py"
    file.write_text(text, encoding="utf-8")
    paths = os.pathsep.join([str(HERE), *sys.path])
    return subprocess.run(
        [*start, str(file)], capture_output=True, text=True, timeout=120, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths, **env},
    )  # fmt: skip


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


def mpi_futures() -> tuple[str, ...]:
    """How two MPI processes start, one of them a worker, whatever PATH holds."""
    mpiexec = shutil.which("mpiexec", path=sysconfig.get_path("scripts")) or shutil.which("mpiexec")
    if mpiexec is None:
        pytest.skip("mpiexec is not installed")
    return mpiexec, "-n", "2", sys.executable, "-m", "mpi4py.futures"


@pytest.mark.parametrize("name", ["dask", "mpi4py"])
def test_executors_of_clusters(name, tmp_path):
    pytest.importorskip({"dask": "distributed", "mpi4py": "mpi4py"}[name])
    start = {"dask": lambda: (sys.executable,), "mpi4py": mpi_futures}[name]()
    ways = {
        "dask": "from distributed import Client\n"
        "    with Client(processes=False, dashboard_address=None, n_workers=1) as client:\n"
        "        executor = client.get_executor()\n",
        "mpi4py": "from mpi4py.futures import MPIPoolExecutor\n"
        "    with MPIPoolExecutor() as executor:\n",
    }
    found = program(
        "import sweep_functions\nfrom spikecuda import sweep\n"
        "if __name__ == '__main__':\n"
        f"    {ways[name]}"
        "        table = sweep(sweep_functions.sometimes, {'a': [1, 2, 3]}, executor)\n"
        "        print(table.column('result'), [row['error'] for row in table.failures])\n",
        tmp_path,
        start,
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

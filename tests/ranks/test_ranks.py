"""Networks over processes of MPI have the bits of one process, and end together."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from spikecuda import Network, SpikecudaError
from spikecuda.cli import main
from spikecuda.network.ranks.patience import VARIABLE
from spikecuda.network.ranks.share import blocks_of, split_ranks
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.synapses.blocks import MAX_BLOCK

KILL = Path(__file__).parents[2] / "bench" / "kill_ranks.py"
JOB, END = (Path(__file__).with_name(name) for name in ("ranks_job.py", "ranks_end.py"))


def mpiexec():
    pytest.importorskip("mpi4py")
    found = shutil.which("mpiexec", path=sysconfig.get_path("scripts")) or shutil.which("mpiexec")
    if found is None:
        pytest.skip("mpiexec is not installed")
    return found


def job(count, *command, folder, **environment):
    return subprocess.run(
        [mpiexec(), "-n", str(count), sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={**os.environ, "SPIKECUDA_QUIET": "1", **environment},
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder for files that jobs of other sizes load."""
    return tmp_path_factory.mktemp("shared")


@pytest.mark.parametrize(("count", "examples", "threads"), [(2, 6, 1), (3, 2, 1), (2, 1, 2)])
def test_bits_of_one_process(count, examples, threads, tmp_path, shared):
    done = job(count, str(JOB), str(examples), str(threads), str(shared), folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == f"{count} processes: all the same\n"


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("exits", "which has ended"),
        ("leaves", "rank 1 of 2 ended by os._exit(0)"),
        ("reads", "which reads or sets state"),
        ("stopped", "has waited"),
        ("never comes", "which builds a network, has waited"),
        ("does not build", "rank 1 of 2 failed; all processes end"),
    ],
)
def test_all_end_when_one_does(how, told, tmp_path):
    done = job(2, str(END), how, folder=tmp_path, **{VARIABLE: "1" if "waited" in told else ""})
    assert done.returncode != 0
    assert told in done.stderr
    assert "not reached" not in done.stdout


def test_a_run_whose_process_is_killed_goes_on_from_its_file():
    mpiexec()
    done = subprocess.run(
        [sys.executable, KILL, "--kills", "1", "--phase", "save"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert "1 of 1 jobs ended in time with one message" in done.stdout, done.stdout + done.stderr
    assert "1 of 1 runs have the bits" in done.stdout
    assert done.returncode == 0


def test_a_command_over_processes_writes_once(tmp_path):
    command = "main('run cuba --duration 20 --out o'.split())"
    parts = "main('run cuba --duration 20 --parts --out parts'.split())"
    program = f"from spikecuda.cli import main; raise SystemExit({command} or {parts})"
    done = job(2, "-c", program, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("real-time factor") == 2 and "rank 0 of 2" in done.stdout
    assert (tmp_path / "o" / "summary.json").is_file()
    # What each process wrote of its own neurons is joined later.
    assert "spikes.0.npz, of 2" in " ".join(done.stdout.split())
    joined = tmp_path / "joined.npz"
    assert main(["join", str(tmp_path / "parts" / "spikes.{rank}.npz"), "--out", str(joined)]) == 0
    whole, found = (NetworkResult.load(path) for path in (tmp_path / "o" / "spikes.npz", joined))
    assert found.part is None and found.num_spikes == whole.num_spikes > 0
    for name, spikes in whole.spikes.items():
        np.testing.assert_array_equal(found.spikes[name].neuron, spikes.neuron)


def test_the_script_of_the_docs(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "mpi.md").read_text()
    script = tmp_path / "script.py"
    script.write_text(page.split("\n```\n")[2])
    done = job(2, str(script), folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    alone = job(1, str(script), folder=tmp_path)
    assert done.stdout == alone.stdout and "spikes" in done.stdout


def test_one_process_is_a_job_too():
    mpiexec()
    program = (
        "from spikecuda import Network\n"
        "net = Network(devices='mpi')\n"
        "net.population('a', 10)\nnet.drive('a', 400.0)\n"
        "assert net.run(50.0).num_spikes > 0\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_shares_cover_all_neurons_once():
    sizes = [1, 31, 33, 1000, 100_000]
    for count in (1, 2, 3, 7, 64):
        bounds = split_ranks(sizes, count)
        assert (bounds[:, 0] == 0).all() and (bounds[:, -1] == sizes).all()
        assert (np.diff(bounds) >= 0).all()
        # Each has as much as any other, but for a word of each population.
        own = np.diff(bounds).sum(axis=0)
        assert own.max() - own.min() <= 32 * len(sizes)
        for rank in range(count):
            blocks = blocks_of(bounds, rank, 2, MAX_BLOCK)
            assert (blocks.starts[:, 0] == bounds[:, rank]).all()
            assert (blocks.starts[:, -1] == bounds[:, rank + 1]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devices": ["cpu", "mpi"]}, '"mpi" once, at the beginning'),
        ({"devices": ["mpi", "mpi"]}, '"mpi" once, at the beginning'),
        ({"devices": ["mpi", "auto", "cpu"]}, "must be one of"),
        ({"devices": ["mpi", "cuda-emu"], "partitions": 2}, "networks in one process"),
        ({"devices": "mpi", "partitions": 2}, "partitions is for networks in one process"),
    ],
)
def test_what_does_not_go_with_processes_is_refused(options, message):
    mpiexec()
    with pytest.raises(SpikecudaError, match=message):
        net = Network(**options)
        net.population("a", 10)
        net.run(1.0)

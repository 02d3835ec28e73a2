"""Processes of MPI with devices of their own, and how neurons are dealt out to them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from test_ranks import job

from spikecuda.cli import main, run
from spikecuda.cli.processes import take_part
from spikecuda.devices.open import GpuStatus
from spikecuda.errors import SpikecudaError
from spikecuda.network.ranks import build, library, ranks
from spikecuda.network.ranks.share import own_shares, split_ranks
from spikecuda.network.synapses.blocks import MAX_BLOCK, Owner, split_shares

JOB = Path(__file__).with_name("mixed_job.py")


def test_bits_of_one_process(tmp_path):
    done = job(2, str(JOB), folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == "the same\n"


def test_shares_of_a_process_are_those_of_all():
    sizes = [1, 31, 33, 1000, 100_000]
    owners = [Owner(2.0, 3), Owner(1.0, 0), Owner(0.5, 0), Owner(3.0, 1)]
    blocks, shares = split_shares(sizes, owners, MAX_BLOCK)
    covered = 0
    for some in (slice(0, 1), slice(1, 3), slice(3, 4)):
        mine, own = own_shares(blocks, shares[some])
        assert own[0].blocks.start == 0 and own[-1].blocks.stop == mine.count
        for share, before in zip(own, shares[some], strict=True):
            assert (share.starts == before.starts).all()
            for here, there in zip(share.blocks, before.blocks, strict=True):
                assert (
                    mine.starts[:, here : here + 2] == blocks.starts[:, there : there + 2]
                ).all()
                assert (mine.offsets[:, here] == blocks.offsets[:, there]).all()
        covered += sum(int(share.counts.sum()) for share in own)
    assert covered == sum(sizes)


def test_speeds_deal_neurons_out():
    sizes = [640, 3200]
    assert (split_ranks(sizes, 3, [1.0] * 3) == split_ranks(sizes, 3)).all()
    own = np.diff(split_ranks(sizes, 3, [1.0, 2.0, 5.0])).sum(axis=0)
    assert own == pytest.approx([480, 960, 2400], abs=64)


@pytest.mark.parametrize(
    ("device", "rank", "wanted", "speaks"),
    [
        ("cpu", 1, "cpu", True),
        ("cuda:0,cpu", 1, ["cuda:0", "cpu"], True),
        ("mpi", 1, "mpi", False),
        ("mpi,auto", 1, ["mpi", "auto"], False),
        ("mpi,cuda:0,cuda:1", 0, ["mpi", "cuda:0", "cuda:1"], True),
    ],
)
def test_a_command_takes_lists_of_devices(monkeypatch, device, rank, wanted, speaks):
    monkeypatch.setattr(ranks, "all_ranks", lambda: SimpleNamespace(rank=rank))
    args = SimpleNamespace(device=device)
    assert take_part(args) == speaks
    assert args.device == wanted


def test_several_processes_do_not_simulate_the_same(monkeypatch, capsys):
    monkeypatch.setattr(library, "launched", lambda: 3)
    with pytest.raises(SpikecudaError, match=r"one process \(got 3 .* use --device mpi,cpu"):
        take_part(SimpleNamespace(device="cpu"))
    with pytest.raises(SpikecudaError, match=r"use --device mpi,cpu$"):
        take_part(SimpleNamespace(device="cpu,mpi"))
    pool = SimpleNamespace(
        name=None, file=None, save=None, save_every=None, resume=None, parts=False
    )
    with pytest.raises(SpikecudaError, match=r"a pool is for one process \(got 3"):
        run.execute(pool)
    assert main(["join", "x.{rank}.npz", "--out", "x.npz"]) == 2
    assert "spikecuda join is for one process (got 3 of an MPI job)" in capsys.readouterr().err


def test_processes_of_a_machine_take_turns_with_its_gpus(monkeypatch):
    assert build.resolve_own(("cpu:0",), 3) == ("cpu:0",)
    for count, wanted in ((0, [()] * 3), (2, [("cuda:0",), ("cuda:1",), ("cuda:0",)])):
        status = GpuStatus(count > 0, count=count)
        monkeypatch.setattr(build, "gpu_status", lambda status=status: status)
        assert [build.resolve_own(("auto",), number) for number in range(3)] == wanted

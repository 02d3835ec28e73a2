"""Results that are cut into the parts of processes, saved and joined are what they were."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranks_parts import bits

from spikecuda.cli import main
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.network.results.part import Part, cut, join_parts
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.results.synapse_traces import SynapseTraces
from spikecuda.runtime.spikes import Spikes


def made(rng, sizes, steps):
    """Return a result of some populations with anything that is recorded."""
    spikes, ids, traces, times, owners = {}, {}, {}, {}, {}
    for name, size in sizes.items():
        fired = rng.random((steps, size)) < 0.2
        chosen = None if rng.random() < 0.5 else np.flatnonzero(rng.random(size) < 0.5)
        if chosen is not None:
            chosen = (chosen if 0 < chosen.size < size else np.arange(1)).astype(np.int32)
            fired[:, np.setdiff1d(np.arange(size), chosen)] = False
            chosen = None if chosen.size == size else chosen
        step, neuron = np.nonzero(fired)
        spikes[name], ids[name] = Spikes(step, neuron.astype(np.int32), 0.1), chosen
        owners[name], times[name] = chosen, np.arange(1, 4) * 0.5
        count = size if chosen is None else chosen.size
        traces[name] = {"v": rng.random((3, count)).astype(np.float32)}
    targets = rng.integers(0, sizes["a"], 30).astype(np.int32)
    weights = {"weight": rng.random((2, 30)).astype(np.float32)}
    sources = np.sort(rng.integers(0, 9, 30)).astype(np.int32)
    learned = SynapseTraces(0, np.array([0.5, 1.0]), sources, targets, weights, {"weight": "pA"})
    return NetworkResult(
        spikes=spikes, sizes=sizes, ids=ids, traces=traces, trace_times=times, start=0.0,
        duration=steps * 0.1, dt=0.1, seconds=1.0, trace_ids=owners,
        units={name: {"v": "mV"} for name in sizes}, synapses={"a -> a": learned},
    )  # fmt: skip


@given(
    seed=st.integers(0, 2**31), sizes=st.tuples(st.integers(1, 40), st.integers(1, 5)),
    ranks=st.integers(1, 5), order=st.randoms(use_true_random=False),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_parts_join_to_what_they_were_cut_from(seed, sizes, ranks, order, tmp_path_factory):
    rng, folder = np.random.default_rng(seed), tmp_path_factory.mktemp("parts")
    whole = made(rng, dict(zip("ab", sizes, strict=True)), 20)
    edges = {
        name: [0, *np.sort(rng.integers(0, size + 1, ranks - 1)).tolist(), size]
        for name, size in whole.sizes.items()
    }
    parts = []
    for rank in range(ranks):
        bounds = {name: tuple(found[rank : rank + 2]) for name, found in edges.items()}
        first, end = bounds["a"]
        target = whole.synapses["a -> a"].target
        places = {"a -> a": np.flatnonzero((target >= first) & (target < end))}
        parts.append(cut(whole, Part(rank, ranks, bounds, places)))
    for part in parts:
        written = part.save(folder / "part.{rank}.npz")
        assert bits(NetworkResult.load(written)) == bits(part)
        assert all(rate >= 0.0 or np.isnan(rate) for rate in part.rates().values())
    order.shuffle(parts)
    assert bits(join_parts(parts)) == bits(whole)
    assert bits(NetworkResult.load(folder / "part.{rank}.npz")) == bits(whole)
    assert sum(part.num_spikes for part in parts) == whole.num_spikes
    if ranks > 1:
        with pytest.raises(SpikecudaValueError, match="each once"):
            join_parts([parts[0], *parts[:-1]])


def test_parts_of_other_runs_do_not_join(tmp_path, capsys):
    runs = [made(np.random.default_rng(3), {"a": 9, "b": 3}, steps) for steps in (20, 30)]
    for rank, run in enumerate(runs):
        edges = (0, 4) if rank == 0 else (4, 9)
        places = {"a -> a": np.arange(15) + 15 * rank}
        bounds = {"a": edges, "b": ((0, 3), (3, 3))[rank]}
        cut(run, Part(rank, 2, bounds, places)).save(tmp_path / "x.{rank}.npz")
    with pytest.raises(SpikecudaValueError, match="parts of one run"):
        NetworkResult.load(tmp_path / "x.{rank}.npz")
    for rank, seed in enumerate((3, 4)):
        other = made(np.random.default_rng(seed), {"a": 9}, 20)
        edges, places = ((0, 4), (4, 9))[rank], {"a -> a": np.arange(15) + 15 * rank}
        cut(other, Part(rank, 2, {"a": edges}, places, run=seed)).save(tmp_path / "x.{rank}.npz")
    with pytest.raises(SpikecudaValueError, match="rank 1, which is of another run"):
        NetworkResult.load(tmp_path / "x.{rank}.npz")
    for key, change, message in (
        ("synapses/0/places", lambda a: a[1:], "one for each of 15 synapses"),
        ("trace_ids/a", lambda a: a - 4, "trace_ids of a must be from 4 to 8"),
    ):
        with np.load(tmp_path / "x.1.npz") as file:
            np.savez(tmp_path / "w.1.npz", **{**file, key: change(file[key])})
        with pytest.raises(SpikecudaValueError, match=message):
            NetworkResult.load(tmp_path / "w.1.npz")
    (tmp_path / "x.1.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"has 2 parts, and that of rank 1 .*x\.1\.npz"):
        NetworkResult.load(tmp_path / "x.{rank}.npz")
    runs[0].save(tmp_path / "y.0.npz")
    with pytest.raises(SpikecudaValueError, match="must be a part"):
        NetworkResult.load(tmp_path / "y.{rank}.npz")
    with pytest.raises(FileNotFoundError, match=r"z\.0\.npz"):
        NetworkResult.load(tmp_path / "z.{rank}.npz")
    assert main(["join", str(tmp_path / "x.0.npz"), "--out", "never.npz"]) == 2
    assert "FILE must have {rank}" in capsys.readouterr().err
    with pytest.raises(SpikecudaError, match="in the job that it was made in"):
        NetworkResult.load(tmp_path / "x.0.npz").gather()

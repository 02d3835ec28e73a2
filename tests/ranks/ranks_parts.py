"""Results of which each process keeps its part, joined, have the bits of one process."""

from pathlib import Path

import numpy as np
from ranks_upkeep import network

from spikecuda import Network, SpikecudaError
from spikecuda.errors import SpikecudaValueError
from spikecuda.network.results.file import parts_of
from spikecuda.network.results.part import cut, join_parts
from spikecuda.network.results.result import NetworkResult


def described(devices):
    net = network(devices)
    first, _, ties, some = net.projections
    net.record("e", ["v"], every=0.7, only=slice(3, 250))
    net.record(first, "weight", every=3.0)
    net.record(some, "weight", every=2.0, only=[0, 7, 100, 1500])
    ties.scale_to_rate(20.0, every=4.0, tau=0.01)
    return net


def bits(result):
    """Return all bits of a result, but for the seconds that it took."""
    about, arrays = parts_of(result)
    assert about.pop("seconds") >= 0.0
    return about, {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in arrays.items()}


def parts(job, folder):
    one, many = described("cpu"), described("mpi")
    whole, mine = one.run(20.0), many.run(20.0, gather=False)
    assert mine.part.rank == job.rank and mine.part.ranks == job.count
    first, end = mine.part.bounds["e"]
    neurons = mine.spikes["e"].neuron
    assert neurons.size and first <= neurons.min() and neurons.max() < end
    assert mine.trace_ids["e"].size < 247 and f"rank {job.rank} of" in repr(mine)
    assert mine.rates()["e"] > 0 and mine.num_spikes < whole.num_spikes == one.metrics().spikes
    assert many.metrics().spikes == one.metrics().spikes
    assert bits(mine.gather()) == bits(whole)
    assert many.result is mine and bits(cut(whole, mine.part)) == bits(mine)
    written = mine.save(folder / "part.{rank}.npz")
    assert written.name == f"part.{job.rank}.npz"
    job.sums(np.zeros(1))
    assert bits(NetworkResult.load(folder / "part.{rank}.npz")) == bits(whole)
    assert bits(NetworkResult.load(written)) == bits(mine)
    # Pieces are parts, too; runs that save themselves have the whole result in their file.
    found = []
    saved = {"save_every": 4.0, "save_to": folder / "parts.spk"}
    later = one.run(8.0)
    mine = many.run(
        8.0, every=2.0, call=lambda net, piece: found.append(piece.gather()), gather=False, **saved
    )
    assert bits(sum(found)) == bits(later) == bits(mine.gather())
    loaded = Network.load(folder / "parts.spk", devices="mpi")
    assert bits(loaded.result) == bits(later)
    both = loaded.run(4.0, gather=False, **saved)
    last = one.run(4.0)
    assert both.part.rank == job.rank and bits(both.gather()) == bits(last)
    assert bits(loaded.result.gather()) == bits(later + last)
    loaded.run(4.0, **saved)  # whole again
    assert bits(loaded.result) == bits(later + last + one.run(4.0))
    refused(job, mine, last)
    broken(job, many)


def refused(job, mine, whole):
    cases = [
        (lambda: mine.save("all.npz"), "path must have {rank} in it"),
        (lambda: whole.save("all.{rank}.npz"), "path must be without {rank}"),
        (lambda: mine + whole, "results join that are parts of the same process"),
        (lambda: join_parts([mine]), "must be the parts of all"),
        (lambda: join_parts([whole]), "must be the parts of all"),
    ]
    for act, message in cases:
        try:
            act()
        except SpikecudaValueError as error:
            assert message in str(error), error
        else:
            raise AssertionError(message)
    assert not list(Path().glob("all*"))


def broken(job, net):
    """What was recorded until one process broke off stays, in parts."""

    def report(done, total):
        if job.rank == job.count - 1 and done > 50:
            raise ZeroDivisionError("of one")

    try:
        net.run(1000.0, gather=False, progress=report)
    except (ZeroDivisionError, SpikecudaError):
        pass
    else:
        raise AssertionError("not told")
    found = net.result.gather()
    assert found.stop == net.time < 1000.0 and found.num_spikes > net.result.num_spikes

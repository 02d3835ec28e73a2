"""Ensembles over processes: each has some replicas, which have the bits of one process."""

import signal

import numpy as np
from ranks_parts import bits
from ranks_upkeep import network

from spikecuda import Ensemble, SpikecudaError


def described(devices):
    net = network("cpu")
    net.record("e", ["v"], every=0.7, only=slice(3, 20))
    net.record(net.projections[0], "weight", every=3.0, only=slice(0, 50))
    taus = np.linspace(9.0, 12.0, 5)
    options = {"params": {"e": {"tau_m": taus}}, "seeds": {"noise_seed": [1, 2, 3, 4, 5]}}
    return Ensemble(net, 5, **options, devices=devices, threads=1)


def ensembles(job):
    one, many = described("cpu"), described("mpi")
    assert [i for own in job.each(many.own) for i in own] == [0, 1, 2, 3, 4]
    pieces = []

    def call(ensemble, piece):
        pieces.append(piece)
        if ensemble.time == 4.0:
            ensemble.update({"e": {"tau_m": np.linspace(8.0, 14.0, 5)}})

    found = [e.run(9.0, every=2.0, call=call) for e in (one, many)]
    assert [bits(r) for r in found[0]] == [bits(r) for r in found[1]]
    assert [bits(r) for r in pieces[1]] == [bits(r) for r in pieces[6]]
    assert one.state("e", "v").tobytes() == many.state("e", "v").tobytes()
    assert found[1].num_spikes > 100 and many.result is not None
    for each in (one, many):
        each.reset(trial=3)
    one.run(3.0)
    assert [bits(r) for r in one.result] == [bits(r) for r in many.run(3.0)]
    one.run(2.0)
    away = next(i for i in range(5) if i not in many.own)
    for look in (lambda: many[away]["e"].state["v"].sum(), lambda: many[away].time):
        try:
            look()
        except SpikecudaError as error:
            assert f"replica {away} is in another process" in str(error), error
        else:
            raise AssertionError("not refused")
    assert many[many.own[0]]["e"].state["v"].size == 300
    many.run(2.0)
    ended(job, one, many)
    told_apart(job)


def ended(job, one, many):
    """Ctrl-C of one process ends all at the same step; what one raises is told by its name."""

    def interrupt(done, total):
        if job.rank == job.count - 1:
            signal.raise_signal(signal.SIGINT)

    begin, many._joint._slice = many.time, 50  # of a second otherwise
    try:
        many.run(1e5, progress=interrupt)
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("not interrupted")
    assert len(set(job.each(many.time))) == 1 and begin < many.time < 1e5
    one.run(round(many.time - begin, 6))
    assert [bits(r) for r in one.result] == [bits(r) for r in many.result]
    many[4]["e"].params["tau_m"] = 10.0  # of the process that has it, and of its description
    if 4 in many.own:
        many[4]._engine.neurons[0].state["v"][:] = np.nan
    try:
        many.run(5.0)
    except SpikecudaError as error:
        assert "replica 4" in str(error), error
        if 4 not in many.own:
            assert f"rank {job.count - 1} of {job.count} raised" in str(error), error
    else:
        raise AssertionError("not told")
    assert len(set(job.each(many.time))) == 1
    for each in (one, many):
        each.reset()
        each[4]["e"].params["tau_m"] = 10.0
    one.run(2.0)
    assert [bits(r) for r in one.result] == [bits(r) for r in many.run(2.0)]


def told_apart(job):
    """What only some processes are told is refused; so are fewer replicas than processes."""
    net = network("cpu")
    for act, message in (
        (lambda: Ensemble(net, 5 + job.rank, devices="mpi"), "ensemble must be the same"),
        (lambda: Ensemble(net, 5, seeds=[job.rank] * 5, devices="mpi"), "must be the same"),
        (
            lambda: Ensemble(
                net, 5, params={"e": {"tau_m": 9.0 + job.rank}}, devices="mpi"
            ).build(),
            "got other parameters of replica 0",
        ),
        (lambda: Ensemble(net, 1, devices="mpi"), "size must be at least"),
    ):
        try:
            act()
        except SpikecudaError as error:
            assert message in str(error), error
        else:
            raise AssertionError(message)

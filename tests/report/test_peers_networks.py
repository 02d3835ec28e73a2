"""The bench of networks beside other simulators: a process that runs on request, and its checks."""

import json
import sys
from pathlib import Path

import pytest

import spikecuda
from spikecuda.report.peers.describe import describe

PEERS = Path(spikecuda.__file__).resolve().parents[1] / "bench" / "peers"
NAMES = ("networks", "processes", "spikecuda_network", "environments", "peers", "cuba40k")


@pytest.fixture
def bench(monkeypatch):
    """The modules of bench/peers, which import each other by their bare names."""
    monkeypatch.syspath_prepend(str(PEERS))
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    import networks

    yield networks
    for name in NAMES:
        sys.modules.pop(name, None)


def test_our_process_runs_pieces_with_the_rates_of_a_run(bench, tmp_path):
    options = {"seed": 1}
    with bench.make("coba", threads=1, **options) as net:
        description = {**describe(net), "name": "coba", "options": options}
        first, second = (net.run(100.0).spikes for _ in range(2))
        sizes = {name: group.size for name, group in net.populations.items()}
    file = tmp_path / "network.json"
    file.write_text(json.dumps(description), encoding="utf-8")
    child = bench.Child("spikecuda", Path(sys.executable), file, 1, 100.0)
    try:
        child.run()
    finally:
        child.close()
    (piece,) = child.pieces
    assert bench.WARM_UP == 100.0 and first["E"].step.size
    assert piece["counts"] == {name: spikes.step.size for name, spikes in second.items()}
    assert piece["seconds"] > 0.0 and child.built["memory"] > 1e7
    assert child.rates(sizes)["E"] == pytest.approx(piece["counts"]["E"] / 3200 / 0.1)


def test_a_process_that_fails_says_why(bench, tmp_path):
    with pytest.raises(bench.AbsentError, match="No such file"):
        bench.Child("spikecuda", Path(sys.executable), tmp_path / "none.json", 1, 100.0)


def test_silence_and_other_rates_are_told(bench):
    rates = {"ours": {"E": 14.0}, "GeNN": {"E": 14.5}, "NEST": {"E": 13.0}}
    assert bench.disagreements(rates) == []
    assert bench.disagreements({**rates, "Brian2": {"E": 0.0}}) == [
        "Brian2: E is silent; another --seed may not be"
    ]
    assert bench.disagreements({**rates, "Brian2": {"E": 20.0}}) == [
        "Brian2: E spikes at 20 Hz, others 14.2"
    ]
    silent = {"ours": {"E": 0.0}, "NEST": {"E": 0.0}}
    assert len(bench.disagreements(silent)) == 2


def test_activity_that_fades_between_pieces_is_told(bench):
    child = bench.Child.__new__(bench.Child)
    child.duration = 1000.0
    child.pieces = [{"counts": {"E": count, "I": 300}} for count in (1300, 1200)]
    sizes = {"E": 100, "I": 20}
    assert child.faded(sizes) is None
    child.pieces.append({"counts": {"E": 0, "I": 60}})
    assert child.faded(sizes) == "activity faded to 0.5 Hz in piece 3; try another --seed"


def test_what_a_peer_cannot_do_is_known_before_it_starts(bench):
    listed = {"projections": [{"rule": {"N": 20_000_000}}]}
    assert "20 M synapses" in bench.unable("brian2", 1, listed)
    assert bench.unable("nest", 2, listed) is None
    assert "1 thread" in bench.unable("genn", 2, listed)

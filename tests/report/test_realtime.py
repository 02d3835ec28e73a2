"""The largest network in real time: the search, peers in processes of their own, and the lines."""

import json
import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecuda.network import FixedInDegree
from spikecuda.report.headline import realtime_lines
from spikecuda.report.peers.describe import describe
from spikecuda.report.peers.process import PEERS, PeerError, interpreter, version
from spikecuda.report.realtime import balanced, count_synapses, measure_realtime
from spikecuda.report.results import RealTimePoint, RealTimeResult
from spikecuda.report.search import APART, ENOUGH, UnmeasuredError, search
from spikecuda.report.settings import settings_for

NEST = PEERS["nest"]


@given(st.floats(1.0, 1e7), st.floats(0.6, 2.0), st.floats(10.0, 1e6))
def test_the_search_ends_just_below_real_time(edge, power, start):
    asked = []

    def measure(size, left):
        asked.append(size)
        return (size / edge) ** power

    found = search(measure, start, 1.0, 1e8, seconds=3600.0)
    assert all(1.0 <= size <= 1e8 for size in asked) and len(asked) <= 9
    assert found.size is None or (found.size in asked and (found.size / edge) ** power <= 1.0)
    if found.limit == "speed" and found.size is not None:
        slower = min((size for size in asked if size > edge), default=float("inf"))
        assert (found.size / edge) ** power >= ENOUGH or slower < APART * found.size
    if found.limit == "speed" and found.size is None:
        assert min(asked) == 1.0 and edge < 1.0


def test_a_search_ends_at_the_largest_size_and_at_the_smallest():
    assert search(lambda size, left: 0.2 * size, 0.2, 0.01, 1.0, 60.0).limit == "size"
    found = search(lambda size, left: 5.0, 100.0, 50.0, 1e6, 60.0)
    assert (found.size, found.limit) == (None, "speed")


def test_a_search_keeps_to_its_time():
    now = [0.0]

    def measure(size, left):
        now[0] += 4.0
        return 1e-6 * size

    found = search(measure, 10.0, 1.0, 1e9, seconds=10.0, clock=lambda: now[0])
    assert found.limit == "time" and found.size == 10.0 * 16 and now[0] == 8.0


def test_a_search_tells_what_stood_in_the_way():
    def measure(size, left):
        if size > 100.0:
            raise UnmeasuredError("memory", "it needs 3 TB")
        return 0.1

    found = search(measure, 50.0, 1.0, 1e9, seconds=10.0)
    assert (found.size, found.limit, found.reason) == (50.0, "memory", "it needs 3 TB")


def test_a_description_has_the_balanced_network():
    with balanced(1001, seed=3, devices="cpu") as net:
        text = json.loads(json.dumps(describe(net), allow_nan=False))
        assert all(isinstance(p.rule, FixedInDegree) for p in net.projections)
    assert [(p["name"], p["size"], len(p["v"])) for p in text["populations"]] == [
        ("E", 801, 801), ("I", 200, 200),
    ]  # fmt: skip
    assert count_synapses(text) == 80 * 1001
    assert {c["delay"]["a"] for c in text["projections"]} == {1.5}


def fake_python(folder, body):
    """Return a program that stands in for a peer's Python: asked for a version, it says 9.9."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nif [ "$1" = -c ]; then echo 9.9; exit 0; fi\n{body}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def measured(folder, body, **changes):
    """Return what a fake NEST's search found, and what was skipped."""
    changes = {"realtime_networks": ("balanced",), "thread_counts": (1,), **changes}
    python = fake_python(folder, body)
    settings = settings_for("quick", peer_pythons=(("nest", python),), **changes)
    found, skipped = measure_realtime(settings, [], lambda what: None)
    return found[0], {item.what: item.reason for item in skipped}


def test_a_peer_is_measured_in_its_own_python(tmp_path):
    answer = json.dumps({"all": [0.3, 0.19, 0.18], "rates": {"E": 5.0, "I": 10.0}})
    found, skipped = measured(tmp_path, f"echo banner; echo '{answer}'", peer_seconds=5.0)
    assert (found.simulator, found.version, found.limit) == ("NEST", "9.9", "speed")
    assert found.largest.neurons == 4000 and found.largest.factor == pytest.approx(0.95)
    assert found.largest.synapses == 320_000 and found.largest.mean_rate == pytest.approx(6.0)
    assert "--peers brian2=PYTHON" in skipped["networks in Brian2"]


@pytest.mark.parametrize(
    ("body", "limit", "words"),
    [
        ("echo 'NESTError: no such model' >&2; exit 3", "failure", "with 3: NESTError: no such"),
        ("echo hello", "failure", "nothing that can be read"),
        ("sleep 60 & sleep 60", "time", "longer than the 1 s"),
        ("sleep 60 & echo hello", "time", "longer than the 1 s"),
    ],
)
def test_a_peer_that_fails_is_said_and_nothing_stays(tmp_path, body, limit, words):
    begin = time.monotonic()
    found, skipped = measured(tmp_path, body, peer_seconds=0.6)
    assert found.largest is None and found.limit == limit and not found.points
    assert words in skipped["balanced network in NEST"]
    assert time.monotonic() - begin < 20.0


def test_an_absent_peer_is_refused_with_the_remedy(tmp_path, monkeypatch):
    python = fake_python(tmp_path, "")
    monkeypatch.setenv("SPIKECUDA_NEST_PYTHON", python)
    assert interpreter(NEST, {}) == python and version(NEST, python) == "9.9"
    assert interpreter(NEST, {"nest": "/else"}) == "/else"
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(PeerError, match=r"not installed in .* SPIKECUDA_NEST_PYTHON names"):
        version(NEST, python)
    (tmp_path / "python").write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(PeerError, match=r"not installed in"):
        version(NEST, python)
    with pytest.raises(PeerError, match="does not run"):
        version(NEST, os.fspath(tmp_path / "absent"))
    monkeypatch.setattr("spikecuda.report.peers.process.PROBE_SECONDS", 0.2)
    (tmp_path / "python").write_text(
        f"#!/bin/sh\nsleep 61 & echo $! > {tmp_path}/child\nsleep 61\n"
    )
    with pytest.raises(PeerError, match=r"does not answer within 0\.2 s"):
        version(NEST, python)
    child = int((tmp_path / "child").read_text())
    for _ in range(100):  # what it started ends with it
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            break
        time.sleep(0.02)
    else:
        raise AssertionError(f"{child} runs on")


def test_emulated_devices_are_left_out():
    found, skipped = measure_realtime(settings_for("quick"), ["cuda-emu:0"], lambda what: None)
    assert not found and "cuda-emu:0" in skipped[0].what


def test_own_networks_are_measured(made):
    (found,) = made[0].realtime
    assert (found.network, found.simulator, found.device) == ("balanced", "spikecuda", "cpu")
    assert found.points[0].neurons >= 400 and found.points[0].factor > 0.0
    assert all(p.synapses == 80 * p.neurons for p in found.points)
    assert found.largest is None or found.largest in found.points


def test_lines_say_how_much_and_why_not_more():
    point = RealTimePoint(20_123, 20_200_000, 0.26, 200.0, 0.9, 3.0, 1.0)
    result = RealTimeResult("microcircuit", "spikecuda", "1", "cpu", 2, point, "speed", [point])
    none = replace(result, simulator="NEST", largest=None, points=[replace(point, factor=4.0)])
    results = [result, replace(result, limit="memory"), none, replace(none, points=[])]

    class Part:
        realtime = results

    first, second, third, last = realtime_lines(Part())
    assert (first.neurons, first.synapses, first.said) == (
        "20,100",
        "20.2 million",
        "0.26 of its size",
    )
    assert second.said.endswith("; larger ones do not fit in memory")
    assert (third.neurons, third.said) == ("-", "at best 4 times slower")
    assert last.said == "none measured"

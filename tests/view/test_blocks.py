"""What waits for pages: nothing is lost unseen, whatever the pieces and frames are."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import read_frame

from spikecuda.view.blocks import THINNEST, Backlog, Block, History, Rates, Samples, join_blocks
from spikecuda.view.controls import range_of
from spikecuda.view.feed import Feed
from spikecuda.view.protocol import FIELDS, LONGEST, MessageError, frame, read_message, text
from spikecuda.view.subject import Shown, histogram


def block_of(first, stop, points, trial=1, total=0, populations=2):
    rng = np.random.default_rng(first)
    return Block(
        first, stop, rng.integers(0, stop - first, points).astype(np.uint32),
        rng.integers(0, 99, points).astype(np.uint32), first // 10,
        np.full(((stop - first) // 10, populations), points, np.uint32),
        (Samples(1, first + 1, 1, rng.normal(size=stop - first).astype(np.float32)),), trial, total,
    )  # fmt: skip


pieces = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 400)), min_size=1, max_size=30)


@given(pieces, st.integers(1, 500), st.booleans(), st.integers(0, 2**32))
@settings(max_examples=80)
def test_points_are_sent_or_counted_as_lost(pieces, limit, lossless, seed):
    rng = np.random.default_rng(seed)
    backlog, sent, added, at, total = Backlog(lossless), [], 0, 0, 0
    backlog.limit = limit
    given_blocks = []
    for tens, points in pieces:
        total += points
        given_blocks.append(block_of(at, at + 10 * tens, points, total=total))
        backlog.add(given_blocks[-1])
        added, at = added + points, at + 10 * tens
        while rng.random() < 0.4 and (taken := backlog.take()) is not None:
            sent.append(taken)
    while (taken := backlog.take()) is not None:
        sent.append(taken)
    assert all(b.points <= limit for b in sent)
    assert sum(b.points for b in sent) + backlog.lost == added and backlog.points == 0
    # Rates and traces are never thinned, and come once.
    counted = [b.counts for b in sent if b.counts.size]
    assert np.array_equal(np.concatenate(counted), np.concatenate([b.counts for b in given_blocks]))
    assert [s.first for b in sent for s in b.samples] == [b.first + 1 for b in given_blocks]
    assert all(b.every <= THINNEST for b in sent if b.points)
    if lossless:
        assert backlog.lost == 0
        for name in ("step", "neuron"):
            offset = (lambda b: b.first) if name == "step" else (lambda b: 0)
            assert np.array_equal(
                np.concatenate([getattr(b, name).astype(int) + offset(b) for b in sent]),
                np.concatenate([getattr(b, name).astype(int) + offset(b) for b in given_blocks]),
            )
    assert sent[-1].total == total and sent[-1].stop == at


def test_frames_are_read_back():
    block = join_blocks([block_of(0, 20, 7), block_of(20, 50, 3, total=10)])
    head, step, neuron, counts, samples = read_frame(frame(block, 4))
    assert head["lost"] == 4 and head["total"] == 10 and (head["first"], head["stop"]) == (0, 50)
    assert np.array_equal(step, block.step) and np.array_equal(neuron, block.neuron)
    assert step[7:].min() >= 20 and counts.shape == (5, 2) and samples.size == 50
    assert head["samples"] == [[1, 1, 1, 20], [1, 21, 1, 30]]


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=20), st.integers(1, 30), st.integers(0, 40)
)
def test_rates_count_spikes_in_bins_however_a_run_is_cut(lengths, width, begin):
    rng = np.random.default_rng(sum(lengths))
    rates, at, found, steps = Rates(2, width), begin, [], []
    rates.begin(begin)
    first = None
    for length in lengths:
        spikes = np.sort(rng.integers(at, at + length, rng.integers(0, 9))) if length else None
        bin, counts = rates.add([spikes, None], at + length)
        first = bin if first is None else first
        assert bin == first + sum(map(len, found))
        found.append(counts)
        steps += [] if spikes is None else list(spikes)
        at += length
    counts = np.concatenate(found)
    assert first == -(-begin // width) and first + len(counts) == max(first, at // width)
    expected = [sum(s // width == first + b for s in steps) for b in range(len(counts))]
    assert list(counts[:, 0]) == expected
    assert not counts[:, 1].any()


def test_the_history_is_bounded_and_begins_anew_with_a_trial():
    history = History(points=100)
    for i in range(50):
        history.add(block_of(10 * i, 10 * i + 10, 30))
    assert [b.first for b in history] == [470, 480, 490]
    history.add(block_of(0, 10, 5, trial=2))
    assert [b.first for b in history] == [0]
    # Samples and counts are bounded, too.
    backlog = Backlog()
    for _ in range(30):
        long = replace(block_of(0, 10, 0), samples=(Samples(1, 1, 1, np.zeros(60, np.float32)),))
        history.add(long)
        backlog.add(long)
    assert len(list(history)) == 1 and backlog.points == 0
    everything = History(points=None)
    for i in range(50):
        everything.add(block_of(10 * i, 10 * i + 10, 30))
    assert len(list(everything)) == 50


def test_frames_follow_the_speed_of_a_page():
    backlog = Backlog()
    for _ in range(20):
        backlog.pace(0.01)
    assert backlog.limit == Backlog.MOST
    for _ in range(40):
        backlog.pace(0.5)
    assert backlog.limit == Backlog.LEAST


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@given(st.one_of(
    st.text(max_size=50), st.binary(max_size=50), json_values.map(json.dumps),
    st.builds(
        lambda kind, values: json.dumps({"kind": kind, **values}), st.sampled_from(list(FIELDS)),
        st.dictionaries(st.sampled_from(
            ["seconds", "control", "value", "population", "neuron", "variable", "shown", "watched"]
        ), json_values),
    ),
))  # fmt: skip
@settings(max_examples=100)
def test_messages_are_read_or_refused(data):
    try:
        message = read_message(data)
    except MessageError as error:
        assert str(error)
        return
    assert list(message.values) == list(FIELDS[message.kind])
    for name, kind in FIELDS[message.kind].items():
        assert type(message.values[name]) is kind


@pytest.mark.parametrize("data", [
    "[" * 3000, "x" * (LONGEST + 1), '{"kind":"set","control":"a","value":1e999}', '{"kind":1}',
    '{"kind":"set","control":"a","value":NaN}', '{"kind":"unwatch","watched":-1}',
    '{"kind":"watch","population":"E","neuron":1.5,"variable":"v"}', "null",
    '{"kind":"stop","a":1}',
    '{"kind":"unwatch","watched":true}', b'{"kind":"stop"}',
    json.dumps({"kind": "set", "control": "a", "value": 10**400}),
])  # fmt: skip
def test_what_no_page_says_is_refused(data):
    with pytest.raises(MessageError):
        read_message(data)


def test_numbers_that_json_lacks_are_null():
    assert json.loads(text("a", x=float("nan"), y=[np.float32(1.5), np.int64(2)], z={"i": 1e999}))[
        "z"
    ] == {"i": None}


def test_ranges_of_sliders():
    assert range_of(8000.0, "Hz") == (0.0, 24000.0) and range_of(-65.0, "mV") == (-85.0, -45.0)
    assert range_of(2.0, "mV") == (0.0, 6.0) and range_of(-3.0, "pA") == (-9.0, 0.0)
    assert range_of(0.0, "Hz") == (0.0, 1000.0) and range_of(0.0, "") == (0.0, 100.0)


def test_histograms_hold_all_weights():
    h = histogram("a", "pA", np.array([-1.0, 0.5, 0.5, 3.0]), 0.0, 2.0)
    assert (h.low, h.high, h.counts.sum(), h.mean) == (-1.0, 3.0, 4, 0.75)
    empty = histogram("a", "pA", np.empty(0), 1.0, 1.0)
    assert empty.low < empty.high and empty.counts.sum() == 0


class Plain:
    """A subject of 10 neurons that nothing runs."""

    title, dt, piece_seconds = "plain", 0.1, 0.02

    def shown(self):
        return [Shown("a", 10, variables={"v": "mV"})]

    def controls(self):
        return []

    def weights(self):
        return []

    def most_steps(self, watched):
        return 1 << 20


def test_a_feed_nobody_reads_stays_small(monkeypatch):
    monkeypatch.setattr("spikecuda.view.feed.KEPT", 1000)
    feed = Feed(Plain())
    feed.begin(10**6, 0)
    for i in range(100):
        step = np.repeat(np.arange(100 * i, 100 * i + 100), 3)
        feed.tell(100 * i, 100 * i + 100, [(step, (step % 10).astype(np.int32))], [])
        assert feed.between()
    blocks, skipped, _, _ = feed.take()
    assert sum(b.points for b in blocks) <= 2000
    assert sum(b.points for b in blocks) + skipped == blocks[-1].total == 30_000
    # A piece of more than that is thinned, its rates are not.
    step = np.repeat(np.arange(10_000, 10_100), 50)
    feed.tell(10_000, 10_100, [(step, np.zeros(step.size, np.int32))], [])
    (block,), skipped, _, _ = feed.take()
    assert block.points + skipped == 5000 and block.points <= 1000 and block.counts.sum() == 5000
    for i in range(12):
        feed.watch("a", i % 10, "v")
    assert len(feed.watched()) == 8
    feed.watch("a", 10, "v")
    feed.watch("b", 0, "v")
    feed.watch("a", 0, "u")
    assert len(feed.watched()) == 8 and len(feed.take()[3]) >= 5

"""Events through sockets: what is sent arrives, what is lost is counted, nothing stops a run."""

import os
import socket
import struct
import time

import numpy as np
import pytest

from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.events import Events, EventSink, EventSource, Pixels, unpack
from spikecuda.network import ExpCurrent, Network, SpikeTrain

PIXELS = Pixels(4, 3, polarity="on")


def network(devices="cpu", train=None):
    net = Network(seed=1, devices=devices)
    net.population("E", 12, "lif", receptors={"exc": ExpCurrent(5.0)})
    net.source("pixels", 12, train or SpikeTrain([], []), at_once=2)
    net.connect("pixels", "E", "one_to_one", 400.0, 1.0)
    return net


def some(n, seed=1, width=4, height=3, on=1.0):
    random = np.random.default_rng(seed)
    return Events(
        random.integers(0, width, n), random.integers(0, height, n), random.random(n) < on,
        np.arange(n) * 0.5,
    )  # fmt: skip


def written(number, records, kind=1, magic=b"SPKE", version=1, count=None):
    """Return a datagram as the page of the documentation says, with struct alone."""
    head = struct.pack(
        "<4sBBHII", magic, version, kind, 7, number, len(records) if count is None else count
    )
    layout = {1: "<HHHI", 2: "<Id", 3: "<d"}.get(kind, "<d")
    return head + b"".join(struct.pack(layout, *record) for record in records)


@pytest.fixture(params=["udp", "unix"])
def pair(request, tmp_path):
    """Return what makes a source, and a sink that sends to it."""
    if request.param == "udp":
        source = EventSource.udp(PIXELS, room=500)
        sink = EventSink.udp(source.address[1])
    else:
        source = EventSource.unix(tmp_path / "in", PIXELS, room=500)
        sink = EventSink.unix(tmp_path / "in")
    with source, sink:
        yield source, sink


def test_what_is_sent_becomes_spikes_with_the_bits_of_a_train(pair):
    source, sink = pair
    given = []

    def call(net, piece):
        sink.events(some(5, seed=len(given)))
        source.feed(net, "pixels")
        train = net["pixels"].train
        due = np.rint(train.times / net.dt) <= round(net.time / net.dt) + 10
        given.extend(zip(train.times[due].tolist(), train.neurons[due].tolist(), strict=True))

    with network() as net:
        result = net.run(30.0, every=1.0, call=call)
    told = source.received
    assert (told.events, told.fed, told.datagrams) == (150, 150, 30)
    assert (told.malformed, told.missing, told.dropped, told.outside, told.failed) == (0,) * 5
    assert sink.sent.records == 150 and result.num_spikes > 20
    times, neurons = (np.array(column) for column in zip(*given, strict=True))
    for devices in ("cpu", "cuda-emu"):
        with network(devices, SpikeTrain(times, neurons)) as net:
            spikes = net.run(30.0).spikes["E"]
        assert np.array_equal(spikes.step, result.spikes["E"].step)
        assert np.array_equal(spikes.neuron, result.spikes["E"].neuron)


def test_events_of_one_neuron_queue_and_none_are_lost_but_for_room():
    with EventSource.udp(PIXELS, room=25) as source, network() as net:
        sink = EventSink.udp(source.address[1])
        sink.events(Events(np.zeros(20, int), np.zeros(20, int), np.ones(20, bool), np.zeros(20)))
        assert source.feed(net, "pixels") == 20
        train = net["pixels"].train
        assert np.allclose(train.times, np.repeat(np.arange(1, 11) * 0.1, 2))
        net.run(0.4)
        sink.events(some(30))
        # 12 of the 20 wait: there is room for 13.
        assert source.feed(net, "pixels") == 13
        assert (source.received.dropped, source.received.fed) == (17, 33)
        assert net["pixels"].train.times.min() == pytest.approx(0.5)
        net.run(50.0)
        assert source.feed(net, "pixels") == 0 and net["pixels"].train.times.size == 0
        net.reset()
        sink.events(some(3))
        assert source.feed(net, "pixels") == 3 and net["pixels"].train.times.min() < 0.11
        sink.close()


def test_malformed_missing_and_foreign_datagrams_are_counted():
    random = np.random.default_rng(1)
    good = [(1, 1, 1, 5)]
    bad = [
        b"", b"SPKE", written(0, good)[:-1], written(0, good) + b"x",
        written(0, good, magic=b"X234"),
        written(0, good, version=2), written(0, [(1.0,)], kind=3), written(0, [(1, 2.0)], kind=2),
        written(0, [], kind=9), written(0, good, count=2**32 - 1), random.bytes(60_000),
        *(random.bytes(int(n)) for n in random.integers(0, 100, 40)),
    ]  # fmt: skip
    with EventSource.udp(PIXELS) as source, network() as net:
        raw = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for datagram in bad:
            raw.sendto(datagram, source.address)
        for number in (0, 1, 5, 4, 6, 0, 1, 2**32 - 1):
            raw.sendto(written(number, [(1, 1, 1, 5), (9, 1, 1, 5), (1, 1, 0, 5)]), source.address)
        raw.close()
        assert source.feed(net, "pixels") == 8
        told = source.received
        assert (told.malformed, told.missing, told.events) == (len(bad), 3, 24)
        assert told.outside == 16 and "malformed=51" in repr(source)
        net.run(1.0)
    with EventSource.udp(12) as source, network() as net:
        raw = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        raw.sendto(written(0, [(3, 0.5), (12, 0.5), (2**32 - 1, 1.0)], kind=2), source.address)
        raw.sendto(written(1, good), source.address)
        raw.close()
        assert source.feed(net, "pixels") == 1 and net["pixels"].train.neurons.tolist() == [3]
        assert (source.received.outside, source.received.malformed) == (2, 1)


def test_a_flood_neither_blocks_nor_grows(tmp_path):
    with EventSource.udp(PIXELS, room=1000, datagrams=20) as source, network() as net:
        raw = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagram = written(0, [(1, 1, 1, 5)] * 130)
        for number in range(20_000):
            raw.sendto(datagram[:8] + struct.pack("<I", number) + datagram[12:], source.address)
        raw.close()
        begun = time.process_time()
        for _ in range(5):
            source.feed(net, "pixels")
            assert net["pixels"].train.times.size <= 1000
        assert time.process_time() - begun < 1.0
        told = source.received
        assert told.datagrams == 100 and told.fed == 1000 and told.dropped == 100 * 130 - 1000
        net.run(1.0)
    path = tmp_path / "slow"
    with EventSource.unix(path, PIXELS) as source, EventSink.unix(path) as sink, network() as net:
        for _ in range(2000):
            sink.events(some(100))
        assert sink.sent.dropped > 0
        while source.received.datagrams < sink.sent.datagrams:
            source.feed(net, "pixels")
        assert source.received.events == sink.sent.records
        sink.events(some(1))  # its number tells what was dropped before it
        source.feed(net, "pixels")
        assert source.received.missing == sink.sent.dropped // 100


def test_closed_sockets_are_counted(tmp_path):
    path = tmp_path / "in"
    source, sink = EventSource.unix(path, PIXELS), EventSink.unix(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    source.close()
    source.close()
    assert not path.exists()
    sink.events(some(3))
    assert (sink.sent.failed, sink.sent.records) == (3, 0)
    with network() as net:
        net.run(5.0, every=1.0, call=lambda net, piece: source.feed(net, "pixels") and None)
    assert source.received.failed == 5 and source.received.datagrams == 0
    sink.close()
    sink.events(some(2))
    assert sink.sent.failed == 5
    assert "failed=5" in repr(sink)


def test_spikes_and_rates_go_out(tmp_path):
    inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    inbox.bind(str(tmp_path / "out"))
    inbox.setblocking(False)
    with network() as net, EventSink.unix(tmp_path / "out") as sink:
        net["pixels"].train = SpikeTrain(np.arange(1, 60) * 0.5)
        found, rates = [], []

        def call(net, piece):
            sink.spikes(piece, "E", channel=3)
            sink.rates(piece)
            while True:
                try:
                    message = unpack(inbox.recv(65536))
                except BlockingIOError:
                    break
                assert message.channel == (3 if message.kind == "spikes" else 0)
                (found if message.kind == "spikes" else rates).append(message.records)

        result = net.run(30.0, every=5.0, call=call)
        spikes = np.concatenate(found)
        assert spikes["neuron"].tolist() == result.spikes["E"].neuron.tolist() and spikes.size > 12
        assert np.array_equal(spikes["time"], result.spikes["E"].time)
        assert np.mean([r["rate"][0] for r in rates]) == pytest.approx(result.rates()["E"])
        with pytest.raises(SpikecudaValueError, match="population must be"):
            sink.spikes(result, "none")
        with pytest.raises(SpikecudaValueError, match="channel must be"):
            sink.rates(result, channel=-1)
        with pytest.raises(SpikecudaValueError, match="x must be from 0 to 65,535"):
            sink.events(some(5, width=10**6))
    inbox.close()


def test_what_cannot_be_fed_or_sent_is_refused_before_anything_is_lost(tmp_path):
    with EventSource.unix(tmp_path / "in", PIXELS) as source, network() as net:
        with EventSink.unix(tmp_path / "in") as one, EventSink.unix(tmp_path / "in") as two:
            for sink in (one, two, one, two, one):  # each counts its own datagrams
                sink.events(some(1200))
            with pytest.raises(SpikecudaTypeError, match="events must be an Events object"):
                one.events(None)
            with pytest.raises(SpikecudaValueError, match="time must be finite"):
                one.events(Events(*(np.zeros(1, int),) * 2, np.ones(1, bool), np.array([np.nan])))
        with pytest.raises(AttributeError, match="E has no train"):
            source.feed(net, "E")
        net.source("three", 3, SpikeTrain([], []))
        with pytest.raises(SpikecudaValueError, match="name must be a source of 12 trains"):
            source.feed(net, "three")
        assert source.received.datagrams == 0
        assert source.feed(net, "pixels") == 6000
        assert (source.received.datagrams, source.received.missing) == (5, 0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda path: EventSource.udp("x"), SpikecudaTypeError, "to must be"),
        (lambda path: EventSource.udp(0), SpikecudaValueError, "to must be"),
        (lambda path: EventSource.udp(3, port=-1), SpikecudaValueError, "port must be"),
        (lambda path: EventSource.udp(3, host=5), SpikecudaTypeError, "host must be"),
        (lambda path: EventSource.udp(3, host="8.8.8.8"), SpikecudaError, "host and port must"),
        (lambda path: EventSource.udp(3, room=0), SpikecudaValueError, "room must be"),
        (lambda path: EventSource.udp(3, datagrams=0), SpikecudaValueError, "datagrams must be"),
        (lambda path: EventSink.udp(0), SpikecudaValueError, "port must be"),
        (lambda path: EventSource.unix(path, 3), SpikecudaValueError, "must not exist"),
        (lambda path: EventSource.unix(path / ("x" * 200), 3), SpikecudaValueError, "path must"),
        (lambda path: EventSource.unix(5, 3), SpikecudaTypeError, "path must"),
    ],
)
def test_bad_arguments(call, error, message, tmp_path):
    with pytest.raises(error, match=message):
        call(tmp_path)

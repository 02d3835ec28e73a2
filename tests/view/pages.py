"""A page in Python: what a browser's page does with the messages, without drawing."""

import contextlib
import json
import struct
import threading
import time

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from spikecuda import Noise, Normal, Poisson, Uniform
from spikecuda.network import ExpConductance, ExpCurrent, FixedProbability, Network

DEVICES = [
    ("cpu", {"threads": 1}), ("cpu", {"threads": 2, "partitions": 3}), ("cuda-emu", {}),
    (["cuda-emu", "cpu"], {}),
]  # fmt: skip


def network(**options):
    """Return the network of tests/network/steered.py, whose kernels other tests compile, too."""
    net = Network(seed=3, **{"devices": "cpu", "threads": 1, **options})
    ports = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}
    net.population("E", 70, "lif", {"t_ref": 2.0}, {"v": Uniform(-70.0, -55.0)}, receptors=ports)
    net.population(
        "I", 20, "adex", {"tau_w": Normal(100.0, 10.0)}, receptors={"exc": ExpConductance(5.0, 0.0)}
    )
    net.connect("E", "E", FixedProbability(0.2), 50.0, 1.5, "exc")
    net.connect("E", "I", FixedProbability(0.2), 5.0, 1.5)
    net.connect("I", "E", FixedProbability(0.3), -100.0, 1.5, "inh")
    net.drive("E", Poisson(rate=8000.0, weight=60.0), "exc")
    net.drive("I", Noise(400.0, mean=500.0))
    return net


def read_frame(data):
    """Return the head of a frame, and its arrays: step, neuron, counts, samples."""
    size = struct.unpack("<I", data[:4])[0]
    head, at = json.loads(data[4 : 4 + size]), 4 + size
    arrays = []
    rest = np.frombuffer(data, "<u4", offset=at)
    bins = head["bins"]
    width = 0
    points = head["points"]
    arrays += [rest[:points], rest[points : 2 * points]]
    samples = sum(n for *_, n in head["samples"])
    counts = rest[2 * points : rest.size - samples]
    if bins:
        width = counts.size // bins
        counts = counts.reshape(bins, width)
    values = rest[rest.size - samples :].view("<f4")
    return head, arrays[0], arrays[1], counts, values


class Page:
    """A page that looks on, in a thread of its own.

    Args:
        view: at what.
        draws: whether it tells that it has drawn frames.
    """

    def __init__(self, view, draws=True, **options):
        self._open = contextlib.ExitStack()
        self.socket = self._open.enter_context(connect(
            view.url.replace("http", "ws") + "socket", max_size=None, proxy=None, **options
        ))  # fmt: skip
        self.draws, self.heads, self.texts, self.counts = draws, [], [], {}
        self.step, self.neuron, self.traces = [], [], {}
        self.ended = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def say(self, kind, **values):
        self.socket.send(json.dumps({"kind": kind, **values}))

    def _read(self):
        try:
            while True:
                self._take(self.socket.recv())
        except ConnectionClosed as ended:
            self.ended = ended

    def _take(self, data):
        if isinstance(data, str):
            self.texts.append(json.loads(data))
            return
        head, step, neuron, counts, values = read_frame(data)
        if self.heads and head["trial"] != self.heads[-1]["trial"]:  # time begins anew
            self.step, self.neuron, self.counts, self.traces = [], [], {}, {}
        self.step.append(step.astype(np.int64) + head["first"])
        self.neuron.append(neuron)
        for i, row in enumerate(counts if head["bins"] else ()):
            assert head["bin"] + i not in self.counts
            self.counts[head["bin"] + i] = row
        for watched, first, every, n in head["samples"]:
            self.traces.setdefault(watched, []).append((first, every, values[:n]))
            values = values[n:]
        self.heads.append(head)
        if self.draws:
            self.say("ack", seconds=0.001)

    def last(self, kind):
        found = [text for text in self.texts if text["kind"] == kind]
        return found[-1] if found else None

    def notes(self):
        return [text["text"] for text in self.texts if text["kind"] == "note"]

    def control(self, group, label):
        found = self.last("controls")["found"]
        return next(c for c in found if c["group"] == group and c["label"] == label)

    @property
    def received(self):
        return sum(head["points"] for head in self.heads)

    @property
    def lost(self):
        return self.heads[-1]["lost"] if self.heads else 0

    def spikes(self):
        """Return (step, neuron) of what has arrived, sorted."""
        step, neuron = np.concatenate(self.step), np.concatenate(self.neuron)
        order = np.lexsort((neuron, step))
        return step[order], neuron[order]

    def until(self, true, seconds=30.0):
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"{len(self.heads)} frames; {self.texts[-3:]}"
            time.sleep(0.01)

    def close(self):
        self._open.close()
        self._thread.join(5)

    def __enter__(self):
        self.until(lambda: self.last("watched") and self.last("controls"))
        return self

    def __exit__(self, *_):
        self.close()


def sorted_spikes(result, offsets=None):
    """Return (step, neuron) of a result, neurons counted through all populations."""
    steps, neurons, offset = [], [], 0
    for name, spikes in result.spikes.items():
        steps.append(spikes.step)
        neurons.append(spikes.neuron + offset)
        offset += result.sizes[name]
    step, neuron = np.concatenate(steps), np.concatenate(neurons)
    order = np.lexsort((neuron, step))
    return step[order], neuron[order]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))

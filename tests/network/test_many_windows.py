"""Runs of very many short calls of the native loop."""

import numpy as np

from spikecuda.network import ExpCurrent, Network
from spikecuda.network.cpu import engine


def test_a_run_of_thousands_of_calls(monkeypatch):
    """What is asked of a call grows with every fast one, but not without bound."""
    spikes = []
    for chunk in (1, 10_000):
        monkeypatch.setattr(engine, "chunk_steps", lambda *_, chunk=chunk: chunk)
        with Network(devices="cpu") as net:
            net.population("E", 2, receptors={"exc": ExpCurrent(5.0)})
            net.connect("E", "E", "all_to_all", 10.0, 1.5)
            net.drive("E", 500.0)
            spikes.append(net.run(200.0).spikes["E"].step)
    np.testing.assert_array_equal(*spikes)
    assert spikes[0].size

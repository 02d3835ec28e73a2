"""Gap junctions beside NEST 3.10.0: its two-neuron example, and a small network of such neurons.

``gap_nest.json`` is written by ``bench/peers/nest_gap_network.py``: 30 neurons, 90 symmetric
junctions, inhibition and spike trains, with crossings of 0 mV in steps of 0.05 ms.
"""

import json
from pathlib import Path

import numpy as np
from gap_neurons import GATES, PORTS, SLOPES, V_START, GapNeuron, crossings

from spikecuda import Network
from spikecuda.network import Pairs, SpikeTrain

# Times of 0 mV crossings in ms of NEST's example gap_junctions_two_neurons.py.
FIRST = [40.8, 111.2, 182.3, 253.1, 323.6]
SECOND = [14.8, 48.9, 115.6, 184.9, 254.7, 324.6]


def made(v) -> Network:
    net = Network(dt=0.005, precision="float64")
    net.population("cells", len(v), GapNeuron, {}, {"v": np.array(v), **GATES}, receptors=PORTS)
    return net


def test_two_neurons_have_the_times_of_nest():
    with made([-10.0, V_START]) as net:
        net.drive("cells", 100.0)
        net.gap_junctions("cells", "cells", "all_to_all", 0.5, iterated=True)
        net.record("cells", ["v"], every=0.1)
        found = crossings(net.run(330.0).traces["cells"]["v"])
    assert [round(0.1 * step, 1) for neuron, step in found if neuron == 0] == FIRST
    assert [round(0.1 * step, 1) for neuron, step in found if neuron == 1] == SECOND


def test_a_network_spikes_as_in_nest():
    """Without iteration 8 of its 39 spikes are in another sample, up to 0.25 ms away."""
    nest = json.loads((Path(__file__).parent / "gap_nest.json").read_text(encoding="utf-8"))
    trains = nest["trains"]
    with made(nest["v"]) as net:
        numbers = np.repeat(np.arange(30), [len(train) for train in trains])
        net.source("input", 30, SpikeTrain(np.concatenate(trains), numbers))
        net.connect("input", "cells", "one_to_one", 300.0 * SLOPES["ex"], 1.0, "ex")
        inhibition = Pairs(nest["source"], nest["target"])
        net.connect("cells", "cells", inhibition, -50.0 * SLOPES["inh"], 1.0, "inh")
        net.gap_junctions("cells", "cells", Pairs(nest["a"], nest["b"]), 0.5, iterated=True)
        net.record("cells", ["v"], every=0.05)
        found = crossings(net.run(100.0).traces["cells"]["v"])
    assert found == sorted(zip(nest["neuron"], nest["step"], strict=True))

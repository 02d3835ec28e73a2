"""Gap junctions beside NEST 3.10.0: its two-neuron example, and a small network of such neurons.

``gap_nest.json``: NEST's ``hh_psc_alpha_gap`` at resolution 0.05 with waveform relaxation
(``wfr_comm_interval`` 1, ``wfr_tol`` 1e-4, interpolation order 3); 20 neurons, 60 symmetric
junctions of 0.7 nS, a spike train of weight 400 pA for each; crossings of 0 mV in steps of 0.05 ms.
"""

import json
from pathlib import Path

import numpy as np
from gap_neurons import GATES, V_START, GapNeuron, crossings

from spikecuda import Network
from spikecuda.network import Coupled, Delta, Pairs, SpikeTrain

# Times of 0 mV crossings in ms of NEST's example gap_junctions_two_neurons.py.
FIRST = [40.8, 111.2, 182.3, 253.1, 323.6]
SECOND = [14.8, 48.9, 115.6, 184.9, 254.7, 324.6]


def made(v) -> Network:
    net = Network(dt=0.005, precision="float64")
    receptors = {"ex": Delta(), "gap": Coupled()}
    net.population("cells", len(v), GapNeuron, {}, {"v": np.array(v), **GATES}, receptors=receptors)
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
    nest = json.loads((Path(__file__).parent / "gap_nest.json").read_text(encoding="utf-8"))
    trains = nest["trains"]
    with made(nest["v"]) as net:
        numbers = np.repeat(np.arange(20), [len(train) for train in trains])
        net.source("input", 20, SpikeTrain(np.concatenate(trains), numbers))
        # An alpha current of peak 400 pA begins with this slope.
        net.connect("input", "cells", "one_to_one", 400.0 * np.e / 0.2, 1.0, "ex")
        net.gap_junctions("cells", "cells", Pairs(nest["a"], nest["b"]), 0.7, iterated=True)
        net.record("cells", ["v"], every=0.05)
        found = crossings(net.run(100.0).traces["cells"]["v"])
    expected = sorted(zip(nest["neuron"], nest["step"], strict=True))
    assert [neuron for neuron, _ in found] == [neuron for neuron, _ in expected]
    late = np.array([step for _, step in found]) - np.array([step for _, step in expected])
    assert np.abs(late).max() <= 1
    assert np.count_nonzero(late) <= len(expected) // 5

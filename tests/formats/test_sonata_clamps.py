"""Currents of recorded sweeps: times, units, windows, and what is refused."""

import json

import h5py
import numpy as np
import pytest

from spikecuda import Network, SpikecudaError
from spikecuda.formats import from_sonata, to_sonata
from spikecuda.network import ExpCurrent

RATE, AMPERES = 20_000.0, np.repeat([0.0, 1e-10, -5e-11, 0.0], 40)  # 2 ms of each


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("sweeps")
    net = Network(dt=0.1)
    net.population("cells", 2, "lif", receptors={"ex": ExpCurrent(5.0), "in": ExpCurrent(5.0)})
    to_sonata(net, root, 10.0)
    with h5py.File(root / "sweeps.nwb", "w") as file:
        shown = file.create_group("stimulus/presentation/Sweep_55")
        shown["data"], shown["starting_time"] = AMPERES, 0.0
        shown["starting_time"].attrs["rate"] = RATE
        file["epochs/Sweep_55/stimulus/timeseries"] = h5py.SoftLink(
            "/stimulus/presentation/Sweep_55"
        )
    return root


def current(folder, **options):
    """Return the current, pA, of the driven neuron in each step."""
    config = json.loads((folder / "simulation_config.json").read_text(encoding="utf-8"))
    clamp = {"input_type": "nwb", "module": "IClamp", "file": "sweeps.nwb", "sweep_id": 55}
    clamp["node_set"] = {"population": "cells", "node_id": [1]}
    config["inputs"] = {"clamp": {**clamp, **options}}
    (folder / "clamp.json").write_text(json.dumps(config), encoding="utf-8")
    net = from_sonata(folder / "clamp.json").net
    ((wave, _),) = net.inputs_of(net["cells"])[:1]
    return np.asarray(wave.values)


def test_a_sweep_is_what_was_recorded(folder):
    # A clamp acts one step after its time.
    wanted = np.repeat([0.0, 100.0, -50.0, 0.0], [21, 20, 20, 40])
    assert np.allclose(current(folder), wanted, atol=1e-9)
    assert np.allclose(current(folder, downsample=0.5, input_type="allen"), wanted, atol=1e-9)
    later = current(folder, delay=3.0, sweep_window=[2.0, 3.9], sweep_id="Sweep_55")
    assert np.allclose(later, np.repeat([0.0, 100.0], [51, 50]), atol=1e-9)  # the last one stays


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sweep_id": 5}, r"inputs.clamp: sweep_id must be one of .*sweeps.nwb \(got 5; did you"),
        ({"sweep_id": None}, r"file and sweep_id must be given"),
        ({"sweep_window": [5.0, 1.0]}, r"sweep_window must be \[begin, end\] in ms"),
        ({"sweep_window": [90.0, 99.0]}, r"within the sweep, which ends at 7.95 ms"),
        ({"downsample": "x"}, r"downsample must be a number"),
        ({"delay": -1.0}, r"pieces must begin at 0 ms or later"),
        ({"sweep": 5}, r"not known here \(got 'sweep'; did you mean"),
    ],
)
def test_refused_by_name(options, message, folder):
    with pytest.raises(SpikecudaError, match=message):
        current(folder, **options)

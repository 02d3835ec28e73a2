"""Run one PyNN script with any backend; what pyNN.nest gives is what a test compares with.

    python bench/peers/pynn_network.py pyNN.nest tests/pynn/nest.json.xz
    python bench/peers/pynn_network.py spikecuda.pynn ours.json.xz --compare tests/pynn/nest.json.xz

A hundred neurons that excite and inhibit each other, given spikes, two electrodes, synapses that
depress, and synapses that learn.  The first needs NEST 3.10 and PyNN 0.13.
"""

import argparse
import importlib
import json
import lzma
import warnings
from pathlib import Path
from typing import Any

import numpy as np

DURATION = 300.0


def given_times(seed: int, last: float) -> np.ndarray:
    """Return times of spikes on the grid, and one after the others that reads out what was learned.

    pyNN.nest sends a spike a step late if its time less min_delay is rounded up; these are not.
    """
    times = np.unique(np.round(np.random.default_rng(seed).uniform(2.0, 280.0, 25), 1))
    return np.append(times[times - 0.1 <= np.round(times - 0.1, 1)], last)


def simulate(sim: Any, **options: Any) -> dict[str, Any]:
    """Return spikes (in steps), potentials, and weights.

    Args:
        sim: a backend of PyNN.
        options: of its ``setup``.
    """
    sim.setup(timestep=0.1, min_delay=0.1, max_delay=10.0, **options)
    rng = sim.NumpyRNG(seed=42)
    cell = sim.IF_curr_exp(
        cm=0.25, tau_m=20.0, tau_refrac=2.0, v_rest=-65.0, v_reset=-65.0, v_thresh=-50.0,
        tau_syn_E=5.0, tau_syn_I=10.0, i_offset=0.21,
    )  # fmt: skip
    everything = sim.Population(100, cell, label="cells")
    start = sim.RandomDistribution("uniform", low=-65.0, high=-50.0, rng=rng)
    everything.initialize(v=start)
    excite, inhibit = everything[:80], everything[80:]
    some = sim.FixedProbabilityConnector(0.1, rng=rng)
    recurrent = sim.Projection(
        excite, everything, some, sim.StaticSynapse(weight=0.03, delay=1.0),
        receptor_type="excitatory",
    )  # fmt: skip
    delays = np.round(np.random.default_rng(7).uniform(0.5, 2.0, (80, 100)), 1)
    recurrent.set(delay=delays)
    sim.Projection(
        inhibit, everything, some, sim.StaticSynapse(weight=-0.2, delay=0.8),
        receptor_type="inhibitory",
    )  # fmt: skip
    trains = sim.Population(
        20, sim.SpikeSourceArray(spike_times=[given_times(i, 299.0) for i in range(20)])
    )
    depressing = sim.TsodyksMarkramSynapse(
        weight=0.2, delay=1.0, U=0.5, tau_rec=200.0, tau_facil=0.0
    )
    sim.Projection(
        trains, everything, sim.FixedProbabilityConnector(0.2, rng=rng), depressing,
        receptor_type="excitatory",
    )  # fmt: skip
    pairs = sim.STDPMechanism(
        sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.01, A_minus=0.012),
        sim.AdditiveWeightDependence(w_min=0.0, w_max=0.1), weight=0.05, delay=1.5,
    )  # fmt: skip
    learning = sim.Projection(
        trains, everything[:10], sim.AllToAllConnector(), pairs, receptor_type="excitatory"
    )
    sim.DCSource(amplitude=0.05, start=50.0, stop=150.0).inject_into(everything[:50])
    sine = sim.ACSource(
        amplitude=0.1, frequency=20.0, offset=0.05, start=100.0, stop=200.0, phase=30.0
    )
    sine.inject_into(everything[40:60])
    everything.record("spikes")
    everything[:3].record("v")
    sim.run(DURATION)
    segment = everything.get_data().segments[0]
    weights = np.array(learning.get("weight", format="array"))
    sim.end()
    return {
        "spikes": [np.rint(np.array(t) * 10).astype(int).tolist() for t in segment.spiketrains],
        "v": np.round(segment.filter(name="v")[0].magnitude[10::100], 9).tolist(),
        "weights": np.round(weights, 12).tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backend")
    parser.add_argument("file", type=Path)
    parser.add_argument("--compare", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    ours = given.backend.startswith("spikecuda")
    options = {"precision": "float64"} if ours else {"spike_precision": "on_grid"}
    result = simulate(importlib.import_module(given.backend), **options)
    given.file.write_bytes(lzma.compress(json.dumps(result).encode()))
    if given.compare is None:
        return
    other = json.loads(lzma.decompress(given.compare.read_bytes()))
    mine, theirs = (
        {(i, t) for i, train in enumerate(r["spikes"]) for t in train} for r in (result, other)
    )
    print(f"{len(mine & theirs)} spikes in both, {len(mine)} here, {len(theirs)} there")
    for name in ("v", "weights"):
        print(name, "differ by up to", np.abs(np.array(result[name]) - np.array(other[name])).max())


if __name__ == "__main__":
    main()

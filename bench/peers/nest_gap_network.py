"""Run a network with gap junctions in NEST and store its spikes, which a test compares with.

    /path/to/nest/bin/python bench/peers/nest_gap_network.py

Needs NEST alone.  It is NEST's example ``gap_junctions_inhibitory_network.py`` in small: 30 neurons
``hh_psc_alpha_gap`` with 10 inhibitory inputs each, 90 symmetric gap junctions of 0.5 nS, and spike
trains of 500 Hz in the place of Poisson generators.  The resolution is 0.005 ms, so that spikes are
detected, and sent, in the same steps; V_m is read every 0.05 ms.  Writes
``tests/network/gap_nest.json``.
"""

import json
from pathlib import Path

import nest
import numpy as np

OUT = Path(__file__).resolve().parents[2] / "tests" / "network" / "gap_nest.json"
NEURONS, JUNCTIONS, INDEGREE, MS = 30, 90, 10, 100.0
EXCITATION, INHIBITION, GAP, DELAY = 300.0, -50.0, 0.5, 1.0


def main() -> None:
    """Draw the network, run it, and store both."""
    rng = np.random.default_rng(5)
    every = np.arange(NEURONS)
    source = np.concatenate([rng.choice(np.delete(every, i), INDEGREE) for i in every])
    target = np.repeat(every, INDEGREE)
    a, b = np.triu_indices(NEURONS, 1)
    chosen = np.sort(rng.choice(a.size, JUNCTIONS, replace=False))
    trains = [np.unique(np.round(rng.uniform(0.1, MS - 2.0, 50), 1)) for _ in every]
    start = np.round(rng.uniform(-80.0, -40.0, NEURONS), 3)
    nest.ResetKernel()
    nest.resolution = 0.005
    nest.use_wfr, nest.wfr_comm_interval, nest.wfr_tol = True, 1.0, 1e-4
    nest.wfr_max_iterations, nest.wfr_interpolation_order = 15, 3
    cells = nest.Create("hh_psc_alpha_gap", NEURONS)
    cells.V_m = start.tolist()
    inputs = nest.Create(
        "spike_generator", NEURONS, [{"spike_times": train.tolist()} for train in trains]
    )
    nest.Connect(inputs, cells, "one_to_one", {"weight": EXCITATION, "delay": DELAY})
    for i, j in zip(source.tolist(), target.tolist(), strict=True):
        nest.Connect(cells[i], cells[j], syn_spec={"weight": INHIBITION, "delay": DELAY})
    for i, j in zip(a[chosen].tolist(), b[chosen].tolist(), strict=True):
        nest.Connect(
            cells[i], cells[j], {"rule": "one_to_one", "make_symmetric": True},
            {"synapse_model": "gap_junction", "weight": GAP},
        )  # fmt: skip
    meter = nest.Create("voltmeter", params={"interval": 0.05})
    nest.Connect(meter, cells)
    nest.Simulate(MS + 0.05)
    events = meter.events
    order = np.lexsort((events["senders"], events["times"]))
    v = events["V_m"][order].reshape(-1, NEURONS)[: round(MS / 0.05)]
    step, neuron = np.nonzero((v[1:] >= 0.0) & (v[:-1] < 0.0))
    found = {
        "source": source, "target": target, "a": a[chosen], "b": b[chosen], "v": start,
        "step": step + 2, "neuron": neuron,
    }  # fmt: skip
    stored = {name: values.tolist() for name, values in found.items()}
    stored["trains"] = [train.tolist() for train in trains]
    OUT.write_text(json.dumps(stored) + "\n", encoding="utf-8")
    print(step.size, "spikes:", OUT)


if __name__ == "__main__":
    main()

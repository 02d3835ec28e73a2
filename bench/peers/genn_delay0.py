"""Run a network without delay in GeNN and store its spikes, which a test compares with.

    /path/to/genn/bin/python bench/peers/genn_delay0.py

Needs pygenn and a C++ compiler.  The neurons and currents are those of GeNN's benchmark of Vogels
and Abbott (``LIF``, ``ExpCurr``), the numbers those of CUBA: see ``delay0_problems.py`` among the
tests of networks.  Everything is float64.  Writes ``tests/network/data/genn_delay0.npz``: the steps
in which neurons spiked, as differences from one spike to the next, and the neurons.
"""

import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pygenn import GeNNModel, init_postsynaptic, init_weight_update

TESTS = Path(__file__).resolve().parents[2] / "tests" / "network"
sys.path.insert(0, str(TESTS))
import delay0_problems as problems  # noqa: E402

LEAK = {
    "C": 20.0, "TauM": 20.0, "Vrest": -49.0, "Vreset": -60.0, "Vthresh": -50.0, "Ioffset": 0.0,
    "TauRefrac": 5.0,
}  # fmt: skip


def main():
    """Build, run, write."""
    dt, steps = problems.GENN_DT, problems.STEPS["genn"]
    out = TESTS / "data" / "genn_delay0.npz"
    with tempfile.TemporaryDirectory(prefix="genn_delay0_") as folder:
        os.chdir(folder)  # GeNN writes its code below the working directory
        model = GeNNModel("double", "delay0", backend="single_threaded_cpu")
        model.dt = dt
        start = -60.0 + 10.0 * problems.uniform(71, problems.CELLS)
        cells = model.add_neuron_population(
            "cells", problems.CELLS, "LIF", LEAK, {"V": start, "RefracTime": 0.0}
        )
        cells.spike_recording_enabled = True
        source, target = problems.recurrent(7)
        exc = source < problems.EXCITATORY
        for name, chosen, weight, tau in (("exc", exc, 1.62, 5.0), ("inh", ~exc, -9.0, 10.0)):
            synapses = model.add_synapse_population(
                name, "SPARSE", cells, cells,
                init_weight_update("StaticPulseConstantWeight", {"g": weight}),
                init_postsynaptic("ExpCurr", {"tau": tau}),
            )  # fmt: skip
            synapses.set_sparse_connections(source[chosen], target[chosen])
        model.build()
        model.load(num_recording_timesteps=steps)
        for _ in range(steps):
            model.step_time()
        model.pull_recording_buffers_from_device()
        times, neuron = cells.spike_recording_data[0]
    step = np.rint(times / dt).astype(np.int64)
    order = np.lexsort((neuron, step))
    step, neuron = step[order], neuron[order]
    np.savez_compressed(
        out, wait=np.diff(step, prepend=0).astype(np.uint16), neuron=neuron.astype(np.uint16),
        version=np.array(version("pygenn")),
    )  # fmt: skip
    print(f"{step.size:,} spikes, the first in step {step[0]}")


if __name__ == "__main__":
    main()

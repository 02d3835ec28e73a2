"""A result with everything in it: names, subsets, traces of several kinds, odd units."""

import numpy as np

from spikecuda.network.results.result import NetworkResult
from spikecuda.runtime.spikes import Spikes

DT, START, DURATION = 0.1, 250.0, 1000.0
SIZES = {"L2/3E": 400, "L2/3I": 100, "thalamus": 50, "silent": 10}


def poisson(rng, ids, rate):
    """Spikes of some neurons, at most one a step, with the steps of the run."""
    first, steps = round(START / DT), round(DURATION / DT)
    step, column = np.nonzero(rng.random((steps, ids.size)) < rate * DT / 1000.0)
    return Spikes(step + first, ids[column].astype(np.int32), DT)


def make():
    """Return the result; the thalamus recorded every fifth neuron."""
    rng = np.random.default_rng(1)
    fifth = np.arange(0, 50, 5)
    spikes = {
        "L2/3E": poisson(rng, np.arange(400), 20.0),
        "L2/3I": poisson(rng, np.arange(100), 40.0),
        "thalamus": poisson(rng, fifth, 60.0),
    }
    samples = np.arange(1, 101) * 1.0 + START
    return NetworkResult(
        spikes=spikes,
        sizes=SIZES,
        ids={"L2/3E": None, "L2/3I": None, "thalamus": fifth},
        traces={
            "L2/3E": {
                "v": rng.uniform(-70, -50, (100, 3)).astype(np.float32),
                "w": rng.standard_normal((100, 3)),
            },
            "silent": {"x": np.full((100, 10), 3.5)},
        },
        trace_times={"L2/3E": samples, "silent": samples},
        start=START,
        duration=DURATION,
        dt=DT,
        seconds=0.1 + 0.2,
        trace_ids={"L2/3E": np.array([7, 2, 399]), "silent": None},
        units={"L2/3E": {"v": "mV", "w": "pA"}, "silent": {"x": "a.u."}},
    )

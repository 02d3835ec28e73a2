"""Run every input on the CPU and in Numba's CUDA simulator, which needs a process of its own."""

import numpy as np
from kinds import BACKGROUND, KINDS

from spikecuda import GPUNeuronPool

# Few neurons and steps: the simulator takes half a millisecond for each thread.
COUNT, SPLITS = 5, ((24,), (3, 21))


def bits(kind: str, device: str, splits: tuple[int, ...]) -> bytes:
    """Return all membrane potentials of a pool."""
    traces = []
    with GPUNeuronPool(COUNT, seed=3, device=device) as pool:
        for steps in splits:
            run = pool.run(steps=steps, input=BACKGROUND + KINDS[kind](COUNT), record="v")
            traces.append(run.traces["v"])
    return np.concatenate(traces).tobytes()


if __name__ == "__main__":
    for kind in KINDS:
        expected = bits(kind, "cpu", SPLITS[0])
        assert bits(kind, "cuda-sim", SPLITS[1]) == expected, kind
    print("same bits", len(KINDS))

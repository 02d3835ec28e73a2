"""An unconnected pool in spikecuda, on the CPU: the same command line as the peers' scripts.

Variants: ``float32``, which the ratios refer to, and ``float64``, to set beside NEST's.
"""

import numpy as np
from harness import Case, Outcome, main, time_runs
from problems import DT, PARAMETERS

import spikecuda


def measure(case: Case) -> Outcome:
    """Count the spikes of the first run (which compiles), time further runs."""
    pool = spikecuda.GPUNeuronPool(
        num_neurons=case.n,
        neuron_type=case.model,
        use_gpu=False,
        precision=case.variant,
        dt=DT,
        seed=case.seed,
        threads=case.threads,
        params=PARAMETERS[case.model],
    )
    current = case.current.astype(np.dtype(case.variant))
    pool.run(steps=case.steps, input=current, record=None)
    spikes = int(pool.metrics().spikes)
    seconds = time_runs(
        lambda: pool.run(steps=case.steps, input=current, record=None), case.repeats
    )
    return Outcome(spikecuda.__version__, case.variant, seconds, spikes, [f"scheme {pool.scheme}"])


if __name__ == "__main__":
    main("spikecuda", measure, variants=("float32", "float64"))

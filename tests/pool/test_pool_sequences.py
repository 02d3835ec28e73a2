"""Any sequence of runs, changes, resets and trials of a pool: the bits of one thread."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spikecuda import Constant, GPUNeuronPool, Noise, Normal, Poisson

N = 70
SEEDS = st.integers(0, 2**32 - 1)
OPERATIONS = st.one_of(
    st.tuples(st.just("run"), st.integers(1, 60), st.integers(1, 30)),
    st.tuples(st.sampled_from(["params", "drive", "state"]), SEEDS),
    st.tuples(st.just("reset"), st.integers(0, 9)),
)
SEQUENCES = st.lists(OPERATIONS, min_size=2, max_size=10)


def done(operations, split, **options):
    """Return the bits of all runs, each in one piece or in several."""
    found = []
    start = {"v": Normal(-62.0, 3.0)}
    with GPUNeuronPool(N, "lif", seed=3, initial=start, **{"device": "cpu", **options}) as pool:
        current = pool.drive(Constant(250.0))
        pulses = pool.drive(Poisson(300.0, 1.0))
        for name, *given in [("run", 30, 30), *operations, ("run", 40, 7)]:
            rng = np.random.default_rng(given[0])
            if name == "run":
                pieces = {"every": 0.1 * given[1], "call": lambda pool, piece: None}
                result = pool.run(
                    steps=given[0], input=Noise(100.0), record=["spikes", "v"],
                    **(pieces if split else {}),
                )  # fmt: skip
                found += [result.spikes.step, result.spikes.neuron, result.traces["v"]]
            elif name == "params":
                pool.params.update(
                    tau_m=rng.uniform(8.0, 20.0, N), t_ref=rng.uniform(0.0, 4.0),
                    v_th=rng.uniform(-53.0, -48.0),
                )  # fmt: skip
            elif name == "drive":
                current.value = rng.uniform(100.0, 400.0)
                pulses.update(rate=rng.uniform(0.0, 900.0), weight=rng.uniform(0.2, 2.0))
            elif name == "state":
                pool.state["v"] = rng.uniform(-65.0, -52.0, N)
            else:
                pool.reset(given[0] if given[0] % 2 else None)
    return found


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    SEQUENCES, st.sampled_from(["float16", "float32", "float64"]),
    st.fixed_dictionaries({"threads": st.sampled_from([1, 2]),
                           "window": st.sampled_from([None, 1, 7])}),
)  # fmt: skip
def test_on_the_cpu(operations, precision, options):
    one = done(operations, False, precision=precision, threads=1)
    assert equal(one, done(operations, True, precision=precision, **options))


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(SEQUENCES, st.booleans())
def test_on_the_emulated_device(operations, out_of_core):
    one = done(operations, False)
    assert equal(one, done(operations, True, device="cuda-emu", out_of_core=out_of_core))

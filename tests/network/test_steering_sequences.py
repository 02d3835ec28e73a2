"""Any sequence of runs, changes, resets and trials: the bits of the same on one thread."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steered import bits, equal, network

from spikecuda import Constant, Poisson
from spikecuda.network import ExpCurrent, FixedProbability, SpikeTrain

# Steps of runs, and of pieces where a run has several.
LENGTHS = st.integers(1, 60)
SEEDS = st.integers(0, 2**32 - 1)


class Steered:
    """A network with handles, which takes operations.

    Args:
        options: of the network.
        split: whether runs go piece by piece; else each is one.
    """

    def __init__(self, split=False, **options):
        self.net, self.split, self.found = network(**options), split, []
        self.net.source("s", 3, SpikeTrain([1.0, 2.0], [0, 1]), at_once=3)
        self.net.connect("s", "E", FixedProbability(0.4), 150.0, 0.7, "exc", max_weight=300.0)
        self.drives = [self.net.drive("E", Poisson(2000.0, 20.0), "exc")]
        self.drives.append(self.net.drive("I", Constant(30.0)))
        self.trains = []

    def run(self, steps, every):
        """Run; what comes between the pieces changes nothing."""
        if self.split:
            result = self.net.run(0.1 * steps, every=0.1 * every, call=lambda net, piece: None)
        else:
            result = self.net.run(0.1 * steps)
        self.found += bits(result)

    def params(self, seed):
        """Change parameters: of all neurons, of a receptor, of some."""
        rng = np.random.default_rng(seed)
        tau = rng.uniform(8.0, 20.0)
        self.net["E"].params.update(tau_m=tau, t_ref=rng.uniform(0.0, 3.0))
        self.net["E"].receptors["exc"] = ExpCurrent(rng.uniform(2.0, 6.0))
        self.net["I"][3:9].params["tau_w"] = rng.uniform(50.0, 150.0, 6)

    def drive(self, seed):
        """Change drives."""
        rng = np.random.default_rng(seed)
        self.drives[0].update(rate=rng.uniform(0.0, 4000.0), weight=rng.uniform(5.0, 40.0))
        self.drives[1].amplitude = rng.uniform(-50.0, 100.0)

    def train(self, seed):
        """Add a spike train, replace one, or take one away."""
        rng = np.random.default_rng(seed)
        times = self.net.time + 0.1 * rng.integers(1, 60, 5)
        if len(self.trains) < 2:
            train = SpikeTrain(times, weight=100.0)
            self.trains.append(self.net.drive("E", train, "exc", at_once=5))
        elif rng.random() < 0.3:
            self.trains.pop().remove()
        else:
            self.trains[0].times = times
        self.net["s"].train = SpikeTrain(self.net.time + np.array([0.3, 1.1]), [2, 0])

    def weights(self, seed):
        """Change weights."""
        rng = np.random.default_rng(seed)
        self.net.projections[0].weights = rng.uniform(20.0, 50.0)
        fed = self.net.projections[3]
        fed.weights = rng.uniform(50.0, 300.0, len(fed))

    def state(self, seed):
        """Change states."""
        v = self.net["E"].state["v"].copy()
        v[:20] = np.random.default_rng(seed).uniform(-65.0, -55.0, 20)
        self.net["E"].state["v"] = v

    def reset(self, trial):
        """Begin again, in a trial."""
        self.net.reset(trial=trial if trial % 2 else None)


OPERATIONS = st.one_of(
    st.tuples(st.just("run"), LENGTHS, st.integers(1, 30)),
    st.tuples(st.sampled_from(["params", "drive", "train", "weights", "state"]), SEEDS),
    st.tuples(st.just("reset"), st.integers(0, 9)),
)
SEQUENCES = st.lists(OPERATIONS, min_size=2, max_size=10)


def done(operations, **options):
    """Return the bits of all runs."""
    steered = Steered(**options)
    with steered.net:
        for name, *arguments in [("run", 20, 20), *operations, ("run", 40, 7)]:
            getattr(steered, name)(*arguments)
    return steered.found


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    SEQUENCES, st.sampled_from([(1, 1), (2, 2), (2, 5)]), st.sampled_from(["float16", "float32"])
)
def test_on_the_cpu(operations, layout, precision):
    threads, partitions = layout
    one = done(operations, precision=precision)
    split = done(
        operations, split=True, precision=precision, threads=threads, partitions=partitions
    )
    assert equal(one, split)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(SEQUENCES, st.sampled_from(["cuda-emu", ["cuda-emu", "cpu"], ["cpu:0", "cuda-emu"]]))
def test_on_devices(operations, devices):
    one = done(operations)
    assert equal(one, done(operations, split=True, devices=devices, threads=None))


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(SEQUENCES, st.integers(0, 2**64 - 1))
def test_a_trial_afterwards_is_that_of_a_new_network(operations, trial):
    """Whatever was done before: changes of parameters, input and weights stay, the rest goes."""
    kept = [o for o in operations if o[0] in ("params", "drive", "weights")]
    both = []
    for new in (False, True):
        steered = Steered(**({"trial": trial} if new else {}))
        with steered.net as net:
            if not new:
                steered.run(17, 17)
                for operation in kept:
                    getattr(steered, operation[0])(*operation[1:])
                    steered.run(9, 4)
                net.reset(trial=trial)
            else:
                for operation in kept:
                    getattr(steered, operation[0])(*operation[1:])
            both.append(bits(net.run(12.0)))
    assert equal(*both)

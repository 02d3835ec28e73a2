"""The example ``izhikevich2007``: when dopamine comes, and which synapse it reinforces."""

import numpy as np
import pytest

from spikecuda.errors import SpikecudaValueError
from spikecuda.examples import izhikevich2007

SMALL = {"n_e": 40, "n_i": 10, "synapses": 5, "noise": 9.0}


@pytest.mark.parametrize("window", [2.0, 10.0])
@pytest.mark.parametrize("delays", [1, 7])
def test_dopamine_follows_each_pair_of_spikes_after_the_delay_whose_turn_it_is(window, delays):
    with izhikevich2007.network(seed=2, threads=1, window=window, delays=delays, **SMALL) as net:
        chosen, late = net.projections[0], net.projections[-1]
        ends, late = chosen.connections(), late.connections()
        result = net.run(60_000.0)
    spikes = result.spikes["E"]
    source, target = (
        np.round(spikes.time[spikes.neuron == ends[name][0]]) for name in ("source", "target")
    )
    delay = late["delay"][np.argsort(late["source"])]
    times = []
    for t in target:
        before = source[source < t]
        if before.size and t - before[-1] <= window:
            times.append(t + 1 + delay[len(times) % delays])
    assert len(times) > 10
    expected = np.sort(times)
    got = result.spikes["dopamine"]
    np.testing.assert_array_equal(np.round(got.time), expected[expected <= 60_000])


def test_the_chosen_synapse_grows_and_the_others_hardly():
    # So early it differs from seed to seed: 2.2 to 3.8 mV of seeds 1 to 6.
    with izhikevich2007.network(seed=5, threads=1, window=20.0) as net:
        result = net.run(500_000.0)
    assert izhikevich2007.weight_of(0)(result, 400_000.0) > 3.0
    for others in (1, 2):
        assert 0.7 < izhikevich2007.weight_of(others)(result, 400_000.0) < 1.1


def test_without_pairs_there_is_no_dopamine_and_nothing_changes():
    with izhikevich2007.network(seed=1, threads=1, window=0.5, **SMALL) as net:
        result = net.run(20_000.0)
        weights = [p.weights for p in net.projections[:3]]
    assert len(result.spikes["dopamine"]) == 0 and len(result.spikes["E"]) > 0
    assert [w.min() for w in weights] == [w.max() for w in weights] == [0.0, 1.0, 1.0]


def test_numbers_that_contradict_each_other_are_refused():
    for changed, name in (
        ({"shortest": 4000.0}, "shortest must be <= longest"),
        ({"excitation": 5.0}, "excitation must be <= w_max"),
        ({"chosen": 5.0}, "chosen must be <= w_max"),
        ({"n_e": 1}, "n_e must be >= 2"),
        ({"precision": "float16"}, "precision of izhikevich2007 must be float32 or float64"),
    ):
        with pytest.raises(SpikecudaValueError, match=name):
            izhikevich2007.network(**changed)

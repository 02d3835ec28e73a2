"""The vision-related cortex of a macaque: its numbers, its scaling, and the authors' files."""

import json

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfcx

from spikecuda.errors import SpikecudaValueError
from spikecuda.examples import macaque, meanfield, multi_area

CORTEX = macaque.Cortex()


def test_the_full_network_has_the_published_size():
    assert len(macaque.AREAS) == 32 and len(CORTEX.names) == 254
    assert [name for name in CORTEX.names if name.endswith("_TH")] == [
        f"{layer}_TH" for layer in ("L23E", "L23I", "L5E", "L5I", "L6E", "L6I")
    ]
    # Schmidt et al. (2018): 4.13 million neurons, 24.2 billion synapses.
    assert CORTEX.neurons.sum() == pytest.approx(4.13e6, rel=1e-3)
    assert multi_area.synapses(CORTEX).sum() == pytest.approx(24.2e9, rel=5e-3)
    # Only excitatory neurons of layers 2/3, 5 and 6 reach other areas.
    between = np.where(CORTEX.within, 0.0, CORTEX.indegree).sum(axis=0)
    assert set(CORTEX.layer[between > 0]) == {0, 4, 6}
    np.testing.assert_array_equal(CORTEX.distance, CORTEX.distance.T)


def test_shares_of_areas_fall_with_distance_and_add_up():
    share = macaque.area_shares(CORTEX.distance)
    np.testing.assert_allclose(share.sum(axis=1), 1.0)
    assert not share.diagonal().any()
    for row, distance in zip(share, CORTEX.distance, strict=True):
        kept = np.flatnonzero(row)
        order = kept[np.argsort(distance[kept])]
        assert (np.diff(row[order]) <= 1e-12).all()
    # From the dense V1 upwards is feedforward, towards it is feedback.
    assert macaque.kind_of(0.5) == "forward" and macaque.kind_of(2.0) == "back"
    assert macaque.kind_of(1.0) == "lateral"


def test_the_theory_is_the_integral_of_the_paper():
    rates = meanfield.stationary_rate(
        np.array([5.0, 12.0, 20.0]), np.array([4.0, 5.0, 3.0]), 10.0, 0.5, 2.0, 15.0, 0.0
    )
    for mean, deviation, rate in zip((5.0, 12.0, 20.0), (4.0, 5.0, 3.0), rates, strict=True):
        shift = np.sqrt(2.0) * 1.4603545088 / 2.0 * np.sqrt(0.05)
        low, high = -mean / deviation + shift, (15.0 - mean) / deviation + shift
        integral = quad(lambda u: erfcx(-u), low, high)[0]
        assert rate == pytest.approx(1e3 / (2.0 + 10.0 * np.sqrt(np.pi) * integral), rel=1e-5)


def test_expected_rates_are_those_of_the_theory():
    rates = multi_area.theory(CORTEX)
    for k, (low, high) in enumerate(multi_area.THEORY):
        own = rates[CORTEX.layer == k]
        assert (own.min(), own.max()) == pytest.approx((low, high), rel=0.01)
    assert rates.min() > 0.02 and rates.max() < 12.0


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_trains_from_outside_keep_mean_and_variance(share):
    strength, rates = multi_area.weights(CORTEX), multi_area.theory(CORTEX)
    psc, external = multi_area.microcircuit.psc(), 10.0 * CORTEX.external
    trains = multi_area.outside(CORTEX, np.full(rates.size, share))
    for power in (1, 2):
        inside = share * (CORTEX.indegree * strength**power) @ rates
        found = inside + sum(rate * weight**power for rate, weight in trains)
        full = (CORTEX.indegree * strength**power) @ rates + external * psc**power
        np.testing.assert_allclose(found, full, rtol=1e-10)


def test_a_fraction_of_two_areas_has_the_same_bits_procedurally_and_plausible_rates():
    spikes = []
    for variant in ("stored", "procedural"):
        with multi_area.network(0.01, variant, areas=["V1", "V2"], seed=1, threads=1) as net:
            result = net.run(150.0)
            spikes.append(result.spikes)
    for name, own in spikes[0].items():
        np.testing.assert_array_equal(own.step, spikes[1][name].step)
        np.testing.assert_array_equal(own.neuron, spikes[1][name].neuron)
    rates, start = result.rates(start=50.0), macaque.AREAS.index("V2")
    theory = dict(zip(CORTEX.names, multi_area.theory(CORTEX), strict=True))
    for layer in ("L23I", "L4E", "L4I", "L5I", "L6I"):
        for area in macaque.AREAS[: start + 1]:
            assert 0.4 < rates[f"{layer}_{area}"] / theory[f"{layer}_{area}"] < 1.6


def test_the_authors_files_are_read_and_bad_ones_refused(tmp_path):
    with pytest.raises(SpikecudaValueError, match=r"data must be a checkout of .* which has no"):
        macaque.published(tmp_path)
    for name in (macaque.MATRIX, macaque.NUMBERS):
        (tmp_path / name).parent.mkdir(parents=True)
    np.save(tmp_path / macaque.MATRIX, 2.0 * CORTEX.indegree)
    places = {a: dict.fromkeys(macaque.AREAS, 7.0) for a in macaque.AREAS}
    numbers = tmp_path / macaque.NUMBERS
    numbers.write_text(json.dumps({"median_distance_data": places}), encoding="utf-8")
    cortex = macaque.published(tmp_path)
    np.testing.assert_array_equal(cortex.indegree, 2.0 * CORTEX.indegree)
    assert cortex.distance[0, 1] == 7.0 and cortex.distance[1, 1] == 0.0
    net = multi_area.network(0.002, data=tmp_path, areas=["V1"])
    few = multi_area.network(0.002, areas=["V1"])
    assert sum(p.expected for p in net.projections) > 1.9 * sum(p.expected for p in few.projections)
    assert multi_area.expected(data=tmp_path)[0].high != multi_area.expected()[0].high
    del places["V4"]
    numbers.write_text(json.dumps({"median_distance_data": places}), encoding="utf-8")
    with pytest.raises(SpikecudaValueError, match="must have the distances of all areas"):
        macaque.published(tmp_path)
    np.save(tmp_path / macaque.MATRIX, np.zeros((2, 2)))
    with pytest.raises(SpikecudaValueError, match=r"got shape \(2, 2\)"):
        macaque.published(tmp_path)


def test_bad_arguments_are_refused():
    with pytest.raises(SpikecudaValueError, match=r"scale must be from 0.001 to 1 \(got 2.0\)"):
        multi_area.network(2.0)
    with pytest.raises(SpikecudaValueError, match=r"areas must be of the model \(got 'V44'"):
        multi_area.network(areas=["V44"])
    with pytest.raises(SpikecudaValueError, match="variant must be one of"):
        multi_area.network(variant="kept")

"""What differs between replicas, as the user gives it."""

import numpy as np
import pytest
from replicated import origin
from steered import bits, equal, network

from spikecuda import Ensemble, Poisson
from spikecuda.errors import (
    OutOfMemoryError,
    SpikecudaError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.network import SpikeTrain


def test_what_one_replica_refuses_changes_none():
    with Ensemble(network(), 3) as e:
        with pytest.raises(SpikecudaValueError, match="replica 2: tau_m must be > 0"):
            e.update({"E": {"v_th": -49.0, "tau_m": [5.0, 6.0, -1.0]}})
        assert [float(replica["E"].params["tau_m"]) for replica in e] == [20.0] * 3
        assert [float(replica["E"].params["v_th"]) for replica in e] == [-50.0] * 3


def test_views_of_ensembles_are_refused_with_what_there_is():
    with Ensemble(network(), 2) as e:
        with pytest.raises(SpikecudaError, match=r"result\[k\].view\(\) shows what replica k did"):
            e.view(port=0)
        with pytest.raises(SpikecudaError, match="replica 1"):
            e[1].view()
        result = e.run(1.0)
        with pytest.raises(SpikecudaError, match=r"result\[k\].view\(\)"):
            result.view(open=True)


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"size": 0}, SpikecudaValueError, "size must be from 1 to 1,000,000"),
        ({"size": 2.5}, SpikecudaTypeError, "size must be an integer"),
        ({}, SpikecudaValueError, "size must be given"),
        ({"network": 3, "size": 2}, SpikecudaTypeError, "network must be a Network"),
        ({"size": 3, "params": {"E": {"tau_m": [1.0, 2.0]}}}, SpikecudaValueError,
         r"params\[\"E\"\]\['tau_m'\] must be one number, one for each of the 3"),
        ({"size": 3, "params": {"E": {"tau_m": np.ones((3, 5))}}}, SpikecudaValueError,
         r"shape \(3, 70\) \(got shape \(3, 5\)\)"),
        ({"size": 3, "params": {"E": {"tau": 3.0}}}, SpikecudaError, "no parameter .tau.*tau_m"),
        ({"size": 3, "params": {"X": {"tau_m": 3.0}}}, SpikecudaValueError, "no population 'X'"),
        ({"size": 2, "params": {"E": {"tau_m": [[1.0], [2.0, 3.0]]}}}, SpikecudaValueError,
         r"must be an array, or lists of one length"),
        ({"size": 3, "params": {0: {"tau_m": 1.0}}}, SpikecudaTypeError, "keys of params must be"),
        ({"size": 3, "params": {"E": 3.0}}, SpikecudaTypeError, "must be a dict of name"),
        ({"size": 3, "params": [1]}, SpikecudaTypeError, "params must be a dict"),
        ({"size": 3, "seeds": [1, 2]}, SpikecudaValueError, r"seeds must be one number.*\(got 2\)"),
        ({"size": 3, "seeds": {"noise": 1}}, SpikecudaValueError, "seeds must be by seed, wiring"),
        ({"size": 3, "seeds": [1, 2, -3]}, SpikecudaValueError, r"replica 2: seed must be in"),
        ({"size": 3, "trials": [0.5, 1, 2]}, SpikecudaTypeError, "replica 0: trial must be an"),
        ({"size": 3, "threads": 0}, SpikecudaValueError, "threads must be"),
        ({"size": 3, "devices": "gpu"}, SpikecudaValueError, "must be one of cpu"),
        ({"size": 1_000_000}, OutOfMemoryError, "an ensemble of 1,000,000 networks needs about"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_ensemble_is_refused(arguments, kind, text):
    net = network()
    with pytest.raises(kind, match=text):
        Ensemble(**{"network": net, **arguments})
    assert net.run(1.0).duration == 1.0


def test_populations_and_views_stand_for_their_names():
    net, _, _ = origin()
    with Ensemble(net, 2, params={net["E"]: {"tau_m": [9.0, 10.0]}}) as e:
        e.update({e[1]["E"][:3]: {"v_th": [-49.0, -48.0]}, net["I"]: {"tau_w": 80.0}})
        assert [float(r["E"].params["tau_m"]) for r in e] == [9.0, 10.0]
        assert [r["E"].params["v_th"][2:4].tolist() for r in e] == [[-49.0, -50.0], [-48.0, -50.0]]
        assert e[1]["I"].params["tau_w"] == 80.0
        v = e.state("E", "v")
        assert np.array_equal(e.state(net["E"], "v"), v)
        assert np.array_equal(e.state(e[0]["E"][2:5], "v"), v[:, 2:5])
        e.record(net["I"], "w", every=0.1)
        with pytest.raises(SpikecudaValueError, match="neurons of E must be under one key"):
            e.update({"E": {"tau_m": 3.0}, net["E"][:2]: {"v_th": -45.0}})
        for other in (network()["E"], network()["E"][:2]):
            with pytest.raises(SpikecudaValueError, match="part must be"):
                e.state(other, "v")


def test_trains_of_replicas_have_lengths_of_their_own():
    net, _, _ = origin()
    times = [[1.0, 2.0, 3.0], [], np.array([4.0])]
    with Ensemble(net, 3, params={net.drives[2]: {"times": times}}) as e:
        assert [r.drives[2].times.tolist() for r in e] == [[1.0, 2.0, 3.0], [], [4.0]]
        result = e.run(10.0)
    with network() as lone:
        lone.drive("E", SpikeTrain([4.0], weight=300.0), "exc")
        lone.drive("E", Poisson(3000.0, 10.0), "exc")
        lone.drive("I", 30.0)
        assert equal(bits(result[2]), bits(lone.run(10.0)))


class Column:
    """What has an array, as a column of a table."""

    def __init__(self, values):
        self.values = np.array(values)

    def __array__(self, dtype=None, copy=None):
        return self.values


def test_columns_of_tables_are_one_value_for_each_replica():
    net, drive, _ = origin()
    values = np.linspace(9.0, 12.0, 70)  # as many as neurons
    params = {"E": {"tau_m": Column(values)}, drive: {"rate": Column(100.0 * values)}}
    with Ensemble(net, 70, params=params) as e:
        assert [float(r["E"].params["tau_m"]) for r in e] == values.tolist()
        assert [r.own(drive).rate for r in e] == (100.0 * values).tolist()


def test_replicas_have_the_seeds_that_they_were_given():
    net = network()
    with Ensemble(net, 2, seeds=[5, 6]) as e:
        assert [replica.seed for replica in e] == [5, 6]
    with Ensemble(net, 2, seeds={"noise_seed": [5, 6]}) as e:
        assert [replica.seed for replica in e] == [net.seed] * 2

"""What one process of many would own is built without the others, and has the same synapses."""

import numpy as np
import pytest

from spikecuda import Network, Normal
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.network import (
    AllToAll,
    Coupled,
    DistanceInDegree,
    DistanceOutDegree,
    DistanceProbability,
    ExpCurrent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    OneToOne,
    Pairs,
)
from spikecuda.network.one_rank import build_one_rank
from spikecuda.network.synapses import row_layout
from spikecuda.network.synapses.access import connections
from spikecuda.space import Disc, Gaussian, Scattered

SIZE, RANKS = 330, 4
SHEET, NEAR = Scattered((1.0, 1.0), periodic=True), Gaussian(0.3)
RULES = {
    "all": AllToAll(),
    "one": OneToOne(),
    "probability": FixedProbability(0.1),
    "total": FixedTotal(5001),
    "in": FixedInDegree(20),
    "out": FixedOutDegree(20),
    "pairs": Pairs(np.arange(0, SIZE, 3), np.arange(0, SIZE, 3)[::-1]),
    "near": DistanceProbability(NEAR, Disc(0.3)),
    "near_in": DistanceInDegree(20, NEAR),
    "near_out": DistanceOutDegree(20, NEAR),
}


def described(rule, multapses=True):
    net = Network(seed=3, devices="cpu", threads=1)
    a = net.population("a", SIZE, positions=SHEET, receptors={"exc": ExpCurrent(5.0)})
    values = Normal(40.0, 4.0), Normal(2.0, 0.5, low=0.1)
    net.connect(a, a, rule, *values, "exc", multapses=multapses)
    if not isinstance(rule, OneToOne | Pairs):
        net.connect(a[::2], a[10::3], rule, 20.0, 1.5, "exc")
    return net


@pytest.mark.parametrize(
    ("multapses", "layout"), [(True, "short"), (False, "short"), (True, "dense")]
)
@pytest.mark.parametrize("name", RULES)
def test_ranks_built_apart_are_the_network(name, multapses, layout, monkeypatch):
    with described(RULES[name], multapses or name == "total") as net:
        net.build()
        monkeypatch.setattr(row_layout, "forced", layout)
        ranks = [build_one_rank(net, r, RANKS, threads=1 + r % 2) for r in range(RANKS)]
        assert sum(r.neurons for r in ranks) == SIZE
        assert sum(r.wiring.synapses for r in ranks) == net.metrics()["synapses"]
        for p in net.projections:
            whole, parts = p.connections(), [connections(p, r.wiring, net.dt) for r in ranks]
            joined = {k: np.concatenate([part[k] for part in parts]) for k in whole}
            order = np.lexsort((joined["target"], joined["delay"], joined["source"]))
            for k, values in whole.items():
                assert np.array_equal(joined[k][order], values), k


def test_a_rank_that_is_not_there():
    with described(FixedInDegree(20)) as net, pytest.raises(SpikecudaValueError, match="below 4"):
        build_one_rank(net, 4, 4)


def test_networks_that_no_job_runs_are_refused():
    with pytest.raises(SpikecudaTypeError, match="must be a Network"):
        build_one_rank("brunel", 0, 4)
    with Network() as net, pytest.raises(SpikecudaError, match="no population"):
        build_one_rank(net, 0, 4)
    with Network() as net:
        net.population("a", 40, receptors={"gap": Coupled()})
        with pytest.raises(SpikecudaValueError, match="threads must be"):
            build_one_rank(net, 0, 4, threads=0)
        net.gap_junctions("a", "a", Pairs([1], [2]), 1.0)
        with pytest.raises(SpikecudaError, match="coupled runs in one process"):
            build_one_rank(net, 0, 4)

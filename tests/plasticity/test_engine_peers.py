"""Networks beside NEST and Brian2: every record of a rule that the engine has."""

import pytest
from engine import ENGINE, engine_rule, groups, learn
from peer_records import DT, NEST, brian, currents, nest
from thorough import each_with_one

from spikecuda.kernels.reference.plasticity import run_synapse
from spikecuda.kernels.reference.plasticity_rules import make

TOLERANCE = {"float64": 1e-9, "float32": 2e-5}


def all_groups():
    models = [m for m, (rule, _, _) in NEST.items() if rule in ENGINE]
    records = [r for m in models for r in nest(m)] + [r for r in brian() if r.delay]
    records += [r for r, _ in currents()]
    return [[r.later(1) for r in group] for group in groups(records)]


PAIRS = [
    pytest.param(group, precision, id=f"{group[0].name.split(' delay')[0]}-{precision}")
    for group, precision in each_with_one(
        all_groups(), list(TOLERANCE), lambda group: engine_rule(group[0]).spec("float32")
    )
]


@pytest.mark.parametrize("group, precision", PAIRS)
def test_records(group, precision):
    tolerance = TOLERANCE[precision]
    rule = engine_rule(group[0])
    for record, got in zip(group, learn(group, rule, DT, precision), strict=True):
        size = max(map(abs, [record.weight, *record.weights]))
        off = 2 * tolerance * size + got.unit
        assert got.sent == pytest.approx(record.weights, rel=0, abs=off), record.name
        # The oracle agrees with all of the record, and tells the weight after each step.
        outcome = run_synapse(
            make(record.rule, **record.params), record.pre, record.post, record.weight,
            delay=record.delay, dendritic=record.dendritic, dt=DT, timing=record.timing,
        )  # fmt: skip
        expected, read = dict(outcome.history), []
        for t, weight in zip(record.pre, got.after, strict=True):
            if known(record):
                read.append((weight, expected[t]))
        assert [w for w, _ in read] == pytest.approx(
            [w for _, w in read], rel=0, abs=tolerance * size
        ), record.name
        assert record.timing == "brian" or len(read) == len(record.pre)
        if known(record):
            assert got.final["weight"] == pytest.approx(outcome.weight, abs=tolerance * size)


def known(record):
    """Tell whether a weight that is read after a step is that after this step of the source.

    It is not where the axonal part of the delay is the longer one: what happens at the synapse by
    then is not yet known.
    """
    return 2 * record.dendritic >= record.delay

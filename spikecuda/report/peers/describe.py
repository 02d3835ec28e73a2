"""What a network consists of, in plain numbers that other simulators' scripts read."""

from typing import Any

from spikecuda.network import FixedInDegree, FixedProbability, FixedTotal, Network


def describe(net: Network) -> dict[str, Any]:
    """Return what a network consists of: populations, projections and spike trains.

    Args:
        net: of LIF neurons whose input are numbers and Poisson spikes; its rules are of a fixed
            probability, in-degree or total.
    """
    return {
        "dt": net.dt,
        "populations": [_population(net, group) for group in net.populations.values()],
        "projections": [_projection(p) for p in net.projections],
        "trains": [_train(net, source, train) for source, train, _ in net._sources],
    }


def _population(net: Network, group: Any) -> dict[str, Any]:
    spec = group.neurons
    drives: list[tuple[Any, str]] = net._drives.get(group.name)
    return {
        "name": group.name, "size": group.size, "model": spec.model.name,
        "params": {name: float(v) for name, v in spec.params.items()},
        "receptors": {name: {"kind": r.kind, **vars(r)} for name, r in group.receptors.items()},
        "v": spec.start("v").tolist(),
        "poisson": [
            {"rate": float(term.rate), "weight": float(term.weight), "receptor": receptor}
            for term, receptor in drives if not term.current
        ],
        "current": sum(float(term.value) for term, _ in drives if term.current),
    }  # fmt: skip


def _projection(p: Any) -> dict[str, Any]:
    rule: dict[str, Any]
    if isinstance(p.rule, FixedTotal):
        rule = {"rule": "fixed_total_number", "N": p.rule.total}
    elif isinstance(p.rule, FixedInDegree):
        rule = {"rule": "fixed_indegree", "indegree": p.rule.degree}
    else:
        assert isinstance(p.rule, FixedProbability)
        rule = {"rule": "pairwise_bernoulli", "p": p.rule.p}
    return {
        "source": p.source.population.name, "target": p.target.population.name, "rule": rule,
        "receptor": p.receptor, "weight": _values(p.weight), "delay": _values(p.delay),
    }  # fmt: skip


def _train(net: Network, source: Any, train: Any) -> dict[str, Any]:
    projection = next(p for p in net.wired if p.source.population is source)
    points, neurons = train.on_grid(net.dt, source.size)
    return {
        "target": projection.target.population.name, "ids": projection.target.ids.tolist(),
        "times": (points * net.dt).tolist(), "neurons": neurons.tolist(),
        "weight": projection.weight.a, "receptor": projection.receptor,
    }  # fmt: skip


def _values(values: Any) -> dict[str, Any]:
    """Return a number or a normal distribution as JSON has it: bounds that are none are null."""
    low, high = (None if abs(b) == float("inf") else b for b in (values.low, values.high))
    return {"kind": values.kind, "a": values.a, "b": values.b, "low": low, "high": high}

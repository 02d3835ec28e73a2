"""Edges as synapses: from which node to which neuron, at which receptor, how strong, how late."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.time_grid import nearest_steps, place_of
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.formats.sonata.cells import Cells
from spikecuda.formats.sonata.config import Config
from spikecuda.formats.sonata.edges import Edges
from spikecuda.formats.sonata.synapse_kinds import KINDS, STATIC
from spikecuda.formats.sonata.synapse_params import synapse_params
from spikecuda.formats.sonata.weight_reports import WeightReport
from spikecuda.plasticity.base import SynapseRule

# NEST's, where a file gives none.
DELAY = 1.0
MAX_DELAY = 0x7FFF
# Functions of the Brain Modeling Toolkit that are the weight times nsyns.
PLAIN_WEIGHTS = (None, "default_weight_fnc", "set_syn_weight", "wmax")


@dataclass(frozen=True, eq=False)
class Synapses:
    """Edges from a population to cells of one kind, all at one receptor.

    Attributes:
        source, target: populations of nodes.
        cells: number of the target's cells.
        port: name of the receptor.
        sources, targets: rows of the nodes, int64 (synapses,).
        weight: in the receptor's unit, float64 (synapses,).
        delay: ms, float64 (synapses,).
        rule: that they learn by, or None.
        report: file that their weights are written to, or None.
    """

    source: str
    target: str
    cells: int
    port: str
    sources: np.ndarray
    targets: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    rule: SynapseRule | None = None
    report: str | None = None


def find_synapses(
    edges: Edges,
    cells: list[Cells],
    config: Config,
    recorders: Mapping[str, WeightReport],
    dt: float,
) -> list[Synapses]:
    """Return the edges of a population, split by the cells, receptors and rules that they have.

    Args:
        edges: a row for each.
        cells: of the target's population.
        config: where the files are.
        recorders: by name of a synapse model: what records its weights.
        dt: length of a step, ms.

    Raises:
        SpikecudaValueError: a synapse that is not possible; names the file and the row.
    """
    elements = edges.elements
    if not elements.size:
        return []
    texts, numbers = elements.labels("weight_function")
    _require_label(edges, "weight_function", texts, numbers, PLAIN_WEIGHTS)
    models, reports = _models(edges, recorders)
    extra = synapse_params(elements, models, config)
    weight = _weights(edges, extra)
    delay = _given(elements.numbers("delay"), extra.get("delay"))
    delay = np.where(np.isnan(delay), DELAY, delay)
    long = nearest_steps(np.abs(delay), dt) > MAX_DELAY
    _require(edges, "delay", delay, ~long, f"<= {MAX_DELAY * dt:g} ms, 32,767 steps of dt")
    shortest = np.array([place_of(float(d), dt) >= 1.0 for d in np.unique(delay)], bool)
    good = shortest[np.searchsorted(np.unique(delay), delay)]
    _require(edges, "delay", delay, good, f">= dt = {dt:g} ms")
    result = []
    for number, some in enumerate(cells):
        mine = np.isin(edges.targets, some.rows)
        for port, arrive in _ports(edges, some, mine, weight, extra.get("receptor_type")).items():
            for chosen, rule, report in _rules(edges, some, arrive, models, reports, extra):
                size = np.abs(weight[chosen]) if some.kind.conductance else weight[chosen]
                result.append(Synapses(
                    edges.source.name, edges.target.name, number, port, edges.sources[chosen],
                    edges.targets[chosen], size, delay[chosen], rule, report,
                ))  # fmt: skip
    virtual = edges.target.virtual[edges.targets]
    if virtual.any():
        row = int(virtual.argmax())
        raise SpikecudaValueError(
            f"{elements.where(row)}: target_node_id must be a neuron (got the virtual node "
            f"{edges.target.ids[edges.targets[row]]:,} of {edges.target.name})"
        )
    return result


def _models(edges: Edges, recorders: Mapping[str, WeightReport]) -> tuple[np.ndarray, np.ndarray]:
    """Return the model of each edge, a name of KINDS, and the report that records it, or None."""
    texts, numbers = edges.elements.labels("model_template")
    plain = [None if text is None else text.removeprefix("nest:") for text in texts]
    _require_label(edges, "model_template", plain, numbers, (None, *KINDS, *recorders))
    models, reports = np.empty(len(plain), object), np.empty(len(plain), object)
    for i, name in enumerate(plain):
        recorder = recorders.get(name or STATIC)
        models[i] = (name or STATIC) if recorder is None else recorder.model
        reports[i] = None if recorder is None else recorder.file_name
    return models[numbers], reports[numbers]


def _rules(
    edges: Edges,
    cells: Cells,
    arrive: np.ndarray,
    models: np.ndarray,
    reports: np.ndarray,
    extra: Mapping[str, np.ndarray],
) -> Iterator[tuple[np.ndarray, SynapseRule | None, str | None]]:
    """Yield the rows of edges that share a rule and a report, with both."""
    for model, report in dict.fromkeys(zip(models[arrive], reports[arrive], strict=True)):
        kind = KINDS[model]
        mine = np.flatnonzero(arrive & np.equal(models, model) & np.equal(reports, report))
        columns = {
            name: _filled(extra, name, mine, default) for name, (_, default) in kind.params.items()
        }
        for name, need in kind.starts.items():
            start = columns[need] if isinstance(need, str) else np.full(mine.size, need)
            bad = _filled(extra, name, mine, start) != start
            if bad.any():
                row = int(bad.argmax())
                raise SpikecudaValueError(
                    f"{edges.elements.where(int(mine[row]))}: {name} of {model} must start at "
                    f"{need} (got {extra[name][mine[row]]:g}); leave it out"
                )
        if kind.rule is None:
            yield mine, None, None
            continue
        ours = {ours: columns[name] for name, (ours, _) in kind.params.items()}
        if kind.by_target:
            places = np.searchsorted(cells.rows, edges.targets[mine])
            ours["tau_minus"] = np.broadcast_to(cells.tau_minus, cells.rows.shape)[places]
        table, which = np.unique(np.stack(list(ours.values()), 1), axis=0, return_inverse=True)
        for number, values in enumerate(table):
            chosen = mine[np.ravel(which) == number]
            try:
                rule = kind.rule(**dict(zip(ours, values.tolist(), strict=True)))
            except SpikecudaError as error:
                raise SpikecudaValueError(
                    f"{edges.elements.where(int(chosen[0]))}, {model}: {error}"
                ) from None
            if rule.learns:
                weight = _weights(edges, extra)
                good = np.ones(weight.shape, bool)
                good[chosen] = (weight[chosen] * rule.sign >= 0) & (
                    np.abs(weight[chosen]) <= abs(rule.w_max)
                )
                _require(edges, "syn_weight", weight, good, f"from 0 to Wmax = {rule.w_max:g}")
                if cells.kind.conductance and rule.w_max < 0:  # its size is what arrives
                    rule = rule.changed({"w_max": -rule.w_max})
            yield chosen, rule, report


def _filled(
    extra: Mapping[str, np.ndarray], name: str, rows: np.ndarray, default: Any
) -> np.ndarray:
    """Return a parameter of some edges, the default where they have none."""
    values = extra[name][rows] if name in extra else np.full(rows.size, np.nan)
    return np.where(np.isnan(values), default, values)


def _weights(edges: Edges, extra: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the weight of each edge, of all its synapses together."""
    weight = _given(edges.elements.numbers("syn_weight"), extra.get("weight"))
    _require(edges, "syn_weight", weight, np.isfinite(weight), "a finite number")
    count = edges.elements.numbers("nsyns")
    return np.asarray(weight * np.where(np.isnan(count), 1.0, count) * extra.get("sign", 1.0))


def _require_label(
    edges: Edges, name: str, texts: Sequence[str | None], numbers: np.ndarray, known: Sequence[Any]
) -> None:
    """Raise for the first edge whose text is not known."""
    bad = np.array([text not in known for text in texts], bool)[numbers]
    if bad.any():
        row = int(bad.argmax())
        raise SpikecudaValueError(
            f"{edges.elements.where(row)}: {name} must be one of "
            f"{', '.join(str(k) for k in known if k)} (got {texts[numbers[row]]!r:.80}); other "
            "synapses are made with net.connect"
        )


def _ports(
    edges: Edges, cells: Cells, mine: np.ndarray, weight: np.ndarray, receptor: Any
) -> dict[str, np.ndarray]:
    """Return which edges arrive at each receptor of some cells, masks by name."""
    ports = list(cells.kind.ports)
    if cells.kind.signed:
        return {ports[0]: mine & (weight >= 0), ports[1]: mine & (weight < 0)}
    if len(ports) == 1 and receptor is None:
        return {ports[0]: mine}
    number = np.full(weight.shape, np.nan) if receptor is None else receptor
    good = ~mine | np.isin(number, np.arange(1, len(ports) + 1))
    _require(
        edges, "receptor_type", number, good,
        f"from 1 to {len(ports)}, a receptor of {cells.template}",
    )  # fmt: skip
    return {port: mine & (number == i) for i, port in enumerate(ports, 1)}


def _given(values: np.ndarray, first: np.ndarray | None) -> np.ndarray:
    """Return values, in whose place come those of dynamics_params where there are any."""
    return values if first is None else np.where(np.isnan(first), values, first)


def _require(edges: Edges, name: str, values: np.ndarray, good: np.ndarray, need: str) -> None:
    """Raise for the first edge whose value is not good."""
    if not good.all():
        row = int((~good).argmax())
        got = "none" if np.isnan(values[row]) else f"{values[row]:g}"
        raise SpikecudaValueError(
            f"{edges.elements.where(row)}: {name} must be {need} (got {got}); it is a column of "
            f"the edges, of {edges.elements.types.path or 'their types'}, or in dynamics_params"
        )

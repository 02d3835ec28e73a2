"""Edges as synapses: from which node to which neuron, at which receptor, how strong, how late."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.json_file import read_json
from spikecuda.common.time_grid import nearest_steps, place_of
from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.formats.sonata.cells import Cells
from spikecuda.formats.sonata.config import Config
from spikecuda.formats.sonata.edges import Edges

# NEST's, where a file gives none.
DELAY = 1.0
MAX_DELAY = 0x7FFF
STATIC = (None, "static_synapse", "nest:static_synapse")
# Functions of the Brain Modeling Toolkit that are the weight times nsyns.
PLAIN_WEIGHTS = (None, "default_weight_fnc", "set_syn_weight", "wmax")
SYNAPSE_PARAMS = ("receptor_type", "delay", "weight", "sign", "level_of_detail")


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
    """

    source: str
    target: str
    cells: int
    port: str
    sources: np.ndarray
    targets: np.ndarray
    weight: np.ndarray
    delay: np.ndarray


def find_synapses(edges: Edges, cells: list[Cells], config: Config, dt: float) -> list[Synapses]:
    """Return the edges of a population, split by the cells and receptors that they arrive at."""
    elements = edges.elements
    if not elements.size:
        return []
    for name, known in (("model_template", STATIC), ("weight_function", PLAIN_WEIGHTS)):
        texts, numbers = elements.labels(name)
        bad = np.array([text not in known for text in texts], bool)[numbers]
        if bad.any():
            row = int(bad.argmax())
            raise SpikecudaValueError(
                f"{elements.where(row)}: {name} must be one of "
                f"{', '.join(str(k) for k in known if k)} (got {texts[numbers[row]]!r:.80}); other "
                "synapses are made with net.connect"
            )
    extra = _params(edges, config)
    weight = _given(elements.numbers("syn_weight"), extra.get("weight"))
    _require(edges, "syn_weight", weight, np.isfinite(weight), "a finite number")
    count = elements.numbers("nsyns")
    weight = weight * np.where(np.isnan(count), 1.0, count) * extra.get("sign", 1.0)
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
        for port, chosen in _ports(edges, some, mine, weight, extra.get("receptor_type")).items():
            if chosen.any():
                strength = np.abs(weight[chosen]) if some.kind.conductance else weight[chosen]
                result.append(Synapses(
                    edges.source.name, edges.target.name, number, port, edges.sources[chosen],
                    edges.targets[chosen], strength, delay[chosen],
                ))  # fmt: skip
    virtual = edges.target.virtual[edges.targets]
    if virtual.any():
        row = int(virtual.argmax())
        raise SpikecudaValueError(
            f"{elements.where(row)}: target_node_id must be a neuron (got the virtual node "
            f"{edges.target.ids[edges.targets[row]]:,} of {edges.target.name})"
        )
    return result


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


def _params(edges: Edges, config: Config) -> dict[str, np.ndarray]:
    """Return what dynamics_params say of each edge, by name; NaN: nothing."""
    elements = edges.elements
    result: dict[str, np.ndarray] = {}
    files, numbers = elements.labels("dynamics_params")
    for number, file in enumerate(files):
        chosen = numbers == number
        if file is None or not chosen.any():
            continue
        path = config.component("synaptic_models_dir", file, elements.where(int(chosen.argmax())))
        params = _synapse_file(str(path), read_json(path, "parameters of a synapse"))
        for name, value in params.items():
            column = result.setdefault(name, np.full(elements.size, np.nan))
            column[chosen] = value
    for name, values in elements.params().items():
        if name not in SYNAPSE_PARAMS:
            raise _unknown(f"{elements.path}, /edges/{elements.name}", name)
        result[name] = _given(result.get(name, np.full(elements.size, np.nan)), values)
    if "sign" in result:
        result["sign"] = np.where(np.isnan(result["sign"]), 1.0, result["sign"])
    return result


def _synapse_file(path: str, found: dict[str, Any]) -> dict[str, float]:
    result = {}
    for name, value in found.items():
        if name == "level_of_detail":  # of synapses with compartments; these act at once
            continue
        if name not in SYNAPSE_PARAMS:
            raise _unknown(path, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SpikecudaValueError(f"{path}: {name} must be a number (got {value!r:.80})")
        result[name] = float(value)
    return result


def _unknown(where: str, name: str) -> SpikecudaValueError:
    return SpikecudaValueError(
        f"{where}: static synapses have no parameter {name!r:.80}"
        f"{nearest(name, SYNAPSE_PARAMS)}; they have {', '.join(SYNAPSE_PARAMS[:4])}"
    )


def _require(edges: Edges, name: str, values: np.ndarray, good: np.ndarray, need: str) -> None:
    """Raise for the first edge whose value is not good."""
    if not good.all():
        row = int((~good).argmax())
        got = "none" if np.isnan(values[row]) else f"{values[row]:g}"
        raise SpikecudaValueError(
            f"{edges.elements.where(row)}: {name} must be {need} (got {got}); it is a column of "
            f"the edges, of {edges.elements.types.path or 'their types'}, or in dynamics_params"
        )

"""Nodes with neurons: which model each has here, and its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.json_file import read_json
from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.formats.sonata.cell_kinds import GLIF_LEVELS, KINDS, TAU_MINUS, CellKind, glif
from spikecuda.formats.sonata.config import Config
from spikecuda.formats.sonata.elements import Elements
from spikecuda.formats.sonata.glif_config import SWITCHES, TEMPLATES, glif_params
from spikecuda.formats.sonata.nodes import Nodes
from spikecuda.network.model.receptor import Receptor

POINT = ("point_neuron", "point_process", "point_soma")
# Lists of glif_psc, whose items are parameters of their own here.
LISTS = {"asc_init": 2, "asc_decay": 2, "asc_amps": 2, "asc_r": 2}
GLIF_PSC = "nest:glif_psc"


@dataclass(eq=False)
class Cells:
    """Nodes that share a model and its receptors.

    Attributes:
        kind: their model.
        template: its name in the files.
        rows: of the nodes within their population, int64 (cells,), ascending.
        params, initial: by our names, float64 (cells,) or a number.
        receptors: by name.
        current: constant, pA, float64 (cells,), or None.
        tau_minus: of synapses that learn onto them, ms, float64 (cells,) or a number.
    """

    kind: CellKind
    template: str
    rows: np.ndarray
    params: dict[str, Any]
    initial: dict[str, Any]
    receptors: dict[str, Receptor]
    current: np.ndarray | None
    tau_minus: Any


def find_cells(nodes: Nodes, config: Config) -> list[Cells]:
    """Return the cells of a population of nodes, those that are not virtual.

    Raises:
        SpikecudaValueError: a model that is not possible, or a parameter that it does not have;
            names the file and the row.
    """
    elements = nodes.elements
    models, templates = elements.texts("model_type"), elements.texts("model_template")
    files = elements.texts("dynamics_params")
    own = elements.params()
    _require_models(elements, models, templates)
    rows = np.flatnonzero(~nodes.virtual)
    named: dict[tuple[str, str | None], list[int]] = {}
    for row in rows:
        named.setdefault((templates[row], files[row]), []).append(int(row))
    found: dict[tuple[Any, ...], list[tuple[CellKind, str, np.ndarray, dict[str, Any]]]] = {}
    for (template, file), some in named.items():
        members = np.array(some)
        kind, values = _kind(elements, members, template, file, config)
        _overridden(elements, kind, members, own, values)
        times = {name for names in kind.ports.values() for name in names}
        receptors = sorted(times)
        split = np.stack(
            [np.broadcast_to(values[name], members.shape) for name in receptors], axis=1
        ) if receptors else np.zeros((members.size, 0))  # fmt: skip
        for key in np.unique(split, axis=0):
            chosen = np.flatnonzero((split == key).all(axis=1))
            part = {
                name: value if np.ndim(value) == 0 else value[chosen]
                for name, value in values.items()
            }
            part |= dict(zip(receptors, key.tolist(), strict=True))
            whole = (kind.model, kind.scheme, template.partition(":")[2], *key.tolist())
            found.setdefault(whole, []).append((kind, template, members[chosen], part))
    return [_joined(parts) for parts in found.values()]


def _require_models(elements: Elements, models: np.ndarray, templates: np.ndarray) -> None:
    """Raise for the first node that is neither virtual nor a point neuron with a known model."""
    known = [*KINDS, GLIF_PSC, *TEMPLATES]
    for model, template in dict.fromkeys(zip(models, templates, strict=True)):
        row = int(np.flatnonzero(np.equal(models, model) & np.equal(templates, template))[0])
        if model is None:
            raise SpikecudaValueError(
                f"{elements.where(row)}: model_type must be given (got none); write it in "
                f"{elements.types.path or 'a file of node types'} or in the nodes"
            )
        if model == "virtual":
            continue
        if model not in POINT:
            raise SpikecudaValueError(
                f"{elements.where(row)}: model_type must be {', '.join(POINT)} or virtual (got "
                f"{model!r:.80}, {template!r:.80}); cells with compartments need NEURON"
            )
        if template not in known:
            raise SpikecudaValueError(
                f"{elements.where(row)}: model_template must be one of {', '.join(known)} (got "
                f"{template!r:.80}{nearest(str(template), known)})"
            )


def _kind(
    elements: Elements, rows: np.ndarray, template: str, file: str | None, config: Config
) -> tuple[CellKind, dict[str, Any]]:
    """Return the model of some nodes, and the parameters that their type gives them."""
    where = elements.where(int(rows[0]))
    given: dict[str, Any] = {}
    if file is not None:
        path = config.component("point_neuron_models_dir", file, where)
        given, where = read_json(path, "parameters of a point neuron"), str(path)
    if template in TEMPLATES and given.get("type") == "GLIF":
        given = glif_params(where, template, given)
    elif template in TEMPLATES:
        given = {**dict(zip(SWITCHES, TEMPLATES[template], strict=True)), **given}
    given.pop("type", None)
    kind = KINDS.get(template)
    if kind is None:
        kind, given = _glif(where, given)
    values: dict[str, Any] = dict(kind.defaults)
    for name, value in given.items():
        number = _number(where, name, value)
        if name in values:
            values[name] = number
        elif name in kind.neutral:
            only, what = kind.neutral[name]
            if number != only:
                raise SpikecudaValueError(
                    f"{where}: {name} must be {only:g}, since {what} is not possible here (got "
                    f"{number:g})"
                )
        elif name not in kind.unread:
            raise SpikecudaValueError(
                f"{where}: {template} has no parameter {name!r:.80}{nearest(name, list(values))}; "
                f"it has {', '.join(values)}"
            )
    return kind, values


def _glif(where: str, given: Mapping[str, Any]) -> tuple[CellKind, dict[str, Any]]:
    """Return NEST's ``glif_psc`` with the mechanisms that are on, and its parameters."""
    rest = dict(given)
    switches = (
        bool(rest.pop(SWITCHES[0], False)), bool(rest.pop(SWITCHES[1], False)),
        bool(rest.pop(SWITCHES[2], False)),
    )  # fmt: skip
    if switches not in GLIF_LEVELS:
        chosen = ", ".join(name for name, on in zip(SWITCHES, switches, strict=True) if on)
        raise SpikecudaValueError(
            f"{where}: must have one of the five levels of GLIF (got only {chosen}); "
            "adapting_threshold goes with the other two"
        )
    taus = rest.pop("tau_syn", [2.0])
    taus = taus if isinstance(taus, list) else [taus]
    flat: dict[str, Any] = {f"tau_syn_{i}": tau for i, tau in enumerate(taus, 1)}
    for name, value in rest.items():
        if name not in LISTS:
            flat[name] = value
            continue
        items = value if isinstance(value, list) else [value]
        if len(items) > LISTS[name]:
            raise SpikecudaValueError(
                f"{where}: {name} must have at most 2 numbers, of two after-spike currents (got "
                f"{len(items)})"
            )
        neutral = 1.0 if name in ("asc_r", "asc_decay") else 0.0
        items = [*items, *[neutral] * (LISTS[name] - len(items))]
        flat.update({f"{name}_{i}": item for i, item in enumerate(items, 1)})
    return glif(switches, len(taus)), flat


def _number(where: str, name: str, value: Any) -> float:
    if not isinstance(value, int | float | bool):
        raise SpikecudaValueError(f"{where}: {name} must be a number (got {value!r:.80})")
    return float(value)


def _overridden(
    elements: Elements,
    kind: CellKind,
    rows: np.ndarray,
    own: Mapping[str, np.ndarray],
    values: dict[str, Any],
) -> None:
    """Put parameters that nodes have of their own in place of those of their types."""
    for name, column in own.items():
        mine = column[rows]
        given = ~np.isnan(mine)
        if not given.any() or name in kind.unread:
            continue
        if name not in values:
            raise SpikecudaValueError(
                f"{elements.where(int(rows[given.argmax()]))}: {kind.model} has no parameter "
                f"{name!r:.80} in dynamics_params{nearest(name, list(values))}; it has "
                f"{', '.join(values)}"
            )
        values[name] = np.where(given, mine, values[name])


def _joined(parts: list[tuple[CellKind, str, np.ndarray, dict[str, Any]]]) -> Cells:
    """Return cells of one model as one population, in the order of their rows."""
    kind, template = parts[0][0], parts[0][1]
    rows = np.concatenate([part[2] for part in parts])
    order = np.argsort(rows)
    columns: dict[str, Any] = {}
    for name in parts[0][3]:
        column = np.concatenate([np.broadcast_to(p[3][name], p[2].shape) for p in parts])[order]
        column = column * kind.scale.get(name, 1.0)
        columns[name] = float(column[0]) if (column == column[0]).all() else column
    current = None
    if kind.current is not None and np.any(columns[kind.current]):
        current = np.broadcast_to(columns[kind.current], rows.shape)
    receptors = {
        port: kind.makes(*[*(float(columns[n]) for n in names), 0.0, 0.0][:2])
        for port, names in kind.ports.items()
    }
    params = {ours: columns[theirs] for ours, theirs in kind.params.items()}
    return Cells(
        kind, template, rows[order], params,
        {ours: columns[theirs] for ours, theirs in kind.initial.items()}, receptors, current,
        columns.get("tau_minus", TAU_MINUS),
    )  # fmt: skip

"""A SONATA circuit as populations, projections and drives of a Network."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.host_memory import require_memory
from spikecuda.common.time_grid import nearest_step, places_of, steps_not_before
from spikecuda.errors import SpikecudaValueError
from spikecuda.formats.sonata.cell_kinds import VARIABLES
from spikecuda.formats.sonata.cells import Cells
from spikecuda.formats.sonata.clamps import Clamp
from spikecuda.formats.sonata.read import Circuit
from spikecuda.formats.sonata.reports import Report, recorded
from spikecuda.inputs.waveform import Waveform
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.rules import Pairs
from spikecuda.network.model.spike_train import SpikeTrain
from spikecuda.network.network import Network


@dataclass(frozen=True, eq=False)
class Part:
    """Nodes of a population of SONATA that are one population, or source, of the network.

    Attributes:
        name: in the network.
        rows: of the nodes, int64 (nodes,), ascending.
        ids: their node ids, int64 (nodes,).
        cells: what they are; None: virtual nodes.
    """

    name: str
    rows: np.ndarray
    ids: np.ndarray
    cells: Cells | None


@dataclass(frozen=True, eq=False)
class Learning:
    """Synapses whose weights a report has.

    Attributes:
        report: its file.
        projection: in the network.
        source, target: populations of SONATA, and the parts of them.
    """

    report: str
    projection: Projection
    source: tuple[str, Part]
    target: tuple[str, Part]


def build(
    net: Network, circuit: Circuit, reports: list[Report], duration: float
) -> tuple[dict[str, list[Part]], list[Learning]]:
    """Add a circuit to a network; return its populations by those of SONATA, and what is recorded.

    Args:
        net: the network.
        circuit: what was read.
        reports: what is to be recorded.
        duration: of the run, ms.
    """
    parts = {name: _parts(net, circuit, name) for name in circuit.nodes}
    for name, some in parts.items():
        for part in some:
            _record(net, reports, name, part)
            if part.cells is not None and part.cells.current is not None:
                net.drive(part.name, np.array(part.cells.current))
    places = {name: _places(circuit.nodes[name].size, some) for name, some in parts.items()}
    learning = []
    for synapses in circuit.synapses:
        target = [part for part in parts[synapses.target] if part.cells is not None]
        from_part, from_place = places[synapses.source]
        _, to_place = places[synapses.target]
        owner = from_part[synapses.sources]
        for number, source in enumerate(parts[synapses.source]):
            mine = owner == number
            if not mine.any():
                continue
            to = target[synapses.cells]
            pairs = Pairs(from_place[synapses.sources[mine]], to_place[synapses.targets[mine]])
            projection = net.connect(
                source.name, to.name, pairs, _same(synapses.weight[mine]),
                _same(synapses.delay[mine]), synapses.port, plasticity=synapses.rule,
                weight_bits=32 if synapses.rule is None else None,
            )  # fmt: skip
            if synapses.report is not None:
                net.record(source.name)
                net.record(projection, "weight", every=net.dt)
                ends = (synapses.source, source), (synapses.target, to)
                learning.append(Learning(synapses.report, projection, *ends))
    for clamp in circuit.clamps:
        _clamp(net, parts, clamp, duration)
    return parts, learning


def _parts(net: Network, circuit: Circuit, name: str) -> list[Part]:
    """Add the neurons of a population, and its virtual nodes as a source."""
    nodes, cells = circuit.nodes[name], circuit.cells[name]
    virtual = np.flatnonzero(nodes.virtual)
    several = len(cells) + bool(virtual.size) > 1
    parts = []

    def positions(rows: np.ndarray) -> np.ndarray | None:
        return None if nodes.positions is None else nodes.positions[rows]

    for number, some in enumerate(cells):
        ours = _name(net, f"{name}_{number}" if several else name)
        try:
            net.population(
                ours, some.rows.size, some.kind.model, some.params, some.initial,
                receptors=some.receptors, scheme=some.kind.scheme, positions=positions(some.rows),
            )  # fmt: skip
        except SpikecudaValueError as error:
            where = nodes.elements.where(int(some.rows[0]))
            raise SpikecudaValueError(f"{where}: {error}") from None
        parts.append(Part(ours, some.rows, nodes.ids[some.rows], some))
    if virtual.size:
        ours = _name(net, f"{name}_virtual" if several else name)
        rows, times = circuit.spikes.get(name, (np.empty(0, np.int64), np.empty(0)))
        sent = steps_not_before(times, net.dt) * net.dt
        train = SpikeTrain(sent, np.searchsorted(virtual, rows))
        net.source(ours, virtual.size, train, positions=positions(virtual))
        parts.append(Part(ours, virtual, nodes.ids[virtual], None))
    return parts


def _name(net: Network, name: str) -> str:
    """Return a name that the network can have: an identifier that it does not have yet."""
    plain = re.sub(r"\W", "_", name)
    plain = plain if plain[:1].isalpha() else f"n{plain}"
    number, result = 0, plain
    while result in net.populations:
        number += 1
        result = f"{plain}_{number}"
    return result


def _places(size: int, parts: list[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Return of each row the number of its part, and its place there."""
    owner, place = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for number, part in enumerate(parts):
        owner[part.rows], place[part.rows] = number, np.arange(part.rows.size)
    return owner, place


def _same(values: np.ndarray) -> Any:
    """Return one number for values that are all the same, which takes less memory."""
    return float(values[0]) if (values == values[0]).all() else values


def _record(net: Network, reports: list[Report], name: str, part: Part) -> None:
    """Record what the reports of a population need."""
    if part.cells is None:
        return
    net.record(part.name)
    wanted = recorded(reports, name, part.rows)
    if wanted is None:
        return
    mine, neurons, every = wanted
    known = [*net[part.name].neurons.model.states]
    for port, receptor in part.cells.receptors.items():
        known += [f"{state}_{port}" for state in receptor.spec(port).rules.states]
    for report in mine:
        if VARIABLES[report.variable] not in known:
            there = ", ".join(k for k, v in VARIABLES.items() if v in known)
            raise SpikecudaValueError(
                f"{report.where}: {part.cells.template} has no variable {report.variable} (got a "
                f"report of {name}); it has {there}"
            )
    states = list(dict.fromkeys(VARIABLES[report.variable] for report in mine))
    net.record(part.name, states, every=every * net.dt, only=neurons)


def _clamp(net: Network, parts: Mapping[str, list[Part]], clamp: Clamp, duration: float) -> None:
    """Drive neurons with a current of pieces.

    A device of NEST acts one step after its time, the delay of its connection.
    """
    steps = nearest_step(duration, net.dt) + 1
    require_memory(8.0 * steps, clamp.where, "use a larger dt")
    first, last = (
        np.ceil(places_of(np.minimum(times / net.dt, steps))).astype(np.int64) + 1
        for times in (clamp.start, clamp.stop)
    )
    step = np.arange(steps)
    piece = np.searchsorted(first, step, "right") - 1
    values = np.where((piece >= 0) & (step < last[piece]), clamp.amplitude[piece], 0.0)
    for name, rows in clamp.selection.items():
        for part in parts[name]:
            mine = np.flatnonzero(np.isin(part.rows, rows))
            if mine.size:
                net.drive(net[part.name][mine], Waveform(values, dt=net.dt))

"""A NIR graph as a Network that takes and returns arrays, as the libraries of NIR do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_positive, shown
from spikecuda.common.arrays import take_reals
from spikecuda.common.host_memory import require_memory
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest
from spikecuda.formats.nir.graph import CONVENTIONS, NEURONS, SILENT, Graph, read_graph
from spikecuda.formats.nir.models import TO_I, TO_V
from spikecuda.formats.nir.neurons import SUBTRACT, VALUE, Neurons, find_neurons
from spikecuda.formats.nir.paths import Paths, Signal, require_spikes
from spikecuda.formats.nir.timing import LAYERS, STEPS, late, shifts
from spikecuda.inputs.stimulus import Step
from spikecuda.inputs.waveform import Waveform
from spikecuda.network.model.receptors import Delta
from spikecuda.network.model.rules import Pairs
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult


@dataclass(eq=False)
class NIRNetwork:
    """A network, and how arrays go in and come out.

    Attributes:
        net: the network.
        names: by node of neurons: its population.
        shifts: by node of neurons: how many steps later it is here than in the file.
        inputs, outputs: shapes by node.
        result: of the last ``run``.
    """

    net: Network
    names: Mapping[str, str]
    shifts: Mapping[str, int]
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    result: NetworkResult | None = None
    _read: Mapping[str, Signal] = field(default_factory=dict, repr=False)
    _neurons: Mapping[str, Neurons] = field(default_factory=dict, repr=False)
    _silent: frozenset[str] = frozenset()
    _drives: dict[str, Any] = field(default_factory=dict, repr=False)

    def run(self, values: Any) -> Any:
        """Run from the beginning with an input; return what the outputs are.

        Args:
            values: of the input in each step, shape (steps, *shape of the input); with several
                inputs a dict of them by name.

        Returns:
            The output in each step, float64 (steps, *shape of the output): spikes are 0 or 1.  With
            several outputs a dict of them by name.

        Raises:
            SpikecudaValueError, SpikecudaTypeError: arrays of another shape.
        """
        given = self._given(values)
        steps = len(next(iter(given.values())))
        last = max(self.shifts.values(), default=0)
        net = self.net
        if net.time:
            net.reset()
        for name, signal in self._read.items():
            if name in self.names:
                current = self._current(name, signal, given, steps)
                if current is not None:
                    wave = Waveform(current, dt=net.dt, start=self.shifts[name] * net.dt)
                    if name in self._drives:
                        net.change_drive(self._drives[name], wave)
                    else:
                        self._drives[name] = net.drive(self.names[name], wave)
        self.result = net.run((steps + last) * net.dt)
        found = {name: self._output(name, given, steps) for name in self.outputs}
        return found if len(found) > 1 else next(iter(found.values()))

    def _given(self, values: Any) -> dict[str, np.ndarray]:
        """Return the inputs by name, each float64 (steps, values)."""
        if not isinstance(values, Mapping):
            values = dict.fromkeys(self.inputs, values) if len(self.inputs) == 1 else {}
        result: dict[str, np.ndarray] = {}
        for name, shape in self.inputs.items():
            if len(values) != len(self.inputs) or name not in values:
                raise SpikecudaTypeError(
                    f"values must be a dict of the inputs {', '.join(self.inputs)} (got "
                    f"{', '.join(map(str, values)) or 'one array'})"
                )
            array = take_reals(
                name, values[name], f"an array (steps, {', '.join(map(str, shape))})"
            )
            if array.ndim < 2 or array.shape[1:] != shape or not len(array):
                raise SpikecudaValueError(
                    f"{name} must have shape (steps, {', '.join(map(str, shape))}) (got "
                    f"{array.shape})"
                )
            result[name] = array.reshape(len(array), -1)
        if len({len(array) for array in result.values()}) > 1:
            raise SpikecudaValueError(
                f"inputs must have one number of steps (got "
                f"{', '.join(f'{n}: {len(a)}' for n, a in result.items())})"
            )
        return result

    def _current(
        self, name: str, signal: Signal, given: Mapping[str, np.ndarray], steps: int
    ) -> np.ndarray | None:
        """Return what the inputs add to neurons in each step, or None."""
        total = _from_ends(signal, given, steps)
        return None if total is None else total * self._neurons[name].drive

    def _output(self, name: str, given: Mapping[str, np.ndarray], steps: int) -> np.ndarray:
        signal = self._read[name]
        ends = {end for end, _ in signal.maps}
        sent = {end: self._sent(end, steps) for end in ends if end in self.names}
        total = _from_ends(signal, {**given, **sent}, steps)
        result = np.zeros((steps, signal.size)) if total is None else total
        for (delay, _), constant in signal.constants.items():
            result[delay:] += constant
        return result.reshape(steps, *self.outputs[name])

    def _sent(self, end: str, steps: int) -> np.ndarray:
        """Return the spikes, or of neurons without spikes the potential, of each step."""
        assert self.result is not None
        first, population = self.shifts[end], self.names[end]
        size = self.result.sizes[population]
        if end in self._silent:
            return self.result.traces[population]["v"][first : first + steps].astype(np.float64)
        spikes = self.result.spikes[population]
        sent = np.zeros((steps, size))
        step = spikes.step - first
        good = (step >= 0) & (step < steps)
        sent[step[good], spikes.neuron[good]] = 1.0
        return sent


def _from_ends(signal: Signal, sent: Mapping[str, np.ndarray], steps: int) -> np.ndarray | None:
    """Return the sum of what some ends send, float64 (steps, values); None: they send nothing."""
    total: np.ndarray | None = None
    for (end, delay), matrix in signal.maps.items():
        if end not in sent or not matrix.nnz:
            continue
        require_memory(16.0 * steps * signal.size, f"{steps:,} steps of input", "run fewer steps")
        total = np.zeros((steps, signal.size)) if total is None else total
        if delay < steps:
            total[delay:] += (matrix @ sent[end][: steps - delay].T).T
    return total


def from_nir(
    graph: Any,
    *,
    dt: float | None = None,
    reset: str | None = None,
    timing: str | None = None,
    **options: Any,
) -> NIRNetwork:
    """Read a graph of the Neuromorphic Intermediate Representation.

    NIR describes neurons in continuous time.  A file has neither the length of a step nor the kind
    of reset, so they must be given, unless the file was written by ``to_nir``.  Neurons are
    integrated by forward Euler, the synaptic current first; a spike when v > v_threshold, with the
    reset in the same step, as in snnTorch and Norse.  v begins at v_leak.

    Args:
        graph: file (``.nir``), or a ``nir.NIRGraph``.
        dt: length of a step, ms; times in the graph are in s.
        reset: "value": to v_reset; "subtract": by the threshold.
        timing: "layers": spikes pass all layers within a step, and an edge from a population to
            itself carries those of the step before (default); "steps": every edge does.
        options: of ``Network``: precision, threads, devices, seed.

    Returns:
        The network; ``run(values)`` runs it.

    Raises:
        SpikecudaValueError: a node that is not possible here, shapes that do not fit; the message
            names the file and the node.
        MissingPackageError: nir is not installed: ``pip install "spikecuda[nir]"``.

    Source: Pedersen et al. (2024) Nat Commun 15:8122.
    """
    found = read_graph(graph)
    chosen = _conventions(found, dt, reset, timing)
    step, kind, when = chosen
    paths = Paths(found, step * 1e-3)
    names = [name for name in found.nodes if found.kind(name) in NEURONS]
    outputs = [name for name in found.nodes if found.kind(name) == "Output"]
    read = {name: paths.read(name) for name in (*names, *outputs)}
    neurons: dict[str, Neurons] = {}
    for name in names:
        size = int(np.prod(paths.shape(name)))
        if read[name].size not in (size, 1) and size != 1:
            raise SpikecudaValueError(
                f"{found.where}: node {name!r} must read {size:,} values, one for each neuron (got "
                f"{read[name].size:,})"
            )
        require_spikes(found, name, read[name])
        size = max(size, read[name].size)
        neurons[name] = find_neurons(found, name, size, step * 1e-3, kind)
    links = _links(read, names)
    shift = shifts(found.where, names, links, when)
    net = Network(dt=step, **options)
    populations = _populations(net, found, neurons)
    for name in names:
        _connect(net, found, name, read[name], neurons, populations, shift, when)
        for (delay, ends), constant in read[name].constants.items():
            # What comes along with spikes of the step before is not there in the first step.
            first = min(late(when, end, name) if end in neurons else 0 for end in ends)
            start = (shift[name] + delay + first) * step
            net.drive(populations[name], Step(constant * neurons[name].drive, start=start))
    inputs = {n: paths.shape(n) for n in found.nodes if found.kind(n) == "Input"}
    shapes = {name: read[name].shape for name in outputs}
    silent = frozenset(name for name in names if found.kind(name) in SILENT)
    return NIRNetwork(net, populations, shift, inputs, shapes, None, read, neurons, silent)


def _conventions(
    graph: Graph, dt: float | None, reset: str | None, timing: str | None
) -> tuple[float, str, str]:
    """Return step, reset and timing: as given, or else as ``to_nir`` wrote them."""
    # Other tools may write any metadata, as a dt in seconds; all of these are only in ours.
    ours = all(name in graph.metadata for name in CONVENTIONS)
    known = graph.metadata if ours else {}
    if dt is None and "dt" in known:
        dt = float(np.asarray(known["dt"]))
    if dt is None:
        raise SpikecudaValueError(
            f"{graph.where}: dt must be given in ms, since NIR files have none (got None)"
        )
    texts = {}
    for name, value, choices, default in (
        ("reset", reset, (VALUE, SUBTRACT), None), ("timing", timing, (LAYERS, STEPS), LAYERS)
    ):  # fmt: skip
        if value is None and name in known:
            stored = known[name]
            value = stored.decode() if isinstance(stored, bytes) else str(stored)
        value = default if value is None else value
        if value not in choices:
            raise SpikecudaValueError(
                f"{name} must be {' or '.join(choices)}, since NIR files do not say it (got "
                f"{shown(value)}){nearest(str(value), choices)}"
            )
        texts[name] = value
    return as_positive("dt", dt, "ms"), texts["reset"], texts["timing"]


def _links(read: Mapping[str, Signal], names: list[str]) -> dict[tuple[str, str], int]:
    """Return the shortest delay of each edge between populations."""
    result: dict[tuple[str, str], int] = {}
    for name in names:
        for (end, delay), matrix in read[name].maps.items():
            if end in names and matrix.nnz:
                result[end, name] = min(delay, result.get((end, name), delay))
    return result


def _populations(net: Network, graph: Graph, neurons: Mapping[str, Neurons]) -> dict[str, str]:
    """Add the populations; return their names by those of their nodes."""
    result: dict[str, str] = {}
    for name, some in neurons.items():
        plain = "".join(c if c.isalnum() else "_" for c in name)
        plain = plain if plain[:1].isalpha() else f"n{plain}"
        while plain in net.populations:
            plain += "_"
        ports = {TO_V: Delta()} if some.gain is None else {TO_I: Delta(), TO_V: Delta()}
        try:
            net.population(
                plain, some.drive.size, some.model, some.params, some.initial, receptors=ports
            )
        except SpikecudaValueError as error:
            raise SpikecudaValueError(f"{graph.where}, {name}: {error}") from None
        if graph.kind(name) in SILENT:
            net.record(plain, "v")
        net.record(plain)
        result[name] = plain
    return result


def _connect(
    net: Network,
    graph: Graph,
    name: str,
    signal: Signal,
    neurons: Mapping[str, Neurons],
    populations: Mapping[str, str],
    shift: Mapping[str, int],
    timing: str,
) -> None:
    """Connect what a node of neurons reads from others."""
    some = neurons[name]
    for (end, delay), matrix in signal.maps.items():
        entries = matrix.tocoo()
        if end not in neurons or not entries.nnz:
            continue
        # As many steps as in the file, and what this population is later than the other one.
        steps = shift[name] - shift[end] + late(timing, end, name) + delay
        weight = entries.data * some.jump[entries.row]
        ports = [(TO_V, weight)]
        if some.gain is not None:
            ports = [(TO_I, weight), (TO_V, weight * some.gain[entries.row])]
        for port, values in ports:
            rule = Pairs(entries.col, entries.row)
            net.connect(
                populations[end], populations[name], rule, values, steps * net.dt, port,
                weight_bits=32,
            )  # fmt: skip

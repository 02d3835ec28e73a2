"""What each neuron of a NIR graph reads: linear maps of spikes and inputs, and constants."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.common.time_grid import nearest_steps
from spikecuda.errors import SpikecudaValueError
from spikecuda.formats.nir.graph import NEURONS, SILENT, Graph
from spikecuda.formats.nir.linear import linear_map


@dataclass
class Signal:
    """A sum of delayed linear maps of what ends send, and constants.

    Attributes:
        shape: of its values.
        maps: by (end, delay in steps): a CSR matrix (values, values of the end).
        constants: by (delay in steps, ends that it came along with): float64 (values,), on from the
            first step in which one of the ends has sent something.
    """

    shape: tuple[int, ...]
    maps: dict[tuple[str, int], Any] = field(default_factory=dict)
    constants: dict[tuple[int, frozenset[str]], np.ndarray] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    def add(self, other: "Signal") -> None:
        """Add another signal of the same size."""
        for key, matrix in other.maps.items():
            self.maps[key] = self.maps[key] + matrix if key in self.maps else matrix
        for origin, values in other.constants.items():
            self.constants[origin] = self.constants.get(origin, 0.0) + values


class Paths:
    """The signals of a graph, worked out from the outputs back.

    Args:
        graph: the graph.
        dt: length of a step, in s.
    """

    def __init__(self, graph: Graph, dt: float) -> None:
        self._graph, self._dt = graph, dt
        self._found: dict[str, Signal] = {}
        self._within: set[str] = set()

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of what an end sends: an input, or neurons."""
        kind, node = self._graph.kind(name), self._graph.nodes[name]
        if kind == "Input":
            declared = node.input_type["input"]
            if declared is None or not len(declared):
                raise SpikecudaValueError(
                    f"{self._graph.where}: input {name!r} must have a shape (got {declared})"
                )
            return tuple(int(n) for n in declared)
        first = {"IF": "r", "I": "r", "Threshold": "threshold"}.get(kind)
        first = first or ("tau_mem" if kind.startswith("Cuba") else "tau")
        return tuple(np.atleast_1d(getattr(node, first)).shape)

    def read(self, name: str) -> Signal:
        """Return what a node reads: the sum of what comes along its edges."""
        before = self._graph.before(name)
        if not before:
            raise SpikecudaValueError(
                f"{self._graph.where}: node {name!r} must read something (got no edge to it)"
            )
        result = Signal(self._sent(before[0]).shape)
        for other in before:
            sent = self._sent(other)
            if sent.size != result.size:
                raise SpikecudaValueError(
                    f"{self._graph.where}: node {name!r} must read values of one size (got "
                    f"{sent.size:,} from {other!r} and {result.size:,} from {before[0]!r})"
                )
            result.add(sent)
        return result

    def _sent(self, name: str) -> Signal:
        """Return what a node sends on."""
        if name not in self._found:
            if name in self._within:
                raise SpikecudaValueError(
                    f"{self._graph.where}: a circle must have neurons in it (got one of linear "
                    f"nodes through {name!r})"
                )
            self._within.add(name)
            self._found[name] = self._of(name)
            self._within.remove(name)
        return self._found[name]

    def _of(self, name: str) -> Signal:
        from scipy import sparse

        kind = self._graph.kind(name)
        if kind == "Input" or kind in NEURONS:
            shape = self.shape(name)
            size = int(np.prod(shape))
            return Signal(shape, {(name, 0): sparse.identity(size, format="csr")})
        if kind == "Output":
            raise SpikecudaValueError(
                f"{self._graph.where}: output {name!r} must send nothing (got an edge from it)"
            )
        read = self.read(name)
        where = f"{self._graph.where}, {name}"
        if kind == "Delay":
            return self._delayed(where, name, read)
        matrix, bias, shape = linear_map(where, kind, self._graph.nodes[name], read.shape)
        result = Signal(shape, {key: matrix @ part for key, part in read.maps.items()})
        result.constants = {origin: matrix @ values for origin, values in read.constants.items()}
        if bias is not None and bias.any():
            ends = frozenset(end for end, _ in read.maps)
            result.add(Signal(shape, {}, {(0, ends): bias}))
        return result

    def _delayed(self, where: str, name: str, read: Signal) -> Signal:
        """Return a signal whose values are late, each by its own number of steps."""
        delay = np.broadcast_to(
            np.asarray(self._graph.nodes[name].delay, np.float64).ravel(), read.size
        )
        if not (np.isfinite(delay).all() and (delay >= 0).all()):
            raise SpikecudaValueError(f"{where}: delay must be finite and >= 0 s")
        steps = nearest_steps(delay, self._dt)
        result = Signal(read.shape)
        from scipy import sparse

        for late in np.unique(steps):
            chosen = sparse.diags((steps == late).astype(np.float64), format="csr")
            part = {(end, d + int(late)): chosen @ m for (end, d), m in read.maps.items()}
            constants = {
                (d + int(late), ends): (steps == late) * c
                for (d, ends), c in read.constants.items()
            }
            result.add(Signal(read.shape, part, constants))
        return result


def require_spikes(graph: Graph, name: str, signal: Signal) -> None:
    """Raise if a neuron reads the potential of neurons that send no spikes."""
    for end, _ in signal.maps:
        if graph.kind(end) in SILENT:
            raise SpikecudaValueError(
                f"{graph.where}: node {name!r} must read spikes or inputs (got the potential of "
                f"{end!r}, {graph.kind(end)}, which only an Output can read)"
            )

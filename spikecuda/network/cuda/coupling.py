"""What couples neurons by their states on a CUDA device: buffers, and launches of a step."""

from collections.abc import Callable
from typing import Any

import numpy as np

from spikecuda.devices.memory import Buffer
from spikecuda.kernels import couple_routines as routines
from spikecuda.network.cuda.run_context import RunContext
from spikecuda.network.cuda.samples import Launch
from spikecuda.network.model.coupling import CoupledRows, CoupledValue, jumps

# Launches a kernel with what a window adds to its arguments.
Do = Callable[[Launch, dict[str, Any]], None]


class Couplings:
    """The couplings of a network on one device, for a run.

    Args:
        context: of the run.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        resident = context.resident
        coupled = resident.wiring.coupled
        self._real = np.dtype(resident.neurons[0].population.neurons.precision.real)
        self._buffers: dict[Any, Buffer] = {}
        self._begin: list[Launch] = []
        self._gather: list[Launch] = []
        self._end: list[Launch] = []
        self._again: list[Launch] = []
        self._kept: list[Launch] = []
        if not coupled:
            return
        values: dict[tuple[int, Any], CoupledValue] = {}
        twice: set[tuple[int, Any]] = set()
        for rows in coupled:
            for g, value in rows.reads():
                values[g, value.given] = value
                if rows.coupling.iterated:
                    twice.add((g, value.given))
        for (g, given), value in values.items():
            self._begin += self._value(g, value, "begin")
            if (g, given) in twice:
                self._end += [*self._value(g, value, "end"), self._mean(g, value)]
        before: set[tuple[int, str]] = set()
        for number, rows in enumerate(coupled):
            add = (rows.target, rows.receptor) in before
            before.add((rows.target, rows.receptor))
            self._gather.append(self._sum(number, rows, add, "begin"))
            if twice:
                which = "mean" if rows.coupling.iterated else "begin"
                self._again.append(self._sum(number, rows, add, which))
        if twice:
            self._keep()

    def __bool__(self) -> bool:
        return bool(self._gather)

    def receive(self, launch: Do, update: Callable[[], None]) -> None:
        """Let neurons receive what they are coupled to, before the update of a step.

        Args:
            launch: launches a kernel.
            update: launches the updates of the step.
        """
        for each in (*self._begin, *self._gather):
            launch(each, {})
        if not self._end:
            return
        for each in self._kept:
            launch(each, {"_back": np.int64(0)})
        update()
        for each in self._end:
            launch(each, {})
        for each in self._kept:
            launch(each, {"_back": np.int64(1)})
        for each in self._again:
            launch(each, {})

    def _place(self, g: int) -> tuple[np.int64, list[tuple[int, int]]]:
        """Return where a population's neurons begin on the device, and the range of them."""
        share = self._context.resident.share
        return np.int64(share.places[g]), [(0, int(share.counts[g]))]

    def _read(self, what: str, g: int, given: Any) -> Buffer:
        """Return the buffer of values of a population at the start of a step, or of the mean."""
        key = (what, g, given)
        if key not in self._buffers:
            size = self._context.resident.neurons[g].population.size
            self._buffers[key] = self._context.new("coupled values", size, self._real)
        return self._buffers[key]

    def _value(self, g: int, value: CoupledValue, to: str) -> list[Launch]:
        """Return the launch that writes what is read of a population; none of a parameter."""
        resident = self._context.resident
        spec = resident.neurons[g].population.neurons
        offset, ranges = self._place(g)
        arguments: dict[str, Any] = {"_offset": offset}
        kinds = []
        for n, name in enumerate(value.takes):
            if name not in spec.model.states:
                kinds.append(routines.PARAMETER)
                given = np.broadcast_to(spec.params[name], (spec.count,)).astype(self._real)
                arguments[f"_a{n}"] = self._context.put(name, given)
                continue
            arguments[f"_a{n}"] = resident.states[name]
            kinds.append(routines.HALF if spec.precision.half else routines.STATE)
            if spec.precision.half:
                for part in ("origin", "unit"):
                    number = getattr(spec.codecs[name], part)
                    arguments[f"_{part}{n}"] = self._real.type(number)
        if value.source is None and kinds == [routines.PARAMETER]:
            self._buffers[to, g, value.given] = arguments["_a0"]
            return []
        arguments["_out"] = self._read(to, g, value.given)
        made = routines.value(value.text, tuple(kinds), self._real.name)
        return [Launch(self._context.device.kernel(made), arguments, ranges)]

    def _mean(self, g: int, value: CoupledValue) -> Launch:
        """Return the launch that writes the mean of what is read at both ends of a step."""
        resident = self._context.resident
        offset, ranges = self._place(g)
        arguments: dict[str, Any] = {
            "_begin": self._read("begin", g, value.given),
            "_end": self._read("end", g, value.given),
            "_out": self._read("mean", g, value.given), "_bits": resident.bits, "_offset": offset,
            "_jumps": np.int64(jumps(resident.neurons[g].population.neurons.model)),
        }  # fmt: skip
        kernel = self._context.device.kernel(routines.mean(self._real.name))
        return Launch(kernel, arguments, ranges)

    def _sum(self, number: int, rows: CoupledRows, add: bool, which: str) -> Launch:
        resident, value = self._context.resident, rows.coupling.value
        less = rows.coupling.difference
        offset, ranges = self._place(rows.target)
        values = [self._read(which, g, read.given) for g, read in rows.reads()]
        arguments: dict[str, Any] = {
            **resident.coupled[number], "_weight": np.float64(rows.weight), "_offset": offset,
            "_strength": np.float64(rows.coupling.strength),
            "_values": values[0], "_own": values[-1],
            **{f"_a{n}": buffer for n, buffer in enumerate(values)},
            "_out": resident.states[f"_x_{rows.receptor}_i"], "_less": np.int64(less),
            "_add": np.int64(add),
        }  # fmt: skip
        made = routines.gather(self._real.name)
        if value.sides:
            made = routines.pairs(value.text, value.sides, self._real.name)
        kernel = self._context.device.kernel(made)
        return Launch(kernel, arguments, ranges)

    def _keep(self) -> None:
        """Make what keeps the states and what arrives at the start of an iterated step."""
        resident, context = self._context.resident, self._context
        cells = resident.ports * resident.share.size
        rooms = [(buffer, buffer.size, 0, 0) for buffer in resident.states.values()]
        rooms.append((resident.cells, cells, resident.ring - 1, cells))
        for buffer, size, ring, slot in rooms:
            arguments = {
                "_from": buffer, "_kept": context.new("kept", size, buffer.dtype),
                "_ring": np.int64(ring), "_slot": np.int64(slot),
            }  # fmt: skip
            kernel = context.device.kernel(routines.keep(np.dtype(buffer.dtype).name))
            self._kept.append(Launch(kernel, arguments, [(0, size)]))

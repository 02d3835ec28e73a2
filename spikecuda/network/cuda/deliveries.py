"""The kernels that deliver a run's spikes on a CUDA device."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.devices.memory import Buffer
from spikecuda.network.cuda.delivery import Delivery, choose
from spikecuda.network.cuda.procedural_rows import ProceduralRows
from spikecuda.network.cuda.row_tables import RowTable
from spikecuda.network.cuda.run_context import RunContext
from spikecuda.network.cuda.samples import Launch
from spikecuda.network.run.window import most_spikes


class Deliveries:
    """How each row table, and each procedural projection, is delivered.

    Args:
        context: of the run.

    Attributes:
        own: launches for spikes of the network's neurons.
        given: launches for given spikes.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self.own: list[Launch] = []
        self.given: list[Launch] = []
        p, request = context.resident, context.request
        neurons = sum(n.population.size for n in p.neurons)
        dt = p.neurons[0].population.neurons.dt
        self._spikes = neurons * request.rate * request.window * dt * 1e-3
        # Spikes of other partitions are delivered by the same launches.
        worst = sum(n.population.size * most_spikes(n, request.window) for n in p.neurons)
        self._most = max(1, worst, min(request.external.size, 1 << 20))
        for row_table, arrays in p.row_tables:
            self.own.append(self._row_table(row_table, arrays, False))
            sources = p.sources[: row_table.lengths.size]
            if request.external.size and row_table.lengths[sources].any():
                self.given.append(self._row_table(row_table, arrays, True))
        for drawn, arrays in p.drawn:
            if not drawn.given:
                self.own.append(self._drawn(drawn, arrays))
            elif request.external.size:
                self.given.append(self._drawn(drawn, arrays))

    def _row_table(self, row_table: RowTable, arrays: Mapping[str, Buffer], given: bool) -> Launch:
        """Return the launch that delivers a row table."""
        device, window = self._context.device, self._context.request.window
        choice = choose(
            row_table,
            window,
            self._spikes,
            self._most,
            device.resident_threads,
            device.block,
            given,
        )
        return self._launch(choice, {f"_{name}": buffer for name, buffer in arrays.items()})

    def _drawn(self, drawn: ProceduralRows, arrays: Mapping[str, Buffer]) -> Launch:
        """Return the launch that delivers a procedural projection."""
        context, p = self._context, self._context.resident
        device = context.device
        choice = drawn.delivery(self._spikes, self._most, device.resident_threads, device.block)
        values: dict[str, Any] = {f"_{name}": buffer for name, buffer in arrays.items()}
        for name, value in drawn.scalars.items():
            values[f"_{name}"] = np.int64(value) if isinstance(value, int) else value
        values["_events"] = p.events_drawn
        if drawn.words:
            warps = choice.blocks * device.block // 32
            values["_seen"] = context.new("marks of targets", warps * drawn.words, np.uint32)
        return self._launch(choice, values)

    def _launch(self, choice: Delivery, values: dict[str, Any]) -> Launch:
        p, device = self._context.resident, self._context.device
        values |= {f"_{name}": np.int64(number) for name, number in choice.options.items()}
        values |= {
            "_cells": p.cells, "_ring": np.int64(p.ring - 1),
            "_stride": np.int64(p.ports * p.share.size),
            "_numbers_each": np.int64(p.replicas.numbers),
            "_places_each": np.int64(p.replicas.places),
        }  # fmt: skip
        threads = choice.blocks * device.block
        return Launch(device.kernel(choice.routine), values, [(0, threads)])

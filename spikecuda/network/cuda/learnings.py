"""The kernels of a run on a CUDA device that let synapses learn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.devices.base import Kernel
from spikecuda.devices.memory import Buffer
from spikecuda.kernels import learn_routines
from spikecuda.kernels.spec import SPIKE_BITS
from spikecuda.network.cuda.learning import Learning
from spikecuda.network.cuda.run_context import RunContext
from spikecuda.network.cuda.step_input import by_number
from spikecuda.network.run.window import most_spikes


class Learnings:
    """What learns in a run: kernels with their arguments, but for those that change.

    Args:
        context: of the run.

    Attributes:
        given: whether given spikes are delivered to synapses that learn.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        p, request = context.resident, context.request
        self._learning = p.learning
        self._incoming: Buffer | None = None
        self.given = request.external.size > 0 and any(t.rows.given for t in self._learning)
        neurons = sum(n.population.size for n in p.neurons)
        dt = p.neurons[0].population.neurons.dt
        self._spikes = neurons * request.rate * request.window * dt * 1e-3
        worst = sum(n.population.size * most_spikes(n, request.window) for n in p.neurons)
        self._most = max(1, worst, min(request.external.size, 1 << 20))
        self._launches = [self._kernels(learning) for learning in self._learning]
        self._end = context.device.kernel(learn_routines.end_sweep()) if self._learning else None

    def sweep(self, own: Mapping[str, Any]) -> None:
        """Sweep weights where a history is nearly full: before a window, or a few of them.

        Args:
            own: the arguments of the slot's list.
        """
        for learning, launches in zip(self._learning, self._launches, strict=True):
            if not learning.rows.spec.rule.learns:
                continue
            rows = max(ends.size for ends in learning.row_ends.values())
            kernel, values = launches["sweep"]
            learning.launch(kernel, {**values, **own}, learning.threads(rows))
            assert self._end is not None
            learning.launch(self._end, {**values, **own}, 1)

    def learn(self, own: Mapping[str, Any], steps: int) -> None:
        """Keep a window's own spikes, and deliver them."""
        p = self._context.resident
        more = {
            **own, SPIKE_BITS: p.bits, "_valid": p.valid, "_steps": np.int64(steps),
            "_words": np.int64(p.share.size // 32),
        }  # fmt: skip
        for learning, launches in zip(self._learning, self._launches, strict=True):
            if learning.kept:
                kernel, values = launches["keep"]
                learning.launch(kernel, {**values, **more}, 32 * learning.kept)
            self._deliver(learning, launches["learn"], own)

    def learn_given(
        self, own: Mapping[str, Any], spikes: Mapping[str, Any], by_source: Mapping[str, Any]
    ) -> None:
        """Keep a window's given spikes, and deliver them.

        Args:
            own: the arguments of the slot's list.
            spikes, by_source: those of the given spikes, and of the same by source.
        """
        for learning, launches in zip(self._learning, self._launches, strict=True):
            if learning.rows.given:
                kernel, values = launches["keep listed"]
                more = {**own, "_given": np.int64(1)}
                learning.launch(kernel, {**values, **more, **by_source}, self._threads())
                self._deliver(learning, launches["learn"], {**more, **spikes})

    def receive(self, spikes: np.ndarray, listed: Mapping[str, Any]) -> None:
        """Keep spikes that others sent in a window, and deliver them.

        Args:
            spikes: sorted by step.
            listed: the arguments of the list, which is on the device.
        """
        if not self._learning:
            return
        device = self._context.device
        if self._incoming is None or self._incoming.size < spikes.size:
            self._incoming = self._context.new("spikes of others", 2 * spikes.size, np.int64)
        device.write(self._incoming, np.sort(by_number(spikes)))
        for learning, launches in zip(self._learning, self._launches, strict=True):
            kernel, values = launches["keep listed"]
            learning.launch(
                kernel, {**values, **listed, "_sorted": self._incoming}, self._threads()
            )
            self._deliver(learning, launches["learn"], listed)

    def _threads(self) -> int:
        """Return the threads that go through a list."""
        block = self._context.device.block
        return block * max(1, min(self._context.device.resident_threads, self._most) // block)

    def _deliver(
        self, learning: Learning, launch: tuple[Kernel, dict[str, Any]], more: Mapping[str, Any]
    ) -> None:
        kernel, values = launch
        learning.launch(kernel, {**values, **more}, int(values["_threads"]))

    def _kernels(self, learning: Learning) -> dict[str, tuple[Kernel, dict[str, Any]]]:
        """Return the kernels of a rule with their arguments."""
        p, device, spec = self._context.resident, self._context.device, learning.rows.spec
        request = self._context.request
        block, lanes = device.block, 1 << learning.group
        most_blocks = max(1, device.resident_threads // block)
        groups = most_blocks * block // lanes
        # With few spikes, several groups of lanes share a row.
        pieces = max(1, min(learning.longest, round(groups / max(self._spikes, 1.0))))
        # Items are counted in 32 bits.
        pieces = min(pieces, max(1, (2**32 - 1) // (self._most * learning.rows.most)))
        items = pieces * self._most * learning.rows.most
        threads = min(most_blocks, -(-items * lanes // block)) * block
        values = {
            **learning.values, "_cells": p.cells, "_ring": np.int64(p.ring - 1),
            "_stride": np.int64(p.ports * p.share.size), "_pieces": np.int64(pieces),
            "_threads": threads, "_given": np.int64(0),
        }  # fmt: skip
        wanted = {
            "keep": learn_routines.keep_spikes(spec),
            "learn": learn_routines.learn_rows(spec),
        }
        if spec.rule.learns:
            wanted["sweep"] = learn_routines.sweep_rows(spec)
        if self.given or not request.single:
            wanted["keep listed"] = learn_routines.keep_listed(spec)
        return {name: (device.kernel(routine), values) for name, routine in wanted.items()}

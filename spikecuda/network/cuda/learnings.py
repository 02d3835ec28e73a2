"""The kernels of a run on a CUDA device that let synapses learn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.devices.memory import Buffer
from spikecuda.devices.work import Kernel
from spikecuda.kernels import learn_routines
from spikecuda.kernels.network.learn_tables import KEPT
from spikecuda.kernels.spec import SPIKE_BITS
from spikecuda.network.cuda.inbox import Inbox
from spikecuda.network.cuda.learning import Learning
from spikecuda.network.cuda.run_context import RunContext
from spikecuda.network.cuda.step_input import by_number
from spikecuda.network.run.window import most_spikes


@dataclass(frozen=True, eq=False)
class WindowLists:
    """A window's spikes on a device, as the arguments of kernels.

    Attributes:
        own: of the partition's neurons.
        steps: of the window.
        given: given spikes in the order of their steps, and by source; None: there are none.
    """

    own: dict[str, Any]
    steps: int
    given: tuple[dict[str, Any], dict[str, Any]] | None = None


class Learnings:
    """What learns in a run: kernels with their arguments, but for those that change.

    Args:
        context: of the run.
        inboxes: bits of other partitions, whose spikes are in the list of a window, too.

    Attributes:
        given: whether given spikes are delivered to synapses that learn.
    """

    def __init__(self, context: RunContext, inboxes: Sequence[Inbox] = ()) -> None:
        self._context = context
        p, request = context.resident, context.request
        self._learning = p.learning
        self._incoming: Buffer | None = None
        self.given = request.external.size > 0 and any(
            learning.rows.given or learning.modulated for learning in self._learning
        )
        neurons = sum(n.population.size for n in p.neurons)
        dt = p.neurons[0].population.neurons.dt
        self._spikes = neurons * request.rate * request.window * dt * 1e-3
        worst = sum(n.population.size * most_spikes(n, request.window) for n in p.neurons)
        self._most = max(1, worst, min(request.external.size, 1 << 20))
        self._launches = [self._kernels(learning) for learning in self._learning]
        self._inboxes = [
            [(inbox, kept) for inbox in inboxes if (kept := inbox.kept(learning)) is not None]
            for learning in self._learning
        ]

    @property
    def waits(self) -> bool:
        """Whether some synapses learn once a window's spikes of all partitions are known."""
        return any(map(self._later, self._learning))

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
            kernel, values = launches["end"]
            learning.launch(kernel, {**values, **own}, 1)

    def learn(self, lists: WindowLists) -> None:
        """Let synapses learn from a window's spikes, but for those that wait for others'."""
        for learning, launches in zip(self._learning, self._launches, strict=True):
            if not self._later(learning):
                self._learn(learning, launches, lists)

    def receive(self, lists: WindowLists, spikes: np.ndarray, listed: Mapping[str, Any]) -> None:
        """Let synapses learn from what others sent in a window, and those that waited from all.

        Args:
            lists: of the window's own spikes.
            spikes: sorted by step.
            listed: the arguments of the list, which is on the device.
        """
        if not self._learning:
            return
        device, by_source = self._context.device, None
        if spikes.size:
            if self._incoming is None or self._incoming.size < spikes.size:
                self._incoming = self._context.new("spikes of others", 2 * spikes.size, np.int64)
            device.write(self._incoming, np.sort(by_number(spikes)))
            by_source = {**listed, "_sorted": self._incoming}
        for learning, launches in zip(self._learning, self._launches, strict=True):
            if self._later(learning):
                others = None if by_source is None else (listed, by_source)
                self._learn(learning, launches, lists, others)
            elif by_source is not None:
                self._keep_listed(learning, launches, by_source)
                self._deliver(learning, launches["learn"], listed)

    def _later(self, learning: Learning) -> bool:
        """Tell whether synapses learn only once all partitions' spikes are known."""
        return learning.modulated > 0 and not self._context.request.single

    def _learn(
        self,
        learning: Learning,
        launches: Mapping[str, tuple[Kernel, dict[str, Any]]],
        lists: WindowLists,
        others: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None,
    ) -> None:
        """Keep a window's spikes, let modulators act, and deliver the spikes.

        Args:
            others: the arguments of a list of other partitions' spikes, and of the same by source.
        """
        p = self._context.resident
        delivered: list[Mapping[str, Any]] = [lists.own]
        if learning.kept:
            kernel, values = launches["keep"]
            more = {
                **lists.own, SPIKE_BITS: p.bits, "_valid": p.valid,
                "_steps": np.int64(lists.steps), "_words": np.int64(p.share.size // 32),
            }  # fmt: skip
            learning.launch(kernel, {**values, **more}, 32 * learning.kept)
        for inbox, kept in self._inboxes[self._learning.index(learning)]:
            kernel, values = launches["keep"]
            more = {**lists.own, **inbox.values, "_kept": kept, "_steps": np.int64(lists.steps)}
            learning.launch(kernel, {**values, **more}, 32 * (kept.size // KEPT))
        given = lists.given
        if given is not None and learning.rows.given:
            self._keep_listed(learning, launches, given[1])
            delivered.append(given[0])
        if others is not None:
            self._keep_listed(learning, launches, others[1])
            delivered.append(others[0])
        if learning.modulated:
            kernel, values = launches["count"]
            counted = [lists.own, *([given[0]] if given else []), *([others[0]] if others else [])]
            for spikes in counted:
                learning.launch(kernel, {**values, **spikes}, self._threads())
            kernel, values = launches["fill"]
            learning.launch(kernel, {**values, **lists.own}, learning.modulated)
        for spikes in delivered:
            self._deliver(learning, launches["learn"], spikes)

    def _keep_listed(
        self,
        learning: Learning,
        launches: Mapping[str, tuple[Kernel, dict[str, Any]]],
        by_source: Mapping[str, Any],
    ) -> None:
        """Keep spikes of a list."""
        kernel, values = launches["keep listed"]
        learning.launch(kernel, {**values, **by_source}, self._threads())

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
            **learning.values, **p.seen_values(), "_cells": p.cells, "_ring": np.int64(p.ring - 1),
            "_stride": np.int64(p.ports * p.share.size), "_pieces": np.int64(pieces),
            "_threads": threads, "_given": np.int64(0),
        }  # fmt: skip
        wanted = {
            "keep": learn_routines.keep_spikes(spec),
            "learn": learn_routines.learn_rows(spec),
        }
        if spec.rule.learns:
            wanted["sweep"] = learn_routines.sweep_rows(spec)
            wanted["end"] = learn_routines.end_sweep(learning.modulated > 0)
        if learning.modulated:
            wanted["count"] = learn_routines.count_modulators()
            wanted["fill"] = learn_routines.fill_modulators()
        if self.given or not request.single:
            wanted["keep listed"] = learn_routines.keep_listed(spec)
        return {name: (device.kernel(routine), values) for name, routine in wanted.items()}

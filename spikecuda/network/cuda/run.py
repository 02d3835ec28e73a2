"""One run of a partition on a CUDA device: launches, windows, and buffers of the run."""

import contextlib
import functools
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.seed import keys
from spikecuda.devices.memory import Buffer
from spikecuda.kernels import routines
from spikecuda.kernels.spec import SPIKE_BITS
from spikecuda.network.cuda.coupling import Couplings
from spikecuda.network.cuda.deliveries import Deliveries
from spikecuda.network.cuda.fused_populations import (
    NOBODY,
    FusedPopulations,
    fuse_populations,
    tables,
)
from spikecuda.network.cuda.inbox import Inbox
from spikecuda.network.cuda.learnings import Learnings, WindowLists
from spikecuda.network.cuda.resident import Resident
from spikecuda.network.cuda.run_context import RunContext
from spikecuda.network.cuda.samples import Launch, Samples
from spikecuda.network.cuda.step_input import Inputs
from spikecuda.network.cuda.window_buffers import WindowBuffers
from spikecuda.network.run.partition import RunRequest
from spikecuda.network.synapses.blocks import GRAIN

# Windows of one graph, so that the host has less to launch, and steps that they may have.
WINDOWS, STEPS = 16, 64
# Threads that a block has at most.
MOST_THREADS = 1024


class DeviceRun:
    """A run.

    Windows go through three streams: ``uploads`` copies their input; ``stream`` waits for that and
    computes; ``downloads`` waits for that and copies what they count and sample to the host.  With
    two slots, where the host has nothing to exchange, the next windows compute while it takes the
    spikes of the last ones out of their list.  A slot is used again only after the host has waited
    for its download, so that nothing else needs an event.

    With peers, whoever drives them (``linked``) puts each window in the stream in two halves, up to
    its spike bits and from there, and between them copies of the others' bits.

    Args:
        resident: what stays on the device; the neurons' state is there already.
        request: what is asked.
        peers: other partitions, whose spike bits are copied from their devices.

    Attributes:
        inboxes: what is copied from each of the peers.
        spiked: when the spike bits of the last window were there.
        copied: when those of the others were here, so that these may change.
    """

    def __init__(
        self, resident: Resident, request: RunRequest, peers: Sequence[Resident] = ()
    ) -> None:
        self.resident, self.request, self.device = resident, request, resident.device
        self._peers, self.inboxes = peers, list[Inbox]()
        self._context = RunContext(resident, request)
        self._slots: list[WindowBuffers] = []
        self._flight: deque[WindowBuffers] = deque()
        self._submitted = 0
        self._incoming: Buffer | None = None
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    @property
    def most_steps(self) -> int:
        """The most steps of one call of ``advance``."""
        return self._context.most_steps

    def advance(self, start: int, steps: int, external: np.ndarray) -> np.ndarray:
        """Advance by some steps; return the spikes; with two slots, those of the call before.

        Args:
            start: number of the first step.
            steps: how many, up to ``most_steps``.
            external: given spikes of these steps, sorted.
        """
        lengths = self.open(start, steps, external)
        slot, full = self._slot, self.request.window
        while lengths:
            for count, graph in slot.graphs:
                if lengths[:count] == [full] * count:
                    graph.replay()
                    break
            else:
                count = 1
                self._enqueue_all(slot, lengths[:1])
            lengths = lengths[count:]
        return self.take() if self.submit() else np.empty(0, np.int64)

    def open(self, start: int, steps: int, external: np.ndarray) -> list[int]:
        """Copy the input of some steps to the device; return the lengths of their windows.

        Args:
            start, steps, external: see ``advance``.
        """
        slot, device = self._slot, self.device
        slot.start, slot.steps = start, steps
        lengths = self.request.windows(slot.start, steps)
        self._begun = slot.start + steps - lengths[-1]
        self._inputs.feed(slot, external, lengths)
        self._samples.begin(slot)
        device.uploads.record(slot.uploaded)
        device.stream.wait(slot.uploaded)
        device.clear(slot.listed.mark.buffer)
        return lengths

    def compute(self, steps: int) -> None:
        """Put a window in the stream, up to its spike bits."""
        slot = self._slot
        if slot.halves and steps == self.request.window:
            slot.halves[0].replay()
        else:
            self._enqueue_first(slot, steps)

    def deliver(self, steps: int) -> None:
        """Put the rest of the window in the stream, once all bits are here."""
        slot = self._slot
        if slot.halves and steps == self.request.window:
            slot.halves[1].replay()
        else:
            self._deliver_window(slot, steps)

    def submit(self) -> bool:
        """Send what the windows count and sample; return whether spikes are to be taken now."""
        slot, device = self._slot, self.device
        device.stream.record(slot.computed)
        device.downloads.wait(slot.computed)
        device.download(slot.listed.mark, 4)
        self._samples.send(slot)
        device.downloads.record(slot.downloaded)
        self._submitted += 1
        self._flight.append(slot)
        return len(self._flight) == len(self._slots)

    def take(self) -> np.ndarray:
        """Wait for the windows that are under way longest; return their spikes, sorted."""
        if not self._flight:
            return np.empty(0, np.int64)
        slot = self._flight[0]
        found = slot.take(self.device)
        self._samples.take(slot)
        self._flight.popleft()
        return found

    def take_count(self) -> int:
        """Wait likewise; return how many spikes are in the list, which stays on the device."""
        slot = self._flight[0]
        count = slot.count()
        self._samples.take(slot)
        self._flight.popleft()
        return count

    @property
    def under_way(self) -> int | None:
        """The first step whose spikes have not been taken; None if there is none."""
        return self._flight[0].start if self._flight else None

    @property
    def waits(self) -> bool:
        """Whether synapses wait for a window's spikes of all partitions."""
        return self._learnings.waits

    def receive(self, spikes: np.ndarray) -> None:
        """Deliver spikes of other partitions, and what waits for them."""
        if self._incoming is None or self._incoming.size < spikes.size:
            self._incoming = self._context.new("spikes of others", 2 * spikes.size + 1, np.int64)
            self._incoming_mark = self._context.new("mark", 4, np.int64)
        if spikes.size:
            self.device.write(self._incoming, spikes)
        self.device.write(self._incoming_mark, np.array([self._begun, 0, spikes.size, 0]))
        slot = self._slots[0]
        listed = {
            **slot.listed.values(), "_spikes": self._incoming,
            "_bounds": self._incoming_mark, "_mark": self._incoming_mark,
        }  # fmt: skip
        if spikes.size:
            for launch in self._deliveries.own:
                self._launch(launch, listed)
        lists = WindowLists(slot.listed.values(), slot.steps, self._given(slot))
        self._learnings.receive(lists, spikes, listed)
        self.device.synchronize()

    def close(self) -> None:
        """Give back what only the run needed, once nothing is under way."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._context.close)
            for slot in self._slots:
                for graph in (*(graph for _, graph in slot.graphs), *slot.halves):
                    stack.callback(graph.close)
            if self._slots:
                # What is under way here has failed: whether it fails again does not matter.
                with contextlib.suppress(Exception):
                    self.device.synchronize()
        self._slots = []
        self._flight.clear()

    @property
    def _slot(self) -> WindowBuffers:
        """The slot of the windows that are put in the stream now."""
        return self._slots[self._submitted % len(self._slots)]

    # Making.

    def _make(self) -> None:
        p, request = self.resident, self.request
        made = fuse_populations(p.neurons, request.drives, p.share, p.seen.of, p.replicas.several)
        self._inputs = Inputs(self._context, made)
        self._updates: list[Launch] = []
        # Replicas follow each other: a launch leaves out words of populations between its own.
        apart = p.replicas.several
        # Threads past the end of the last block look, too.
        words = (p.share.size + MOST_THREADS) // GRAIN
        sections = [np.full(words, NOBODY, np.uint16) for _ in made if apart]
        sections = sections or [np.zeros(p.share.size // GRAIN, np.uint16)]
        for at, fused in enumerate(made):
            for i, g in enumerate(fused.populations):
                place = p.share.places[g] // GRAIN
                end = place + -(-p.share.counts[g] // GRAIN)
                sections[at if apart else 0][place:end] = i
        put = [self._context.put("sections", section) for section in sections]
        for at, fused in enumerate(made):
            self._updates.append(self._update(fused, put[at if apart else 0]))
        words = p.share.size // GRAIN
        self._collect = Launch(
            self.device.kernel(routines.collect()),
            {
                SPIKE_BITS: p.bits, "_valid": p.valid, "_numbers": p.numbers_of_words,
                "_words": np.int64(words),
            },
            [],
        )  # fmt: skip
        self._deliveries = Deliveries(self._context)
        for peer in self._peers:
            self.inboxes.append(Inbox(self._context, peer))
        self.spiked, self.copied = self.device.stream.record(), self.device.stream.record()
        self._learnings = Learnings(self._context, self.inboxes)
        self._couplings = Couplings(self._context)
        self._samples = Samples(self._context)
        more = request.single and request.steps > self.most_steps
        for number in range(self.device.slots if more else 1):
            self._slots.append(self._make_slot(number))
        self.device.synchronize()  # cleared buffers are for other streams, too
        if not p.share.size:
            return
        if self._peers:
            for slot in self._slots:
                if request.steps >= 2 * request.window:
                    halves = (self._enqueue_first, self._deliver_window)
                    slot.halves = tuple(
                        self.device.capture(functools.partial(half, slot, request.window))
                        for half in halves
                    )
            return
        together = max(1, min(WINDOWS, STEPS // request.window)) if request.single else 1
        for slot in self._slots:
            for count in sorted({together, 1}, reverse=True):
                if request.steps >= 2 * count * request.window:
                    lengths = [request.window] * count
                    work = functools.partial(self._enqueue_all, slot, lengths)
                    slot.graphs.append((count, self.device.capture(work)))

    def _make_slot(self, number: int) -> WindowBuffers:
        """Return a slot with its buffers."""
        stream = self.device.stream
        learned = self._inputs.learned() if self._learnings.given else ()
        given = self._inputs.given() if self._deliveries.given or learned else ()
        return WindowBuffers(
            self.resident.spike_list(number), self._inputs.rows(), given, learned,
            self._samples.slot(), uploaded=stream.record(), computed=stream.record(),
            downloaded=stream.record(),
        )  # fmt: skip

    def _update(self, fused: FusedPopulations, section: Buffer) -> Launch:
        """Return the launch of fused populations; ``section``: of each word of neurons."""
        p, request, spec = self.resident, self.request, fused.spec
        key0, key1 = keys(p.neurons[fused.populations[0]].population.neurons.noise_seed)
        values: dict[str, Any] = {
            **p.states, **p.seen_values(), "_section": section, "_cells": p.cells,
            "_ring": np.int64(p.ring - 1), "_stride": np.int64(p.ports * p.share.size),
            SPIKE_BITS: p.bits, "_first": np.int64(0), "_last": np.int64(0),
            "_count": np.int64(p.share.size), "_key0": key0, "_key1": key1,
        }  # fmt: skip
        given = tables(
            fused, p.neurons, request.drives, p.share, p.wiring.exponent, self._context.most_steps
        )
        later = {"_steps", "_mark", "_clock", *self._inputs.names(fused)}
        for argument in spec.arguments:
            name = argument.name
            if name in values or name in later:
                continue
            value = given.get(name)
            if value is None:
                value = self._spread(fused, name, argument.dtype)
            values[name] = self._context.put(name, np.asarray(value)) if argument.array else value
        return Launch(self.device.kernel(spec), values, fused.ranges(p.share))

    def _spread(self, fused: FusedPopulations, name: str, dtype: str) -> np.ndarray:
        """Return a constant or an input of fused populations: one for each place, or a table."""
        p = self.resident
        parts = {}
        for g in fused.populations:
            drive = self.request.drives[g][0]
            value = drive.fixed.get(name, p.neurons[g].constants.get(name))
            if name in drive.tables:
                return np.asarray(value, dtype)
            parts[g] = np.broadcast_to(np.asarray(value), (drive.count,))
        return p.gather(parts, dtype)

    # Running.

    def _enqueue_all(self, slot: WindowBuffers, lengths: list[int]) -> None:
        """Launch windows, one after the other: what a graph captures."""
        self._learnings.sweep(slot.listed.values())
        for k in lengths:
            self._update_window(slot, k)
            self._deliver_window(slot, k)

    def _enqueue_first(self, slot: WindowBuffers, steps: int) -> None:
        """Launch the first half of a window that has peers: what a graph captures."""
        self._learnings.sweep(slot.listed.values())
        self._update_window(slot, steps)

    def _update_window(self, slot: WindowBuffers, steps: int) -> None:
        """Launch what comes before a window's spikes are known."""
        own, k = slot.listed.values(), np.int64(steps)
        for launch in self._deliveries.given:
            spikes, bounds = slot.given
            self._launch(launch, {**own, "_spikes": spikes.buffer, "_bounds": bounds.buffer})
        if self._couplings:
            update = functools.partial(self._update_all, slot, k)
            self._couplings.receive(lambda launch, more: self._launch(launch, own | more), update)
        self._update_all(slot, k)

    def _deliver_window(self, slot: WindowBuffers, steps: int) -> None:
        """Launch what lists and delivers a window's spikes, and takes samples."""
        own, k = slot.listed.values(), np.int64(steps)
        self._collect.ranges = [(0, steps * (self.resident.share.size // GRAIN))]
        self._launch(self._collect, {**own, "_steps": k})
        for inbox in self.inboxes:
            inbox.collect.ranges = [(0, steps * inbox.words)]
            clock = inbox.collect.values["_clock"]
            self._launch(inbox.collect, {**own, "_clock": clock, "_steps": k})
        for launch in self._deliveries.own:
            self._launch(launch, own)
        self._learnings.learn(WindowLists(own, steps, self._given(slot)))
        for number, launch in enumerate(self._samples.launches):
            self._launch(launch, {**own, **self._samples.values(slot, number)})

    def _update_all(self, slot: WindowBuffers, steps: np.int64) -> None:
        """Launch the updates of a window."""
        for launch, rows in zip(self._updates, slot.rows, strict=True):
            buffers = {name: staging.buffer for name, staging in rows.items()}
            self._launch(launch, {**slot.listed.values(), **buffers, "_steps": steps})

    def _given(self, slot: WindowBuffers) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the arguments of the given spikes that synapses learn from, in both orders."""
        if not slot.learned:
            return None
        (spikes, _), (by_source, bounds) = slot.given, slot.learned
        edges = {**slot.listed.values(), "_bounds": bounds.buffer, "_given": np.int64(1)}
        return {**edges, "_spikes": spikes.buffer}, {**edges, "_sorted": by_source.buffer}

    def _launch(self, launch: Launch, more: Mapping[str, Any]) -> None:
        values = {"_first": np.int64(0), "_last": np.int64(0), **launch.values, **more}
        arguments = [values[a.name] for a in launch.kernel.spec.arguments]
        self.device.launch(launch.kernel, arguments, launch.ranges)

"""Predict memory and time of a network over many ranks; every formula stands where it is used."""

import math
from dataclasses import dataclass
from typing import Any

from spikecuda.common.arguments import as_count
from spikecuda.common.terminal import human_bytes
from spikecuda.errors import SpikecudaValueError
from spikecuda.kernels.network.layout import CHUNK_CURSORS, CHUNK_WORDS
from spikecuda.network.cpu.block_memory import FUSED_BYTES
from spikecuda.network.memory import CELL
from spikecuda.network.run.window import ring_steps
from spikecuda.network.synapses.blocks import GRAIN, MAX_BLOCK
from spikecuda.plan.exchange import WORD, Message, exchange_seconds, message_of
from spikecuda.plan.layouts import LAYOUTS, Layout, RowCost, chosen
from spikecuda.plan.load import Load, RowGroup
from spikecuda.plan.machine import Machine, Where
from spikecuda.plan.slowest import expected_maximum
from spikecuda.runtime.neuron_spec import MAX_NEURONS

AUTO = "auto"
LINE, NUMBER = 64, 4
ROWS = ("synapses", "segments", "heads of rows")
MOST_RANKS, MOST_THREADS = 1 << 24, 1024
INT32, UINT32 = 2**31 - 1, 2**32 - 1


@dataclass(frozen=True)
class Prediction:
    """What a network takes on some ranks.

    Attributes:
        load: the network.
        machine: its nodes.
        ranks: processes; ``threads``: of each; ``per_node``: processes of a node.
        layout: of the rows.
        seconds: of a window, by part; the slowest rank sets the pace.
        memory: bytes of a rank, by part.
        limits: numbers that the network outgrows, in words.
        streamed: seconds of a window that reading the rows from memory takes at the bandwidth of
            the node; where delivery is as long, the bandwidth binds it.
    """

    load: Load
    machine: Machine
    ranks: int
    threads: int
    per_node: int
    layout: str
    seconds: dict[str, float]
    memory: dict[str, float]
    limits: tuple[str, ...]
    streamed: float = 0.0

    @property
    def window_seconds(self) -> float:
        """Seconds of a window."""
        return sum(self.seconds.values())

    @property
    def realtime_factor(self) -> float:
        """Run time over model time."""
        return self.window_seconds / (1e-3 * self.load.dt * self.load.window)

    @property
    def memory_bytes(self) -> float:
        """Bytes of a rank."""
        return sum(self.memory.values())

    @property
    def row_bytes(self) -> float:
        """Bytes of a rank's synapses, with what finds them."""
        return sum(self.memory[name] for name in ROWS)

    @property
    def fits(self) -> bool:
        """Whether the ranks of a node fit into its memory, and all numbers into their types."""
        held = self.memory_bytes * min(self.per_node, self.ranks)
        return held <= self.machine.memory and not self.limits

    @property
    def wall(self) -> str:
        """What binds: a number or memory that does not suffice, else the longest part."""
        if self.limits:
            return self.limits[0]
        if not self.fits:
            part = max(self.memory, key=lambda name: self.memory[name])
            return f"memory: {part}, {human_bytes(self.memory[part])} a rank"
        part = max(self.seconds, key=lambda name: self.seconds[name])
        if part == "delivery" and self.seconds[part] <= self.streamed:
            share = self.seconds[part] / self.window_seconds
            return f"memory bandwidth of delivery, {share:.0%} of the time"
        return f"{part}, {self.seconds[part] / self.window_seconds:.0%} of the time"

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as a dict that json can write."""
        load = self.load
        return {
            "network": load.name, "neurons": load.neurons, "synapses": load.synapses,
            "mean_rate": load.mean_rate, "dt": load.dt, "window": load.window,
            "machine": self.machine.name, "ranks": self.ranks, "threads": self.threads,
            "per_node": self.per_node, "layout": self.layout, "seconds": self.seconds,
            "memory": self.memory, "memory_bytes": self.memory_bytes,
            "realtime_factor": self.realtime_factor, "fits": self.fits, "wall": self.wall,
            "streamed": self.streamed,
        }  # fmt: skip


def predict(
    load: Load,
    machine: Machine,
    ranks: int,
    *,
    threads: int | None = None,
    per_node: int | None = None,
    layout: str = AUTO,
    record: bool = False,
) -> Prediction:
    """Return what a network takes on some ranks.

    Args:
        load: the network.
        machine: its nodes.
        ranks: processes.
        threads: of each; None: the cores of a node over its ranks.
        per_node: processes of a node; None: 1, or all where there is one node.
        layout: "dense", a table of all sources for each block; "short", one row a source and rank;
            "auto", of each kind of rows the one that a build takes.
        record: whether all spikes are recorded, which every rank then keeps.

    Raises:
        SpikecudaValueError: more ranks and threads on a node than it has cores, or an argument that
            cannot be used.
        SpikecudaError: the machine has no time for what the neurons do, or too few nodes.
    """
    ranks = as_count("ranks", ranks, 1, MOST_RANKS)
    if per_node is None:
        per_node = ranks if machine.network_latency is None else 1
    per_node = min(ranks, as_count("per_node", per_node, 1, MOST_RANKS))
    if threads is None:
        threads = max(1, machine.cores // per_node)
    threads = as_count("threads", threads, 1, MOST_THREADS)
    if per_node * threads > machine.cores:
        raise SpikecudaValueError(
            f"ranks and threads of a node must be <= its {machine.cores} cores (got {per_node} x "
            f"{threads}); more wait for each other for many windows each, which no plan tells"
        )
    if layout != AUTO and layout not in LAYOUTS:
        known = ", ".join((AUTO, *LAYOUTS))
        raise SpikecudaValueError(f"layout must be one of {known} (got {layout!r})")
    if -(-ranks // per_node) > 1:
        machine.network()
    return _Reckoning(load, machine, ranks, threads, per_node, layout, record).result()


class _Reckoning:
    """The numbers of one prediction, all of a window."""

    def __init__(
        self, load: Load, machine: Machine, ranks: int, threads: int, per_node: int, layout: str,
        record: bool,
    ) -> None:  # fmt: skip
        self.load, self.machine, self.costs = load, machine, machine.costs
        self.ranks, self.threads, self.per_node = ranks, threads, per_node
        self.layout, self.record = layout, record
        self.workers = ranks * threads
        self.steps = load.window
        self.model_seconds = 1e-3 * load.dt * load.window
        # Each population takes whole words of a block, see ``synapses/blocks``.
        places = load.neurons / self.workers
        self.blocks = max(1, math.ceil(places / MAX_BLOCK))
        ports = max((g.ports for g in load.groups if g.kernel), default=1)
        self.stride = max(GRAIN, places / self.blocks) * ports
        self.fused = max(1, min(self.steps, int(FUSED_BYTES // (CELL * self.stride))))
        # Spikes of all neurons of each group.
        self.spikes = [g.size * g.rate * self.model_seconds for g in load.groups]
        self.ways = [self._way(r) for r in load.rows]
        self.rows = [self._cost(i) for i in range(len(load.rows))]
        # What a core has of the shared cache.
        self.shared = machine.shared_cache / (min(per_node, ranks) * threads)
        self.message: Message = message_of(load, ranks, threads)

    def result(self) -> Prediction:
        """Return the prediction."""
        speed = self.machine.speed
        update, look_up = self._update() / speed, self._look_up() / speed
        streamed = self._streamed()
        delivery = max(self._delivery() / speed, streamed)
        record = self.costs.record * sum(self.spikes) / speed if self.record else 0.0
        exchange = exchange_seconds(self.message, self.machine, self.ranks, self.per_node)
        if self.threads > 1:  # threads meet once a window, and once more after an exchange
            meetings = 2 if self.ranks > 1 else 1
            exchange += meetings * self.threads * self.costs.barrier / speed
        seconds = {
            "update": update, "delivery": delivery, "look-up": look_up, "exchange": exchange,
            "waiting": self._waiting(update + delivery + look_up),
        }  # fmt: skip
        if self.record:
            seconds["recording"] = record
        return Prediction(
            self.load, self.machine, self.ranks, self.threads, self.per_node, self.layout, seconds,
            self._memory(), self._limits(), streamed,
        )  # fmt: skip

    # Time of one worker, on a core of which the costs are.

    def _update(self) -> float:
        """Neurons x steps x s an update, calls and steps of kernels, own spikes, empty blocks."""
        calls = math.ceil(self.steps / self.fused)
        costs = self.costs
        total = self.blocks * (costs.window + self.steps * costs.step)
        total += costs.link if self.ranks > 1 else 0.0
        parts = self.threads * self.blocks * sum(1 for g in self.load.groups if g.kernel)
        total += self.blocks * parts * (costs.scan_window + self.steps * costs.scan_step)
        for g, spikes in zip(self.load.groups, self.spikes, strict=True):
            if g.kernel:
                call, step, update = self.costs.update(g.kernel)
                total += self.blocks * (calls * call + self.steps * step)
                total += self.steps * g.size / self.workers * update
                total += self.costs.spike * spikes / self.workers
        return total

    def _look_up(self) -> float:
        """Spikes of all ranks x places to look x s a look-up, and the groups that they come in.

        What is found may wait for memory.  Spikes of a step and part, a population in a block, are
        a group.
        """
        total, parts = 0.0, self.workers * self.blocks * self.steps
        ahead = bool(self.ways) and all(way.ahead for way in self.ways)
        times = 1.0 / self.threads if ahead else self.blocks
        for g, spikes in zip(self.load.groups, self.spikes, strict=True):
            if g.kernel:
                total -= times * self.costs.group * parts * math.expm1(-spikes / parts)
        for r, cost, way in zip(self.load.rows, self.rows, self.ways, strict=True):
            where = (1.0, 0.0, 0.0) if way.ahead else self._where(cost.spread)
            found = sum(p * t for p, t in zip(where, self.costs.found, strict=True))
            absent = sum(p * t for p, t in zip(where, self.costs.absent, strict=True))
            each = cost.found * found + (1.0 - cost.found) * absent
            total += self.spikes[r.source] * cost.looks * each
        return total

    def _where(self, held: float) -> Where:
        """Return which parts of so many bytes are in the caches: those that were read last."""
        near, all_near = self.machine.cache, self.machine.cache + self.shared
        first = min(1.0, near / max(held, 1.0))
        second = min(1.0, all_near / max(held, 1.0)) - first
        return first, second, 1.0 - first - second

    @property
    def _rows_where(self) -> Where:
        """The same of a thread's rows."""
        return self._where(sum(c.pieces + c.synapses for c in self.rows) / self.threads)

    def _delivery(self) -> float:
        """Spikes x what a thread delivers for one, of rows of such lengths."""
        return sum(
            self.spikes[r.source] * self._row_seconds(i, 1.0)
            for i, r in enumerate(self.load.rows)
        )  # fmt: skip

    def _row_seconds(self, i: int, longer: float) -> float:
        """Return what a thread delivers for one spike, if all rows were so many times longer."""
        single = self.threads * self.blocks == 1
        return self.ways[i].seconds(self._cost(i, longer), self.costs, self._rows_where, single)

    def _cost(self, i: int, longer: float = 1.0) -> RowCost:
        rows = self.load.rows[i]
        sources = self.load.groups[rows.source].size
        return self.ways[i].cost(rows, sources, self.ranks, self.threads, self.blocks, longer)

    def _way(self, rows: RowGroup) -> Layout:
        if self.layout != AUTO:
            return LAYOUTS[self.layout]
        group = self.load.groups[rows.source]
        if not group.kernel:  # given trains have dense rows
            return LAYOUTS["dense"]
        return chosen(rows, group.size, self.ranks, self.threads, self.blocks)

    def _streamed(self) -> float:
        """Bytes that all cores of a node read from memory, over its bandwidth."""
        lines = 0.0
        for r, cost in zip(self.load.rows, self.rows, strict=True):
            # The head of the segment, and lines of words, or of targets and of weights of 4 bytes,
            # the first one in part.
            arrays = 2 if r.weight_bytes == 4 else 1
            width = (2 + r.weight_bytes) * cost.length / LINE
            lines += self.spikes[r.source] * cost.rows * cost.segments * (1 + arrays + width)
        here = min(self.per_node, self.ranks) * self.threads
        return self._rows_where[2] * LINE * lines * here / self.machine.bandwidth

    def _waiting(self, busy: float) -> float:
        """Mean time of the slowest worker beyond the mean of all.

        Times of workers fluctuate independently: by jitter of the machine, by the synapses of a
        spike that are on a worker (a Poisson number), and by the worker's own spikes.  The largest
        of n normal numbers is ``expected_maximum(n)`` standard deviations above the mean.  What the
        largest block has more than the mean one comes on top.
        """
        if self.workers == 1:
            return 0.0
        variance = self.costs.jitter**2 * busy
        for i, r in enumerate(self.load.rows):
            mean = self.rows[i].events
            if mean:
                slope = (self._row_seconds(i, 1.05) - self._row_seconds(i, 0.95)) / 0.1
                variance += self.spikes[r.source] * (slope / self.machine.speed) ** 2 / mean
        own = sum(s for g, s in zip(self.load.groups, self.spikes, strict=True) if g.kernel)
        variance += own / self.workers * (self.costs.spike / self.machine.speed) ** 2
        return expected_maximum(self.workers) * math.sqrt(variance) + self._uneven()

    def _uneven(self) -> float:
        """Blocks differ by up to a word of neurons: what the fullest one has more than the mean."""
        mean = self.load.neurons / self.workers
        words = sum(math.ceil(g.size / GRAIN) for g in self.load.groups if g.kernel)
        more = max(0.0, GRAIN * math.ceil(words / self.workers) - mean)
        updates = [self.costs.update(g.kernel)[2] for g in self.load.groups if g.kernel]
        return self.steps * more * max(updates, default=0.0) / self.machine.speed

    # Memory of a rank.

    def _memory(self) -> dict[str, float]:
        groups = [g for g in self.load.groups if g.kernel]
        own = self.load.neurons / self.ranks
        state = sum(g.size * g.state_bytes for g in groups) / self.ranks
        ring = (
            ring_steps(self.load.longest, self.steps)
            if any(w.ring for w in self.ways)
            else self.fused
        )
        cells = own * max((g.ports for g in groups), default=1) * CELL * ring
        # The system gives memory to chunks of calendars that were used.  At most one is in part
        # empty in each slot, and a spike waits for the longest delay at most.
        waiting = sum(
            self.spikes[r.source] * cost.found * (1.0 + self.load.longest / self.steps)
            for r, cost, way in zip(self.load.rows, self.rows, self.ways, strict=True)
            if way.calendar
        )
        calendar = any(way.calendar for way in self.ways)
        slots = self.load.longest + self.steps if calendar else 0
        chunks = self.threads * self.blocks * (waiting / CHUNK_CURSORS + slots)
        messages = (self.ranks + 1.0) * self.message.bytes
        return {
            "process": self.costs.process,
            "neurons": state,
            # A view of a whole population names each; all processes have the same description.
            "numbers of neurons": NUMBER * self.load.neurons,
            "accumulators": cells,
            "synapses": sum(cost.synapses for cost in self.rows),
            "segments": sum(cost.pieces for cost in self.rows),
            "heads of rows": sum(cost.heads for cost in self.rows),
            "calendars": chunks * 8 * CHUNK_WORDS,
            "messages": messages if self.ranks > 1 else 0.0,
        }

    def _limits(self) -> tuple[str, ...]:
        found = []
        for g in self.load.groups:
            if g.size > MAX_NEURONS:
                found.append(f"{g.name}: {g.size:,.0f} neurons of {MAX_NEURONS:,} that int32 names")
        places = sum(g.size for g in self.load.groups if g.kernel)
        if places > UINT32 + 1:
            found.append(f"{places:,.0f} neurons of 2^32 with random numbers of their own")
        for r in self.load.rows:
            block = r.synapses / (self.workers * self.blocks)
            if block > UINT32:
                found.append(f"{block:,.0f} synapses in a block of 2^32 that uint32 counts")
        words = self.message.words * self.ranks
        if words > INT32:
            found.append(f"{words * WORD:,.0f} bytes a window of 2^31 words that MPI counts")
        return tuple(found)

"""Measure short rows: one process of many, alone, with spikes that the others might have sent."""

import time
from typing import Any

import numpy as np

from spikecuda.common.distributions import Normal
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.network import layout
from spikecuda.network.cpu.engine import CpuEngine
from spikecuda.network.model.receptors import ExpCurrent
from spikecuda.network.model.rules import FixedProbability
from spikecuda.network.network import Network
from spikecuda.network.one_rank import build_one_rank
from spikecuda.network.ranks.link import Link
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.synapses import row_layout

# Of a process: rows of 500 synapses on 8 processes, and of 8 on 512; more than caches hold.
NEURONS, DEGREE, RANKS = 2000, 4000, (8, 512)
BLOCKS = (1, 8)
STEPS, SPIKES, REPEATS = 80, 300, 5
# Words of a message before its spikes: those of the link, and of the one group.
HEAD = layout.LINK_HEAD + 3
NOTHING = np.empty((0, layout.EXTERNAL), np.int64)


def short_costs(found: float, quick: bool = False) -> dict[str, Any]:
    """Return ``short`` of ``machine.Costs``: of a row, of an event in one block and in many.

    Args:
        found: seconds of a look-up, which are taken off a row's.
        quick: a tenth of the neurons.
    """
    neurons = NEURONS // 10 if quick else NEURONS
    rows, events = [], []
    for blocks in BLOCKS:
        times = [_row_seconds(neurons, ranks, blocks) for ranks in RANKS]
        lengths = [DEGREE / ranks for ranks in RANKS]
        event = max(0.0, (times[0] - times[1]) / (lengths[0] - lengths[1]))
        events.append(event)
        rows.append(max(0.0, times[1] - event * lengths[1] - found))
    return {"short": (float(np.mean(rows)), *events)}


def _row_seconds(neurons: int, ranks: int, blocks: int) -> float:
    """Return the best seconds of a spike with a row, looked up and delivered."""
    before, row_layout.forced = row_layout.forced, row_layout.SHORT
    try:
        size = neurons * ranks
        with Network(0.1, 1, devices="cpu") as net:
            net.population("neurons", size, "lif", receptors={"syn": ExpCurrent(tau=5.0)})
            delay = Normal(1.5, 0.75, low=0.1)
            net.connect(
                "neurons", "neurons", FixedProbability(DEGREE / size), Normal(0.0, 0.01), delay
            )
            one = build_one_rank(net, 0, ranks, threads=blocks)
            neuron = Neurons(net["neurons"])
    finally:
        row_layout.forced = before
    others = Others(ranks)
    link = Link(others, size, neurons, blocks, 1, 1, 0.1)  # type: ignore[arg-type]
    words = int(link.table[layout.LINK_NEXT])
    link.table[layout.LINK_MOST] = 0  # blocks stay as long as the messages that were made
    each = max(1, min(words - HEAD, round(SPIKES / (ranks - 1))))
    sent = _messages(ranks, neurons, words, each)
    silent = np.zeros_like(sent)
    drives = [(ResolvedInput(None, size, 0.1, STEPS, "float32"), ())]
    best = {False: np.inf, True: np.inf}
    engine = LinkedEngine([neuron], 1, one.wiring, 1)
    engine.link(link.address)
    try:
        for _ in range(REPEATS):
            for some, messages in ((False, silent), (True, sent)):
                engine.reset()
                others.state[:] = messages.ctypes.data, messages[0].nbytes // 8
                run = engine.prepare(STEPS, drives, [], [])
                begin, done = time.perf_counter(), 0
                while done < STEPS:
                    done += engine.advance(run, min(run.chunk, STEPS - done), NOTHING)
                best[some] = min(best[some], time.perf_counter() - begin)
                engine.drain()
    finally:
        engine.close()
    spikes = STEPS * int((sent[0, :, 4]).sum())
    present = -np.expm1(-DEGREE / ranks)
    return float(max(0.0, best[True] - best[False]) / (spikes * present))


def _messages(ranks: int, neurons: int, words: int, each: int) -> np.ndarray:
    """Return int32 (steps, ranks, words): what processes send in each step; the first one nothing.

    Args:
        ranks: how many there are, of so many ``neurons``.
        words: of a message.
        each: spikes of a process in a step; fewer processes send where there are more than spikes.
    """
    random = np.random.default_rng(1)
    result = np.zeros((STEPS, ranks, words), np.int32)
    senders = 1 + np.arange(min(ranks - 1, max(1, SPIKES // each)))
    for step in range(STEPS):
        if senders.size < ranks - 1:
            senders = 1 + random.choice(ranks - 1, senders.size, replace=False)
        who = random.integers(0, neurons, (senders.size, each)) + neurons * senders[:, None]
        result[step, senders, 0] = 3 + each
        result[step, senders, 4] = each
        result[step, senders, HEAD : HEAD + each] = np.sort(who, axis=1)
    return result


class Others:
    """Processes that send what was made before, for ``Link``."""

    def __init__(self, count: int) -> None:
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        self.rank, self.count = 0, count
        self.state = np.zeros(2, np.int64)
        self.handles = self.state.ctypes.data, 0
        self._loops = load_cpu_loop("network_alone")

    def function(self, name: str) -> int:
        """Return the address of what stands for a function of MPI."""
        stands_for = {"MPI_Wtime": "seconds", "MPI_Test": "test", "MPI_Wait": "wait"}
        return int(getattr(self._loops, stands_for.get(name, "transport")))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return sums over processes of which each has as much as this one."""
        return values * self.count


class LinkedEngine(CpuEngine):
    """An engine that exchanges spikes with others."""

    def link(self, address: int) -> None:
        """Exchange spikes by a link's table from now on."""
        self._link_address = address

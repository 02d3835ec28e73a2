"""How long it takes to exchange the spikes of a window: latency and bandwidth of an Allgather."""

import math
from dataclasses import dataclass

from spikecuda.kernels.network.layout import LINK_HEAD
from spikecuda.network.ranks.link import LEAST_BLOCK, MOST_BLOCK, RATE, WORDS_PER_SPIKE
from spikecuda.plan.load import Load
from spikecuda.plan.machine import Machine

WORD = 4
GROUP_WORDS = 3


@dataclass(frozen=True)
class Message:
    """What a rank sends in a window.

    Attributes:
        words: of its spikes: 4 bytes a spike, and 12 for each step and population with any.
        block: words of the block that always travels, as ``network/ranks/link`` sizes it.
        long: whether the words do not fit on average, so that a second message follows.
    """

    words: float
    block: int
    long: bool

    @property
    def bytes(self) -> float:
        """Bytes of a rank that travel in a window."""
        return WORD * (self.block + (self.words if self.long else 0.0))


def message_of(load: Load, ranks: int, threads: int) -> Message:
    """Return what a rank sends in a window, on average."""
    seconds = load.window * load.dt * 1e-3
    expected = load.neurons / ranks * RATE * seconds
    words = WORDS_PER_SPIKE * (expected + 6.0 * math.sqrt(expected) + 8.0) + LINK_HEAD
    block = int(min(MOST_BLOCK, max(LEAST_BLOCK, 2 ** math.ceil(math.log2(words)))))
    found = 0.0
    for g in load.groups:
        if g.kernel:
            spikes = g.size * g.rate / ranks * seconds
            parts = load.window * threads
            found += spikes - GROUP_WORDS * parts * math.expm1(-spikes / parts)
    return Message(found, block, found > block - LINK_HEAD)


def exchange_seconds(message: Message, machine: Machine, ranks: int, per_node: int) -> float:
    """Return the seconds that the messages of a window take.

    An Allgather by recursive doubling takes log2(ranks) rounds, and each rank receives what all
    others send: within a node through its memory, the rest through the node's link, once a node.

    Args:
        message: of each rank.
        machine: its node.
        ranks: how many there are; ``per_node``: of a node.

    Source: Thakur, Rabenseifner & Gropp (2005) Int J High Perform Comput Appl 19:49, section 4.1.
    """
    if ranks == 1:
        return 0.0
    here, nodes = min(ranks, per_node), -(-ranks // per_node)
    messages = 2 if message.long else 1
    seconds = 0.0
    if here > 1:
        latency, link = machine.node()
        seconds += messages * math.ceil(math.log2(here)) * latency
        seconds += (here - 1) * message.bytes / link
    if nodes > 1:
        latency, bandwidth = machine.network()
        seconds += messages * math.ceil(math.log2(nodes)) * latency
        seconds += (ranks - here) * message.bytes / bandwidth
    return seconds

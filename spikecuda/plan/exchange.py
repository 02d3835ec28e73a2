"""How long it takes to exchange the spikes of a window: latency and bandwidth of an Allgather."""

import math
from dataclasses import dataclass

from spikecuda.kernels.network.layout import LINK_HEAD
from spikecuda.kernels.network.link import block_for
from spikecuda.network.ranks.link import MOST_BLOCK
from spikecuda.plan.load import Load
from spikecuda.plan.machine import Machine

WORD = 4
GROUP_WORDS = 3
# The longest message of late has so many standard deviations more than the mean: of a thousand
# windows and many ranks.
LONGEST = 4.5


@dataclass(frozen=True)
class Message:
    """What a rank sends in a window.

    Attributes:
        words: of its spikes: 4 bytes a spike, and 12 for each step and population with any.
        block: words of the block that always travels, as ``kernels/network/link`` sizes it.
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
    found = sent = 0.0
    for g in load.groups:
        if g.kernel:
            spikes = g.size * g.rate / ranks * seconds
            sent += spikes
            parts = load.window * threads
            found += spikes - GROUP_WORDS * parts * math.expm1(-spikes / parts)
    # Spikes are independent, each with its part of the words.
    longest = found + LONGEST * found / math.sqrt(sent) if sent else 0.0
    block = min(MOST_BLOCK, block_for(math.ceil(longest)))
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

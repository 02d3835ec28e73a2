"""The spike bits of a partition on another device, copied here window by window."""

from typing import Any

import numpy as np

from spikecuda.devices.memory import Buffer
from spikecuda.kernels import routines
from spikecuda.kernels.network import learn_tables as tables
from spikecuda.kernels.spec import SPIKE_BITS
from spikecuda.network.cuda.learning import Learning
from spikecuda.network.cuda.resident import Resident, words_of
from spikecuda.network.cuda.run_context import RunContext
from spikecuda.network.cuda.samples import Launch
from spikecuda.network.synapses.blocks import GRAIN


class Inbox:
    """What a partition has of one other, whose device is within reach of its own.

    Bits have a size that is known before: a bit for each neuron and step.  So the host need not
    ask how many spikes there are, and the kernel that lists a partition's own spikes lists others'.

    Args:
        context: of the run here.
        peer: the other partition.

    Attributes:
        peer: as passed.
        words: 32 neurons each, of a step.
        collect: the launch that appends the other's spikes to the list here, without its ranges.
    """

    def __init__(self, context: RunContext, peer: Resident) -> None:
        self._context, self.peer = context, peer
        self.words = peer.share.size // GRAIN
        size = context.resident.window * self.words
        self._bits = context.new("spike bits of others", size, np.uint32)
        self._numbers, valid = words_of(peer.share, peer.first)
        self._valid = context.put("valid of others", valid)
        self.collect = Launch(
            context.device.kernel(routines.collect()),
            {
                **self.values, "_numbers": context.put("numbers of others", self._numbers),
                # The clock here has moved on already.
                "_clock": context.new("clock of others", 4, np.int64),
            },
            [],
        )  # fmt: skip
        self._known = valid != 0

    @property
    def values(self) -> dict[str, Any]:
        """The kernels' arguments that say whose bits they are."""
        return {SPIKE_BITS: self._bits, "_valid": self._valid, "_words": np.int64(self.words)}

    def fetch(self, steps: int) -> None:
        """Copy the bits of a window here, in the device's stream."""
        self._context.device.fetch(self._bits, self.peer.device, self.peer.bits, steps * self.words)

    def kept(self, learning: Learning) -> Buffer | None:
        """Return which of the other's neurons have a history here; None if none has.

        Returns:
            Rows of ``learn_tables.KEPT``, by the words of the bits here.
        """
        device = self._context.device
        listed_of = device.read(learning.arrays["_listed_of"]).reshape(-1, 2)
        listed = device.read(learning.arrays["_listed"]).reshape(-1, tables.LISTED)
        rows = []
        for word in np.flatnonzero(self._known):
            number = int(self._numbers[word])
            where, count = listed_of[number // GRAIN]
            for first, line, reals in listed[where : where + count].tolist():
                row = [0] * tables.KEPT
                row[tables.KEPT_LINE], row[tables.KEPT_WORD] = number - first + line, int(word)
                row[tables.KEPT_REALS] = reals
                rows.append(row)
        if not rows:
            return None
        return self._context.put("histories of others", np.array(rows, np.int32).reshape(-1))

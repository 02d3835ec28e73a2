"""What the synapses of a block on the CPU learn from."""

import contextlib
from dataclasses import dataclass

import numpy as np

from spikecuda.network.cpu.history import History
from spikecuda.network.cpu.modulation import Modulation
from spikecuda.network.synapses.store import Bundle


@dataclass(eq=False)
class LearningBlock:
    """Histories, tables and lists of a block.

    Attributes:
        table: int64 (histories, layout.HISTORY): of sources, then of targets.
        histories: in the same order.
        sources_of, targets_of: int32 (populations + 1,): where those of each population begin.
        learning: by bundle: int64 (layout.LEARNING,).
        scratch: what lists of spikes are made in.
        sent: what synapses send, and flags.
        pending: bundles whose batches are to be finished: how many, and their rows.
        batches: by bundle: synapses that learn together.
        limit: entries up to which each log may grow.
        populations: whose each history is.
        modulations: what modulators have done, by bundle.
        kept: what is kept of the spikes of its sources, targets and modulators, by bundle and role.
    """

    table: np.ndarray
    histories: list[History]
    sources_of: np.ndarray
    targets_of: np.ndarray
    learning: dict[Bundle, np.ndarray]
    scratch: np.ndarray
    sent: np.ndarray
    pending: np.ndarray
    batches: list[np.ndarray]
    limit: list[int]
    populations: list[int]
    modulations: dict[Bundle, Modulation]
    kept: dict[tuple[Bundle, str], History | Modulation]

    def reach(self, bundle: Bundle, clock: int) -> None:
        """Let a loop outside of a run find room for what a bundle's modulator does up to now.

        A run makes room for its steps, but what was loaded has only the steps that were filled.
        """
        if bundle in self.modulations:
            self.modulations[bundle].reach(clock)

    def ahead(self, bundle: Bundle, step: int) -> contextlib.AbstractContextManager[None]:
        """Let loops look ahead at what a bundle's modulator will do; see ``Modulation``."""
        if bundle in self.modulations:
            return self.modulations[bundle].ahead(step)
        return contextlib.nullcontext()

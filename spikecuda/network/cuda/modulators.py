"""The modulators of a rule on a CUDA device: whose spikes, their levels and integrals."""

from collections.abc import Sequence

import numpy as np

from spikecuda.errors import SpikecudaError
from spikecuda.kernels.network import learn_tables as tables
from spikecuda.network.cuda.row_tables import Target
from spikecuda.network.model.projection import Projection
from spikecuda.network.run.window import MAX_WINDOW
from spikecuda.network.synapses.blocks import GRAIN
from spikecuda.network.synapses.modulated import integral_steps, modulated


class Modulators:
    """The modulators of some projections; those that have the same one share it.

    Args:
        projections: with a rule that has a modulator.
        target: the partition.

    Attributes:
        of: the number of each projection's modulator.
        count: how many there are.
    """

    def __init__(self, projections: Sequence[Projection], target: Target) -> None:
        self._target = target
        self._numbers = [modulated(p) for p in projections]
        keys = list(dict.fromkeys(numbers.key for numbers in self._numbers))
        self.of = [keys.index(numbers.key) for numbers in self._numbers]
        self.count = len(keys)
        self._projections = [projections[self.of.index(i)] for i in range(self.count)]

    def start(self) -> dict[str, np.ndarray]:
        """Return what is on the device before the first spike, by the kernels' argument name.

        Raises:
            SpikecudaError: there are too many for the kernels' numbers.
        """
        table = np.zeros((self.count, tables.MODULATOR), np.int32)
        levels = np.zeros((self.count, tables.LEVEL))
        chosen: list[np.ndarray] = []
        words = counts = integrals = 0
        for i, p in enumerate(self._projections):
            numbers, row = self._numbers[self.of.index(i)], table[i]
            assert p.modulator is not None
            size = p.modulator.population.size
            ring, ahead = integral_steps(numbers.epoch), power_above(numbers.delay + MAX_WINDOW)
            row[tables.MODULATOR_FIRST] = self._target.first[numbers.population]
            row[tables.MODULATOR_SIZE] = size
            row[tables.MODULATOR_CHOSEN] = words
            row[tables.MODULATOR_DELAY] = numbers.delay
            row[tables.MODULATOR_COUNTS], row[tables.MODULATOR_AHEAD] = counts, ahead - 1
            row[tables.MODULATOR_INTEGRAL], row[tables.MODULATOR_WRAP] = integrals, ring - 1
            row[tables.MODULATOR_EPOCH] = numbers.epoch
            # Spikes from before the first step may arrive in it.
            row[tables.MODULATOR_FILLED] = -1
            levels[i] = (
                0.0, 0.0, 1.0, numbers.jump, numbers.decay, numbers.fade, numbers.gain,
                numbers.loss,
            )  # fmt: skip
            chosen.append(bits_of(p.modulator.ids, size))
            words, counts, integrals = words + chosen[-1].size, counts + ahead, integrals + ring
            if max(words, counts, integrals) > 2**31 - 1:
                raise SpikecudaError(
                    f"modulators on a device must have at most {2**31 - 1:,} steps of integrals "
                    f"together (got {integrals:,} of {i + 1} modulators); use fewer, or "
                    "devices='cpu'"
                )
        return {
            "_modulators": table.reshape(-1), "_levels": levels.reshape(-1),
            "_chosen": np.concatenate(chosen), "_counts": np.zeros(counts, np.int32),
            "_integral": np.zeros(integrals),
        }  # fmt: skip


def power_above(steps: int) -> int:
    """Return a power of two above some steps."""
    return 1 << steps.bit_length()


def bits_of(ids: np.ndarray, size: int) -> np.ndarray:
    """Return a bit for each of some neurons, uint32: whether they are among ``ids``."""
    flags = np.zeros(-(-size // GRAIN) * GRAIN, np.uint8)
    flags[ids] = 1
    return np.packbits(flags, bitorder="little").view("<u4").astype(np.uint32)

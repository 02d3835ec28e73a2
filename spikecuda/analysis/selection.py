"""Select the spikes that a statistic uses: some of the neurons, in a window of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikecuda.common.arguments import as_count, shown
from spikecuda.common.arrays import WHOLE, view_array, whole_numbers
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.time_grid import whole_steps
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.runtime.spikes import Spikes

REMEDY = "use wider bins, fewer neurons or a shorter window"
within_memory = out_of_memory("a statistic", REMEDY)

Neurons = int | np.ndarray | list[int] | tuple[int, ...] | range


@dataclass(frozen=True, eq=False)
class Selection:
    """Spikes of some neurons in a window, with steps counted from its start.

    Attributes:
        step: int64 array (spikes,), ascending, from 0 for the window's first step.
        index: int64 array (spikes,): position of the neuron among the selected ones.
        count: selected neurons.
        steps: steps of the window.
        dt: length of a step in ms.
    """

    step: np.ndarray
    index: np.ndarray
    count: int
    steps: int
    dt: float

    @property
    def seconds(self) -> float:
        """Length of the window in s."""
        return self.steps * self.dt / 1000.0

    def bins(self, bin: float, at_least: int = 1) -> tuple[int, int]:
        """Return the width of a bin in steps, and how many bins fit whole into the window.

        Args:
            bin: width in ms, a multiple of dt.
            at_least: raise SpikecudaValueError if fewer fit.
        """
        width = whole_steps("bin", bin, self.dt, some=True)
        number = self.steps // width
        if number < at_least:
            raise SpikecudaValueError(
                f"the window must hold at least {at_least} bins of {bin:g} ms (got "
                f"{self.steps * self.dt:g} ms); use a smaller bin or a longer window"
            )
        return width, number


def select(spikes: Spikes, neurons: Neurons, start: float, stop: float) -> Selection:
    """Return the spikes of some neurons in a window.

    Args:
        spikes: sorted by step, as every run returns them.
        neurons: how many neurons there are; or which of them to take, each once, in any order.
        start, stop: first and last ms of the window, multiples of dt.

    Raises:
        SpikecudaValueError: the window is empty or off the grid; a neuron number that is
            negative, comes twice, or is not below the number of neurons.
    """
    if not isinstance(spikes, Spikes):
        raise SpikecudaTypeError(f"spikes must be Spikes of a run (got {shown(spikes)})")
    first, last = (whole_steps(n, t, spikes.dt) for n, t in (("start", start), ("stop", stop)))
    if last <= first:
        raise SpikecudaValueError(f"stop must be > start = {start:g} ms (got {stop:g})")
    if np.any(np.diff(spikes.step) < 0):
        raise SpikecudaValueError("spikes must be sorted by step")
    low, high = np.searchsorted(spikes.step, (first, last))
    step, neuron = spikes.step[low:high], spikes.neuron[low:high]
    if _is_number(neurons):
        count = as_count("neurons", neurons, 1, 2**31)
        if neuron.size and not 0 <= int(neuron.min()) <= int(neuron.max()) < count:
            raise SpikecudaValueError(
                f"neurons must be above every neuron that spiked (got {count}, but neuron "
                f"{int(neuron.max())} spiked); give an array to choose some"
            )
        return Selection(step - first, neuron.astype(np.int64), count, last - first, spikes.dt)
    ids = members(neurons)
    order = np.argsort(ids)
    place = np.minimum(np.searchsorted(ids[order], neuron), ids.size - 1)
    index = order[place]
    kept = ids[index] == neuron
    return Selection(step[kept] - first, index[kept], ids.size, last - first, spikes.dt)


def _is_number(neurons: object) -> bool:
    """Tell whether neurons are said by a number, or by what is no list of them either."""
    if isinstance(neurons, np.ndarray):
        return neurons.ndim == 0
    return isinstance(neurons, str) or not isinstance(neurons, Sequence)


def members(neurons: Neurons) -> np.ndarray:
    """Return which neurons are meant as an int64 array (n,); raise if that cannot be."""
    if _is_number(neurons):
        return np.arange(as_count("neurons", neurons, 1, 2**31))
    need = "a number, or a list of one or more neurons"
    ids = view_array("neurons", neurons, need, WHOLE)
    if ids.ndim != 1 or not ids.size:
        raise SpikecudaTypeError(f"neurons must be {need} (got {shown(neurons)})")
    ids = whole_numbers("neurons", ids, need)
    if int(ids.min()) < 0 or np.unique(ids).size < ids.size:
        raise SpikecudaValueError("neurons must be >= 0 and differ from each other")
    return ids

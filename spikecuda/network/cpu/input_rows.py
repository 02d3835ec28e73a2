"""Input that changes from step to step, as the CPU's loops read it.

Rows by (population, name); of what differs from neuron to neuron, by (-1 - part, name).
"""

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from spikecuda.kernels.spec import KernelSpec
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.window import ResolvedInputs, row_arguments, step_input

# Of each part: block, population, first neuron, neurons.
Places = Sequence[tuple[int, int, int, int]]
Rows = dict[tuple[int, str], np.ndarray]
# Numbers that take longer to compute than threads to start.
MANY = 1 << 15


def input_rows(
    neurons: Sequence[Neurons],
    places: Places,
    drives: ResolvedInputs,
    specs: Sequence[KernelSpec],
    clock: int,
    steps: int,
) -> Rows:
    """Return arrays for the input of ``steps`` steps."""
    rows: Rows = {}
    for g, (drive, _) in enumerate(drives):
        first = step_input(drive, specs[g], neurons[g].population.neurons, clock, 0, 1)
        for name, array in first.items():
            rows[g, name] = np.zeros(steps * array.size, array.dtype)
        for argument in row_arguments(specs[g]):
            for i, (_, owner, _, count) in enumerate(places):
                if owner == g:
                    rows[-1 - i, argument.name] = np.zeros(steps * count, argument.dtype)
    return rows


def fill_rows(
    rows: Mapping[tuple[int, str], np.ndarray],
    neurons: Sequence[Neurons],
    places: Places,
    drives: ResolvedInputs,
    specs: Sequence[KernelSpec],
    clock: int,
    start: int,
    steps: int,
    together: Callable[[Sequence[Callable[[], None]]], object],
    workers: int,
) -> None:
    """Write the input of the steps from ``clock`` on; the run began at step ``start``.

    Rows of much input are written side by side: ``together`` does up to ``workers`` jobs so.
    """
    if not rows:
        return
    jobs: list[Callable[[], None]] = []
    size = 0
    for g, (drive, _) in enumerate(drives):
        neuron_spec = neurons[g].population.neurons
        found = step_input(drive, specs[g], neuron_spec, clock, clock - start, steps)
        for name, array in found.items():
            rows[g, name][: array.size] = array
        for i, (_, owner, first, count) in enumerate(places):
            if owner != g:
                continue
            for name in drive.row_names:
                part = rows[-1 - i, name][: steps * count].reshape(steps, count)
                columns, size = slice(first, first + count), size + part.size
                jobs.append(
                    functools.partial(drive.rows, name, clock, clock - start, columns, part)
                )
    groups = [jobs[t::workers] for t in range(workers)] if size > MANY else [jobs]
    if jobs:
        together([functools.partial(_all, group) for group in groups if group])


def _all(jobs: Sequence[Callable[[], None]]) -> None:
    for job in jobs:
        job()

"""Place groups of populations that long delays set apart, such as cortical areas, on processes."""

from collections.abc import Sequence

import numpy as np

from spikecuda.network.memory import shortest_delay
from spikecuda.network.model.description import Description
from spikecuda.network.ranks.share import split_ranks
from spikecuda.network.run.window import window_of

# The most that a process may have above the mean, for whole groups to be placed.
UNEVEN = 0.05
# Spikes are kept for so many steps at most, and are exchanged at most half as often as windows end.
MOST_STEPS, FEWER = 256, 2
# What a synapse costs in a step, in neurons: 2.5 ns an event at 5 Hz and 0.1 ms, 1 ns a neuron.
SYNAPSE = 2.5 * 5.0 * 1e-4


def place(
    description: Description, ranks: int, speeds: Sequence[float] | None = None
) -> tuple[np.ndarray, int]:
    """Return which neurons each process owns, and the steps in which no spike reaches another one.

    Groups of populations are what remains connected without the delays above a bound.  The
    largest bound that lets whole groups share the work evenly is taken.  If there is none, or if
    synapses learn, each population is dealt out over all processes.

    Args:
        description: of the network.
        ranks: how many processes there are.
        speeds: of each; None: all are alike.

    Returns:
        int64 (populations, ranks + 1), the first neuron of each population that each owns; steps,
        1 if nothing is known.
    """
    sizes = [population.size for population in description.populations]
    even = split_ranks(sizes, ranks, speeds)
    if ranks == 1 or description.couplings or any(p.plasticity for p in description.wired):
        return even, 1
    pairs = _shortest(description)
    loads = np.array(sizes, float)
    for p in description.wired:
        loads[p.target.population.number] += SYNAPSE * p.expected
    delays = np.unique(list(pairs.values()))
    delays = delays[delays >= FEWER * window_of(shortest_delay(description))]
    owner, pace = None, np.array(speeds or [1.0] * ranks, float)
    low, high = 0, delays.size
    while low < high:
        middle = (low + high) // 2
        found = _share(_groups(len(sizes), pairs, int(delays[middle])), loads, pace)
        if found is None:
            high = middle
        else:
            owner, low = found, middle + 1
    if owner is None:
        return even, 1
    apart = min((d for (s, t), d in pairs.items() if owner[s] != owner[t]), default=MOST_STEPS)
    whole = np.arange(ranks + 1)[None, :] > owner[:, None]
    return np.where(whole, np.array(sizes, np.int64)[:, None], 0), min(apart, MOST_STEPS)


def _shortest(description: Description) -> dict[tuple[int, int], int]:
    """Return the shortest delay from one population to another, in steps, by their numbers."""
    result: dict[tuple[int, int], int] = {}
    for p in description.wired:
        source, target = p.source.population, p.target.population
        if source.neuron_spec is not None and (p.expected or p.grows):
            key = (source.number, target.number)
            result[key] = min(result.get(key, MOST_STEPS), p.delay_steps()[0])
    return result


def _groups(count: int, pairs: dict[tuple[int, int], int], bound: int) -> np.ndarray:
    """Return the group of each population: those that delays below a bound connect."""
    group = list(range(count))

    def root(i: int) -> int:
        while group[i] != i:
            group[i] = i = group[group[i]]
        return i

    for (source, target), delay in pairs.items():
        if delay < bound:
            group[root(source)] = root(target)
    return np.array([root(i) for i in range(count)])


def _share(groups: np.ndarray, loads: np.ndarray, pace: np.ndarray) -> np.ndarray | None:
    """Return the process of each population, whole groups each; None if that is too uneven.

    The largest group goes first, each to the process that would be done with it first.

    Args:
        groups: of each population; loads: its work.
        pace: of each process.
    """
    _, group = np.unique(groups, return_inverse=True)
    weights = np.bincount(group, weights=loads)
    has, owner = np.zeros(pace.size), np.zeros(weights.size, np.int64)
    for g in np.argsort(-weights, kind="stable"):
        owner[g] = np.argmin((has + weights[g]) / pace)
        has[owner[g]] += weights[g]
    if (has / pace).max() > (1.0 + UNEVEN) * has.sum() / pace.sum():
        return None
    return owner[group]

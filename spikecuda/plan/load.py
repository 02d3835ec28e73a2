"""What a network asks of the machines that run it: neurons, rates, rows of synapses."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spikecuda.common.arguments import as_count, as_positive
from spikecuda.common.time_grid import whole_steps
from spikecuda.errors import SpikecudaValueError
from spikecuda.network.run.window import window_of

# A delay counts if so many synapses have it on average.
SOME = 1.0


@dataclass(frozen=True)
class Group:
    """The neurons of a population, or the trains of a source.

    Attributes:
        name: of the population.
        size: neurons.
        rate: mean rate, Hz.
        kernel: what its neurons do in a step, in words; empty for trains, which do nothing.
        state_bytes: of a neuron's state and constants.
        ports: receptors that spikes arrive at.
        rest: steps that a neuron rests after a spike.
    """

    name: str
    size: float
    rate: float
    kernel: str = ""
    state_bytes: float = 0.0
    ports: int = 1
    rest: int = 0


@dataclass(frozen=True)
class RowGroup:
    """Rows that are stored together: the synapses of one population at one kind of receptor.

    Attributes:
        source: number of the group that sends.
        synapses: how many.
        weight_bytes: of a stored weight: 0 (one for all), 2 or 4.
        delays: which part of the synapses has each delay that occurs.
        usual: delays that are usual, by which a build chooses the layout of rows.
    """

    source: int
    synapses: float
    weight_bytes: int
    delays: tuple[float, ...] = (1.0,)
    usual: float = 1.0

    def segments(self, length: float) -> float:
        """Return the mean number of delays that occur among ``length`` synapses of a source.

        Synapses of a source are thinned at random, so a delay of which ``m`` are expected is there
        with probability 1 - exp(-m).  With one delay, it is the probability of a row.
        """
        if len(self.delays) == 1:
            return -math.expm1(-length)
        return float(-np.expm1(-length * np.array(self.delays)).sum())


@dataclass(frozen=True)
class Load:
    """A network as a load.

    Attributes:
        name: of the network.
        dt: length of a step in ms.
        shortest, longest: delay in steps.
        groups: populations, then sources.
        rows: all synapses.
    """

    name: str
    dt: float
    shortest: int
    longest: int
    groups: tuple[Group, ...]
    rows: tuple[RowGroup, ...]

    @property
    def window(self) -> int:
        """Steps between two exchanges of spikes."""
        return window_of(self.shortest)

    @property
    def neurons(self) -> float:
        """Neurons, without trains."""
        return sum(g.size for g in self.groups if g.kernel)

    @property
    def synapses(self) -> float:
        """Synapses of all neurons and trains."""
        return sum(r.synapses for r in self.rows)

    @property
    def spikes(self) -> float:
        """Spikes of all neurons and trains in a second of model time."""
        return sum(g.size * g.rate for g in self.groups)

    @property
    def mean_rate(self) -> float:
        """Spikes of a neuron in a second, Hz."""
        spikes = sum(g.size * g.rate for g in self.groups if g.kernel)
        return spikes / self.neurons if self.neurons else 0.0

    @property
    def events(self) -> float:
        """Synaptic events in a second of model time."""
        return sum(r.synapses * self.groups[r.source].rate for r in self.rows)

    def grown(self, factor: float) -> "Load":
        """Return the same network with so many times the neurons, each with as many synapses."""
        return replace(
            self,
            groups=tuple(replace(g, size=g.size * factor) for g in self.groups),
            rows=tuple(replace(r, synapses=r.synapses * factor) for r in self.rows),
        )


def require_rate(what: str, rate: float, dt: float) -> None:
    """Raise SpikecudaValueError unless a neuron can spike so often: at most once a step.

    Args:
        what: which rate it is.
        rate: Hz.
        dt: length of a step in ms; 0: there is no bound.
    """
    if not 0.0 <= rate < math.inf:
        raise SpikecudaValueError(f"{what} must be >= 0 Hz (got {rate:g})")
    if rate * dt > 1000.0:
        raise SpikecudaValueError(
            f"{what} must be <= {1000.0 / dt:g} Hz, a spike in each step of {dt:g} ms (got "
            f"{rate:g})"
        )


def fixed_load(
    neurons: int,
    indegree: int,
    rate: float,
    delay: float,
    *,
    dt: float = 0.1,
    kernel: str,
    state_bytes: float = 14.0,
    weight_bytes: int = 2,
    delays: Sequence[float] = (1.0,),
) -> Load:
    """Return the load of one rank, for weak scaling: ``grown(ranks)`` is that of the network.

    Args:
        neurons: of a rank.
        indegree: synapses of a neuron; their sources are anywhere in the network.
        rate: of each neuron, Hz.
        delay: the shortest, ms.
        dt: length of a step in ms.
        kernel: what neurons do in a step: a name that the machine has a time for.
        state_bytes: of a neuron.
        weight_bytes: of a synapse: 0, 2 or 4.
        delays: which part of the synapses has each delay, one step after the other from ``delay``.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """
    size = as_count("neurons", neurons, 1, 2**40)
    degree = as_count("indegree", indegree, 0, 2**40)
    as_positive("dt", dt, "ms")
    shortest = whole_steps("delay", as_positive("delay", delay, "ms"), dt, some=True)
    if weight_bytes not in (0, 2, 4):
        raise SpikecudaValueError(f"weight_bytes must be 0, 2 or 4 (got {weight_bytes!r})")
    require_rate("rate", as_positive("rate", rate, "Hz"), dt)
    group = Group("neurons", size, rate, kernel, state_bytes)
    parts = np.asarray(delays, float) / math.fsum(delays)
    row = RowGroup(0, float(size) * degree, weight_bytes, tuple(parts.tolist()), len(parts))
    name = f"{size:,} neurons a rank, {degree:,} synapses each, {rate:g} Hz"
    return Load(name, dt, shortest, shortest + len(parts) - 1, (group,), (row,))

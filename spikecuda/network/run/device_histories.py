"""The histories of spikes that synapses learn from on CUDA devices: their form and limits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikecuda.errors import SpikecudaError
from spikecuda.kernels.learn_spec import BRIAN, LearnSpec
from spikecuda.kernels.network import layout
from spikecuda.network.model.population import Population
from spikecuda.network.model.projection import Projection
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.window import MAX_WINDOW, most_spikes
from spikecuda.network.synapses.blocks import GRAIN
from spikecuda.network.synapses.modulated import integral_steps, modulated
from spikecuda.network.synapses.store import Bundle, Wiring

# Spikes of a target that are kept beyond what two sweeps need, so that sweeps are rare.
SPARE = 8
# Words that the lines of a history are rounded up to: what a GPU reads at once.
SECTOR = 8


@dataclass(frozen=True)
class Line:
    """The form of a history's lines.

    Attributes:
        entry: words of an entry.
        depth: entries of a line.
        stride: words of a line.
    """

    entry: int
    depth: int
    stride: int

    @classmethod
    def holding(cls, values: int, width: int, depth: int) -> "Line":
        """Return lines of at least ``depth`` entries of a step and some reals."""
        entry = 1 + values * width // 4
        stride = -(-depth * entry // SECTOR) * SECTOR
        return cls(entry, stride // entry, stride)

    def empty(self, starts: Sequence[np.ndarray]) -> np.ndarray:
        """Return lines without spikes, 32 for each of some neurons' start values."""
        result = np.zeros((GRAIN * len(starts), self.stride), np.int32)
        entries = result[:, : self.depth * self.entry].reshape(-1, self.depth, self.entry)
        entries[:, :, 0] = layout.NEVER
        for i, values in enumerate(starts):
            entries[GRAIN * i : GRAIN * (i + 1), :, 1:] = values.view(np.int32)
        return result.reshape(-1)


@dataclass(frozen=True)
class Lines:
    """The form of the histories of a rule's sources and targets.

    Attributes:
        source, target: their lines.
        between: the most spikes of a target between two looks at whether lines are full.
    """

    source: Line
    target: Line
    between: int

    @property
    def watched(self) -> int:
        """The entry of a target's line that tells that it is nearly full."""
        return self.target.depth - 3 - self.between

    def holds(self, other: "Lines") -> bool:
        """Tell whether these are enough where others are needed."""
        return (
            self.source.depth >= other.source.depth
            and self.target.depth >= other.target.depth
            and self.between >= other.between
        )

    def at_least(self, other: "Lines") -> "Lines":
        """Return lines that hold what these and others hold."""
        source, target = (
            a if a.depth >= b.depth else b
            for a, b in ((self.source, other.source), (self.target, other.target))
        )
        return Lines(source, target, max(self.between, other.between))


def lines_of(
    spec: LearnSpec,
    bundles: Sequence[Bundle],
    wiring: Wiring,
    neurons: Sequence[Neurons],
    window: int,
) -> Lines:
    """Return the form of the histories that a rule's bundles need.

    Args:
        spec: of the rule's kernels.
        bundles: what learns by it.
        wiring, neurons, window: as for ``learning_rows``.
    """

    def spikes(population: int, steps: int) -> int:
        if population < len(neurons) and steps:
            return most_spikes(neurons[population], steps)
        return steps

    depth = max(spikes(bundle.source, window) for bundle in bundles) + 1
    source = Line.holding(len(spec.source_values), spec.width, depth)
    if not spec.rule.learns:
        return Lines(source, Line(1, 1, 1), 0)
    goals = [(b.projections[0].target.population.number, deltas(b, wiring)[1]) for b in bundles]

    def events(population: int, steps: int) -> int:
        # Where a rule watches its targets, each step can be an event.
        return steps if spec.rule.watches else spikes(population, steps)

    between = max(events(goal, max(window, MAX_WINDOW)) for goal, _ in goals)
    late = int(spec.timing == BRIAN)
    arriving = max(events(goal, delta + late) for goal, delta in goals)
    # What has not arrived after a sweep, what comes until the next one, and two older ones.
    depth = arriving + between + 3 + SPARE
    return Lines(source, Line.holding(len(spec.target_values), spec.width, depth), between)


def require_known(bundle: Bundle) -> None:
    """Raise SpikecudaError unless what a spike meets is known when it is sent.

    Args:
        bundle: its synapses learn.
    """
    p = bundle.projections[0]
    rule = p.plasticity
    assert rule is not None
    (slope, shift), behind = p.behind(), p.dendritic or 0
    delays = np.concatenate([rows.delays[:-1] & layout.DELAY for rows in bundle.blocks])
    longest = int(delays.max(initial=0))
    if longest and slope * longest + shift + int(slope < 0 and rule.timing == BRIAN) < 0:
        raise SpikecudaError(
            f"dendritic must be at least half of the longest delay on CUDA devices, where a weight "
            f"is sent when its source spikes (got {behind * p.dt:g} of {longest * p.dt:g} ms "
            f"for {p.name}); use a larger dendritic=, or devices='cpu'"
        )


def deltas(bundle: Bundle, wiring: Wiring) -> tuple[int, int]:
    """Return least and most steps from a target's spike until it counts at a bundle's synapses.

    Synapses that grow later have delays that the projection's others could have had.
    """
    p = bundle.projections[0]
    slope, shift = p.behind()
    low, high = p.delay_steps()
    ends = [d * slope + shift for d in (max(1, low), min(high, wiring.longest))]
    return min(ends), max(ends)


def history_bytes(p: Projection, targets: int, window: int) -> float:
    """Return the bytes of a projection's histories on a device, as far as its delays are known.

    Args:
        p: has a rule.
        targets: neurons of its target population on the device.
        window: steps of a window.
    """
    assert p.plasticity is not None
    spec = p.plasticity.spec(p.target.population.neurons.precision.real)

    def spikes(population: Population, steps: int, watched: bool = False) -> int:
        known = population.neuron_spec
        rest = 0 if known is None else int(np.min(known.constants.get("n_ref", 0)))
        return steps if watched else 1 + (steps - 1) // (1 + rest)

    source, target = p.source.population, p.target.population
    depth = spikes(source, window) + 1
    result = source.size * Line.holding(len(spec.source_values), spec.width, depth).stride
    if p.learns:
        watched = p.plasticity.watches
        depth = spikes(target, p.delay_steps()[0], watched) + 3 + SPARE
        depth += spikes(target, MAX_WINDOW, watched)
        result += targets * Line.holding(len(spec.target_values), spec.width, depth).stride
    if p.plasticity.target_states:
        # A ring of steps of each state.
        back = p.delay_steps()[0] + window
        result += targets * back * len(p.plasticity.target_states) * spec.width // 4
    if p.modulator is not None:
        # A float64 for each step of a ring of integrals.
        result += 2 * integral_steps(modulated(p).epoch)
    return 4.0 * result

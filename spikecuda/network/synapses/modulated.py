"""What a modulator does to the synapses of a projection: the numbers of its level and integral."""

import math
from dataclasses import dataclass
from typing import Any

from spikecuda.network.model.projection import Projection

# The shortest epoch, and the longest, of which a table holds a few.
EPOCHS = 1 << 6, 1 << 20
# Steps whose integrals a device keeps, at least: a sweep is rarer than half of them.
RING = 1 << 16


@dataclass(frozen=True)
class Modulated:
    """A modulator's numbers.

    Attributes:
        key: two projections with the same one have one level and one integral.
        population: whose spikes count.
        delay: steps from a spike to its effect.
        epoch: steps of an epoch: a power of two, about twice tau_c, within ``EPOCHS``.
        jump: of the level at a spike.
        decay: of the level in a step.
        fade: of an eligibility in a step.
        gain: what a level of 1 adds to the integral in an epoch's first step.
        loss: what the baseline takes off it.
    """

    key: tuple[Any, ...]
    population: int
    delay: int
    epoch: int
    jump: float
    decay: float
    fade: float
    gain: float
    loss: float


def modulated(projection: Projection) -> Modulated:
    """Return the numbers of the modulator of a projection that has one."""
    p, rule, dt = projection, projection.plasticity, projection.dt
    assert rule is not None and rule.modulator is not None and p.modulator is not None
    part, population = rule.modulator, p.modulator.population.number
    tau_c = rule.params[rule.variables[part.eligibility].decay]
    tau_n = rule.params[part.tau]
    base = rule.params[part.baseline] if part.baseline else 0.0
    both = 1.0 / tau_c + 1.0 / tau_n
    # Each projection has a level of its own, which can be set.
    key = p.number, tau_c, tau_n, base, dt, p.modulator_delay, population, p.modulator.ids.tobytes()
    return Modulated(
        key, population, p.modulator_delay, epoch_steps(tau_c, dt), 1.0 / tau_n,
        math.exp(-dt / tau_n), math.exp(-dt / tau_c), -math.expm1(-dt * both) / both,
        -base * tau_c * math.expm1(-dt / tau_c),
    )  # fmt: skip


def epoch_steps(tau_c: float, dt: float) -> int:
    """Return the steps of an epoch for tau_c (ms): a power of two within ``EPOCHS``."""
    shortest, longest = EPOCHS
    return min(longest, max(shortest, 1 << math.floor(math.log2(max(1.0, 2.0 * tau_c / dt)))))


def saved_boundary(epoch: int, clock: int) -> int:
    """Return the end of an epoch that raw weights are brought to: no event is to come before it.

    Args:
        epoch: its steps.
        clock: steps done.
    """
    return max(0, (clock - 2) & -epoch)


def integral_steps(epoch: int) -> int:
    """Return the steps whose integrals a device keeps: a power of two, of several epochs."""
    return max(RING, 4 * epoch)

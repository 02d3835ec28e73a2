"""Tables from which kernels count the events of Poisson inputs."""

from collections.abc import Iterable

import numpy as np

# Above this mean per step the inversion of the Poisson distribution gets slow and inexact.
MEAN_LIMIT = 64.0
# Fewer events than this are never counted: uniform numbers are at least 2^-32.
RARE = 2.0**-33


def count_levels(mean: float) -> int:
    """Return how many events in a step a kernel counts: more have a probability below 2^-33."""
    level, mass, tail = 0, float(np.exp(-mean)), -float(np.expm1(-mean))
    while tail > RARE and level < 1000:
        level += 1
        mass *= mean / level
        tail -= mass
        if mass < 2.0**-60 and level > mean:
            break
    return max(level + 1, 1)


def survival_table(
    mean: np.float32, none: np.float32, some: np.float32, reciprocals: Iterable[np.float32]
) -> np.ndarray:
    """Return P(count > k) by the recurrence and the roundings of the per-neuron kernel."""
    survival, mass = some, none
    values = []
    for reciprocal in reciprocals:
        values.append(survival)
        mass = np.float32(np.float32(mass * mean) * reciprocal)
        survival = np.float32(survival - mass)
    return np.array(values, np.float32)


def survival_rows(mean: np.ndarray, levels: int) -> np.ndarray:
    """Return tables of P(count > k) for the means of some steps, one after the other: float32.

    Each is what ``survival_table`` gives for its mean, padded with what no uniform number is below.

    Args:
        mean: float64, shape (steps,).
        levels: of each table: those of the largest mean that there is.
    """
    mean32 = mean.astype(np.float32)
    mass32 = np.exp(-mean).astype(np.float32)
    survival = (-np.expm1(-mean)).astype(np.float32)
    mass, tail = np.exp(-mean), -np.expm1(-mean)
    result = np.full((mean.size, levels), -1.0, np.float32)
    counted = np.ones(mean.size, np.bool_)
    for level in range(levels):
        result[counted, level] = survival[counted]
        reciprocal = np.float32(1.0 / (level + 1))
        mass32 = mass32 * mean32 * reciprocal
        survival = survival - mass32
        counted &= tail > RARE
        mass = mass * (mean / (level + 1))
        counted &= ~((mass < 2.0**-60) & (level > mean))
        tail = tail - mass
    return result.reshape(-1)

"""The seed: a 64-bit number from which all random numbers are computed."""

import operator
from dataclasses import dataclass

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError

_WORD = (1 << 64) - 1


@dataclass(frozen=True)
class Seeds:
    """What the wiring, the start values and the noise are drawn from, and in which trial.

    Attributes:
        wiring: of connections, their weights and delays, and parameters: the same in all trials.
        start, noise: of start values, and of what drives neurons at random, in trial 0.
        trial: number of the trial.
    """

    wiring: int
    start: int
    noise: int
    trial: int = 0

    def in_trial(self) -> tuple[int, int]:
        """Return the seeds of start values and of noise in this trial."""
        return trial_seed(self.start, self.trial), trial_seed(self.noise, self.trial)


def as_seeds(
    seed: object,
    wiring_seed: object = None,
    start_seed: object = None,
    noise_seed: object = None,
    trial: object = 0,
) -> Seeds:
    """Return the seeds that a user gives; those that are None are ``seed``.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: one is no integer in [0, 2^64).
    """
    whole = as_seed(seed)
    given = {"wiring_seed": wiring_seed, "start_seed": start_seed, "noise_seed": noise_seed}
    wiring, start, noise = (
        whole if value is None else as_seed(value, name) for name, value in given.items()
    )
    return Seeds(wiring, start, noise, as_trial(trial))


def as_trial(trial: object) -> int:
    """Return the number of a trial, an integer in [0, 2^64)."""
    return as_seed(trial, "trial")


def trial_seed(seed: int, trial: int) -> int:
    """Return the seed of a trial; that of trial 0 is the seed itself.

    In one trial, different seeds have different ones; of one seed, so have trials 1, 2, ...

    Args:
        seed, trial: integers in [0, 2^64).

    Source: Steele, Lea, Flood (2014) Fast splittable pseudorandom number generators, figure 17
    (SplitMix64).
    """
    if trial == 0:
        return seed
    z = (seed + trial * 0x9E3779B97F4A7C15) & _WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _WORD
    return z ^ (z >> 31)


def as_seed(seed: object, name: str = "seed") -> int:
    """Return a seed as an int in [0, 2^64); ``name``: in messages.

    Raises:
        SpikecudaTypeError: not an integer.
        SpikecudaValueError: out of range.
    """
    try:
        if isinstance(seed, bool):
            raise TypeError
        value = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        raise SpikecudaTypeError(f"{name} must be an integer (got {seed!r:.80})") from None
    if not 0 <= value < 1 << 64:
        raise SpikecudaValueError(f"{name} must be in [0, 2^64) (got {value})")
    return value


def keys(seed: int) -> tuple[np.uint32, np.uint32]:
    """Return the two key words of the counter-based generator."""
    return np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)

"""The constant current that acts on a step of a membrane as a decaying one does."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.models.base import Model
from spikecuda.runtime.neuron_spec import by_name

# A step over the membrane's time constant, less that over the receptor's: e^700 fits in float64.
FORGETFUL = 600.0


def current_equivalents(
    model: type[Model], params: Mapping[str, np.ndarray], tau: Any, dt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return what turns a decaying current into a constant one with the same effect on a step.

    A current ``(i + di t) exp(-t / tau)`` during a step acts like the constant current
    ``to_i i + to_di di``: for models that say how they remember a current (``Model.memory``,
    as LIF does) the membrane at the end of the step is exact; for others it is the mean over the
    step.

    Returns:
        ``to_i`` (1) and ``to_di`` (ms), float64, one number or one per neuron.
    """
    memory = model.memory
    with np.errstate(all="ignore"):
        rate = np.asarray(0.0 if memory is None else 1.0 / by_name(params, memory), np.float64)
        # What is left at the end of the step of a current of 1, of (i + di t) exp(-t / tau).
        still, _ = moments(rate * dt)
        first, second = moments(dt / tau - rate * dt)
        fading = np.exp(-rate * dt)
        # The same from the end of the step back, for a membrane whose memory is so much shorter
        # that ``first`` overflows.
        back, back_second = moments(rate * dt - dt / tau)
        kept, forgetful = np.exp(-dt / tau), rate * dt - dt / tau > FORGETFUL
        of_i = np.where(forgetful, kept * back, fading * first)
        of_di = np.where(forgetful, kept * (back - back_second), fading * second)
        return np.asarray(of_i / still), np.asarray(of_di * dt / still)


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the integrals over s from 0 to 1 of e^(-x s) and s e^(-x s), to a few roundings."""
    near: Any = np.where(np.abs(x) < 1.0, x, 0.0)
    far = np.where(near == x, 1.0, np.minimum(x, 1e150))
    first: Any
    second: Any
    term: Any
    if near.ndim:
        first, second, term = np.zeros_like(near), np.zeros_like(near), np.ones_like(near)
    else:  # the same operations, without arrays: ten times as fast
        near, first, second, term = float(near), 0.0, 0.0, 1.0
    for k in range(20):
        first, second = first + term / (k + 1), second + term / (k + 2)
        term = term * -near / (k + 1)
    rest = np.exp(-far)
    closed = -np.expm1(-far) / far, (-np.expm1(-far) - far * rest) / far**2
    return np.where(near == x, first, closed[0]), np.where(near == x, second, closed[1])

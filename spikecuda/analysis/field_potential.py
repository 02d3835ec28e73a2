"""The local field potential that spikes make, by kernels of single neurons."""

import math

import numpy as np

from spikecuda.analysis.selection import Neurons, members, select, within_memory
from spikecuda.common.arguments import as_real, is_name
from spikecuda.common.arrays import take_reals
from spikecuda.common.time_grid import whole_steps
from spikecuda.errors import SpikecudaValueError, shown
from spikecuda.runtime.spikes import Spikes

# uV at the neuron itself, of excitatory and inhibitory neurons, by where the electrode is.
AMPLITUDES = {
    "surface": (-0.08, 0.3),
    "superficial": (0.24, -1.2),
    "soma": (0.48, 3.0),
    "deep": (-0.16, -0.2),
}
KINDS = ("excitatory", "inhibitory")
# Standard deviations of the kernels, ms; their delay, ms; mm; mm/ms.
WIDTHS = (3.15, 2.1)
DELAY, SPACE, VELOCITY = 10.4, 0.2, 0.2
# A kernel is cut where it is below 1e-8 of its peak: sqrt(2 log 1e8) deviations.
REACH = 6.07
# No kernel is wider, ms, and no distance longer.
LARGEST = 1e4
# Samples of kernels that are added up at a time.
CHUNK = 1 << 22


@within_memory
def field_potential(
    spikes: Spikes,
    neurons: Neurons,
    start: float,
    stop: float,
    positions: np.ndarray,
    electrode: object,
    kind: str,
    layer: str = "soma",
    *,
    amplitude: float | None = None,
    width: float | None = None,
    delay: float = DELAY,
    space: float = SPACE,
    velocity: float = VELOCITY,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the local field potential of neurons of one kind: a Gaussian for each spike.

    A neuron at the distance r adds ``amplitude exp(-r / space)``, at its peak ``delay + r /
    velocity`` after the spike.  The potentials of excitatory and inhibitory neurons add up.

    Args:
        spikes, neurons, start, stop: see ``spikecuda.analysis``.  Spikes before ``start`` count as
            far as their kernels reach.
        positions: mm, array (neurons, axes), of the chosen neurons in their order.
        electrode: mm, a point with as many axes; of a cortical column, its place in the layer.
        kind: "excitatory" or "inhibitory".
        layer: where the electrode is in the cortex: "surface", "superficial", "soma" or "deep".
        amplitude: uV at distance 0; None: that of kind and layer.
        width: standard deviation of the kernel, ms, > 0; None: 3.15 of excitatory, 2.1 of
            inhibitory neurons.
        delay: from a spike to its peak at distance 0, ms, >= 0.
        space: the distance in which the amplitude falls to 1/e, mm, > 0.
        velocity: of axons, mm/ms, > 0.

    Returns:
        Time at the ends of the steps, ms, and the potential, uV; float64 (steps,).

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.

    Source: Telenczuk, Telenczuk & Destexhe (2020) J Neurosci Methods 344:108871, with its numbers.
    """
    for name, value, known in (("kind", kind, KINDS), ("layer", layer, tuple(AMPLITUDES))):
        if not is_name(value, known):
            raise SpikecudaValueError(
                f"{name} must be one of {', '.join(known)} (got {shown(value)})"
            )
    which = KINDS.index(kind)
    peak = AMPLITUDES[layer][which] if amplitude is None else as_real("amplitude", amplitude)
    sigma = WIDTHS[which] if width is None else _as_length("width", width, "ms")
    scale, speed = _as_length("space", space, "mm"), _as_length("velocity", velocity, "mm/ms")
    lag = as_real("delay", delay, "ms")
    if not (0.0 <= lag < math.inf and math.isfinite(peak)):
        raise SpikecudaValueError(
            f"delay must be >= 0 ms and amplitude finite (got {lag!r} and {peak!r})"
        )
    window = select(spikes, neurons, start, stop)
    first = whole_steps("start", start, window.dt)
    distance = _distances(positions, electrode, members(neurons).size)
    # Spikes from outside the window, too: what they add may be in it.
    every = select(spikes, neurons, 0.0, stop)
    when = lag + distance / speed
    # The sample of step k is at its end; a spike is at the end of its step, too.
    at = every.step - first + when[every.index] / window.dt
    size = peak * np.exp(-distance / scale)[every.index]
    return (
        (first + 1 + np.arange(window.steps)) * window.dt,
        _add_up(at, size, sigma / window.dt, window.steps),
    )


def _as_length(name: str, value: object, unit: str) -> float:
    """Return a finite number above 0."""
    number = as_real(name, value, unit)
    if not 0.0 < number <= LARGEST:
        raise SpikecudaValueError(
            f"{name} must be > 0 and <= {LARGEST:g} {unit} (got {shown(value)})"
        )
    return number


def _distances(positions: object, electrode: object, count: int) -> np.ndarray:
    """Return the distance of each neuron from the electrode, mm."""
    where = take_reals("positions", positions, "an array (neurons, axes)")
    point = take_reals("electrode", electrode, "one number for each axis")
    if where.ndim == 1:
        where = where[:, None]
    if where.ndim != 2 or where.shape[0] != count:
        raise SpikecudaValueError(
            f"positions must have a row for each of the {count:,} neurons (got shape {where.shape})"
        )
    if point.reshape(-1).shape != where.shape[1:]:
        raise SpikecudaValueError(
            f"electrode must have {where.shape[1]} coordinates, as positions have (got "
            f"{shown(electrode)})"
        )
    if not (np.isfinite(where).all() and np.isfinite(point).all()):
        raise SpikecudaValueError("positions and electrode must be finite (got NaN or infinity)")
    return np.sqrt(((where - point.reshape(-1)) ** 2).sum(axis=1))


def _add_up(at: np.ndarray, size: np.ndarray, sigma: float, steps: int) -> np.ndarray:
    """Return the sum of Gaussians at the samples 0 to ``steps``.

    Args:
        at: their peaks, in samples.
        size: their heights.
        sigma: their standard deviation, in samples.
    """
    reach = math.ceil(REACH * sigma)
    near = (at > -reach - 1) & (at < steps + reach)
    at, size = at[near], size[near]
    total = np.zeros(steps)
    lags = np.arange(-reach, reach + 1)
    some = max(1, CHUNK // lags.size)
    for a in range(0, at.size, some):
        middle = np.rint(at[a : a + some]).astype(np.int64)
        sample = middle[:, None] + lags
        value = (sample - at[a : a + some, None]) / sigma
        value = size[a : a + some, None] * np.exp(-0.5 * value * value)
        inside = (sample >= 0) & (sample < steps)
        total += np.bincount(sample[inside], value[inside], minlength=steps)
    return total

"""Space-time filters of early vision: a stimulus in, the rates of neurons out.

A neuron has a receptive field and a course in time; its rate is what the stimulus, weighted with
both, adds to a baseline, cut off at 0 (a linear-nonlinear model).

Source: Dayan & Abbott (2001) Theoretical Neuroscience, sections 2.2 to 2.4.
"""

import math
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count, as_positive, as_real, shown
from spikecuda.common.arrays import take_reals
from spikecuda.common.host_memory import require_memory
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.inputs.values import require_finite
from spikecuda.inputs.waveform import Waveform


def difference_of_gaussians(
    positions: Any,
    shape: tuple[int, int],
    *,
    center: float = 1.0,
    surround: float = 3.0,
    balance: float = 0.9,
    spacing: float = 1.0,
) -> np.ndarray:
    """Return receptive fields with a centre and a surround.

    ``exp(-r^2 / 2 center^2) / (2 pi center^2) - balance exp(-r^2 / 2 surround^2) /
    (2 pi surround^2)``, times the area of a pixel, at the distance r of each pixel from the neuron.
    So a uniform stimulus of 1 that covers the whole field gives ``1 - balance``.

    Args:
        positions: of the neurons, shape (neurons, 2): (x, y) in the unit of ``spacing``.  Pixel
            (row, column) lies at x = column spacing, y = row spacing.
        shape: rows and columns of the stimulus.
        center, surround: standard deviations in the unit of ``spacing``, > 0.
        balance: weight of the surround, >= 0.
        spacing: distance of two pixels, > 0, for example in degrees.

    Returns:
        Weights, float64 (neurons, rows, columns).

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.

    Source: Rodieck (1965) Vision Res 5:583; Dayan & Abbott (2001), equation 2.45.
    """
    places = take_reals("positions", positions, "an array (neurons, 2)")
    if places.ndim != 2 or places.shape[1] != 2 or not len(places):
        raise SpikecudaValueError(
            f"positions must have shape (neurons, 2), x and y of each (got shape {places.shape})"
        )
    require_finite("positions", places)
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise SpikecudaTypeError(f"shape must be (rows, columns) (got {shown(shape)})")
    rows, columns = (as_count("shape", n, 1, 2**20) for n in shape)
    inner, outer = as_positive("center", center, ""), as_positive("surround", surround, "")
    step = as_positive("spacing", spacing, "")
    weight = as_real("balance", balance)
    if not (math.isfinite(weight) and weight >= 0):
        raise SpikecudaValueError(f"balance must be >= 0 (got {weight!r})")
    require_memory(
        24.0 * len(places) * rows * columns, "receptive fields", "use fewer neurons or pixels"
    )
    x = np.arange(columns) * step - places[:, 0, None, None]
    y = (np.arange(rows) * step)[:, None] - places[:, 1, None, None]
    square = x * x + y * y

    def gaussian(width: float) -> np.ndarray:
        scale = step * step / (2.0 * math.pi * width * width)
        bell: np.ndarray = scale * np.exp(-square / (2.0 * width * width))
        return bell

    return gaussian(inner) - weight * gaussian(outer)


def biphasic(dt: float, *, rate: float = 0.1, duration: float = 300.0) -> np.ndarray:
    """Return the course in time of a cell that answers to changes.

    ``rate exp(-rate t) ((rate t)^5 / 5! - (rate t)^7 / 7!)`` at t = 0, dt, 2 dt, ..., times dt.

    Args:
        dt: ms between two frames of the stimulus, > 0.
        rate: 1/ms, > 0: larger is faster; the response to a flash begins to turn at ``6.5 / rate``.
        duration: ms, > 0, after which the course is cut off.

    Returns:
        Weights, float64 (taps,), for use with ``space_time_rates``; their sum is nearly 0.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.

    Source: Adelson & Bergen (1985) J Opt Soc Am A 2:284; Dayan & Abbott (2001), equation 2.29.
    """
    step, speed = as_positive("dt", dt, "ms"), as_positive("rate", rate, "1/ms")
    length = as_positive("duration", duration, "ms")
    if length / step > 1e7:
        raise SpikecudaValueError(
            f"duration must be at most 1e7 frames of dt = {step:g} ms (got {length:g} ms)"
        )
    u = speed * step * np.arange(math.ceil(length / step))
    course: np.ndarray = (
        step * speed * np.exp(-u) * (u**5 / math.factorial(5) - u**7 / math.factorial(7))
    )
    return course


def space_time_rates(
    stimulus: Any,
    parts: tuple[Any, Any] | list[tuple[Any, Any]],
    dt: float,
    *,
    baseline: Any = 0.0,
    gain: Any = 1.0,
    most: float = math.inf,
    start: float = 0.0,
    interpolation: str = "hold",
) -> Waveform:
    """Return the rates of neurons that see a stimulus: a rate for ``Poisson`` and its kin.

    ``rate(t) = min(most, max(0, baseline + gain L(t)))`` with ``L(t)`` the sum over all parts,
    pixels and taps of ``space[pixel] time[tap] stimulus[t - tap, pixel]``.  A filter that cannot be
    separated into space and time is a sum of parts, such as a fast centre and a slow surround.
    Before the first frame the stimulus is 0.

    Args:
        stimulus: shape (frames, rows, columns) or (frames, pixels), for example contrasts from -1
            to 1.
        parts: (space, time), or a list of such tuples.  Space: weights of the pixels, shape
            (neurons, rows, columns) or (neurons, pixels), see ``difference_of_gaussians``.  Time:
            weights of the latest frame, the one before, ..., shape (taps,), see ``biphasic``, or
            (neurons, taps).
        dt: ms between two frames, > 0.
        baseline: Hz, one number or one per neuron.
        gain: Hz for an L of 1, one number or one per neuron.
        most: Hz, > 0: rates above are cut off.
        start: time of the first frame in ms, >= 0.
        interpolation: "hold" or "linear", see ``Waveform``.

    Returns:
        A ``Waveform`` with a column for each neuron; its ``values`` are the rates in Hz, (frames,
        neurons).

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.

    Source: Dayan & Abbott (2001) Theoretical Neuroscience, equations 2.1, 2.8 and 2.24.
    """
    film = take_reals("stimulus", stimulus, "an array (frames, rows, columns)")
    if film.ndim not in (2, 3) or not film.size:
        raise SpikecudaValueError(
            "stimulus must have shape (frames, rows, columns) or (frames, pixels) (got shape "
            f"{film.shape})"
        )
    require_finite("stimulus", film)
    pixels = film.reshape(len(film), -1)
    listed = parts if isinstance(parts, list) and parts else [parts]
    filters = [_part(part, film.shape[1:]) for part in listed]
    count = len(filters[0][0])
    for space, _ in filters:
        if len(space) != count:
            raise SpikecudaValueError(
                f"parts must be of the same neurons (got {count:,} and {len(space):,})"
            )
    require_memory(32.0 * len(film) * count, "rates", "use fewer frames or neurons")
    linear = np.zeros((len(film), count))
    for space, time in filters:
        linear += _filtered(pixels @ space.T, time)
    cap = as_real("most", most, "Hz")
    if not cap > 0:
        raise SpikecudaValueError(f"most must be > 0 Hz (got {cap!r})")
    base, factor = (_per_neuron(n, v, count) for n, v in (("baseline", baseline), ("gain", gain)))
    rates = np.clip(base + factor * linear, 0.0, cap)
    return Waveform(rates, dt, start, interpolation)


def _part(part: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return space, (neurons, pixels), and time, (neurons or 1, taps), of a part of a filter."""
    if not isinstance(part, tuple) or len(part) != 2:
        raise SpikecudaTypeError(
            f"parts must be a tuple (space, time) or a list of such tuples (got {shown(part)})"
        )
    space = take_reals("space", part[0], "an array (neurons, rows, columns)")
    time = take_reals("time", part[1], "an array (taps,) or (neurons, taps)")
    flat = (math.prod(shape),)
    if space.ndim < 2 or not space.size or space.shape[1:] not in (shape, flat):
        raise SpikecudaValueError(
            f"space must have shape (neurons, {', '.join(map(str, shape))}): the stimulus's pixels "
            f"(got shape {space.shape})"
        )
    if time.ndim not in (1, 2) or not time.size or (time.ndim == 2 and len(time) != len(space)):
        raise SpikecudaValueError(
            f"time must have shape (taps,) or ({len(space)}, taps) (got shape {time.shape})"
        )
    require_finite("space", space)
    require_finite("time", time)
    return space.reshape(len(space), -1), np.atleast_2d(time)


def _filtered(seen: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return each neuron's course (frames, neurons), filtered in time; it is 0 before."""
    result = np.zeros_like(seen)
    for tap in range(min(time.shape[1], len(seen))):
        result[tap:] += time[:, tap] * seen[: len(seen) - tap]
    return result


def _per_neuron(name: str, value: Any, count: int) -> np.ndarray:
    array = take_reals(name, value, "a number or one per neuron")
    if array.shape not in ((), (count,)):
        raise SpikecudaValueError(
            f"{name} must be one number or one per neuron, shape ({count},) (got shape "
            f"{array.shape})"
        )
    require_finite(name, array)
    return array

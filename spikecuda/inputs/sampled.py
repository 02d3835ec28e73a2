"""Functions of time, sampled once."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_positive, as_real, shown
from spikecuda.common.arrays import view_array
from spikecuda.common.time_grid import first_step
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError

# More samples than this are a mistake: 800 MB.
MOST_SAMPLES = 10**8


def sample(
    name: str, function: Callable[..., Any], dt: float, start: float, stop: float
) -> np.ndarray:
    """Return a function's values at ``start + j dt`` in [start, stop).

    Args:
        name: of the argument, for messages.
        function: takes an array of times in ms, (samples,); returns (samples,), (samples, neurons)
            or one number.
        dt: ms between two samples.
        start, stop: ms.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: times that cannot be used, or a function that
            returns something else.
    """
    if not callable(function):
        raise SpikecudaTypeError(f"{name} must be a function of t in ms (got {shown(function)})")
    step = as_positive("dt", dt, "ms")
    begin, end = as_real("start", start, "ms"), as_real("stop", stop, "ms")
    if not (math.isfinite(begin) and begin >= 0):
        raise SpikecudaValueError(f"start must be >= 0 ms (got {begin!r})")
    if not end > begin:
        raise SpikecudaValueError(f"stop must be > start = {begin!r} ms (got {end!r})")
    if not math.isfinite(end):
        raise SpikecudaValueError(
            f"{name} is a function of time, which is sampled once, so stop must be finite (got "
            f'{end!r}); give stop, or a Waveform with after="repeat"'
        )
    count = first_step(end - begin, step)
    if count > MOST_SAMPLES:
        raise SpikecudaValueError(
            f"{name} must take at most {MOST_SAMPLES:,} samples (got {count:,}); use a Waveform "
            'with a larger dt and interpolation="linear"'
        )
    return evaluate(name, function, begin + np.arange(count) * step)


def evaluate(name: str, function: Callable[..., Any], times: np.ndarray) -> np.ndarray:
    """Return a function's values at some times in ms, (times,) or (times, neurons); see above."""
    try:
        made = function(times)
    except TypeError as error:
        raise SpikecudaTypeError(
            f"{name} is called with an array of times in ms (got {error}); use NumPy's functions, "
            "such as np.sin"
        ) from error
    values = np.asarray(
        view_array(f"what {name} returns", made, "an array of numbers, (times,)"), np.float64
    )
    if values.ndim == 0:
        values = np.broadcast_to(values, times.shape)
    if values.ndim > 2 or len(values) != times.size:
        raise SpikecudaValueError(
            f"{name} is called with an array of {times.size:,} times in ms and must return a "
            f"number for each, shape ({times.size},) or ({times.size}, neurons) (got shape "
            f"{values.shape})"
        )
    return values

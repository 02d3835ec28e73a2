"""Movies that FilterNet's inputs name: gratings, flashes, looming discs, and arrays of a file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.host_memory import require_memory
from spikecuda.common.npz import open_regular
from spikecuda.errors import SpikecudaValueError, nearest, shown

COMMON = ("input_type", "module", "node_set", "enabled", "evaluation_options")
GRATING = (
    "row_size", "col_size", "frame_rate", "gray_screen_dur", "cpd", "temporal_f", "theta", "phase",
    "contrast", "degrees_per_pixel",
)  # fmt: skip
KNOWN = {
    "movie": ("data_file", "frame_rate", "normalize"),
    "full_field_flash": ("row_size", "col_size", "t_on", "t_off", "max_intensity", "frame_rate"),
    "graiting": GRATING, "grating": GRATING,
    "looming": ("row_size", "col_size", "frame_rate", "t_looming", "gray_screen_dur"),
}  # fmt: skip
RADIUS = 25.0  # a looming disc grows to it, in degrees


@dataclass(frozen=True, eq=False)
class Movie:
    """Frames of a movie.

    Attributes:
        frames: brightness, -1 to 1, float32 (frames, rows, columns).
        rows, columns: coordinates of the pixels, degrees, float64.
        rate: frames per second.
    """

    frames: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    rate: float


def read_movie(where: str, options: Mapping[str, Any], stop: float) -> Movie:
    """Return the movie of an input.

    Args:
        where: file and name of the input, for errors.
        options: of the input.
        stop: end of the simulation, ms.

    Raises:
        SpikecudaValueError: a movie that is not possible.
        OSError: its file cannot be read.
    """
    module = options.get("module")
    if not isinstance(module, str) or module.lower() not in KNOWN:
        raise SpikecudaValueError(
            f"{where}: module must be one of {', '.join(KNOWN)} (got {shown(module)}"
            f"{nearest(str(module), list(KNOWN))})"
        )
    known = KNOWN[module.lower()]
    for key in options:
        if key not in (*COMMON, *known):
            raise SpikecudaValueError(
                f"{where}: has an option that is not known here (got {key!r:.80}"
                f"{nearest(key, known)}); it takes {', '.join(known)}"
            )
    given = _Options(where, options)
    if module.lower() == "movie":
        return _of_file(given)
    if module.lower() == "looming":
        return _looming(given)
    if module.lower() == "full_field_flash":
        return _flash(given, stop)
    return _grating(given, stop)


class _Options:
    """The options of an input, as numbers."""

    def __init__(self, where: str, given: Mapping[str, Any]) -> None:
        self.where, self.given = where, given

    def number(self, key: str, default: float | None, low: float = -math.inf) -> float:
        value = self.given.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value < 1e9:
            need = f"a number from {low:g}" if math.isfinite(low) else "a number"
            raise SpikecudaValueError(f"{self.where}: {key} must be {need} (got {shown(value)})")
        return float(value)

    def size(self, key: str) -> int:
        value = self.given.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 2 <= value <= 100_000:
            raise SpikecudaValueError(
                f"{self.where}: {key} must be a whole number of degrees from 2 (got {shown(value)})"
            )
        return value

    def rate(self, default: float | None = 1000.0) -> float:
        value = self.number("frame_rate", default, 0.0)
        if value <= 0:
            raise SpikecudaValueError(f"{self.where}: frame_rate must be > 0 Hz (got {value:g})")
        return value

    def empty(self, frames: int, rows: int, columns: int) -> np.ndarray:
        if frames < 2:
            raise SpikecudaValueError(f"{self.where}: must have at least 2 frames (got {frames})")
        require_memory(16.0 * frames * rows * columns, self.where, "use a smaller movie")
        return np.zeros((frames, rows, columns), np.float32)


def _grating(given: _Options, stop: float) -> Movie:
    """Return a drifting sine grating, after a gray screen."""
    rate, cpd = given.rate(), given.number("cpd", 0.05, 1e-6)
    contrast = given.number("contrast", 1.0, 0.0)
    if not 0 < contrast <= 1:
        raise SpikecudaValueError(
            f"{given.where}: contrast must be > 0 and at most 1 (got {contrast:g})"
        )
    pitch = given.number("degrees_per_pixel", 1.0 / (10.0 * cpd), 1e-6)
    rows, columns = (
        np.linspace(0.0, size, _pixels(given.where, size / pitch))
        for size in (given.size("row_size"), given.size("col_size"))
    )
    gray = given.number("gray_screen_dur", 0.0, 0.0) / 1e3
    shown_s = stop / 1e3 - gray
    if shown_s <= 0:
        raise SpikecudaValueError(
            f"{given.where}: gray_screen_dur must end before the run, at {stop:g} ms (got "
            f"{1e3 * gray:g})"
        )
    count = round(rate * shown_s) + 1
    # As the toolkit has it: the last gray frame is the grating's first one, which is gray, too.
    before = len(np.arange(gray * rate + 1)) - 1 if gray > 0 else 0
    frames = given.empty(before + count, rows.size, columns.size)
    theta, phase = (
        np.pi * (180.0 - given.number(key, default)) / 180.0
        for key, default in (("theta", 45.0), ("phase", 0.0))
    )
    place = columns * np.cos(theta) + rows[:, None] * np.sin(theta)
    cycles = given.number("temporal_f", 4.0) * np.linspace(0.0, shown_s, count)
    for number, cycle in enumerate(cycles):
        if number or not before:
            frames[before + number] = contrast * np.sin(2 * np.pi * (cpd * place + cycle) + phase)
    return Movie(frames, rows, columns, rate)


def _pixels(where: str, count: float) -> int:
    if not 2 <= count < 100_000:
        raise SpikecudaValueError(
            f"{where}: a side must have from 2 to 99,999 pixels (got {count:.3g}); change "
            "degrees_per_pixel"
        )
    return int(count)


def _flash(given: _Options, stop: float) -> Movie:
    """Return a screen that is bright from ``t_on`` to ``t_off``."""
    rate, rows, columns = given.rate(24.0), given.size("row_size"), given.size("col_size")
    begin, end = given.number("t_on", None, 0.0) / 1e3, given.number("t_off", None, 0.0) / 1e3
    if begin >= end:
        raise SpikecudaValueError(
            f"{given.where}: t_on must be before t_off (got {1e3 * begin:g} and {1e3 * end:g} ms)"
        )
    times = np.arange(stop / 1e3 * rate + 1) / rate
    frames = given.empty(times.size, rows, columns)
    frames[(times >= begin) & (times < end)] = given.number("max_intensity", 1.0)
    return Movie(frames, np.arange(rows, dtype=float), np.arange(columns, dtype=float), rate)


def _looming(given: _Options) -> Movie:
    """Return a dark disc whose area grows, after a gray screen."""
    rate, rows, columns = given.rate(), given.size("row_size"), given.size("col_size")
    before = round(rate * given.number("gray_screen_dur", 0.5, 0.0))
    count = round(rate * given.number("t_looming", 1.0, 0.0))
    frames = given.empty(before + count, rows, columns)
    down, across = np.mgrid[:rows, :columns]
    squared = (down - rows / 2) ** 2 + (across - columns / 2) ** 2
    for number in range(count):
        frames[before + number] = -(squared <= (number * 0.75) % RADIUS**2).astype(np.float32)
    return Movie(frames, np.linspace(0.0, rows, rows), np.linspace(0.0, columns, columns), rate)


def _of_file(given: _Options) -> Movie:
    """Return a movie of an ``.npy`` file, (frames, rows, columns)."""
    path = given.given.get("data_file")
    if not isinstance(path, str):
        raise SpikecudaValueError(f"{given.where}: data_file must be a file (got {shown(path)})")
    open_regular(path, "a movie").close()
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, SyntaxError) as error:
        raise SpikecudaValueError(
            f"{path} must be a movie, an .npy file of numbers (got {error!s:.200})"
        ) from None
    if not isinstance(stored, np.ndarray) or stored.ndim != 3 or stored.dtype.kind not in "iufb":
        raise SpikecudaValueError(
            f"{path} must be a movie, numbers (frames, rows, columns) (got "
            f"{getattr(stored, 'shape', 'several arrays')})"
        )
    if min(stored.shape) < 2:
        raise SpikecudaValueError(f"{path} must have 2 or more of each (got shape {stored.shape})")
    frames = given.empty(*stored.shape)
    frames[:] = stored
    if not np.isfinite(frames).all():
        raise SpikecudaValueError(f"{path} must be finite (got NaN or infinity)")
    normalize = given.given.get("normalize", False)
    if normalize:
        low, high = _domain(given.where, normalize, frames)
        frames -= low
        frames *= 2.0 / (high - low)
        frames -= 1.0
    rows, columns = (np.arange(n, dtype=float) for n in frames.shape[1:])
    return Movie(frames, rows, columns, given.rate(None))


def _domain(where: str, normalize: Any, frames: np.ndarray) -> tuple[float, float]:
    """Return the brightness that becomes -1, and that which becomes 1."""
    least, most = float(frames.min()), float(frames.max())
    if isinstance(normalize, list):
        good = len(normalize) == 2 and all(isinstance(v, int | float) for v in normalize)
        if not good or not normalize[0] < normalize[1]:
            raise SpikecudaValueError(
                f"{where}: normalize must be true, or [least, most] brightness (got "
                f"{shown(normalize)})"
            )
        if least < normalize[0] or most > normalize[1]:
            raise SpikecudaValueError(
                f"{where}: normalize must hold all brightness, from {least:g} to {most:g} (got "
                f"{shown(normalize)})"
            )
        return float(normalize[0]), float(normalize[1])
    if least >= 0 and most <= 1:
        return 0.0, 1.0
    if least >= -1 and most <= 1:
        return -1.0, 1.0
    if least >= 0 and most < 256:
        return 0.0, 255.0
    return least, most

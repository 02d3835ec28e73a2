"""An animated raster: a sequence of pictures in a folder."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count, as_path, as_real, is_name
from spikecuda.common.files import write_bytes
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaValueError, shown
from spikecuda.observe.progress import Progress, reporter
from spikecuda.plots.colours import colours
from spikecuda.plots.style import DARK, LIGHT, themed
from spikecuda.view.recorded import Recording, recording_of

# Frames in all, and pixels of a side.
MOST_FRAMES, LEAST_SIDE, MOST_SIDE = 20_000, 240, 4096
DPI = 100
# Parts of the height: populations, in proportion to neurons to the power of this.
POWER = 0.75
BINS = 100


@out_of_memory("pictures", "draw fewer frames, or smaller ones")
def write_frames(
    result: Any,
    folder: str | os.PathLike[str],
    *,
    window: float = 500.0,
    every: float = 5.0,
    start: float | None = None,
    stop: float | None = None,
    width: int = 960,
    height: int = 600,
    theme: str = "light",
    progress: Progress = False,
) -> list[Path]:
    """Draw a raster that moves, as ``frame-00000.png`` and so on.

    At 25 frames/s, ``every=5.0`` shows an eighth of real time.  ``ffmpeg -i frame-%05d.png`` makes
    a video of them.

    Args:
        result: of a network, a pool or a system, with spikes.
        folder: a new or empty one, which is made.
        window: ms that a frame shows, up to its time.
        every: ms of model time between frames.
        start, stop: times of the first and the last frame, ms; None: those of the result.
        width, height: pixels, 240 to 4096.
        theme: "light" or "dark".
        progress: True shows a bar; a function is called with (frames drawn, frames).

    Returns:
        The paths, at most 20,000.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: an argument cannot be used.
        OSError: a file cannot be written.
    """
    recording = recording_of(result)
    dt = recording.dt
    span, between = as_real("window", window, "ms"), as_real("every", every, "ms")
    for name, value in (("window", span), ("every", between)):
        if not dt <= value <= 1e9:
            raise SpikecudaValueError(f"{name} must be from dt = {dt:g} to 1e9 ms (got {value:g})")
    low, high = recording.start * dt, recording.stop * dt
    first = low if start is None else as_real("start", start, "ms")
    last = high if stop is None else as_real("stop", stop, "ms")
    if not low - 1e-6 <= first <= last <= high + 1e-6:
        raise SpikecudaValueError(
            f"start and stop must lie in the run, {low:g} to {high:g} ms (got {first:g} to "
            f"{last:g})"
        )
    times = np.arange(first, last + 1e-9 * max(1.0, last), between)
    if times.size > MOST_FRAMES:
        raise SpikecudaValueError(
            f"every must give at most {MOST_FRAMES:,} frames (got {times.size:,}); every="
            f"{(last - first) / MOST_FRAMES:.3g} or more does"
        )
    size = (
        as_count("width", width, LEAST_SIDE, MOST_SIDE),
        as_count("height", height, LEAST_SIDE, MOST_SIDE),
    )
    if not is_name(theme, ("light", "dark")):
        raise SpikecudaValueError(f'theme must be "light" or "dark" (got {shown(theme)})')
    place = Path(as_path(folder, "folder"))
    if place.exists() and not place.is_dir():
        raise SpikecudaValueError(f"folder must be new or empty (got {place}, which is a file)")
    place.mkdir(exist_ok=True)
    if any(place.iterdir()):
        raise SpikecudaValueError(f"folder must be new or empty (got {place}, which has files)")
    film = _Film(recording, span, size, theme)
    paths = []
    with reporter(progress, int(times.size), "frames") as report:
        for i, time in enumerate(times):
            paths.append(write_bytes(place / f"frame-{i:05}.png", film.draw(time), durable=False))
            report(i + 1)
    return paths


class _Film:
    """Draws frames: what stays is drawn once.

    Args:
        recording: what a run recorded.
        span: ms that a frame shows.
        size: pixels.
        theme: "light" or "dark".
    """

    def __init__(
        self, recording: Recording, span: float, size: tuple[int, int], theme: str
    ) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.colors import to_rgb
        from matplotlib.figure import Figure

        self._recording, self._span = recording, span
        look = LIGHT if theme == "light" else DARK
        names = [p.name for p in recording.shown]
        tint = colours(names, look)
        heights = np.array([p.size for p in recording.shown], float) ** POWER
        least = 0.5 / max(8, len(names))
        parts = np.maximum(heights / heights.sum(), least)
        edges = np.concatenate([[0.0], np.cumsum(parts / parts.sum())])
        with themed(look):
            figure = Figure(figsize=(size[0] / DPI, size[1] / DPI), dpi=DPI)
            self._canvas = FigureCanvasAgg(figure)
            left = 80 / size[0]
            top = figure.add_axes((left, 0.32, 0.97 - left, 0.6))
            below = figure.add_axes((left, 0.1, 0.97 - left, 0.17))
            for axes in (top, below):
                axes.set_xlim(-span, 0.0)
                axes.grid(False)
            top.set_ylim(1.0, 0.0)
            top.set_xticklabels([])
            top.set_yticks(0.5 * (edges[1:] + edges[:-1]), names)
            for name, label in zip(names, top.get_yticklabels(), strict=True):
                label.set_color(tint[name])
            for edge in edges[1:-1]:
                top.axhline(edge, color=look.faint, linewidth=0.7)
            below.set_xlabel("ms before the time above")
            below.set_ylabel("Hz")
            below.set_ylim(0.0, self._highest())
            box = top.get_window_extent()
            self._left, self._top = round(box.x0), size[1] - round(box.y1)
            self._width, self._height = int(box.width), int(box.height)
            centres = (np.arange(BINS) + 0.5) * span / BINS - span
            self._lines = [
                below.plot(centres, np.zeros(BINS), color=tint[name], linewidth=1.4,
                           animated=True)[0]
                for name in names
            ]  # fmt: skip
            self._time = top.text(
                0.0, 1.03, "", transform=top.transAxes, animated=True, fontsize=11,
                fontweight="bold",
            )  # fmt: skip
            self._axes = top, below
            self._canvas.draw()
            self._ground = self._canvas.copy_from_bbox(figure.bbox)
        self._edges = edges
        self._tints = [
            (255 * np.array(to_rgb(tint[name]))).round().astype(np.uint8) for name in names
        ]

    def draw(self, time: float) -> bytes:
        """Return the picture, a PNG, of the window that ends at a time in ms."""
        from PIL import Image

        recording, dt = self._recording, self._recording.dt
        first, last = (time - self._span) / dt, time / dt
        self._canvas.restore_region(self._ground)
        top_axes, below = self._axes
        places = []
        for i, (step, neuron) in enumerate(recording.spikes):
            # A spike is at the end of its step.
            a, z = np.searchsorted(step + 1, [first, last], "right")
            x = ((step[a:z] + 1 - first) / (last - first) * self._width).astype(np.int64)
            top, bottom = self._edges[i : i + 2] * self._height
            y = top + (neuron[a:z] + 0.5) / recording.shown[i].size * (bottom - top)
            places.append((x, y.astype(np.int64)))
            self._lines[i].set_ydata(self._rates(i, step[a:z], first, last))
            below.draw_artist(self._lines[i])
        self._time.set_text(f"{time:,.1f} ms")
        top_axes.draw_artist(self._time)
        image = np.array(self._canvas.buffer_rgba())[:, :, :3]
        for (x, y), tint in zip(places, self._tints, strict=True):  # dots of 2 x 2 pixels
            for dx in (0, -1):
                for dy in (0, 1):
                    image[
                        self._top + np.minimum(y + dy, self._height - 1),
                        self._left + np.clip(x + dx, 0, self._width - 1),
                    ] = tint
        picture = Image.fromarray(image)
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", compress_level=3)
        return buffer.getvalue()

    def _rates(self, i: int, step: np.ndarray, first: float, last: float) -> np.ndarray:
        """Return the rate of a population in each bin of a window; NaN before the run."""
        edges = np.linspace(first, last, BINS + 1)
        counts, _ = np.histogram(step + 1, edges)
        rates = counts / (self._recording.shown[i].size * self._span / BINS * 1e-3)
        return np.where(edges[:-1] < self._recording.start - 1e-9, np.nan, rates)

    def _highest(self) -> float:
        """Return the end of the axis of rates."""
        recording, found = self._recording, 1.0
        bins = max(1, int((recording.stop - recording.start) * recording.dt / self._span * BINS))
        for (step, _), p in zip(recording.spikes, recording.shown, strict=True):
            counts, edges = np.histogram(step, bins, (recording.start, recording.stop))
            width = (edges[1] - edges[0]) * recording.dt * 1e-3
            found = max(found, float(np.percentile(counts, 99.8)) / (p.size * width))
        return 1.15 * found

"""Filters of cells of the lateral geniculate nucleus: a Gaussian in space, two bumps in time.

Source: Durand et al. (2016) J Neurosci 36:12144 (the data), Billeh et al. (2020) Neuron 106:388
(the model); bumps as Pillow et al. (2008) Nature 454:995.  Numbers are those of the Brain Modeling
Toolkit 1.2, package filternet.
"""

import math

import numpy as np

from spikecuda.errors import SpikecudaValueError

LENGTH = 600  # ms that bumps last without a delay
OFFSET = 0.3  # ms, added to times before their logarithm is taken
RANGE = (100.0, 200.0)  # ms, peaks whose distance on the logarithmic axis is a bump's half width
REACH = 4.0  # Gaussians end after so many sigma


def temporal_kernel(
    weights: tuple[float, float], peaks: tuple[float, float], delays: tuple[float, float]
) -> np.ndarray:
    """Return a filter in time, a value for each ms after the stimulus, float64 (ms,).

    Args:
        weights: heights of both bumps.
        peaks: of both, ms.
        delays: of both, ms; cut to whole numbers.

    Raises:
        SpikecudaValueError: peaks or delays that are not in order, or a first weight <= 0.
    """
    first, second = int(delays[0]), int(delays[1])
    if not (0 < peaks[0] < peaks[1] and weights[0] > 0 and 0 <= first <= second <= 10_000):
        raise SpikecudaValueError(
            "temporal filters must have kpeaks > 0 and delays >= 0 in ascending order, and a first "
            f"weight > 0 (got weights {weights}, kpeaks {peaks}, delays {delays})"
        )
    low, high = (math.log(edge + OFFSET) for edge in RANGE)
    times = np.log(np.arange(1, LENGTH + 1) + OFFSET)
    bumps = []
    for peak, delay in zip(peaks, (first, second), strict=True):
        angle = np.clip((times - math.log(peak)) * np.pi / (high - low) / 2.0, -np.pi, np.pi)
        bump = (np.cos(angle) + 1.0) / 2.0
        late = np.concatenate([np.zeros(delay), bump / np.linalg.norm(bump)])[: LENGTH + first]
        late = np.concatenate([late, np.zeros(LENGTH + first - late.size)])
        # A bump that the end cuts is as large as one that it does not.
        bumps.append(late / np.linalg.norm(late))
    return np.asarray(weights[0] * bumps[0] + weights[1] * bumps[1])


def to_latency(
    weights: tuple[float, float],
    peaks: tuple[float, float],
    delays: tuple[float, float],
    latency: float,
) -> tuple[np.ndarray, float]:
    """Return a filter that is late enough to cross 0 at a latency, and the sum of its first lobe.

    Args:
        weights, peaks, delays: see ``temporal_kernel``.
        latency: ms.

    Raises:
        SpikecudaValueError: it crosses 0 later, or not at all.
    """
    kernel = temporal_kernel(weights, peaks, delays)[:LENGTH]
    top, bottom = int(kernel.argmax()), int(kernel.argmin())
    lobe = kernel[top:bottom]
    crossings = np.flatnonzero((lobe[:-1] >= 0.0) & (lobe[1:] < 0.0))
    cross = top + int(crossings[0]) + 1 if crossings.size else math.inf
    if cross > latency:
        raise SpikecudaValueError(
            f"temporal filters of two subunits must cross 0 by {latency:g} ms (got {cross:g} ms "
            f"for weights {weights}, kpeaks {peaks}, delays {delays})"
        )
    later = latency - cross
    moved = temporal_kernel(weights, peaks, (delays[0] + later, delays[1] + later))
    return moved, float(kernel[: int(cross)].sum())


def resampled(kernel: np.ndarray, rate: float, frames: int) -> np.ndarray:
    """Return a filter at the frames of a movie, each as long as a frame, float64 (frames,).

    Args:
        kernel: a value for each ms.
        rate: frames per second.
        frames: of the movie.
    """
    times = np.arange(frames) * (1e3 / rate)
    inside = times[times <= kernel.size - 1]
    return np.asarray(np.interp(inside, np.arange(kernel.size), kernel) * (1e3 / rate))


def profile(pixels: np.ndarray, center: float, sigma: float) -> tuple[slice, np.ndarray]:
    """Return a Gaussian along an axis of the screen: which pixels, and their weights.

    A sampled Gaussian in the middle of the screen is moved by linear interpolation, as the toolkit
    does; weights are not normalised.

    Args:
        pixels: coordinates, equally spaced.
        center, sigma: in their unit.
    """
    step = float(pixels[1] - pixels[0])
    width = sigma / step
    reach = int(REACH * width + 0.5)
    offsets = np.arange(-reach, reach + 1)
    bell = np.exp(-0.5 * (offsets / width) ** 2) if width > 0 else np.ones(1)
    bell /= bell.sum()
    if pixels.size % 2 == 0:  # the middle is between two pixels
        bell = (np.append(bell, 0.0) + np.append(0.0, bell)) / 2.0
    cut = max(0, (bell.size - pixels.size + 1) // 2)  # what ends beyond the screen in the middle
    bell = bell[cut : bell.size - cut]
    at = (center - float(pixels[0])) / step - (bell.size - 1) / 2.0
    first = math.floor(at)
    part = at - first
    moved = np.append(bell, 0.0) * (1.0 - part) + np.append(0.0, bell) * part
    low, high = max(first, 0), min(first + moved.size, pixels.size)
    if low >= high:
        return slice(0, 0), np.empty(0)
    return slice(low, high), moved[low - first : high - first]

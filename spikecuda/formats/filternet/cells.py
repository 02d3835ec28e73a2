"""Cells of FilterNet: which filters each node has, and its rate when a movie is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.json_file import read_json
from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.formats.filternet.filters import profile, resampled, temporal_kernel, to_latency
from spikecuda.formats.filternet.movies import Movie
from spikecuda.formats.sonata.config import Config
from spikecuda.formats.sonata.nodes import Nodes

# Hz: spontaneous rates, means of the recorded cells by the temporal frequency that they prefer.
# Source: Durand et al. (2016) J Neurosci 36:12144, in the Brain Modeling Toolkit 1.2.
SPONTANEOUS = {
    "sON": {"TF1": 5.2, "TF2": 53 / 15, "TF4": 8.25, "TF8": 53 / 30, "TF15": 10.88},
    "sOFF": {"TF1": 3.95, "TF2": 4.5317777777777755, "TF4": 3.679074074074074, "TF8": 3.62,
             "TF15": 5.075},
    "tON": {"TF8": 2.6},
    "tOFF": {"TF1": 5.5, "TF2": 3.4095238095238303, "TF4": 3.9445502645502764,
             "TF8": 2.4377777777777867, "TF15": 1.050666666666664},
}  # fmt: skip
# Of cells with two subunits: latency of the one that is on and of the one that is off (ms),
# spontaneous rate, largest rates off and on (Hz), and a factor of the first term of the amplitude.
TWO = {
    "sONsOFF": (121.0, 115.0, 4.0, 35.0, 21.0, 1.0), "sONtOFF": (93.5, 64.8, 5.5, 46.0, 31.0, 0.7),
}  # fmt: skip
ON_OFF, ON_OFF_GAIN = "LGNOnOFFCell", 20.0
PREFIX = "lgnmodel:"
# A property may have several names.
NAMES = {
    "weights": ("weights", "opt_wts", "weights_dom", "weight_dom"),
    "kpeaks": ("kpeaks", "opt_kpeaks", "kpeaks_dom"),
    "delays": ("delays", "opt_delays", "delays_dom", "delay_dom"),
}
OTHER = {
    "weights": ("weights_non_dom", "weight_non_dom"), "kpeaks": ("kpeaks_non_dom",),
    "delays": ("delays_non_dom", "delay_non_dom"),
}  # fmt: skip
Pair = tuple[float, float]
STORED = {"weights": "opt_wts", "kpeaks": "opt_kpeaks", "delays": "opt_delays"}


@dataclass(frozen=True, eq=False)
class Unit:
    """A linear filter, and what is done with what it gives.

    Attributes:
        x, y: of the middle of its field, degrees.
        sigma: of the field along x and y, degrees.
        kernel: in time, a value for each ms.
        spontaneous: Hz, added before negative values are cut.
    """

    x: float
    y: float
    sigma: tuple[float, float]
    kernel: np.ndarray
    spontaneous: float


def find_units(nodes: Nodes, config: Config, rng: np.random.Generator) -> list[list[Unit]]:
    """Return the units of each node, whose rates are added.

    Args:
        nodes: a population.
        config: where the files are.
        rng: draws angles that are not given, and jitter.

    Raises:
        SpikecudaValueError: a model or parameter that is not possible; names the file and the row.
    """
    table = _Table(nodes, config)
    result = []
    for row in range(nodes.size):
        where = nodes.elements.where(row)
        template = table.templates[row]
        known = [*TWO, ON_OFF, *SPONTANEOUS]
        if template is None or not template.startswith(PREFIX):
            raise SpikecudaValueError(
                f"{where}: model_template must be {PREFIX} and one of {', '.join(known)} (got "
                f"{template!r:.80}); see from_sonata for neurons"
            )
        model = template.removeprefix(PREFIX)
        try:
            result.append(_units(table, row, model, rng))
        except SpikecudaValueError as error:
            text = str(error)
            raise SpikecudaValueError(text if where in text else f"{where}: {text}") from None
    return result


def _units(table: "_Table", row: int, model: str, rng: np.random.Generator) -> list[Unit]:
    """Return the units of a node."""
    kind, _, preferred = model.partition("_")
    x, y = table.need("x", row), table.need("y", row)
    if table.get("spatial_rotation", row, 0.0) != 0.0:
        raise SpikecudaValueError("spatial_rotation must be 0 (got a field that is turned)")
    jitter = [table.get(name, row, np.nan) for name in ("jitter_lower", "jitter_upper")]

    def jittered(values: tuple[float, float]) -> tuple[float, float]:
        if np.isnan(jitter).any():
            return values
        first, second = (float(rng.uniform(v * jitter[0], v * jitter[1])) for v in values)
        return first, second

    def pairs(names: Mapping[str, tuple[str, ...]], file: str) -> tuple[Pair, Pair, Pair]:
        weights, peaks, delays = (
            jittered(table.pair(what, row, names[what], file)) for what in STORED
        )
        return weights, peaks, delays

    own = pairs(NAMES, "dynamics_params")
    if kind == ON_OFF:
        kernel = temporal_kernel(*own)
        return [
            Unit(x, y, table.spread(name, row), sign * ON_OFF_GAIN * kernel, 0.0)
            for name, sign in (("sigma_on", 1.0), ("sigma_off", -1.0))
        ]
    width = table.spread("spatial_size", row, "sigma")
    sigma = width[0] / 3.0, width[1] / 3.0
    if kind in TWO:
        late_on, late_off, rate, most_off, most_on, share = TWO[kind]
        on, sum_on = to_latency(*pairs(OTHER, "non_dom_params"), late_on)
        off, sum_off = to_latency(*own, late_off)
        gain = -share * (most_off / most_on) * (sum_on / sum_off)
        gain -= rate * (most_off - most_on) / (most_on * sum_off)
        apart = table.need("sf_sep", row)
        if not np.isnan(jitter).any():
            apart = float(rng.uniform(apart * jitter[0], apart * jitter[1]))
        angle = table.get("tuning_angle", row, np.nan)
        angle = np.deg2rad(rng.uniform(0.0, 360.0) if np.isnan(angle) else angle)
        there = x + np.cos(angle) * apart, y + np.sin(angle) * apart
        return [
            Unit(x, y, sigma, gain * off, rate / 2), Unit(*there, sigma, on, rate / 2),
        ]  # fmt: skip
    if kind not in SPONTANEOUS:
        known = [*TWO, ON_OFF, *SPONTANEOUS]
        raise SpikecudaValueError(
            f"model_template must be {PREFIX} and one of {', '.join(known)} (got {model!r:.80}"
            f"{nearest(kind, known)})"
        )
    rates = SPONTANEOUS[kind]
    rate = table.get("spont_fr", row, rates.get(preferred or "TF8", np.nan))
    if not np.isfinite(rate) or rate < 0:
        raise SpikecudaValueError(
            f"spont_fr must be given for {model}, >= 0 Hz (got {rate:g}); known are those of "
            f"{', '.join(f'{kind}_{name}' for name in rates)}"
        )
    sign = 1.0 if kind.endswith("ON") else -1.0
    return [Unit(x, y, sigma, sign * temporal_kernel(*own), rate)]


class _Table:
    """The properties of nodes, read once for all of a population."""

    def __init__(self, nodes: Nodes, config: Config) -> None:
        self.elements, self.config = nodes.elements, config
        self.templates = nodes.elements.texts("model_template")
        self._numbers: dict[str, np.ndarray] = {}
        self._texts: dict[str, np.ndarray] = {}
        self._files: dict[str, Mapping[str, Any]] = {}

    def text(self, name: str, row: int) -> str | None:
        if name not in self._texts:
            self._texts[name] = self.elements.texts(name)
        value: str | None = self._texts[name][row]
        return value

    def get(self, name: str, row: int, default: float) -> float:
        if name not in self._numbers:
            self._numbers[name] = self.elements.numbers(name)
        value = float(self._numbers[name][row])
        return default if np.isnan(value) else value

    def need(self, name: str, row: int) -> float:
        value = self.get(name, row, np.nan)
        if not np.isfinite(value):
            raise SpikecudaValueError(f"{name} must be a finite number (got {value:g})")
        return value

    def file(self, name: str, row: int) -> tuple[str, Mapping[str, Any]]:
        """Return the file that a property names, and what it says."""
        file = self.text(name, row)
        if file is None:
            return "no file", {}
        path = str(self.config.component("filter_models_dir", file, self.elements.where(row)))
        if path not in self._files:
            self._files[path] = read_json(path, "parameters of a filter")
        return path, self._files[path]

    def pair(self, what: str, row: int, names: tuple[str, ...], file: str) -> tuple[float, float]:
        """Return two numbers: columns of the node, or those of a file."""
        for name in names:
            values = [self.get(f"{name}_{i}", row, np.nan) for i in (0, 1)]
            if not np.isnan(values).any():
                return values[0], values[1]
            text = self.text(name, row)
            if text is not None:
                return _two(name, text)
        path, found = self.file(file, row)
        value = found.get(STORED[what])
        values = value if isinstance(value, list) else []
        numbers = all(isinstance(v, int | float) and np.isfinite(v) for v in values)
        if len(values) != 2 or not numbers:
            raise SpikecudaValueError(
                f"{what} must be two numbers, columns {names[0]}_0 and {names[0]}_1 of the nodes "
                f"or {STORED[what]} of {file} (got {value!r:.80} in {path})"
            )
        return float(values[0]), float(values[1])

    def spread(self, name: str, row: int, *others: str) -> tuple[float, float]:
        """Return the width of a field along x and y, > 0."""
        path, found = self.file("dynamics_params", row)
        result = (1.0, 1.0)
        for key in (name, *others):
            pair = [self.get(f"{key}_{i}", row, np.nan) for i in (0, 1)]
            text = self.text(key, row)
            if not np.isnan(pair).any():
                result = pair[0], pair[1]
            elif text is not None:
                result = _two(key, text)
            elif key in found:
                result = _two(f"{path}, {key}", str(found[key]))
            else:
                continue
            break
        if not all(0 < value < np.inf for value in result):
            raise SpikecudaValueError(f"{name} must be > 0 degrees (got {result})")
        return result


def _two(name: str, text: str) -> tuple[float, float]:
    """Return two numbers of a text, as "(2.0, 2.0)"; one number stands for both."""
    try:
        values = [float(part) for part in text.strip("()[] ").split(",") if part.strip()]
    except ValueError:
        values = []
    if len(values) not in (1, 2):
        raise SpikecudaValueError(f"{name} must be one or two numbers (got {text!r:.80})")
    return values[0], values[-1]


def rates_of(units: list[Unit], movie: Movie) -> np.ndarray:
    """Return the rate of a cell at each frame, Hz, float64 (frames,).

    Args:
        units: of the cell.
        movie: that it sees.

    Raises:
        SpikecudaValueError: its field is not on the screen.
    """
    total = np.zeros(len(movie.frames))
    for unit in units:
        across, columns = profile(movie.columns, unit.x, unit.sigma[0])
        down, rows = profile(movie.rows, unit.y, unit.sigma[1])
        size = columns.sum() * rows.sum()
        if not size > 0:
            raise SpikecudaValueError(
                f"x and y must be on the screen, which ends at {movie.columns[-1]:g} and "
                f"{movie.rows[-1]:g} (got {unit.x:g} and {unit.y:g})"
            )
        seen = np.einsum(
            "trc,r,c->t", movie.frames[:, down, across], rows / rows.sum(),
            columns / columns.sum(), optimize=True,
        )  # fmt: skip
        kernel = resampled(unit.kernel, movie.rate, len(seen))
        filtered = np.convolve(seen, kernel)[: len(seen)]
        total += np.maximum(filtered + unit.spontaneous, 0.0)
    return total

"""A FilterNet simulation: movies in, rates and spikes of the lateral geniculate nucleus out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_positive
from spikecuda.common.files import write_text
from spikecuda.common.hdf5 import writing_hdf5
from spikecuda.common.host_memory import require_memory
from spikecuda.common.seed import as_seed
from spikecuda.errors import SpikecudaValueError, shown
from spikecuda.formats.filternet.cells import find_units, rates_of
from spikecuda.formats.filternet.movies import Movie, read_movie
from spikecuda.formats.sonata.config import Config, read_config
from spikecuda.formats.sonata.nodes import EXTRA, read_nodes
from spikecuda.formats.sonata.spike_tools import write_spikes

# Keys of "output": what each names, as this and older toolkits call it.
TABLES = {"spikes_csv": "spikes", "spikes_file_csv": "spikes", "spikes_h5": "spikes",
          "spikes_file": "spikes", "rates_csv": "rates", "rates_h5": "rates"}  # fmt: skip
EVALUATION = ("t_min", "t_max", "downsample", "separable")
DEFAULT_FOLDER = "output"


@dataclass(frozen=True, eq=False)
class FilterSimulation:
    """Rates of cells that see a movie.

    Attributes:
        times: of the rates, ms, float64 (samples,).
        nodes: by population: ids, int64 (nodes,).
        rates: by population: Hz, float64 (nodes, samples); each holds until the next sample.
        seed: of the spikes.
        ignored: what the files have that has no effect here, in words.
        config: what was read.
    """

    times: np.ndarray
    nodes: Mapping[str, np.ndarray]
    rates: Mapping[str, np.ndarray]
    seed: int
    ignored: tuple[str, ...]
    config: Config

    def spikes(self, trial: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return Poisson spikes with these rates: ids of nodes, and times in ms, sorted.

        Args:
            trial: other spikes for each number from 0.
        """
        result = {}
        length = np.diff(self.times) / 1e3
        for number, (name, rates) in enumerate(self.rates.items()):
            rng = np.random.default_rng([self.seed, as_seed(trial, "trial"), number])
            counts = rng.poisson(rates[:, :-1] * length)
            node, sample = np.nonzero(counts)
            many = counts[node, sample]
            node, sample = np.repeat(node, many), np.repeat(sample, many)
            # In (0, 1], so that no spike is at time 0, where none can be sent.
            times = self.times[sample] + (1.0 - rng.random(sample.size)) * length[sample] * 1e3
            order = np.lexsort((node, times))
            result[name] = self.nodes[name][node[order]], times[order]
        return result

    def write(self, folder: str | os.PathLike[str] | None = None, trial: int = 0) -> list[Path]:
        """Write rates and spikes as the configuration says; return the files.

        Args:
            folder: where to; None: the configuration's ``output_dir``.
            trial: of the spikes.

        Raises:
            SpikecudaValueError: the configuration forbids to replace files that are there.
            OSError: a file cannot be written.
        """
        output = self.config.output
        where = Path(folder or output.get("output_dir", self.config.path.parent / DEFAULT_FOLDER))
        files = {key: where / str(output[key]) for key in TABLES if output.get(key)}
        for file in files.values():
            if output.get("overwrite_output_dir", True) is False and file.exists():
                raise SpikecudaValueError(
                    f"{self.config.path}: overwrite_output_dir is false, and {file} is there; give "
                    "another folder"
                )
        where.mkdir(parents=True, exist_ok=True)
        spikes = self.spikes(trial)
        for key, file in files.items():
            if TABLES[key] == "spikes":
                write_spikes(file, spikes)
            elif key == "rates_csv":
                self._write_table(file)
            else:
                self._write_rates(file)
        return list(files.values())

    def _write_table(self, file: Path) -> None:
        lines = ["node_id population timestamps firing_rates"]
        for name, rates in self.rates.items():
            for node, row in zip(self.nodes[name].tolist(), rates.tolist(), strict=True):
                lines += [
                    f"{node} {name} {time / 1e3:.10g} {rate:.10g}"
                    for time, rate in zip(self.times.tolist(), row, strict=True)
                ]
        write_text(file, "\n".join(lines) + "\n")

    def _write_rates(self, file: Path) -> None:
        with writing_hdf5(file, EXTRA) as stored:
            for name, rates in self.rates.items():
                group = stored.create_group(f"firing_rates/{name}")
                group.create_dataset("node_id", data=self.nodes[name].astype(np.uint64))
                group.create_dataset("times", data=self.times / 1e3)
                group.create_dataset("firing_rates_Hz", data=rates.T)


def from_filternet(config: str | os.PathLike[str], *, seed: int = 0) -> FilterSimulation:
    """Read a FilterNet simulation of the Brain Modeling Toolkit, and compute its rates.

    Args:
        config: JSON file of the simulation, or one that names it and the network.
        seed: integer in [0, 2^64) of the spikes, of angles that are not given and of jitter.

    Returns:
        Rates of each cell over time; ``spikes()`` draws spikes, ``write()`` writes the files.

    Raises:
        SpikecudaValueError: a model, movie or option that is not possible; the message names the
            file and the row or the input.
        MissingPackageError: h5py is not installed: ``pip install "spikecuda[sonata]"``.
        OSError: a file cannot be read.

    Source: Billeh et al. (2020) Neuron 106:388; numbers as in the Brain Modeling Toolkit 1.2.
    """
    found = read_config(config)
    number = as_seed(seed)
    stop = found.run.get("tstop", found.run.get("duration"))
    if stop is None:
        raise SpikecudaValueError(f"{found.path}: run.tstop must be given in ms (got none)")
    stop = as_positive("run.tstop", stop, "ms")
    path = found.sources.get("inputs", found.path)
    if len(found.inputs) != 1:
        raise SpikecudaValueError(
            f"{path}: inputs must be one movie (got {', '.join(found.inputs) or 'none'}); write a "
            "configuration for each"
        )
    ((name, options),) = found.inputs.items()
    where = f"{path}, inputs.{name}"
    if options.get("input_type") != "movie":
        raise SpikecudaValueError(
            f"{where}: input_type must be movie (got {shown(options.get('input_type'))})"
        )
    if options.get("node_set") not in (None, "all"):
        raise SpikecudaValueError(
            f"{where}: node_set must be left out, since all cells see the movie (got "
            f"{shown(options['node_set'])})"
        )
    nodes = read_nodes(found.nodes)
    rng = np.random.default_rng([number, 1])
    units = {key: find_units(population, found, rng) for key, population in nodes.items()}
    movie = read_movie(where, options, stop)
    chosen = _chosen(where, options.get("evaluation_options", {}), movie)
    times = chosen * (1e3 / movie.rate)
    require_memory(
        16.0 * times.size * sum(len(some) for some in units.values()), where, "use fewer frames"
    )
    rates = {}
    for key, some in units.items():
        table = np.empty((len(some), times.size))
        for row, cell in enumerate(some):
            try:
                table[row] = rates_of(cell, movie)[chosen]
            except SpikecudaValueError as error:
                raise SpikecudaValueError(f"{nodes[key].elements.where(row)}: {error}") from None
        rates[key] = table
    ignored = [
        text for text in found.ignored
        if not text.startswith("conditions:") and text.split(":")[0].split(".")[-1] not in TABLES
    ]  # fmt: skip
    if "conditions" in found.sources:
        ignored.append("conditions: the toolkit, too, reads jitter from the nodes only")
    ids = {key: population.ids for key, population in nodes.items()}
    return FilterSimulation(times, ids, rates, number, tuple(ignored), found)


def _chosen(where: str, given: Any, movie: Movie) -> np.ndarray:
    """Return the numbers of the frames whose rates are wanted."""
    if not isinstance(given, dict):
        raise SpikecudaValueError(
            f"{where}: evaluation_options must be an object (got {shown(given)})"
        )
    for key in given:
        if key not in EVALUATION:
            raise SpikecudaValueError(
                f"{where}: evaluation_options takes {', '.join(EVALUATION)} (got {key!r:.80})"
            )
    last = len(movie.frames) - 1
    step = given.get("downsample", 1)
    if isinstance(step, bool) or not isinstance(step, int) or step < 1:
        raise SpikecudaValueError(f"{where}: downsample must be >= 1 (got {shown(step)})")
    ends = []
    for key, default in (("t_min", 0.0), ("t_max", last / movie.rate)):
        value = given.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SpikecudaValueError(f"{where}: {key} must be in s (got {shown(value)})")
        ends.append(round(float(value) * movie.rate) if np.isfinite(value) else -1)
    if not 0 <= ends[0] < ends[1] <= last:
        raise SpikecudaValueError(
            f"{where}: t_min and t_max must be in s, ascending, from 0 to {last / movie.rate:g}, "
            f"the end of the movie (got {shown(given)})"
        )
    return np.arange(ends[0], ends[1] + 1, step)

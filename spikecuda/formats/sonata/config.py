"""The configuration of a SONATA simulation: its files, with all variables put in."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikecuda.common.arguments import as_path
from spikecuda.common.json_file import beside, read_json
from spikecuda.errors import SpikecudaValueError, nearest, shown

WHAT = "a SONATA configuration"
# Sections that other files hold, by the key that names the file.
PARTS = ("network", "simulation")
VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
DEEPEST = 20
# What a simulation of point neurons takes; the rest is listed as ignored.
READ = (
    "manifest", "network", "simulation", "components", "networks", "run", "inputs", "output",
    "reports", "node_sets_file", "node_sets", "target_simulator",
)  # fmt: skip
RUN = ("tstop", "duration", "dt", "tstart")
OUTPUT = (
    "output_dir", "spikes_file", "spikes_file_csv", "spikes_sort_order", "overwrite_output_dir",
)  # fmt: skip
OUTPUT_DIR, SPIKES_FILE = "output", "spikes.h5"
# Of these, only how fast another simulator is, or how it treats compartments, depends.
HARMLESS = (
    "nsteps_block", "dL", "spike_threshold", "overwrite_output_dir", "save_state", "block_run",
    "block_size", "print_time", "n_thread",
)  # fmt: skip


@dataclass
class Config:
    """What the files of a configuration say.

    Attributes:
        path: the file that was given.
        components: folders by name.
        nodes, edges: (data file, types file or None) of each pair, that are enabled.
        run: numbers of the run, ms.
        inputs, reports: options by name, those that are enabled.
        output: options.
        node_sets: definitions by name.
        ignored: what was read and has no effect, in words.
        sources: the file that each section came from.
    """

    path: Path
    components: dict[str, Path] = field(default_factory=dict)
    nodes: list[tuple[Path, Path | None]] = field(default_factory=list)
    edges: list[tuple[Path, Path | None]] = field(default_factory=list)
    run: dict[str, float] = field(default_factory=dict)
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    output: dict[str, Any] = field(default_factory=dict)
    node_sets: dict[str, Any] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    sources: dict[str, Path] = field(default_factory=dict)

    def component(self, name: str, file: str, where: str) -> Path:
        """Return a file of a folder of components.

        Args:
            name: of the folder, as "point_neuron_models_dir".
            file: its name there.
            where: it was named, for errors.
        """
        if name not in self.components:
            raise SpikecudaValueError(
                f"{where}: names {file!r}, so the configuration must have components.{name} (got "
                f"{', '.join(self.components) or 'none'})"
            )
        return self.components[name] / file


def read_config(path: str | os.PathLike[str]) -> Config:
    """Read a configuration and the files that it names.

    Args:
        path: a JSON file with the keys "network" and "simulation", which name two others, or one
            with everything.  Paths are relative to the file that has them.

    Raises:
        SpikecudaValueError: a file that is no JSON, a key or variable that is missing or of the
            wrong kind; the message names the file and the key.
        OSError: a file cannot be read.
    """
    config = Config(Path(as_path(path)))
    merged: dict[str, Any] = {}
    _merge(config, merged, config.path, 0)
    network = _object(config, merged, "networks")
    config.nodes = _files(config, network, "nodes")
    config.edges = _files(config, network, "edges")
    if not config.nodes:
        raise SpikecudaValueError(
            f"{config.path}: networks.nodes must name the files of at least one population (got "
            "none); give the file that names the circuit, too, such as config.json"
        )
    folders = _object(config, merged, "components")
    config.components = {
        name: Path(folder) for name, folder in folders.items() if isinstance(folder, str)
    }
    _run(config, _object(config, merged, "run"))
    given = _object(config, merged, "output")
    config.output = {name: value for name, value in given.items() if value is not None}
    for name in ("output_dir", "spikes_file", "spikes_file_csv"):
        if not isinstance(config.output.get(name, ""), str):
            raise SpikecudaValueError(
                f"{config.sources['output']}: output.{name} must be a text (got "
                f"{shown(config.output[name])}); write one, or leave it out"
            )
    folder = Path(config.output.get("output_dir", config.path.parent / OUTPUT_DIR))
    where = config.sources.get("output", config.path)
    for name, value in config.output.items():
        if name != "output_dir" and isinstance(value, str):
            config.output[name] = _within(where, folder, value)
    config.ignored += [
        f"output.{name}: no such file is written" for name in config.output if name not in OUTPUT
    ]
    for name in ("inputs", "reports"):
        config_of = _object(config, merged, name)
        getattr(config, name).update(_enabled(config, name, config_of))
    for name, options in config.reports.items():
        if isinstance(options.get("file_name"), str):
            inside = _within(config.sources["reports"], folder, options["file_name"])
            config.reports[name] = {**options, "file_name": inside}
    file = merged.get("node_sets_file", merged.get("node_sets"))
    if isinstance(file, str):
        config.node_sets = read_json(file, "SONATA node sets")
        config.sources["node_sets"] = Path(file)
    elif file is not None:
        config.node_sets = _object(config, merged, "node_sets")
    for name in merged:
        if name == "conditions":
            config.ignored.append("conditions: v of point neurons begins at V_m of their model")
        elif name not in READ:
            config.ignored.append(f"{name}: an extension that point neurons do not read")
    return config


def _merge(config: Config, merged: dict[str, Any], path: Path, depth: int) -> None:
    """Add the sections of a file, and of those that it names."""
    if depth > len(PARTS):
        raise SpikecudaValueError(f"{path}: network and simulation must not name each other")
    found = read_json(path, WHAT)
    manifest = _manifest(path, found.get("manifest", {}))
    for key, value in found.items():
        if key == "manifest":
            continue
        filled = _filled(path, key, value, manifest, 0)
        if key in PARTS and isinstance(filled, str):
            _merge(config, merged, beside(path, filled), depth + 1)
            continue
        filled = _located(path, key, filled)
        if isinstance(filled, dict) and isinstance(merged.get(key), dict):
            merged[key] = {**merged[key], **filled}
        else:
            merged[key] = filled
        config.sources[key] = path


def _manifest(path: Path, given: Any) -> dict[str, str]:
    """Return the variables of a file; ``.`` is its folder."""
    if not isinstance(given, Mapping):
        raise SpikecudaValueError(f"{path}: manifest must be an object (got {shown(given)})")
    raw = {"configdir": os.path.abspath(path.parent), "workingdir": os.getcwd()}
    for name, value in given.items():
        if not isinstance(value, str):
            raise SpikecudaValueError(f"{path}: manifest.{name} must be a text (got {value!r:.80})")
        raw[name.strip("${}")] = value
    return raw


def _filled(path: Path, key: str, value: Any, manifest: Mapping[str, str], depth: int) -> Any:
    """Return a value with its variables replaced."""
    if isinstance(value, dict):
        return {k: _filled(path, f"{key}.{k}", v, manifest, depth) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(path, key, item, manifest, depth) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    if depth > DEEPEST:
        raise SpikecudaValueError(f"{path}: variables of {key} must not name themselves")

    def replace(match: re.Match[str]) -> str:
        if match[1] not in manifest:
            raise SpikecudaValueError(
                f"{path}: {key} names ${match[1]}, which the manifest lacks"
                f"{nearest(match[1], list(manifest))}; it has {', '.join(manifest)}"
            )
        return manifest[match[1]]

    return _filled(path, key, VARIABLE.sub(replace, value), manifest, depth + 1)


def _located(path: Path, key: str, value: Any) -> Any:
    """Return a section with its files as paths from here, not from the file that names them."""
    if isinstance(value, dict):
        return {k: _located(path, k, v) for k, v in value.items()}
    if isinstance(value, list) and key in ("nodes", "edges", "input_file"):
        return [_located(path, key, item) for item in value]
    folders = key.endswith("_dir") and key != "overwrite_output_dir"
    files = key in ("input_file", "file") or (key.endswith("_file") and key not in INSIDE)
    files |= key == "units" and str(value).endswith(".csv")  # of recorded units, not of numbers
    if isinstance(value, str) and value not in ("", "NULL") and (folders or files):
        return str(beside(path, value))
    return value


def _within(path: Path, folder: Path, name: str) -> str:
    """Return a file of results relative to their folder, where the name has the folder, too."""
    whole, inside = os.path.abspath(beside(path, name)), os.path.abspath(folder)
    return os.path.relpath(whole, inside) if whole.startswith(inside + os.sep) else name


# Files within the folder of outputs.
INSIDE = ("log_file", "spikes_file")


def _object(config: Config, merged: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = merged.get(key, {})
    if not isinstance(found, dict):
        where = config.sources.get(key, config.path)
        raise SpikecudaValueError(f"{where}: {key} must be an object (got {shown(found)})")
    return found


def _files(config: Config, network: Mapping[str, Any], kind: str) -> list[tuple[Path, Path | None]]:
    """Return the files of nodes or edges."""
    where, listed = config.sources.get("networks", config.path), network.get(kind, [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise SpikecudaValueError(f"{where}: networks.{kind} must be a list of objects")
    result: list[tuple[Path, Path | None]] = []
    for item in listed:
        if item.get("enabled", True) is False:
            config.ignored.append(f"{item.get(f'{kind}_file')}: not enabled")
            continue
        data, types = item.get(f"{kind}_file"), item.get(f"{kind[:-1]}_types_file")
        if not isinstance(data, str):
            raise SpikecudaValueError(
                f"{where}: networks.{kind} needs {kind}_file (got {', '.join(item) or 'nothing'})"
            )
        known = isinstance(types, str) and types not in ("", "NULL")
        result.append((Path(data), Path(types) if known else None))
    return result


def _enabled(config: Config, key: str, given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return inputs or reports, without those that are turned off."""
    result = {}
    for name, options in given.items():
        if not isinstance(options, dict):
            where = config.sources.get(key, config.path)
            raise SpikecudaValueError(f"{where}: {key}.{name} must be an object")
        if options.get("enabled", True) is False:
            config.ignored.append(f"{key}.{name}: not enabled")
        else:
            result[name] = options
    return result


def _run(config: Config, run: Mapping[str, Any]) -> None:
    where = config.sources.get("run", config.path)
    for name, value in run.items():
        if name in RUN:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise SpikecudaValueError(
                    f"{where}: run.{name} must be a number in ms (got {value!r:.80})"
                )
            config.run[name] = float(value)
        elif name not in HARMLESS:
            config.ignored.append(f"run.{name}: an extension that point neurons do not read")
    if config.run.get("tstart", 0.0) != 0.0:
        raise SpikecudaValueError(
            f"{where}: run.tstart must be 0 ms (got {config.run['tstart']:g}); a run begins at 0"
        )

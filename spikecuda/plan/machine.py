"""A machine as a plan knows it: its nodes, its network, and what a core of it takes."""

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_path
from spikecuda.common.files import write_text
from spikecuda.common.npz import open_regular
from spikecuda.errors import SpikecudaError, SpikecudaValueError, nearest, shown

WIDTHS = (0, 2, 4)
# By key of the file: the attribute, and how many of its units one of the file is.
NODE = {
    "cores": ("cores", 1),
    "memory_gb": ("memory", 1e9),
    "cache_mb": ("cache", 1e6),
    "shared_cache_mb": ("shared_cache", 1e6),
    "bandwidth_gb": ("bandwidth", 1e9),
    "speed": ("speed", 1),
}
EXCHANGE = {
    "latency_us": ("latency", 1e-6),
    "bandwidth_gb": ("link", 1e9),
    "network_latency_us": ("network_latency", 1e-6),
    "network_bandwidth_gb": ("network_bandwidth", 1e9),
}
COSTS = {
    "found_ns": ("found", 1e-9),
    "absent_ns": ("absent", 1e-9),
    "short_ns": ("short", 1e-9),
    "spike_ns": ("spike", 1e-9),
    "record_ns": ("record", 1e-9),
    "window_ns": ("window", 1e-9),
    "link_ns": ("link", 1e-9),
    "step_ns": ("step", 1e-9),
    "group_ns": ("group", 1e-9),
    "scan_window_ns": ("scan_window", 1e-9),
    "scan_step_ns": ("scan_step", 1e-9),
    "barrier_ns": ("barrier", 1e-9),
    "jitter_us": ("jitter", 1e-6),
    "process_mb": ("process", 1e6),
}
PLACES = ("cache", "shared", "memory")
TABLES = ("name", "like", "node", "exchange", "costs", "lengths", "segments_ns", "later_ns",
          "updates_ns")  # fmt: skip
# Machines that come with the package, by name.
SHIPPED = Path(__file__).parent / "machines"
REMEDY = "spikecuda plan --measure FILE writes one"


# Which parts of what is read are in a core's cache, in the shared one, and in memory.
Where = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What one core takes, in seconds.

    Of three numbers, the first is with all that is read in a core's cache, the second in the cache
    that cores share, the third in memory.

    Attributes:
        lengths: synapses of a segment, those of a row with one delay; ascending.
        segments: by bytes of a weight (0: one for all; 2; 4): three times, of a row's first segment
            of each length; ``later``: of each of its other ones.
        found, absent: looking for the row of a spike that is there, and for one that is not.
        short: of short rows, out of caches: a row, a synapse of a process with one block, and one
            of a process with many.
        updates: by what neurons do: seconds of a call for the neurons of a population in a block,
            of each step of it, and of each update.
        spike: listing an own spike; ``record``: keeping a spike of any rank for the result.
        window, step: of a block, in each window and in each of its steps, if nothing happens.
        link: writing a message and reading those of others, in each window, if all are empty.
        group: beginning with the spikes of a part in a step, if there are any.
        scan_window, scan_step: of a block for each part of its rank, in each window and step.
        barrier: of threads that wait for each other, for each thread.
        jitter: standard deviation of what a core takes for work of a second (``scale_of``);
            deviations of shorter work are as the square root of its time.
        process: bytes of a process without any network.
    """

    lengths: tuple[float, ...]
    segments: Mapping[int, tuple[tuple[float, ...], ...]]
    later: Mapping[int, tuple[tuple[float, ...], ...]]
    found: tuple[float, float, float]
    absent: tuple[float, float, float]
    short: tuple[float, float, float]
    updates: Mapping[str, tuple[float, float, float]]
    spike: float
    record: float
    window: float
    link: float
    step: float
    group: float
    scan_window: float
    scan_step: float
    barrier: float
    jitter: float
    process: float

    def row(self, segments: float, length: float, width: int, where: Where) -> float:
        """Return the seconds of a row; between measured lengths linear, beyond in proportion.

        Args:
            segments: of it, at least 1.
            length: synapses of a segment.
            width: bytes of a weight.
            where: which parts of what is read are in each cache and in memory.
        """
        first = sum(
            p * self._at(length, t) for p, t in zip(where, self.segments[width], strict=True)
        )
        if segments <= 1.0:
            return segments * first
        later = sum(p * self._at(length, t) for p, t in zip(where, self.later[width], strict=True))
        return first + (segments - 1.0) * later

    def update(self, kernel: str) -> tuple[float, float, float]:
        """Return the seconds of a call, of a step and of an update.

        Raises:
            SpikecudaError: they were not measured.
        """
        if kernel not in self.updates:
            raise SpikecudaError(
                f"the machine has no time for updates of {kernel!r} (got "
                f"{', '.join(self.updates) or 'none'}); measure it: spikecuda plan NETWORK "
                "--measure FILE adds those of a network"
            )
        return self.updates[kernel]

    def _at(self, length: float, times: tuple[float, ...]) -> float:
        if length > self.lengths[-1]:
            return times[-1] * length / self.lengths[-1]
        return float(np.interp(length, self.lengths, times))


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Nodes of one kind, and the network between them; a machine of one node has none.

    Attributes:
        name: of the machine.
        cores: of a node.
        memory: bytes of a node.
        cache: bytes of a core's own cache; ``shared_cache``: of the node's.
        bandwidth: bytes a second that all cores of a node together read from memory.
        speed: of a core, relative to the one whose costs these are.
        latency, link: of an exchange within a node: seconds of a round, bytes a second; None: a
            node has one process.
        network_latency, network_bandwidth: the same between nodes; None: there is one node.
        costs: of a core.
    """

    name: str
    cores: int
    memory: float
    cache: float
    shared_cache: float
    bandwidth: float
    speed: float = 1.0
    latency: float | None = None
    link: float | None = None
    network_latency: float | None = None
    network_bandwidth: float | None = None
    costs: Costs = field(repr=False)

    def node(self) -> tuple[float, float]:
        """Return latency and bandwidth within a node.

        Raises:
            SpikecudaError: they are not known.
        """
        if self.latency is None or self.link is None:
            raise SpikecudaError(
                f"{self.name} has no figures for several processes of a node; give latency_us and "
                "bandwidth_gb of [exchange], or measure them where mpi4py and an MPI are installed"
            )
        return self.latency, self.link

    def network(self) -> tuple[float, float]:
        """Return latency and bandwidth between nodes.

        Raises:
            SpikecudaError: the machine has one node.
        """
        if self.network_latency is None or self.network_bandwidth is None:
            raise SpikecudaError(
                f"{self.name} has one node of {self.cores} cores; for more, give a machine with "
                "network_latency_us and network_bandwidth_gb"
            )
        return self.network_latency, self.network_bandwidth

    def with_updates(self, updates: Mapping[str, tuple[float, float, float]]) -> "Machine":
        """Return the machine with times of more kernels."""
        known = {**self.costs.updates, **updates}
        return replace(self, costs=replace(self.costs, updates=known))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a file that ``load`` reads; see ``docs/plan.md``.

        Raises:
            OSError: it cannot be written.
        """
        return write_text(as_path(path), _text(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Machine":
        """Return the machine that a TOML file describes.

        What a file that says ``like = "other.toml"`` does not name is as in that one.

        Args:
            path: the file, or "zen5": one core of it was measured by this package's authors.

        Raises:
            SpikecudaValueError: it is no such file; names the key.
            OSError: it cannot be opened.
        """
        values = _read(Path(as_path(path)), [])
        costs = values.pop("costs")
        missing = [f.name for f in fields(Costs) if f.name not in costs]
        missing += [
            name for name in ("cores", "memory", "cache", "shared_cache", "bandwidth")
            if name not in values
        ]  # fmt: skip
        if missing:
            raise SpikecudaValueError(
                f"{path} must describe a whole machine (got no {', '.join(missing)}); {REMEDY}, "
                'and like = "that.toml" takes what is not named from it'
            )
        values.setdefault("name", Path(path).stem)
        return cls(**values, costs=Costs(**costs))


def _read(path: Path, seen: list[Path]) -> dict[str, Any]:
    """Return the attributes of a machine that a file and those that it is like name."""
    shipped = SHIPPED / f"{path.name}.toml"
    if not path.suffix and shipped.is_file():
        path = shipped
    with open_regular(path, "a machine of spikecuda plan") as file:
        try:
            told = tomllib.loads(file.read().decode("utf-8"))
        except ValueError as error:  # also of the encoding
            raise SpikecudaValueError(
                f"{path} must be a machine in TOML (got {error!s:.200}); {REMEDY}"
            ) from None
    _require_known(path, "", told, TABLES)
    if path.resolve() in seen:
        raise SpikecudaValueError(f"{path} is like itself (got like = {told.get('like')!r})")
    values: dict[str, Any] = {"costs": {}}
    if "like" in told:
        if not isinstance(told["like"], str):
            raise _wrong(path, "like", "the name of a file", told["like"])
        values = _read(path.parent / told["like"], [*seen, path.resolve()])
    if "name" in told:
        if not isinstance(told["name"], str):
            raise _wrong(path, "name", "a text", told["name"])
        values["name"] = told["name"]
    elif "like" in told:
        values["name"] = path.stem
    for table, keys in (("node", NODE), ("exchange", EXCHANGE), ("costs", COSTS)):
        found = told.get(table, {})
        if not isinstance(found, dict):
            raise _wrong(path, table, "a table", found)
        _require_known(path, f"{table}.", found, tuple(keys))
        for key, value in found.items():
            name, unit = keys[key]
            into = values["costs"] if table == "costs" else values
            if name in ("found", "absent", "short"):
                into[name] = tuple(unit * x for x in _numbers(path, f"{table}.{key}", value, 3))
            else:
                (number,) = _numbers(path, f"{table}.{key}", [value], 1)
                if name == "cores" and not number.is_integer():
                    raise _wrong(path, "node.cores", "a whole number", value)
                into[name] = int(number) if name == "cores" else unit * number
    _read_tables(path, told, values["costs"])
    return values


def _read_tables(path: Path, told: Mapping[str, Any], costs: dict[str, Any]) -> None:
    """Read the times of segments and updates."""
    if "lengths" in told:
        costs["lengths"] = lengths = _numbers(path, "lengths", told["lengths"])
        if list(lengths) != sorted(set(lengths)):
            raise _wrong(path, "lengths", "ascending", told["lengths"])
    known = [f"{place}_{width}" for width in WIDTHS for place in PLACES]
    for name in ("segments", "later"):
        key = f"{name}_ns"
        if key not in told:
            continue
        count, table = len(costs.get("lengths", ())), told[key]
        if not isinstance(table, dict) or sorted(table) != sorted(known):
            raise _wrong(path, key, f"a table of {', '.join(known)}", table)
        times = {k: _numbers(path, f"{key}.{k}", table[k], count) for k in known}
        costs[name] = {
            w: tuple(tuple(1e-9 * x for x in times[f"{place}_{w}"]) for place in PLACES)
            for w in WIDTHS
        }
    table = told.get("updates_ns", {})
    if not isinstance(table, dict):
        raise _wrong(path, "updates_ns", "a table", table)
    own = {
        kernel: tuple(1e-9 * x for x in _numbers(path, f"updates_ns.{kernel}", value, 3))
        for kernel, value in table.items()
    }
    costs["updates"] = {**costs.get("updates", {}), **own}


def _numbers(path: Path, key: str, given: Any, count: int | None = None) -> tuple[float, ...]:
    """Return positive finite numbers; those of costs may be 0."""
    fine = isinstance(given, list) and (count is None or len(given) == count) and len(given) > 0
    least = 0.0 if "ns" in key or "us" in key else 1e-12
    fine = fine and all(
        isinstance(x, int | float) and not isinstance(x, bool) and least <= x < math.inf
        for x in given
    )
    if not fine:
        how = "a number" if count == 1 else f"{count or 'some'} numbers"
        bound = ">" if least else ">="
        raise _wrong(path, key, f"{how} {bound} 0", given[0] if count == 1 and given else given)
    return tuple(float(x) for x in given)


def _require_known(path: Path, prefix: str, found: Mapping[str, Any], known: Any) -> None:
    for key in found:
        if key not in known:
            raise SpikecudaValueError(
                f"{path} has an unknown key {prefix}{key}{nearest(key, known)}; there are "
                f"{', '.join(known)}"
            )


def _wrong(path: Path, key: str, need: str, got: Any) -> SpikecudaValueError:
    return SpikecudaValueError(f"{key} of {path} must be {need} (got {shown(got)})")


def _text(machine: Machine) -> str:
    """Return a machine as TOML."""
    costs = machine.costs
    lines = [
        "# A machine of spikecuda plan; docs/plan.md tells what each number is.",
        f"name = {_quoted(machine.name)}",
        f"lengths = [{', '.join(f'{x:g}' for x in costs.lengths)}]",
    ]
    for table, keys, owner in (
        ("node", NODE, machine), ("exchange", EXCHANGE, machine), ("costs", COSTS, costs),
    ):  # fmt: skip
        lines += ["", f"[{table}]"]
        for key, (name, unit) in keys.items():
            value = getattr(owner, name)
            if isinstance(value, tuple):
                lines.append(f"{key} = {_list(value, unit)}")
            elif value is not None:
                lines.append(f"{key} = {value / unit:.6g}")
    for table, found in (("segments_ns", costs.segments), ("later_ns", costs.later)):
        lines += ["", f"[{table}]"]
        for width in WIDTHS:
            for place, times in zip(PLACES, found[width], strict=True):
                lines.append(f"{place}_{width} = {_list(times, 1e-9)}")
    lines += ["", "[updates_ns]"]
    lines += [f"{_quoted(name)} = {_list(t, 1e-9)}" for name, t in costs.updates.items()]
    return "\n".join(lines) + "\n"


def _list(values: tuple[float, ...], unit: float) -> str:
    return "[" + ", ".join(f"{value / unit:.4g}" for value in values) + "]"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

"""What ``spikecuda run`` runs: a TOML file, overridden by options."""

import argparse
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikecuda.cli import values
from spikecuda.errors import SpikecudaValueError, nearest, shown

POOL_KEYS = (
    "neuron_type", "num_neurons", "precision", "dt", "seed", "scheme", "substeps", "threads",
    "batch_size", "device", "gpu",
)  # fmt: skip
INPUT_KEYS = ("current", "noise", "poisson", "ramp", "step_current")
RUN_KEYS = ("duration", "steps", "record", "out")
TABLES: dict[str, tuple[str, ...] | None] = {
    "pool": POOL_KEYS, "params": None, "initial": None, "input": INPUT_KEYS, "run": RUN_KEYS,
}  # fmt: skip
# What a file's values may be, and what that is called; params, initial and inputs take VALUEs.
NUMBER, COUNT = (int, float), (int, float, str)
TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "neuron_type": ((str,), "text"), "num_neurons": (COUNT, "a number, or text such as '10k'"),
    "precision": ((str,), "text"), "dt": (NUMBER, "a number"), "seed": ((int,), "an integer"),
    "scheme": ((str,), "text"), "substeps": ((int,), "an integer"),
    "threads": ((int,), "an integer"), "batch_size": (COUNT, "a number, or text such as '10k'"),
    "device": ((str,), "text"), "gpu": ((bool,), "true or false"),
    "duration": (NUMBER, "a number"), "steps": ((int,), "an integer"),
    "record": ((str, list), "text, or a list of texts"), "out": ((str,), "text"),
}  # fmt: skip
# Bytes of memory for one of a file, as it is parsed.
PARSED = 32
# The parser's memory grows with the square of the dots of a key such as a.b.c.
DEEPEST, OUTER = 16, re.compile(r"[,=\[\]{}\n]")
# Parts of the inputs that have several, and how many of the last may be left out.
INPUT_PARTS = {
    "poisson": (("rate", "weight"), 0),
    "ramp": (("first", "last", "start", "stop"), 0),
    "step_current": (("amplitude", "start", "stop"), 1),
}


@dataclass
class RunConfig:
    """Everything a run needs, as the user wrote it.

    Attributes:
        pool: options of the pool by their names.
        params: parameters, numbers or text.
        initial: start values, likewise.
        inputs: (kind, parts by name) of each input.
        run: duration or steps, record, out.
    """

    pool: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    initial: dict[str, Any] = field(default_factory=dict)
    inputs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    run: dict[str, Any] = field(default_factory=dict)


def configure(args: argparse.Namespace) -> RunConfig:
    """Return the configuration of the command's arguments.

    Raises:
        SpikecudaValueError: an unknown file, table or key; a value that cannot be read; an option
            that is for examples.
    """
    config = RunConfig()
    if args.name is not None:
        config = read_file(Path(args.name))
    for key in ("scale", "variant", "set", "data", "images", "passes"):
        if getattr(args, key) not in (None, []):
            raise SpikecudaValueError(
                f"--{key} is for examples (got it for a pool); name one, such as spikecuda run "
                "microcircuit"
            )
    for key in POOL_KEYS:
        given = getattr(args, key)
        if given is not None:
            config.pool[key] = given
    if args.gpu is not None and args.device is None:
        config.pool.pop("device", None)
    elif args.device is not None and args.gpu is None:
        config.pool.pop("gpu", None)
    config.params.update(values.pairs(args.param, "--param"))
    config.initial.update(values.pairs(args.initial, "--initial"))
    _inputs(config, args)
    for key in RUN_KEYS:
        given = getattr(args, key)
        if given is not None:
            if key in ("duration", "steps"):
                config.run.pop("steps", None)
                config.run.pop("duration", None)
            config.run[key] = given
    return config


def _inputs(config: RunConfig, args: argparse.Namespace) -> None:
    """Let input options replace those of the same kind from the file."""
    for kind in INPUT_KEYS:
        given = getattr(args, kind)
        if not given:
            continue
        config.inputs = [item for item in config.inputs if item[0] != kind]
        for text in given:
            option = f"--{kind.replace('_', '-')}"
            if kind in INPUT_PARTS:
                names, optional = INPUT_PARTS[kind]
                found = values.parts(text, names, option, optional)
                config.inputs.append((kind, dict(zip(names, found, strict=False))))
            else:
                config.inputs.append((kind, {"value": text}))


def read_file(path: Path) -> RunConfig:
    """Return the configuration in a TOML file."""
    from spikecuda.common.host_memory import require_memory

    if not path.is_file():
        raise SpikecudaValueError(f"no such file: {path}")
    require_memory(PARSED * path.stat().st_size, f"{path}", "use Python for arrays that long")
    try:
        text = path.read_text(encoding="utf-8-sig")
        if any(part.count(".") > DEEPEST for part in OUTER.split(text)):
            raise RecursionError
        data = tomllib.loads(text)
    except RecursionError:
        raise SpikecudaValueError(
            f"{path} is not a configuration: it is nested too deep; a table holds values"
        ) from None
    except ValueError as error:  # an integer of more than 4,300 digits, too
        raise SpikecudaValueError(f"{path} is not valid TOML: {error!s:.200}") from None
    _known(data, tuple(TABLES), f"{path}: unknown table")
    for name, keys in TABLES.items():
        table = data.get(name, {})
        if not isinstance(table, Mapping):
            raise SpikecudaValueError(f"{path}: {name} must be a table; write [{name}]")
        if keys is not None:
            _known(table, keys, f"{path}, [{name}]: unknown key")
        for key, value in table.items() if name in ("pool", "run") else ():
            _require_type(f"{path}, [{name}]", key, value)
    config = RunConfig(
        pool=dict(data.get("pool", {})),
        params=dict(data.get("params", {})),
        initial=dict(data.get("initial", {})),
        run=dict(data.get("run", {})),
    )
    neuron_type = config.pool.get("neuron_type", "")
    if ".py" in str(neuron_type):
        # A model's file is named relative to the TOML file, wherever the command is run.
        config.pool["neuron_type"] = str(path.resolve().parent / neuron_type)
    for kind, given in data.get("input", {}).items():
        for item in given if _several(kind, given) else [given]:
            config.inputs.append((kind, _input_parts(path, kind, item)))
    return config


def _require_type(where: str, key: str, value: object) -> None:
    kinds, words = TYPES[key]
    good = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    if good and isinstance(value, list):
        good = all(isinstance(item, str) for item in value)
    if not good:
        raise SpikecudaValueError(f"{where}: {key} must be {words} (got {shown(value)})")


def _several(kind: str, given: object) -> bool:
    """Tell a list of inputs from a list of numbers, one per neuron."""
    return isinstance(given, list) and (
        kind in INPUT_PARTS or any(isinstance(item, str | list) for item in given)
    )


def _input_parts(path: Path, kind: str, item: object) -> dict[str, Any]:
    if kind not in INPUT_PARTS:
        return {"value": item}
    names, optional = INPUT_PARTS[kind]
    if not isinstance(item, Mapping):
        raise SpikecudaValueError(
            f"{path}: {kind} must be a table such as {{ {', '.join(f'{n} = ...' for n in names)} }}"
            f" (got {shown(item)})"
        )
    _known(item, names, f"{path}, {kind}: unknown key")
    for name in names[: len(names) - optional]:
        if name not in item:
            raise SpikecudaValueError(f"{path}: {kind} needs {name} (got {', '.join(item)})")
    return dict(item)


def _known(table: Mapping[str, Any], keys: tuple[str, ...], message: str) -> None:
    for key in table:
        if key not in keys:
            raise SpikecudaValueError(
                f"{message} {key!r}{nearest(key, keys)}; there are {', '.join(keys)}"
            )

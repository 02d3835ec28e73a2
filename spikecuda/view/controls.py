"""What pages can change: numbers of input and parameters, each with a slider."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from spikecuda.inputs.drive import Drive
from spikecuda.runtime.parameters import Parameters

# Arguments of input that say when, not how much.
TIMES = ("start", "stop", "dt", "phase", "seed")
UNITS = {
    "rate": "Hz", "amplitude": "pA", "value": "pA", "sigma": "pA", "mean": "pA", "tau": "ms",
    "frequency": "Hz",
}  # fmt: skip


@dataclass(frozen=True)
class Control:
    """A number that can be changed between the pieces of a run.

    Attributes:
        name: what tells it from the others.
        group: what it belongs to, such as a population.
        label: what it is.
        unit: of the number; empty if there is none.
        value: now.
        change: changes it; called in the thread of the run.
    """

    name: str
    group: str
    label: str
    unit: str
    value: float
    change: Callable[[float], None]


def range_of(value: float, unit: str) -> tuple[float, float]:
    """Return the ends of a slider for a number that begins as ``value``."""
    if unit == "mV" and (abs(value) > 20.0 or not value):  # a potential, no width or difference
        return value - 20.0, value + 20.0
    if value == 0.0:
        return 0.0, 1000.0 if unit == "Hz" else 100.0
    return (0.0, 3.0 * value) if value > 0 else (3.0 * value, 0.0)


def drive_controls(group: str, key: str, drive: Drive, receptor_unit: str) -> Iterator[Control]:
    """Yield a control for each number of a drive that is one for all neurons.

    Args:
        group: what it drives.
        key: what tells it from other drives.
        drive: the handle.
        receptor_unit: of a spike's weight.
    """
    terms = [term for term in drive.inputs if is_dataclass(term)]
    names = [item.name for term in terms for item in fields(term) if item.init]
    for term in terms:
        for item in fields(term):
            value = getattr(term, item.name)
            # A name of several inputs cannot be told apart.
            if item.name in TIMES or names.count(item.name) > 1 or not _one(value):
                continue
            unit = receptor_unit if item.name == "weight" else UNITS.get(item.name, "")
            yield Control(
                f"{key}/{item.name}", group, f"{type(term).__name__} {item.name}", unit,
                float(value), _setter(drive, item.name),
            )  # fmt: skip


def parameter_controls(
    group: str, key: str, params: Parameters, units: Mapping[str, str]
) -> Iterator[Control]:
    """Yield a control for each parameter that is one number for all.

    Args:
        group: what has them.
        key: what tells it from others.
        params: the parameters.
        units: by name; other time constants are in ms, and reversal potentials in mV.
    """
    for name in params:
        value = params[name]
        if not _one(value):
            continue
        own = "ms" if name.startswith("tau") else "mV" if name.startswith("e_rev") else ""
        unit = units.get(name, own)
        yield Control(f"{key}/{name}", group, name, unit, float(value), _assigner(params, name))


def _one(value: Any) -> bool:
    """Tell whether a value is one finite number, and no flag."""
    if isinstance(value, bool | np.bool_):
        return False
    if isinstance(value, int | float | np.number):
        return bool(np.isfinite(value))
    return isinstance(value, np.ndarray) and value.shape == () and bool(np.isfinite(value))


def _setter(drive: Drive, name: str) -> Callable[[float], None]:
    return lambda value: drive.update(**{name: value})


def _assigner(params: Parameters, name: str) -> Callable[[float], None]:
    return lambda value: params.update({name: value})

"""The points of a sweep: a grid of parameters, each point the arguments of one call."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.common.seed import as_seed
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown

Point = dict[str, Any]
Grid = Mapping[str, Sequence[Any] | np.ndarray] | Sequence[Mapping[str, Any]]
MOST_POINTS = 10**7
# Columns of the table that belong to no parameter and to no result.
INDEX = "point"
OWN = (INDEX, "seconds", "error", "traceback")
SEED = "seed"


def make_points(grid: Grid, seeds: int | Sequence[int] | None = None) -> list[Point]:
    """Return the arguments of each point.

    Args:
        grid: values by name, all combinations of which are points, the last name varying fastest;
            or a list of dicts, one for each point.
        seeds: of each combination, which becomes the argument ``seed``: a list, or how many, from
            0 on; None: there are none.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: no such grid; names that are none, or that differ
            between points.
    """
    if isinstance(grid, Mapping):
        points = _product(grid)
    elif isinstance(grid, Sequence) and not isinstance(grid, str | bytes):
        points = _listed(grid)
    else:
        raise SpikecudaTypeError(
            "grid must be a dict of lists such as {'g': [4.0, 5.0]}, or a list of dicts (got "
            f"{shown(grid)})"
        )
    if seeds is not None:
        numbers = _seeds(seeds)
        if points and SEED in points[0]:
            raise SpikecudaValueError(
                f"seeds make the argument {SEED!r}, which grid has, too; leave one of them out"
            )
        _require_few(len(points) * len(numbers))
        points = [{**point, SEED: seed} for point in points for seed in numbers]
    if not points or not points[0]:
        raise SpikecudaValueError("grid must have at least one parameter (got none)")
    return points


def _product(grid: Mapping[str, Any]) -> list[Point]:
    names = [_name(name) for name in grid]
    columns = [_values(name, grid[name]) for name in names]
    _require_few(math.prod(map(len, columns)))
    return [dict(zip(names, row, strict=True)) for row in itertools.product(*columns)]


def _listed(grid: Sequence[Any]) -> list[Point]:
    if not grid:
        raise SpikecudaValueError("grid must have at least one point (got an empty list)")
    _require_few(len(grid))
    points = []
    for number, point in enumerate(grid):
        if not isinstance(point, Mapping):
            raise SpikecudaTypeError(
                f"grid must be a list of dicts (got {shown(point)} for point {number})"
            )
        points.append({_name(name): plain(value) for name, value in point.items()})
        if set(points[-1]) != set(points[0]):
            raise SpikecudaValueError(
                "all points of a grid must have the same parameters (point 0 has "
                f"{', '.join(points[0]) or 'none'}; point {number} has "
                f"{', '.join(points[-1]) or 'none'})"
            )
    return points


def _values(name: str, values: Any) -> list[Any]:
    if isinstance(values, np.ndarray) and values.ndim >= 1:
        values = list(values)
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Sequence):
        raise SpikecudaTypeError(
            f"{name} must be a list of the values it takes (got {shown(values)}); write "
            f"[{shown(values)}] for one"
        )
    if not values:
        raise SpikecudaValueError(f"{name} must have at least one value (got an empty list)")
    return [plain(value) for value in values]


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise SpikecudaTypeError(
            f"parameters of a grid must be names of the function's arguments (got {shown(name)})"
        )
    if name in OWN:
        raise SpikecudaValueError(
            f"parameters must have other names than the table's own columns, {', '.join(OWN)} "
            f"(got {name!r})"
        )
    return name


def _seeds(seeds: object) -> list[int]:
    if isinstance(seeds, np.ndarray) and seeds.ndim == 1:
        seeds = seeds.tolist()
    if isinstance(seeds, Sequence) and not isinstance(seeds, str | bytes):
        numbers = [as_seed(seed) for seed in seeds]
        if not numbers or len(set(numbers)) < len(numbers):
            raise SpikecudaValueError(
                f"seeds must be at least one, and differ from each other (got {shown(seeds)})"
            )
        return numbers
    return list(range(as_count("seeds", seeds, 1, MOST_POINTS)))


def _require_few(number: int) -> None:
    if number > MOST_POINTS:
        raise SpikecudaValueError(
            f"a grid must have at most {MOST_POINTS:,} points (got {number:,}); sweep it in parts"
        )


def plain(value: Any) -> Any:
    """Return a NumPy number as Python's, of what it prints as; anything else as it is."""
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    if isinstance(value, np.floating) and value.dtype.itemsize < 8:
        return float(str(value))
    if isinstance(value, np.bool_ | np.integer | np.floating | np.str_):
        return value.item()
    return value

"""The table that tells loops where a projection's neurons are; see ``kernels/network/field``."""

from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from spikecuda.errors import NumericalError
from spikecuda.kernels.network import field
from spikecuda.kernels.routines import profile
from spikecuda.network.model.near import Near
from spikecuda.network.model.projection import Projection
from spikecuda.space.profiles import DistanceFunction, Level, Profile

# Pairs that functions are tried with: so many rows, and of each so many choices.
ROWS, CHOICES = 64, 256


@dataclass(frozen=True, eq=False)
class Field:
    """The table of a projection, with what it names.

    Attributes:
        ints, floats: the table.
        sorted: float64 (3, choices), coordinates in the order of the cells.
        near: the geometry.
        profiles: of probability, weight and delay.
    """

    ints: np.ndarray
    floats: np.ndarray
    sorted: np.ndarray
    near: Near
    profiles: tuple[Profile, Profile, Profile]

    @property
    def address(self) -> int:
        """The address of the table."""
        return int(self.ints.ctypes.data)

    @property
    def functions(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The user's own functions of probability, weight and delay, for ``deliver_drawn``."""
        return tuple(
            (p.text(f"_profile{i}"), p.takes) if isinstance(p, DistanceFunction) else ("", ())
            for i, p in enumerate(self.profiles)
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that the kernel of procedural rows takes, by name."""
        near = self.near
        return {
            "field": self.floats, "rows": near.rows.ravel(), "sorted": self.sorted.ravel(),
            "order": near.order, "starts": near.first,
        }  # fmt: skip

    def scalars(self) -> dict[str, int]:
        """Return the numbers that it takes, by name."""
        names = ("choices", "cells_x", "cells_y", "cells_z", "wrap", "mask")
        at = (field.S_COUNT, *range(field.S_CELLS, field.S_CELLS + 3), field.S_WRAP, field.S_MASK)
        found = dict(zip(names, self.ints[list(at)].tolist(), strict=True))
        kinds = self.ints[field.S_P : field.S_P + 3].tolist()
        return found | dict(zip(("p_profile", "w_profile", "d_profile"), kinds, strict=True))


def field_of(p: Projection) -> Field | None:
    """Return the table of a projection; None if nothing goes by its distances."""
    if p.near is None:
        return None
    if "field" not in p.near.kept:
        p.near.kept["field"] = _make(p, p.near)
    made: Field = p.near.kept["field"]
    return made


def has_failed(p: Projection) -> bool:
    """Tell whether a function of the distance has returned NaN for a pair of a projection, here.

    Rows on devices have tables of their own.
    """
    made = None if p.near is None else p.near.kept.get("field")
    return made is not None and bool(made.floats[field.G_WRONG])


def require_numbers(p: Projection) -> None:
    """Raise if a function of the distance has returned NaN for a pair of a projection.

    Raises:
        NumericalError: it has.
    """
    if has_failed(p):
        refuse_function(p)


def try_functions(p: Projection) -> None:
    """Raise if a function of the distance returns NaN for some of a projection's pairs.

    For procedural rows, which are drawn in a run only.

    Raises:
        NumericalError: it does.
    """
    made = field_of(p)
    if made is None:
        return
    for f in made.profiles:
        if isinstance(f, DistanceFunction):
            for row, some, _ in made.near.samples(ROWS, CHOICES):
                if np.isnan(made.near.values(f, row, some)).any():
                    refuse_function(p, f)


def refuse_function(p: Projection, *functions: DistanceFunction) -> NoReturn:
    """Raise NumericalError; ``functions`` are those that may have returned NaN, or all."""
    made = field_of(p)
    assert made is not None
    functions = functions or tuple(f for f in made.profiles if isinstance(f, DistanceFunction))
    raise NumericalError(
        f"{' or '.join(f.source.name for f in functions)} of {p.name} must return numbers (got NaN "
        "for a pair of neurons); use select() where there is none"
    )


def _make(p: Projection, near: Near) -> Field:
    from spikecuda.kernels.compile.cpu import profile_address

    ints, floats = np.zeros(field.FIELD, np.int64), np.zeros(field.FLOATS)
    sorted = np.ascontiguousarray(near.choices[near.order].T)
    profiles = (near.chance, *(v.profile or Level(0.0) for v in (p.weight, p.delay)))
    arrays = (floats, near.rows, near.choices, sorted, near.order, near.first)
    ints[: len(arrays)] = [a.ctypes.data for a in arrays]
    ints[field.S_COUNT] = len(near.choices)
    ints[field.S_CELLS : field.S_CELLS + 3] = near.cells
    ints[field.S_WRAP] = sum(1 << i for i in range(3) if near.period[i] > 0)
    ints[field.S_MASK] = near.mask.kind
    ints[field.S_LONGEST] = p.rule.longest_row(len(near.choices), np.empty(0, np.int32)) + 4
    floats[field.G_SIGN] = near.sign
    for at, values in (
        (field.G_ORIGIN, near.origin), (field.G_PER, near.per), (field.G_PERIOD, near.period),
        (field.G_LOW, near.low), (field.G_HIGH, near.high), (field.G_OFFSET, near.middle),
        (field.G_MASK, near.mask.numbers()), (field.G_AROUND, near.around),
    ):  # fmt: skip
        floats[at : at + len(values)] = values
    for i, profile_i in enumerate(profiles):
        ints[field.S_P + i] = profile_i.kind
        at = field.G_P + 5 * i
        floats[at : at + 5] = (*profile_i.numbers(), profile_i.low, profile_i.high)
        if isinstance(profile_i, DistanceFunction):
            spec = profile(profile_i.text("_profile"), profile_i.takes)
            ints[field.S_P_CALL + i] = profile_address(spec)
    return Field(ints, floats, sorted, near, (profiles[0], profiles[1], profiles[2]))

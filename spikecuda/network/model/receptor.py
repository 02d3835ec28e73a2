"""What all receptors have: constants with units and ranges, and what a step needs of them."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from spikecuda.common.arguments import as_real
from spikecuda.common.arrays import take_reals
from spikecuda.errors import SpikecudaValueError
from spikecuda.kernels.receptors import KINDS, ReceptorSpec
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter
from spikecuda.runtime.neuron_spec import as_constant

DECLARED = "parameter"
# What rounding may take of a receptor's effect.
LARGEST_LOSS = 1e-3


def parameter(unit: str, doc: str, default: float | None = None, **range_: float) -> Any:
    """Return a field of a receptor that declares its unit and range (see ``Parameter``)."""
    declared = Parameter(math.nan if default is None else default, unit, doc, **range_)
    metadata = {DECLARED: declared}
    return (
        field(metadata=metadata) if default is None else field(default=default, metadata=metadata)
    )


def time_constant(doc: str, default: float | None = None) -> Any:
    """Return a field of a receptor that is a time constant, above 0 ms."""
    return parameter("ms", doc, default, above=0.0)


@dataclass(frozen=True, eq=False)
class Receptor(ABC):
    """Base class of receptors; each field is made by ``parameter``, which declares its unit.

    A field is one number for all neurons of a population, or an array with one for each.

    Attributes:
        kind: the kernel's name for it.
        unit: the unit of its weights.
    """

    kind: ClassVar[str]
    unit: ClassVar[str]

    def __post_init__(self) -> None:
        sizes = {}
        for item in fields(self):
            declared: Parameter = item.metadata[DECLARED]
            value: Any = getattr(self, item.name)
            if isinstance(value, list | tuple) or getattr(value, "shape", ()) != ():
                value = take_reals(item.name, value, "a number or one per neuron")
                if value.ndim != 1:
                    raise SpikecudaValueError(
                        f"{item.name} must be one number or one per neuron (got shape "
                        f"{value.shape})"
                    )
                sizes[item.name] = value.size
            else:
                value = as_real(item.name, value, declared.unit)
            declared.validate(item.name, np.asarray(value))
            # What follows from it is worked out in float64, whatever type it was given in.
            object.__setattr__(self, item.name, value)
        if len(set(sizes.values())) > 1:
            raise SpikecudaValueError(
                f"{' and '.join(sizes)} must have one number for each neuron (got "
                f"{' and '.join(map(str, sizes.values()))}); give arrays of one length"
            )

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in self.fields()
        )

    def __hash__(self) -> int:
        values = (np.asarray(getattr(self, name)).tobytes() for name in self.fields())
        return hash((type(self), *values))

    def require_size(self, name: str, count: int) -> None:
        """Raise unless the receptor called ``name`` fits a population of ``count`` neurons."""
        for item in self.fields():
            value = getattr(self, item)
            if np.ndim(value) and value.shape != (count,):
                raise SpikecudaValueError(
                    f"{item} of receptor {name!r} must be one number or one per neuron, shape "
                    f"({count},) (got shape {value.shape})"
                )

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """Return the names of its parameters."""
        return tuple(item.name for item in fields(cls))

    @property
    def positive(self) -> bool:
        """Whether weights must be >= 0: a conductance cannot be negative."""
        return KINDS[self.kind].couples == "conductance"

    def spec(self, name: str) -> ReceptorSpec:
        """Return the kernel's view of the receptor."""
        return ReceptorSpec(name, self.kind)

    @abstractmethod
    def constants(
        self, model: type[Model], params: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, np.ndarray]:
        """Return the constants of a step by name, float64, one number or one per neuron."""

    def cast_constants(
        self, name: str, model: type[Model], params: Mapping[str, np.ndarray], dt: float, real: str
    ) -> dict[str, np.ndarray]:
        """Return the constants of the receptor called ``name`` in a kernel's real type.

        Raises:
            SpikecudaValueError: they are not finite there, or not exact enough.
        """
        try:
            values = self.constants(model, params, dt)
            if self.rounding_loss(real) > LARGEST_LOSS:
                raise SpikecudaValueError("time constants so near each other that rounding decides")
            return {key: as_constant(key, value, real) for key, value in values.items()}
        except (ArithmeticError, SpikecudaValueError) as error:
            raise SpikecudaValueError(
                f"receptor {name!r} needs constants that are finite and exact in {real} at dt = "
                f"{dt:g} ms (got {self!r}: {error}); choose other time constants"
            ) from None

    def rounding_loss(self, real: str) -> float:
        """Return about which fraction of the receptor's effect rounding in a type can take."""
        return float(np.finfo(real).eps)

"""What the standard models here have in common: parameters stay in PyNN's units and names."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pyNN.standardmodels import build_translations

from spikecuda.errors import SpikecudaError

# nF to pF, nA to pA, uS to nS.
THOUSAND = 1000.0

# What PyNN calls the receptor of gap junctions.
GAP = "source_section.gap"

# Values of parameters by name: one number, or one for each neuron.
Values = Mapping[str, Any]


class NotAvailableError(SpikecudaError, NotImplementedError):
    """Something of PyNN that this backend does not have; the message says what to use instead."""


def same_names(cls: type) -> type:
    """Let a standard model keep PyNN's names and units; they are converted for the network."""
    model: Any = cls
    model.translations = build_translations(*((name, name) for name in model.default_parameters))
    return cls


def unavailable(name: str, remedy: str) -> type:
    """Return a class of PyNN that cannot be used: making one raises.

    Args:
        name: of the class.
        remedy: what to use instead.
    """

    def refuse(self: Any, *args: Any, **parameters: Any) -> None:
        raise NotAvailableError(f"{name} is not available with spikecuda.pynn (got one); {remedy}")

    doc = f"Not available here: {remedy}."
    return type(name, (), {"__init__": refuse, "__doc__": doc, "__module__": __name__})


class Native:
    """What a cell type is here; mixed into PyNN's standard cell types.

    Attributes:
        model: name or class of the model.
        scheme: of the model; None: its first.
        ports: name of the receptor for each of PyNN's receptor types.
        variables: for each variable that can be recorded: the states that add up to it, and the
            factor to PyNN's unit.
        derived: variables that have no start value of their own, and parameters that are it.
        weight_scale: from PyNN's unit of weights to that of the receptors.
    """

    model: Any
    scheme: Any = None
    ports: Any = {"excitatory": "exc", "inhibitory": "inh"}
    variables: Any = {"v": (("v",), 1.0)}
    derived: ClassVar[Mapping[str, str]] = {}
    weight_scale: ClassVar[float] = THOUSAND
    # What of an injected current, in nA, the model's input is.
    input_scale: ClassVar[float] = THOUSAND

    def native(self, p: Values) -> dict[str, Any]:
        """Return the model's parameters in its units."""
        raise NotImplementedError

    def receptors(self, p: Values) -> dict[str, Any]:
        """Return the receptors by name of their port."""
        raise NotImplementedError

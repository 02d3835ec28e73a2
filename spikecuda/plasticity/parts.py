"""What a synapse rule declares beside its parameters: traces and variables."""

import math
from dataclasses import dataclass, field

import numpy as np

from spikecuda.models.parameter import Parameter


@dataclass(frozen=True)
class PreTrace:
    """A trace of a source's spikes: it jumps at each of them and decays between them.

    Args:
        tau: name of the parameter that is its time constant, ms.
        to_one: whether a spike sets it to 1, so that only the nearest spike counts; else a spike
            adds 1.
        doc: one line that describes it.
    """

    tau: str
    to_one: bool = False
    doc: str = ""


@dataclass(frozen=True)
class PostTrace:
    """A trace of a target's spikes; see ``PreTrace``."""

    tau: str
    to_one: bool = False
    doc: str = ""


@dataclass(frozen=True)
class Variable:
    """A number of each synapse, beside its weight.

    Args:
        initial: its value at the start.
        unit: ms, mV, pA, ... or "" for a number without dimension.
        decay: name of the parameter that is the time constant, ms, with which it decays between
            the synapse's events; "" if it stays.
        doc: one line that describes it.
    """

    initial: float = 0.0
    unit: str = ""
    decay: str = ""
    doc: str = ""


@dataclass(frozen=True)
class SynapseParameter(Variable):
    """A number of each synapse that its rule's functions take and do not change.

    ``Projection.set_values`` gives each synapse its own; they stay through ``reset``.

    Args:
        initial: its value until then.
        unit: ms, mV, pA, ... or "" for a number without dimension.
        doc: one line that describes it.
        above: values must be greater than this.
        at_least: values must be this or greater.
        at_most: values must be this or smaller.
    """

    initial: float = 0.0
    unit: str = ""
    decay: str = field(default="", init=False)
    doc: str = ""
    above: float = -math.inf
    at_least: float = -math.inf
    at_most: float = math.inf

    def validate(self, name: str, values: np.ndarray) -> None:
        """Raise SpikecudaValueError unless all values are finite and in range."""
        Parameter(
            self.initial, self.unit, above=self.above, at_least=self.at_least, at_most=self.at_most
        ).validate(name, values)


@dataclass(frozen=True)
class Modulator:
    """A third factor, such as dopamine: its level n changes weights where they are eligible.

    Each spike of the modulator, ``connect(..., modulator=...)``, adds ``1 / tau`` to n, which
    decays with ``tau``.  Between events ``dw/dt = c (n - b)``, exactly.

    Args:
        tau: name of the parameter that is the time constant of n, ms.
        eligibility: name of the variable c, which decays.
        baseline: name of the parameter b; "": 0.
        doc: one line that describes it.
    """

    tau: str
    eligibility: str
    baseline: str = ""
    doc: str = ""


@dataclass(frozen=True)
class SourceVariable:
    """A number of each source that ``release`` changes at its spikes.

    Args:
        initial: its value at the start: a number, or a parameter's name.
        doc: one line that describes it.
    """

    initial: float | str = 0.0
    doc: str = ""


@dataclass(frozen=True)
class TargetState:
    """A state of the target, such as its membrane potential, as a rule's functions see it.

    Args:
        state: name of the target's state, such as "v".
        later: name of the parameter that says how many ms later it is seen; "" if at once.
        doc: one line that describes it.
    """

    state: str
    later: str = ""
    doc: str = ""

"""The published numbers of an example that can be set, with unit and range."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_real
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest
from spikecuda.models.parameter import Parameter


@dataclass(frozen=True)
class Setting(Parameter):
    """A published number of an example; see ``Parameter`` for unit and range.

    Args:
        whole: whether it must be a whole number.
        by_variant: the numbers of variants that have another than ``default``.
    """

    whole: bool = False
    by_variant: Mapping[str, float] | None = None

    def published(self, variant: str | None) -> float:
        """Return the number of a variant."""
        return (self.by_variant or {}).get(variant or "", self.default)

    def check(self, name: str, value: object) -> float:
        """Return a number that may be set."""
        number = as_real(name, value, self.unit)
        self.validate(name, np.asarray(number))
        if self.whole and number != math.floor(number):
            raise SpikecudaValueError(f"{name} must be a whole number (got {number!r})")
        return number


class Settings(dict[str, Any]):
    """The numbers of an example by name, also as attributes: whole ones are ints."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def settle_options(
    example: str, known: Mapping[str, Setting], variant: str | None, given: Mapping[str, Any]
) -> tuple[Settings, dict[str, Any]]:
    """Return an example's numbers, published or given, and what is left for ``Network``.

    Args:
        example: its name, for errors.
        known: what can be set.
        variant: which published numbers.
        given: keyword arguments of ``network``.

    Raises:
        SpikecudaTypeError: a name that neither the example nor ``Network`` knows.
        SpikecudaValueError: a number out of range.
    """
    from spikecuda.network.network import Network

    options = [name for name in inspect.signature(Network).parameters if name != "dt"]
    for name in given:
        if name not in known and name not in options:
            names = [*known, *options]
            raise SpikecudaTypeError(
                f"{example} has no parameter {name!r}{nearest(name, names)}; it has "
                f"{', '.join(known)}, and the options of Network: {', '.join(options)}"
            )
    numbers = Settings()
    for name, setting in known.items():
        number = setting.check(name, given.get(name, setting.published(variant)))
        numbers[name] = int(number) if setting.whole else number
    return numbers, {name: value for name, value in given.items() if name in options}


# Of all the models that the examples use: unit and meaning; ranges are checked by the models.
NEURON = {
    "tau_m": ("ms", "membrane time constant"),
    "c_m": ("pF", "membrane capacitance"),
    "g_l": ("nS", "leak conductance"),
    "e_l": ("mV", "resting potential"),
    "v_rest": ("mV", "resting potential"),
    "v_reset": ("mV", "potential after a spike"),
    "v_th": ("mV", "threshold"),
    "t_ref": ("ms", "refractory period"),
}
# What examples divide by before a model checks it.
DIVISORS = ("tau_m", "c_m")


def neuron_settings(numbers: Mapping[str, float]) -> dict[str, Setting]:
    """Return settings of a neuron's parameters from the published numbers."""
    return {
        name: Setting(number, *NEURON[name], above=0.0 if name in DIVISORS else -math.inf)
        for name, number in numbers.items()
    }


def size(default: int, what: str) -> Setting:
    """Return a setting that counts neurons or synapses."""
    return Setting(default, "", what, at_least=1, whole=True)


def count(default: int, what: str) -> Setting:
    """Return a setting that counts, from 0."""
    return Setting(default, "", what, at_least=0, whole=True)


def time(default: float, what: str) -> Setting:
    """Return a setting that is a time above 0 ms."""
    return Setting(default, "ms", what, above=0.0)

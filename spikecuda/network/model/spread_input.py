"""Input of a view as input of its whole population."""

import copy
from dataclasses import fields, replace

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.stimulus import Constant, Input, Noise, PerStep, Poisson, Ramp, Step
from spikecuda.network.model.population import View


def spread(term: Input, view: View) -> Input:
    """Return an input of a view as one of its population, zero for the other neurons.

    Arrays are copied: changing them later changes nothing.

    Raises:
        SpikecudaValueError: an input that has a row for each step.
    """
    if view.whole:
        arrays = {
            field.name: copy.copy(value)
            for field in fields(term)  # type: ignore[arg-type]
            if isinstance(value := getattr(term, field.name), np.ndarray | list)
        }
        return replace(term, **arrays) if arrays else term  # type: ignore[type-var]

    def wide(value: object) -> np.ndarray:
        result = np.zeros(view.population.size)
        result[view.ids] = np.asarray(value, np.float64)
        return result

    if isinstance(term, Constant):
        return Constant(wide(term.value))
    if isinstance(term, Step):
        return replace(term, amplitude=wide(term.amplitude))
    if isinstance(term, Ramp):
        return replace(term, gain=wide(term.gain))
    if isinstance(term, Noise):
        return Noise(wide(term.sigma), wide(term.mean))
    if isinstance(term, Poisson):
        return Poisson(wide(term.rate), wide(term.weight))
    assert isinstance(term, PerStep)
    raise SpikecudaValueError(
        "PerStep drives a whole population (got a view); give the others zeros, an array (steps, "
        f"{view.population.size})"
    )

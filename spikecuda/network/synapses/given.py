"""Weights and variables of synapses that are given, as far as they can be checked without them."""

import numpy as np

from spikecuda.common.arrays import take_reals
from spikecuda.errors import SpikecudaValueError
from spikecuda.network.model.learning import bounds_of
from spikecuda.network.model.projection import Projection


def take_weights(projection: Projection, values: object) -> np.ndarray:
    """Return weights to be set, as far as they can be checked before the network is built.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: procedural rows, more than one dimension, NaN, or a
            negative conductance.
    """
    if projection.procedural:
        raise SpikecudaValueError(
            f"{projection.name} is procedural and stores no weights to change; connect it with "
            "procedural=False, which gives the same synapses"
        )
    given = take_reals("weights", values, "one number, or one for each synapse")
    receptor = projection.target.population.receptors[projection.receptor]
    rule = projection.plasticity
    if rule is not None and rule.learns:
        low, high = bounds_of(projection)
        outside = given[~((given >= low) & (given <= high))]
        if outside.size:
            raise SpikecudaValueError(
                f"weights must be within the rule's bounds, from {low:g} to {high:g} "
                f"{receptor.unit} (got {float(outside[0])!r}); clip them, or use another w_max"
            )
    if not np.isfinite(given).all() or (receptor.positive and np.any(given < 0)):
        need = "finite and >= 0, a conductance" if receptor.positive else "finite"
        raise SpikecudaValueError(f"weights must be {need} (got {given.min():g})")
    return given


def take_values(projection: Projection, name: str, values: object) -> np.ndarray:
    """Return values of a variable to be set, as far as they can be checked before the build.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: no numbers, more than one dimension, NaN, or out of
            the bounds of a parameter of the synapse.
    """
    rule = projection.plasticity
    assert rule is not None
    given = take_reals(name, values, "one number, or one for each synapse")
    real = projection.target.population.neurons.precision.real
    with np.errstate(over="ignore"):
        held = given.astype(real)
    if not np.isfinite(held).all():
        bad = given[~np.isfinite(held)]
        raise SpikecudaValueError(
            f"{name} of {projection.name} must be finite in {real} (got {float(bad.flat[0])!r}); "
            "replace NaN and infinity"
        )
    if name in rule.synapse_parameters:
        rule.synapse_parameters[name].validate(f"{name} of {projection.name}", given)
    return held

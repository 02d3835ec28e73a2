"""Other parameters for neurons that exist: which kernel they need, and what is kept."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from spikecuda.common.distributions import Distribution
from spikecuda.common.named import ReadOnly
from spikecuda.common.notice import notice
from spikecuda.common.seed import Seeds
from spikecuda.errors import SpikecudaValueError
from spikecuda.models.parameter import as_values
from spikecuda.runtime.neuron_spec import (
    FIXED,
    NeuronSpec,
    cast_constants,
    drawn_parameters,
    half_codecs,
    refractory_steps,
    resolve_neurons,
)


def adjusted(
    neuron_spec: NeuronSpec, given: Mapping[str, Any], ids: np.ndarray | None, built: bool
) -> NeuronSpec:
    """Return neurons with other parameters, all of them checked together.

    Args:
        neuron_spec: the neurons as they are.
        given: by name: a number, one for each neuron, or a distribution.
        ids: which neurons; None: all of them.
        built: whether kernels and state are made for them, so that the neurons keep their kernel:
            what differed between neurons goes on to be one number each.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: a parameter that the model does not have, a value
            that it refuses, or one that the kernel that was built has no place for.
    """
    spec, model = neuron_spec, neuron_spec.model
    params = {**spec.params, **_spread(spec, given, ids)}
    drawn = _drawn(spec, given, ids)
    if not built:
        made = resolve_neurons(
            spec.count, model, spec.precision.name, spec.dt, spec.seed, params=params,
            scheme=spec.scheme, substeps=spec.substeps, identity=spec.identity,
        )  # fmt: skip
        return replace(
            made, initial=spec.initial, start_seed=spec.start_seed, noise_seed=spec.noise_seed,
            drawn=drawn,
        )  # fmt: skip
    values = model.resolve(params, spec.count)
    for value in values.values():
        value.flags.writeable = False
    periods = refractory_steps(model, values, spec.dt, spec.precision)
    kernel = spec.spec()
    if periods is not None:
        _require_counter(spec, float(periods.max()) if periods.size else 0.0, values["t_ref"])
    constants = cast_constants(kernel, values, periods, spec.dt)
    for name, value in constants.items():
        if kept(spec.constants[name], value):
            constants[name] = np.full(spec.count, value)
    result = replace(
        spec, params=ReadOnly(values, FIXED), constants=ReadOnly(constants, FIXED),
        codecs=ReadOnly(half_codecs(model, spec.precision, values), FIXED), drawn=drawn,
    )  # fmt: skip
    if not any(value.ndim > spec.constants[name].ndim for name, value in constants.items()):
        result._specs.update(spec._specs)
    return result


def reseeded(neuron_spec: NeuronSpec, seeds: Seeds, whose: str) -> NeuronSpec:
    """Return the same neurons as they would be with other seeds, parameters drawn anew.

    Args:
        neuron_spec: the neurons as they are.
        seeds: of wiring and parameters, start values and noise.
        whose: what messages call them.

    Raises:
        SpikecudaValueError: a parameter was drawn for some neurons, which cannot be repeated.
    """
    spec = neuron_spec
    if seeds.wiring != spec.seed:
        for name, distribution in spec.drawn.items():
            if distribution is None:
                raise SpikecudaValueError(
                    f"wiring_seed must be {spec.seed} where {name} of {whose} was drawn for some "
                    f"of its neurons (got {seeds.wiring}); draw it for all of them"
                )
        spec = replace(spec, seed=seeds.wiring)
        if spec.drawn:
            spec = adjusted(spec, spec.drawn, None, built=False)
    return spec.in_trial(seeds)


def _drawn(
    neuron_spec: NeuronSpec, given: Mapping[str, Any], ids: np.ndarray | None
) -> dict[str, Distribution | None]:
    """Return the distributions that parameters are drawn from, once some are given."""
    result = dict(neuron_spec.drawn)
    for name, value in given.items():
        own = isinstance(value, Distribution)
        if ids is not None and (own or name in result):
            result[name] = None
        elif own:
            result[name] = value
        else:
            result.pop(name, None)
    return result


def kept(before: np.ndarray, after: np.ndarray) -> bool:
    """Tell whether a constant that was one number for each neuron would be one for all."""
    return np.ndim(before) > np.ndim(after)


def widened(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the constants that were one number for all neurons and are one for each."""
    return [name for name, value in after.items() if np.ndim(value) > np.ndim(before[name])]


def wide_parameters(before: NeuronSpec, after: NeuronSpec) -> list[str]:
    """Return the parameters that were one number for all neurons and are one for each."""
    return widened(before.params, after.params)


def announce_kernel(whose: str, names: list[str]) -> None:
    """Say, before the next run compiles it, that another kernel is needed.

    Args:
        whose: the population, or what a pool is called.
        names: of the parameters that become one number for each neuron.
    """
    notice(
        f"{', '.join(names)} of {whose} now differs between neurons for the first time, "
        "which needs another kernel: the next run compiles it in some seconds, unless it is in the "
        "cache; an array in params= from the start avoids this"
    )


def announce_input(whose: str) -> None:
    """Say, before the next run compiles it, that input of another structure needs another kernel.

    Args:
        whose: the population, or what a pool is called.
    """
    notice(
        f"the input of {whose} has another structure now, which needs another kernel: the next run "
        "compiles it in some seconds, unless it is in the cache; a rate, amplitude or weight of 0 "
        "instead of remove(), and arrays from the start where neurons are to differ, avoid this"
    )


def _spread(
    neuron_spec: NeuronSpec, given: Mapping[str, Any], ids: np.ndarray | None
) -> dict[str, Any]:
    """Return values of all neurons where some of them were given."""
    spec, model = neuron_spec, neuron_spec.model
    drawn = drawn_parameters(model, given, spec.count, spec.seed, spec.identity)
    if ids is None:
        return drawn
    result = {}
    for name, value in drawn.items():
        if name not in spec.params:
            return drawn  # which is refused, with what there is
        whole = np.array(np.broadcast_to(spec.params[name], (spec.count,)))
        if isinstance(given[name], Distribution):
            whole[ids] = value[ids]
        else:
            whole[ids] = as_values(name, value, ids.size)
        result[name] = whole
    return result


def _require_counter(neuron_spec: NeuronSpec, longest: float, t_ref: np.ndarray) -> None:
    """Raise for a refractory period that the neurons' counter of steps does not hold."""
    spec = neuron_spec
    if longest > 0 and not spec.refractory:
        raise SpikecudaValueError(
            f"t_ref must stay below dt / 2 = {spec.dt / 2:g} ms, for these neurons were built "
            f"without a refractory period (got {t_ref.max():g}); build them with t_ref > 0, and "
            "set it to 0 then"
        )
    if spec.refractory and longest > np.iinfo(spec.constants["n_ref"].dtype).max:
        most = np.iinfo(spec.constants["n_ref"].dtype).max * spec.dt
        raise SpikecudaValueError(
            f"t_ref must be <= {most:g} ms, what the counter of these neurons holds (got "
            f"{t_ref.max():g}); build them with the longer period"
        )

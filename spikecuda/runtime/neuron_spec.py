"""A validated neuron population, not yet assigned to a device."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count, as_positive, shown
from spikecuda.common.distributions import Distribution
from spikecuda.common.named import ReadOnly
from spikecuda.common.precision import as_precision
from spikecuda.common.seed import Seeds, as_seeds
from spikecuda.common.time_grid import nearest_steps
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest
from spikecuda.kernels.language.check import require_literals
from spikecuda.kernels.spec import STREAM_DRAW, InputSpec, KernelSpec, Precision
from spikecuda.models.base import Model, as_model
from spikecuda.models.half_codec import HalfCodec
from spikecuda.models.parameter import argument_names, as_values

MAX_NEURONS = 2**31 - 32
FIXED = (
    "what a neuron spec holds stays as it is; params of the pool or population can be assigned, "
    "and what is made new takes params= and initial="
)
# Draws for states count from STREAM_DRAW, draws for parameters from here.
STREAM_DRAW_PARAMETERS = STREAM_DRAW + 64


@dataclass(frozen=True, eq=False)
class NeuronSpec:
    """A validated neuron population, not yet assigned to a device.

    Attributes:
        model: its model.
        count: number of neurons.
        precision: storage and compute types.
        scheme: integration scheme.
        substeps: integration steps within one time step.
        dt: length of a step in ms.
        seed: the number from which parameters are drawn.
        params: all parameters, float64 arrays of shape () or (count,).
        constants: the constants of the kernel, cast, by name: shape () or (count,).
        codecs: float16 storage of each state; empty in other precisions.
        initial: start values given by the user, by state.
        refractory: whether any neuron has a refractory period.
        identity: identity of the first neuron, for its random numbers.
        start_seed: the number from which start values are drawn.
        noise_seed: the number from which all is drawn that a run draws.
        drawn: the distributions that parameters were drawn from, by name; None: of some neurons.
    """

    model: type[Model]
    count: int
    precision: Precision
    scheme: str
    substeps: int
    dt: float
    seed: int
    params: Mapping[str, np.ndarray]
    constants: Mapping[str, np.ndarray]
    codecs: Mapping[str, HalfCodec]
    initial: Mapping[str, Any]
    refractory: bool
    identity: int = 0
    start_seed: int = 0
    noise_seed: int = 0
    drawn: Mapping[str, Distribution | None] = field(default_factory=dict)
    # By input and traces: what a kernel's spec works out once serves for every run.
    _specs: dict[tuple[InputSpec, tuple[str, ...]], KernelSpec] = field(
        default_factory=dict, init=False, repr=False
    )

    def spec(self, inputs: InputSpec | None = None, traces: tuple[str, ...] = ()) -> KernelSpec:
        """Return the kernel that runs the population with an input."""
        key = (inputs or InputSpec(), traces)
        if key not in self._specs:
            self._specs[key] = KernelSpec(
                self.model, self.precision, self.scheme, self.substeps, self.refractory,
                frozenset(name for name, value in self.constants.items() if value.ndim),
                *key, long_refractory=self.long_refractory,
            )  # fmt: skip
        return self._specs[key]

    @property
    def long_refractory(self) -> bool:
        """Whether a refractory period takes more steps than the usual counter holds."""
        return self.refractory and self.constants["n_ref"].dtype == self.precision.long_refrac

    def in_trial(self, seeds: Seeds) -> "NeuronSpec":
        """Return the same neurons with the start values and the noise of a trial."""
        start, noise = seeds.in_trial()
        result = replace(self, start_seed=start, noise_seed=noise)
        result._specs.update(self._specs)  # kernels have no seeds in them
        return result

    def bytes_per_neuron(self) -> int:
        """Return the bytes of state and of constants that each neuron takes."""
        constants = sum(v.dtype.itemsize for v in self.constants.values() if v.ndim)
        return self.spec().bytes_per_neuron() + constants

    def start(self, name: str, part: tuple[int, int] | None = None) -> np.ndarray:
        """Return the start values of a state, float64, shape () or (count,).

        Args:
            name: of the state.
            part: the first neuron that they are wanted of, and the end; None: of all.
        """
        value = self.initial.get(name, self.model.states[name].initial)
        return self.values(name, by_name(self.params, value), part)

    def values(self, name: str, value: object, part: tuple[int, int] | None = None) -> np.ndarray:
        """Return new values of a state: float64, finite, shape () or (count,).

        Args:
            name: a state, or "refrac".
            value: a number, one per neuron, or a distribution.
            part: as for ``start``.
        """
        first, last = part or (0, self.count)
        if isinstance(value, Distribution):
            stream = STREAM_DRAW + [*self.model.states, "refrac"].index(name)
            return value.draw(last - first, stream, self.start_seed, self.identity + first)
        found = finite(name, as_values(name, value, self.count))
        return found[first:last] if found.ndim else found


def resolve_neurons(
    count: object,
    neuron_type: object,
    precision: object,
    dt: object,
    seed: object,
    *,
    params: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    scheme: str | None = None,
    substeps: object = 1,
    identity: int = 0,
) -> NeuronSpec:
    """Resolve and check a user's arguments; see ``GPUNeuronPool`` for their meaning.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument that cannot be used.
    """
    n = as_count("num_neurons", count, 1, MAX_NEURONS)
    model = as_model(neuron_type)
    step = as_positive("dt", dt, "ms")
    seeds = seed if isinstance(seed, Seeds) else as_seeds(seed)
    key, (start_key, noise_key) = seeds.wiring, seeds.in_trial()
    types = as_precision(precision)
    chosen = model.check_scheme(scheme)
    parts = as_count("substeps", substeps, 1, 64)
    values = model.resolve(drawn_parameters(model, params, n, key, identity), n)
    for value in values.values():
        value.flags.writeable = False
    if initial is not None and not isinstance(initial, Mapping):
        raise SpikecudaTypeError(f"initial must be a dict of name: value (got {shown(initial)})")
    given = dict(initial or {})
    for name, value in given.items():
        if name not in model.states:
            known = list(model.states)
            raise SpikecudaValueError(
                f"{model.name} has no state {name!r}{nearest(name, known)}; it has "
                f"{', '.join(known)}"
            )
        if isinstance(value, Distribution):
            continue
        # Checked now, so that the error is at the line that made it.
        now = finite(name, as_values(name, by_name(values, value), n))
        if not (isinstance(value, str) or callable(value)):
            given[name] = now
    periods = refractory_steps(model, values, step, types)
    longest = 0.0 if periods is None else float(periods.max())
    spec = KernelSpec(
        model, types, chosen, parts, longest > 0,
        long_refractory=bool(longest > np.iinfo(types.refrac).max),
    )  # fmt: skip
    constants = cast_constants(spec, values, periods, step)
    return NeuronSpec(
        model, n, types, chosen, parts, step, key, ReadOnly(values, FIXED),
        ReadOnly(constants, FIXED), ReadOnly(half_codecs(model, types, values), FIXED),
        ReadOnly(given, FIXED), spec.refractory, identity, start_key, noise_key,
        distributions(params),
    )  # fmt: skip


def cast_constants(
    spec: KernelSpec, values: Mapping[str, np.ndarray], periods: np.ndarray | None, dt: float
) -> dict[str, np.ndarray]:
    """Return the constants that a kernel takes, in its types: shape () or (count,).

    Args:
        spec: the kernel.
        values: all parameters.
        periods: refractory period in steps.
        dt: ms.
    """
    known = spec.model.constants(values, dt / spec.substeps)
    if missing := [name for name in spec.constants if name not in known]:
        raise SpikecudaValueError(
            f"{spec.model.name}.derive must return the same constants for any parameters (got no "
            f"{', '.join(missing)}); return them always"
        )
    real = spec.precision.real
    require_literals(spec.model.functions.values(), real, float(np.finfo(real).max))
    constants = {n: as_constant(n, known[n], real) for n in spec.constants}
    if spec.refractory:
        assert periods is not None
        constants["n_ref"] = periods.astype(spec.refrac)
    return constants


def half_codecs(
    model: type[Model], precision: Precision, values: Mapping[str, np.ndarray]
) -> dict[str, HalfCodec]:
    """Return the float16 storage of each state for some parameters; nothing in other precisions."""
    codecs = {}
    for name, declared in model.states.items() if precision.half else ():
        origin = declared.initial if declared.origin is None else declared.origin
        # One codec for all neurons: the mean where a scale is per neuron.
        scale = [float(np.mean(by_name(values, v))) for v in (origin, declared.span)]
        codecs[name] = HalfCodec(name, *scale)
    return codecs


def finite(name: str, values: np.ndarray) -> np.ndarray:
    """Return values of a state; raise for NaN and infinity."""
    if not np.isfinite(values).all():
        raise SpikecudaValueError(f"{name} must be finite (got NaN or infinity); replace it")
    return values


def by_name(params: Mapping[str, np.ndarray], value: Any) -> Any:
    """Return a value, a parameter given by its name, or a function of parameters, evaluated."""
    names = argument_names(value) if callable(value) else ()
    for name in [value] if isinstance(value, str) else names:
        if name not in params:
            known = list(params)
            raise SpikecudaValueError(
                f"a number, or the name of a parameter, is needed (got {name!r})"
                f"{nearest(name, known)}; there are {', '.join(known)}"
            )
    if isinstance(value, str):
        return params[value]
    return value(**{name: params[name] for name in names}) if callable(value) else value


def drawn_parameters(
    model: type[Model], params: Mapping[str, Any] | None, count: int, seed: int, identity: int
) -> dict[str, Any]:
    """Return the parameters with distributions replaced by draws."""
    if params is not None and not isinstance(params, Mapping):
        raise SpikecudaTypeError(f"params must be a dict of name: value (got {shown(params)})")
    names = list(model.parameters)
    return {
        name: value.draw(count, STREAM_DRAW_PARAMETERS + names.index(name), seed, identity)
        if isinstance(value, Distribution) and name in names
        else value
        for name, value in (params or {}).items()
    }


def distributions(params: Mapping[str, Any] | None) -> dict[str, Distribution | None]:
    """Return those of the parameters that are drawn."""
    return {n: value for n, value in (params or {}).items() if isinstance(value, Distribution)}


def refractory_steps(
    model: type[Model], values: Mapping[str, np.ndarray], dt: float, precision: Precision
) -> np.ndarray | None:
    """Return the refractory period in steps, or None for models without one."""
    if not model.refractory:
        return None
    steps = nearest_steps(values["t_ref"], dt)
    limit = int(np.iinfo(precision.long_refrac).max)
    if np.any(steps > limit):
        raise SpikecudaValueError(
            f"t_ref must be <= {limit * dt:g} ms at dt = {dt:g} ms in {precision.name} (got "
            f"{values['t_ref'].max():g}); use a larger dt{' or float32' if precision.half else ''}"
        )
    return np.asarray(steps)


def as_constant(name: str, value: np.ndarray, real: str) -> np.ndarray:
    """Return a constant in the kernel's real type, 0 where it would be subnormal there.

    A factor such as exp(-dt / tau) of a very short tau is nothing then, instead of slowing every
    step (docs/decisions/0021).

    Raises:
        SpikecudaValueError: it does not fit.
    """
    with np.errstate(over="ignore", under="ignore"):
        cast = np.asarray(value).astype(real)
    cast = np.where(np.abs(cast) < np.finfo(real).tiny, cast.dtype.type(0), cast)
    if not np.isfinite(cast).all():
        raise SpikecudaValueError(
            f"the constant {name} does not fit in {real} (got {np.max(np.abs(value)):g}); check "
            'the parameters or use precision="float64"'
        )
    return cast

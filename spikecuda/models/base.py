"""The base class of neuron models, built in or the user's own."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from spikecuda.common.arrays import take_reals
from spikecuda.errors import (
    ModelError,
    SpikecudaError,
    SpikecudaTypeError,
    SpikecudaValueError,
    nearest,
)
from spikecuda.kernels.language.check import Source
from spikecuda.kernels.language.schemes import BEND, BENT, SLOPE
from spikecuda.models.bases import check_bases
from spikecuda.models.definition import (
    COMPARISONS,
    CONDUCTANCE,
    INPUTS,
    PART,
    WITHIN,
    before,
    check_constant,
    check_functions,
    check_inputs,
    check_names,
    check_read,
    check_refractory,
    check_relations,
)
from spikecuda.models.parameter import Parameter, State, argument_names, require_made

# What a model has one of: of two bases, one would be without effect.
ONCE = ("step", "threshold", "reset", "derive", *WITHIN, "schemes")


class Model:
    """A neuron model.  Subclass it, declare states and parameters, and write a few small functions.

    Class attributes that are ``State`` or ``Parameter`` objects declare the model's variables.  The
    functions are plain (no ``self``).  The names of their arguments say what they need: any state,
    any parameter, any constant that ``derive`` returns, ``dt`` (ms) and the input ``current``.  A
    step that integrates synaptic conductances itself also has arguments ``g_syn`` (nS, their sum)
    and ``g_e_syn`` (pA, the sum of each times its reversal potential), both zero without synapses.
    A step may also use the condition ``refractory``: whether the neuron is refractory now.
    ``step``, ``threshold`` and ``reset`` may draw random numbers: ``normal()`` and ``uniform()``.

    - ``step`` returns the new value of every state, in the order of declaration.  In its place a
      model may give derivatives: ``dv`` returns the change of the state v in a ms, and so on for
      each state.  Integration schemes are made from them.
    - ``threshold`` returns the condition for a spike, tested after ``step``; ``v_before`` (any
      state's name with ``_before``) is the value before the step.
    - ``reset`` returns the value of every state after a spike.
      A model with ``spiking = False``, such as a rate neuron, has neither.
    - ``crossing`` (optional) returns the fraction of the step, from 0 to 1, after which the
      threshold is reached; it has the arguments of ``threshold`` and ``step``.  A spike is then
      found within the step: ``reset`` receives the states at the crossing, between those before and
      after the step, and the rest of the step starts from its result.
    - ``resume`` (optional, with ``crossing``) returns the states a ``part`` of a step after the
      reset.  Without it they change by that part of what a whole step would change.
    - ``derive`` (optional) returns a dict of constants, computed once on the host in float64 with
      NumPy from parameters and ``dt``.

    Optional class attributes:
        name: the model's name for pools and the command line; default: the class name in lower
            case.
        schemes: dict of name -> step function, for models with several integration schemes; the
            first is the default, and ``step`` is not needed.  For models of derivatives: a tuple of
            names out of ``rk4``, ``heun``, ``strang``, ``euler``, ``exponential_euler`` and
            ``heun_crossing``; without it all of them, in this order.
        crossing, resume: a function for all schemes, or a dict of scheme -> function for some.
        renamed_schemes: dict of a former scheme's name -> what to write instead, for the error.
        spiking: False for a model that never spikes.
        refractory: True if the model has a parameter ``t_ref`` (ms): no spike for t_ref after one.
        while_refractory: what the neuron does meanwhile.  ``clamp`` (default): its state ``v`` is
            held at its parameter ``v_reset`` and input pulses are lost, while other states go on.
            ``freeze``: every state stays as ``reset`` left it and input pulses are lost.
            ``silent``: all states go on.
        pulse: the state that an input pulse (Poisson weight) adds to; default: the first.
        memory: the time constant (ms) with which a linear membrane forgets a current, as a
            parameter's name or a function of parameters by name.  Synaptic currents that decay are
            then integrated exactly.
        inputs: inputs that come from one receptor, as more arguments of ``step``: ``i_exc`` is the
            current (pA) that the receptor ``exc`` of a population gives, ``g_exc`` its conductance
            (nS).  It is then no part of ``current``, ``g_syn`` and ``g_e_syn``; 0 in pools.
        arrivals: dict of receptor -> state: what arrives at that receptor, a ``Delta``, is added to
            the state, in its unit, as a pulse is to ``pulse``.
        input_unit: the unit of ``current``.
        requires: relations between parameters, such as ``("v_reset", "<", "v_th")``.
        source: the publication.

    Raises:
        ModelError: when the class is defined, with file and line, if a function does something
            that a kernel cannot do.
    """

    name: ClassVar[str] = ""
    states: ClassVar[dict[str, State]] = {}
    parameters: ClassVar[dict[str, Parameter]] = {}
    functions: ClassVar[dict[str, Source]] = {}
    schemes: ClassVar[Any] = {}
    asked_schemes: ClassVar[Any] = None
    renamed_schemes: ClassVar[dict[str, str]] = {}
    spiking: ClassVar[bool] = True
    refractory: ClassVar[bool] = False
    while_refractory: ClassVar[str] = "clamp"
    pulse: ClassVar[str] = ""
    memory: ClassVar[str | Callable[..., Any] | None] = None
    inputs: ClassVar[tuple[str, ...]] = ()
    arrivals: ClassVar[Mapping[str, str]] = {}
    named_receptors: ClassVar[tuple[str, ...]] = ()
    tells_receptors: ClassVar[bool] = False
    input_unit: ClassVar[str] = "pA"
    requires: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    source: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.name = cls.__dict__.get("name") or cls.__name__.lower()
        members: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            members.update(vars(base))
        require_made(cls.__name__, members, (State, Parameter))
        check_bases(cls, Model, ONCE, (State, Parameter))
        cls.states = {k: v for k, v in members.items() if isinstance(v, State)}
        cls.parameters = {k: v for k, v in members.items() if isinstance(v, Parameter)}
        cls.pulse = cls.__dict__.get("pulse") or next(iter(cls.states), "")
        if "schemes" in cls.__dict__:
            cls.asked_schemes = cls.__dict__["schemes"]
            if not isinstance(cls.asked_schemes, Mapping):
                cls.schemes = {}
        if "step" in cls.__dict__ and "schemes" not in cls.__dict__:
            cls.schemes = {"step": cls.__dict__["step"]}
        check_names(cls)
        check_relations(cls)
        check_inputs(cls)
        cls.named_receptors = tuple(dict.fromkeys(name[2:] for name in cls.inputs))
        cls.tells_receptors = bool(cls.inputs or cls.arrivals)
        cls.functions = check_functions(cls, members)
        check_read(cls)
        check_refractory(cls)
        if not cls.name.startswith("_"):
            from spikecuda.models.registry import register

            register(cls)

    @classmethod
    def default_scheme(cls) -> str:
        """Return the name of the scheme that is used when none is asked for."""
        return next(iter(cls.schemes))

    @classmethod
    def kernel_arguments(cls, scheme: str) -> tuple[str, ...]:
        """Return the names of the constants that the kernel of a scheme takes, in order."""
        names: dict[str, None] = {}
        others = (*cls.states, *INPUTS, *cls.inputs, PART, *before(cls))
        for function in cls.step_functions(scheme):
            for name in cls.functions[function].arguments:
                if name not in others:
                    names[name] = None
        if cls.refractory and cls.while_refractory == "clamp":
            names["v_reset"] = None
        return tuple(names)

    @classmethod
    def part_of(cls, scheme: str, part: str) -> str | None:
        """Return the name in ``functions`` of a scheme's crossing or resume; None: it has none."""
        name = f"{part} {scheme}"
        return name if name in cls.functions else None

    @classmethod
    def step_functions(cls, scheme: str) -> tuple[str, ...]:
        """Return the names in ``functions`` of what makes up a step of a scheme."""
        kinds = (SLOPE, BEND) if scheme in BENT else (SLOPE,)
        slopes = (f"{kind} {state}" for kind in kinds for state in cls.states)
        made = (name for name in slopes if name in cls.functions)
        more = (cls.part_of(scheme, part) for part in WITHIN)
        return (*made, scheme, *(name for name in more if name), "threshold", "reset")

    @classmethod
    def guards(cls, state: str) -> bool:
        """Tell whether a state stays as it is while a neuron is refractory."""
        clamped = cls.while_refractory == "clamp" and state == "v"
        return cls.refractory and (clamped or cls.while_refractory == "freeze")

    @classmethod
    def resets(cls, state: str) -> bool:
        """Tell whether the reset sets a state, whatever it was."""
        return not cls.functions["reset"].reads(state)

    @classmethod
    def forgets(cls, state: str, scheme: str) -> bool:
        """Tell whether a step of a scheme sets a state, whatever it was."""
        done = set(cls.step_functions(scheme)) - {"threshold", "reset"}
        return not any(cls.functions[name].reads(state) for name in done)

    @classmethod
    def drawing(cls, scheme: str) -> tuple[str, ...]:
        """Return the functions of a scheme that may draw random numbers, in their order."""
        return ("threshold", "reset", scheme)

    @classmethod
    def draws(cls, scheme: str) -> tuple[str, ...]:
        """Return the kinds of random numbers, "normal" or "uniform", that a step draws."""
        return tuple(k for f in cls.drawing(scheme) for k in cls.functions[f].draws)

    @classmethod
    def check_scheme(cls, scheme: object) -> str:
        """Return the name of a scheme; None is the default.

        Raises:
            SpikecudaValueError: the model has none of that name.
        """
        if scheme is None:
            return cls.default_scheme()
        if isinstance(scheme, str) and scheme in cls.schemes:
            return scheme
        known = list(cls.schemes)
        remedy = nearest(str(scheme), known)
        if isinstance(scheme, str) and scheme in cls.renamed_schemes:
            remedy = f"; {cls.renamed_schemes[scheme]}"
        raise SpikecudaValueError(
            f"{cls.name} has the schemes {', '.join(known)} (got {scheme!r}){remedy}"
        )

    @classmethod
    def takes_current(cls, scheme: str) -> bool:
        """Tell whether a scheme reads the input ``current``."""
        return cls._reads(scheme, INPUTS[0])

    @classmethod
    def takes_pulses(cls, scheme: str) -> bool:
        """Tell whether the state that pulses add to is read by any function of a scheme."""
        return cls._reads(scheme, cls.pulse)

    @classmethod
    def _reads(cls, scheme: str, name: str) -> bool:
        return any(name in cls.functions[f].arguments for f in cls.step_functions(scheme))

    @classmethod
    def takes_conductance(cls, scheme: str) -> bool:
        """Tell whether a scheme's step treats synaptic conductances itself (``g_syn``)."""
        return CONDUCTANCE[0] in cls.functions[scheme].arguments

    @classmethod
    def resolve(cls, params: Mapping[str, object] | None, count: int) -> dict[str, np.ndarray]:
        """Return every parameter as a validated float64 array of shape () or (count,).

        Args:
            params: values by name; the rest takes the model's defaults.
            count: number of neurons.

        Raises:
            SpikecudaValueError: unknown name, value out of range, wrong shape, broken relation.
            SpikecudaTypeError: a value that is not made of numbers.
        """
        from spikecuda.models.parameter import as_values

        given = dict(params or {})
        for name in given:
            if name not in cls.parameters:
                raise SpikecudaValueError(
                    f"{cls.name} has no parameter {name!r}{nearest(name, list(cls.parameters))}; "
                    f"it has {', '.join(cls.parameters)}"
                )
        values = {}
        for name, parameter in cls.parameters.items():
            values[name] = as_values(name, given.get(name, parameter.default), count)
            parameter.validate(name, values[name])
        for left, relation, right in cls.requires:
            holds = COMPARISONS[relation](values[left], values[right])
            if not np.all(holds):
                where = int(np.argmin(np.broadcast_to(holds, (count,))))
                a = float(np.broadcast_to(values[left], (count,))[where])
                b = float(np.broadcast_to(values[right], (count,))[where])
                raise SpikecudaValueError(
                    f"{left} must be {relation} {right} (got {left} = {a!r}, {right} = {b!r} for "
                    f"neuron {where}); change one of them"
                )
        return values

    @classmethod
    def constants(cls, values: Mapping[str, np.ndarray], dt: float) -> dict[str, np.ndarray]:
        """Return parameters, ``dt`` and derived constants by name, in float64.

        Args:
            values: what ``resolve`` returned.
            dt: length of a step (or substep) in ms.
        """
        known: dict[str, np.ndarray] = {**values, "dt": np.float64(dt)}  # type: ignore[dict-item]
        derive = getattr(cls, "derive", None)
        if derive is not None:
            wanted = {name: known[name] for name in argument_names(derive)}
            try:
                # What is not finite is refused where it is cast to the kernel's type.
                with np.errstate(all="ignore"):
                    derived = derive(**wanted)
            except SpikecudaError:
                raise
            except Exception as error:
                raise SpikecudaValueError(
                    f"{cls.name}.derive must work for the parameters (got {type(error).__name__}: "
                    f"{error} at dt = {dt:g} ms); change them, or derive"
                ) from error
            if not isinstance(derived, Mapping):
                raise ModelError(
                    f"{cls.__name__}.derive must return a dict of constants by name (got "
                    f"{derived!r:.80}); return {{'decay': ...}}"
                )
            for name in derived:
                check_constant(cls, name)
            known.update(
                {name: take_reals(f"{cls.__name__}.derive: {name}", value, "numbers")
                 for name, value in derived.items()}
            )  # fmt: skip
        return known


def as_model(neuron_type: object) -> type[Model]:
    """Return a model class from its name or itself.

    Raises:
        SpikecudaValueError: unknown name; the message has the nearest one.
        SpikecudaTypeError: neither a name nor a Model subclass.
    """
    from spikecuda.models.registry import find

    if isinstance(neuron_type, str):
        return find(neuron_type)
    if (
        isinstance(neuron_type, type)
        and issubclass(neuron_type, Model)
        and neuron_type is not Model
    ):
        return neuron_type
    raise SpikecudaTypeError(
        f"neuron_type must be a model's name or a Model subclass (got {neuron_type!r:.80})"
    )

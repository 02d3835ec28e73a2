"""The base class of neuron models, built in or the user's own."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from spikecuda.errors import ModelError, SpikecudaTypeError, SpikecudaValueError, nearest
from spikecuda.kernels.language import HELD
from spikecuda.kernels.language.check import BOOL, REAL, Checker, Source, read
from spikecuda.models.parameter import Parameter, State, argument_names

# Names that the templates use themselves.
CONDUCTANCE = ("g_syn", "g_e_syn")
INPUTS = ("current", *CONDUCTANCE, HELD)
# Functions of schemes that find a spike within the step, and what ``resume`` alone takes.
WITHIN = ("crossing", "resume")
PART = "part"
RESERVED = (*INPUTS, PART, "jump", "refrac", "dt", "real", "np")
# What a refractory neuron does: see ``Model.while_refractory``.
REFRACTORY = ("clamp", "freeze", "silent")
COMPARISONS = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "!=": np.not_equal,
}


class Model:
    """A neuron model.  Subclass it, declare states and parameters, and write three small functions.

    Class attributes that are ``State`` or ``Parameter`` objects declare the model's variables.  The
    functions are plain (no ``self``).  The names of their arguments say what they need: any state,
    any parameter, any constant that ``derive`` returns, ``dt`` (ms) and the input ``current``.  A
    step that integrates synaptic conductances itself also has arguments ``g_syn`` (nS, their sum)
    and ``g_e_syn`` (pA, the sum of each times its reversal potential), both zero without synapses.
    A step may also use the condition ``refractory``: whether the neuron is refractory now.

    - ``step`` returns the new value of every state, in the order of declaration.
    - ``threshold`` returns the condition for a spike, tested after ``step``; ``v_before`` (any
      state's name with ``_before``) is the value before the step.
    - ``reset`` returns the value of every state after a spike.
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
            first is the default, and ``step`` is not needed.
        crossing, resume: a function for all schemes, or a dict of scheme -> function for some.
        renamed_schemes: dict of a former scheme's name -> what to write instead, for the error.
        refractory: True if the model has a parameter ``t_ref`` (ms): no spike for t_ref after one.
        while_refractory: what the neuron does meanwhile.  ``clamp`` (default): its state ``v`` is
            held at its parameter ``v_reset`` and input pulses are lost, while other states go on.
            ``freeze``: every state stays as ``reset`` left it and input pulses are lost.
            ``silent``: all states go on.
        pulse: the state that an input pulse (Poisson weight) adds to; default: the first.
        memory: the time constant (ms) with which a linear membrane forgets a current, as a
            parameter's name or a function of parameters by name.  Synaptic currents that decay are
            then integrated exactly.
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
    schemes: ClassVar[dict[str, Callable[..., Any]]] = {}
    renamed_schemes: ClassVar[dict[str, str]] = {}
    refractory: ClassVar[bool] = False
    while_refractory: ClassVar[str] = "clamp"
    pulse: ClassVar[str] = ""
    memory: ClassVar[str | Callable[..., Any] | None] = None
    input_unit: ClassVar[str] = "pA"
    requires: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    source: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.name = cls.__dict__.get("name") or cls.__name__.lower()
        members: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            members.update(vars(base))
        cls.states = {k: v for k, v in members.items() if isinstance(v, State)}
        cls.parameters = {k: v for k, v in members.items() if isinstance(v, Parameter)}
        cls.pulse = cls.__dict__.get("pulse") or next(iter(cls.states), "")
        if "step" in cls.__dict__ and "schemes" not in cls.__dict__:
            cls.schemes = {"step": cls.__dict__["step"]}
        _check_names(cls)
        cls.functions = _check_functions(cls, members)
        _check_refractory(cls)
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
        for function in cls.step_functions(scheme):
            for name in cls.functions[function].arguments:
                if name not in (*cls.states, *INPUTS, PART, *_before(cls)):
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
        more = (cls.part_of(scheme, part) for part in WITHIN)
        return (scheme, *(name for name in more if name), "threshold", "reset")

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
            except ArithmeticError as error:
                raise SpikecudaValueError(
                    f"{cls.name}.derive must work for the parameters (got {error} at dt = {dt:g} "
                    "ms); change them"
                ) from error
            known.update({name: np.asarray(value, np.float64) for name, value in derived.items()})
        return known


def _check_names(cls: type[Model]) -> None:
    """Raise ModelError for names that are missing, taken or cannot be used."""
    if not cls.states:
        raise ModelError(f"{cls.__name__} needs at least one State (got none); v = State('mV')")
    for name in (*cls.states, *cls.parameters):
        if name in (*RESERVED, *_before(cls)) or name.startswith("_") or name in vars(Model):
            raise ModelError(
                f"{cls.__name__}.{name}: the name is taken by the kernel; choose another name"
            )
    if cls.pulse not in cls.states:
        raise ModelError(
            f"{cls.__name__}.pulse must name a state (got {cls.pulse!r}); it has "
            f"{', '.join(cls.states)}"
        )


def _check_functions(cls: type[Model], members: Mapping[str, Any]) -> dict[str, Source]:
    """Parse and check every model function; return their sources by name."""
    derive = members.get("derive")
    if derive is not None:
        cls.derive = staticmethod(_plain(derive))  # type: ignore[attr-defined]
    wanted: dict[str, tuple[Any, tuple[str, ...]]] = {
        scheme: (function, (REAL,) * len(cls.states)) for scheme, function in cls.schemes.items()
    }
    for part, kinds in zip(WITHIN, ((REAL,), (REAL,) * len(cls.states)), strict=True):
        for scheme, function in _by_scheme(cls, part, members.get(part)).items():
            wanted[f"{part} {scheme}"] = (function, kinds)
            if f"crossing {scheme}" not in wanted:
                raise ModelError(
                    f"{cls.__name__}.resume is for schemes with crossing (got {scheme!r}); write "
                    "crossing too"
                )
    wanted["threshold"] = (members.get("threshold"), (BOOL,))
    wanted["reset"] = (members.get("reset"), (REAL,) * len(cls.states))
    if not cls.schemes:
        raise ModelError(f"{cls.__name__} needs a step function; def step(v, current, ...): ...")
    sources = {}
    for name, (function, kinds) in wanted.items():
        if function is None:
            raise ModelError(f"{cls.__name__} needs a {name} function; def {name}(v, ...): ...")
        function = _plain(function)
        source = read(function, cls.__name__)
        got = Checker(source, conditions=(HELD,)).check()
        if got != kinds:
            what = "one condition" if kinds == (BOOL,) else f"{', '.join(cls.states)} (numbers)"
            what = "one number, a part of the step" if name.startswith("crossing ") else what
            raise ModelError(
                f"{source.name}, line {source.line} of {source.file}: must return {what} (got "
                f"{', '.join(got)}); return one value for each state, in the order of declaration"
            )
        _check_arguments(cls, name, source)
        _check_conductance(source)
        sources[name] = source
        if name in vars(cls) and not isinstance(vars(cls)[name], staticmethod):
            setattr(cls, name, staticmethod(function))
    for part in WITHIN:
        if inspect.isfunction(vars(cls).get(part)):
            setattr(cls, part, staticmethod(vars(cls)[part]))
    return sources


def _by_scheme(cls: type[Model], part: str, given: Any) -> dict[str, Any]:
    """Return the function ``crossing`` or ``resume`` of each scheme that has one."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        return dict.fromkeys(cls.schemes, given)
    for scheme in given:
        if scheme not in cls.schemes:
            raise ModelError(
                f"{cls.__name__}.{part} must name schemes (got {scheme!r})"
                f"{nearest(str(scheme), list(cls.schemes))}; it has {', '.join(cls.schemes)}"
            )
    return dict(given)


def _plain(function: Any) -> Any:
    """Return the function inside a staticmethod, or the function itself."""
    return function.__func__ if isinstance(function, staticmethod) else function


def _check_arguments(cls: type[Model], function: str, source: Source) -> None:
    """Raise ModelError for an argument that names nothing the model has."""
    derive = getattr(cls, "derive", None)
    given = {"threshold": _before(cls), "reset": ()}.get(function, INPUTS)
    if function.startswith("crossing "):
        given = (*INPUTS, *_before(cls))
    elif function.startswith("resume "):
        given = (*INPUTS, PART)
    known = [*cls.states, *cls.parameters, *given, "dt"]
    for name in source.arguments:
        # What derive returns is known only when it runs: accept, and check there.
        if name not in known and derive is None:
            raise ModelError(
                f"{source.name}, line {source.line} of {source.file}: unknown argument {name!r}"
                f"{nearest(name, known)}; a model function takes {', '.join(known)}"
            )
    if derive is not None:
        try:
            constants = cls.constants(
                {k: np.asarray(p.default, np.float64) for k, p in cls.parameters.items()}, 0.1
            )
        except KeyError as error:
            raise ModelError(
                f"{cls.__name__}.derive: unknown argument {error.args[0]!r}; it takes parameters "
                f"and dt: {', '.join(cls.parameters)}"
            ) from None
        known += list(constants)
        for name in source.arguments:
            if name not in known:
                raise ModelError(
                    f"{source.name}, line {source.line} of {source.file}: unknown argument "
                    f"{name!r}{nearest(name, known)}; a model function takes {', '.join(known)}"
                )


def _check_conductance(source: Source) -> None:
    """Raise ModelError for a step that takes one of the two conductance inputs."""
    taken = [name for name in CONDUCTANCE if name in source.arguments]
    if len(taken) == 1:
        raise ModelError(
            f"{source.name}, line {source.line} of {source.file}: must take "
            f"{' and '.join(CONDUCTANCE)} or neither (got only {taken[0]!r}); name the other too"
        )


def _before(cls: type[Model]) -> tuple[str, ...]:
    """Return the names under which ``threshold`` gets the states before the step."""
    return tuple(f"{state}_before" for state in cls.states)


def _check_refractory(cls: type[Model]) -> None:
    """Raise ModelError if a refractory model lacks what its refractoriness needs."""
    kind = cls.while_refractory
    if kind not in REFRACTORY:
        raise ModelError(
            f"{cls.__name__}.while_refractory must be one of {', '.join(REFRACTORY)} (got "
            f"{kind!r}){nearest(str(kind), REFRACTORY)}"
        )
    if not cls.refractory:
        return
    needed: dict[str, Mapping[str, object]] = {"t_ref": cls.parameters}
    if kind == "clamp":
        needed.update({"v": cls.states, "v_reset": cls.parameters})
    for name, where in needed.items():
        if name not in where:
            raise ModelError(
                f"{cls.__name__}.refractory = True needs a parameter t_ref and, to clamp, a state "
                f"v and a parameter v_reset (got none called {name!r}); declare it"
            )


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

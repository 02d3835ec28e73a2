"""What is checked when a model is defined, so that its author sees the line."""

import inspect
import keyword
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.errors import ModelError, nearest
from spikecuda.kernels.language import HELD
from spikecuda.kernels.language.check import BOOL, REAL, Checker, Source, read
from spikecuda.kernels.language.schemes import CROSSING, NAMES, Writer
from spikecuda.models.equations import (
    LANGUAGE,
    NO_CROSSING,
    define,
    derivatives,
    make_schemes,
)
from spikecuda.models.parameter import require_plain

if TYPE_CHECKING:
    from spikecuda.models.base import Model

# Names that the templates use themselves.
CONDUCTANCE = ("g_syn", "g_e_syn")
INPUTS = ("current", *CONDUCTANCE, HELD)
# Functions of schemes that find a spike within the step, and what ``resume`` alone takes.
WITHIN = ("crossing", "resume")
PART = "part"
RESERVED = (*INPUTS, PART, "jump", "refrac", "dt", "real", "np")
# Marks a threshold and a reset that were made for a model that never spikes.
MADE = "made_for_no_spikes"
# What a refractory neuron does: see ``Model.while_refractory``.
REFRACTORY = ("clamp", "freeze", "silent")
# How parameters can be related: see ``Model.requires``.
COMPARISONS = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "!=": np.not_equal,
}
# What the name of an input that comes from one receptor begins with: a current or a conductance.
NAMED = ("i_", "g_")


def check_names(cls: "type[Model]") -> None:
    """Raise ModelError for names that are missing, taken or cannot be used."""
    if not isinstance(cls.name, str):
        raise ModelError(
            f"{cls.__name__}.name must be a text (got {cls.name!r:.80}); name = 'mine'"
        )
    if not cls.states:
        raise ModelError(f"{cls.__name__} needs at least one State (got none); v = State('mV')")
    for name in (*cls.states, *cls.parameters):
        if (
            name in (*RESERVED, *before(cls))
            or name.startswith("_")
            or name in vars(cls.__mro__[-2])
        ):
            raise ModelError(
                f"{cls.__name__}.{name}: the name is taken by the kernel; choose another name"
            )
    if cls.pulse not in cls.states:
        raise ModelError(
            f"{cls.__name__}.pulse must name a state (got {cls.pulse!r}); it has "
            f"{', '.join(cls.states)}"
        )


def check_relations(cls: "type[Model]") -> None:
    """Raise ModelError for what ``requires`` says, if it relates no parameters."""
    given = cls.requires
    for relation in given if isinstance(given, tuple | list) else [given]:
        fits = isinstance(relation, tuple | list) and len(relation) == 3
        fits = fits and all(isinstance(part, str) for part in relation)
        if not fits or relation[1] not in COMPARISONS or not {*relation[::2]} <= {*cls.parameters}:
            raise ModelError(
                f"{cls.__name__}.requires must relate parameters by {', '.join(COMPARISONS)} (got "
                f"{relation!r:.80}); requires = (('v_reset', '<', 'v_th'),)"
            )


def check_constant(cls: "type[Model]", name: object) -> None:
    """Raise ModelError for a constant of ``derive`` that functions cannot take by its name."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise ModelError(
            f"{cls.__name__}.derive must name constants as functions can take them (got "
            f"{name!r:.80}); return {{'decay': ...}}"
        )
    declared = name in (*cls.states, *cls.parameters)
    if declared or name in (*RESERVED, *before(cls), *cls.inputs) or name.startswith("_"):
        by = f"by {cls.__name__}.{name}" if declared else "by the kernel"
        raise ModelError(
            f"{cls.__name__}.derive: the name {name!r} is taken {by}; choose another name for the "
            "constant"
        )


def check_inputs(cls: "type[Model]") -> None:
    """Raise ModelError for inputs by name, or states that receptors add to, that cannot be."""
    given = cls.__dict__.get("inputs", cls.inputs)
    if not isinstance(given, tuple | list):
        raise ModelError(
            f"{cls.__name__}.inputs must be a tuple of names (got {given!r:.80}); inputs = "
            "('i_exc',)"
        )
    for name in given:
        form = isinstance(name, str) and name.isidentifier() and name.startswith(NAMED)
        if not form or len(name) < 3 or name in (*INPUTS, *cls.states, *cls.parameters):
            raise ModelError(
                f"{cls.__name__}.inputs must be i_ or g_ and a receptor's name, and no state or "
                f"parameter (got {name!r:.80}); i_exc is the current of the receptor exc"
            )
    cls.inputs = tuple(dict.fromkeys(given))
    if not isinstance(cls.arrivals, Mapping):
        raise ModelError(
            f"{cls.__name__}.arrivals must be a dict of receptor -> state (got "
            f"{cls.arrivals!r:.80}); arrivals = {{'ampa': 's'}}"
        )
    for receptor, state in cls.arrivals.items():
        if state not in cls.states:
            raise ModelError(
                f"{cls.__name__}.arrivals must name states (got {state!r} for {receptor!r})"
                f"{nearest(str(state), list(cls.states))}; it has {', '.join(cls.states)}"
            )
        if receptor in (name[2:] for name in cls.inputs):
            raise ModelError(
                f"{cls.__name__}.arrivals and inputs must name other receptors (got {receptor!r} "
                "in both); what arrives adds to a state, or the receptor has a current"
            )


def check_read(cls: "type[Model]") -> None:
    """Raise ModelError for an input by name that a scheme does not read."""
    for scheme in cls.schemes:
        for name in cls.inputs:
            if name not in cls.functions[scheme].arguments:
                raise ModelError(
                    f"{cls.__name__}.inputs must be arguments of every scheme (got {name!r}, which "
                    f"{scheme} does not take); add the argument or drop the name"
                )


def check_functions(cls: "type[Model]", members: Mapping[str, Any]) -> dict[str, Source]:
    """Parse and check every model function; return their sources by name."""
    derive = members.get("derive")
    require_plain(cls.__name__, "derive", derive)
    if derive is not None and not isinstance(derive, staticmethod):
        cls.derive = staticmethod(_plain(derive))  # type: ignore[attr-defined]
    slopes = derivatives(cls.__name__, cls.states, members)
    states = (REAL,) * len(cls.states)
    if not cls.schemes and not slopes:
        raise ModelError(f"{cls.__name__} needs a step function; def step(v, current, ...): ...")
    sources: dict[str, Source] = {}
    if cls.spiking is not True:
        members = {**members, **_silent(cls, members)}
    for name, kinds in (("threshold", (BOOL,)), ("reset", states)):
        function = members.get(name)
        if function is None:
            raise ModelError(
                f"{cls.__name__} needs a {name} function; def {name}(v, ...): ..., or spiking = "
                "False for a model without spikes"
            )
        sources[name] = _check_function(cls, name, function, kinds)
    if slopes:
        return _made(cls, members, slopes, sources)
    wanted = {scheme: (function, states) for scheme, function in cls.schemes.items()}
    for part, kinds in zip(WITHIN, ((REAL,), states), strict=True):
        for scheme, function in _by_scheme(cls, part, members.get(part)).items():
            wanted[f"{part} {scheme}"] = (function, kinds)
            if f"crossing {scheme}" not in wanted:
                raise ModelError(
                    f"{cls.__name__}.resume is for schemes with crossing (got {scheme!r}); write "
                    "crossing too"
                )
    for name, (function, kinds) in wanted.items():
        sources[name] = _check_function(cls, name, function, kinds)
    for part in WITHIN:
        if inspect.isfunction(vars(cls).get(part)):
            setattr(cls, part, staticmethod(vars(cls)[part]))
    return sources


def _silent(cls: "type[Model]", members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the threshold and the reset of a model that never spikes."""
    if not isinstance(cls.spiking, bool):
        raise ModelError(
            f"{cls.__name__}.spiking must be True or False (got {cls.spiking!r:.80}); spiking = "
            "False"
        )
    for name in ("threshold", "reset", *WITHIN):
        given = members.get(name)
        # What was made for a base class: a dict of schemes, or what this function made.
        made = isinstance(given, Mapping) or getattr(_plain(given), MADE, False)
        if given is not None and not made:
            raise ModelError(
                f"{cls.__name__} never spikes and has no {name} (got spiking = False and a {name} "
                "function); leave one of them out"
            )
    if cls.refractory:
        raise ModelError(
            f"{cls.__name__} never spikes and has no refractory period (got spiking = False and "
            "refractory = True); leave one of them out"
        )
    names = tuple(cls.states)
    # Not one comparison, from which a crossing would be made.
    never = " and ".join(["real(1.0) < real(0.0)"] * 2)
    texts = {
        "threshold": Writer.function("threshold", names[:1], [f"return {never}"]),
        "reset": Writer.function("reset", names, [f"return {', '.join(names)}"]),
    }
    found = {}
    for name, text in texts.items():
        found[name] = define(cls.__name__, name, text, dict(LANGUAGE))[0]
        setattr(found[name], MADE, True)
        setattr(cls, name, staticmethod(found[name]))
    return found


def _made(
    cls: "type[Model]",
    members: Mapping[str, Any],
    slopes: Mapping[str, Any],
    sources: dict[str, Source],
) -> dict[str, Source]:
    """Give a model the schemes that its derivatives make; return all sources by name."""
    found = {}
    for state, function in slopes.items():
        key = f"d{state}"
        found[state] = _check_function(cls, key, function, (REAL,))
    crossing = members.get("crossing")
    if isinstance(crossing, Mapping):  # one that was made for a base class
        crossing = None
    if crossing is not None:
        crossing = _plain(crossing)
        sources[f"crossing {CROSSING}"] = _check_function(
            cls, f"crossing {CROSSING}", crossing, (REAL,)
        )
    asked = cls.asked_schemes
    if isinstance(asked, Mapping) and "schemes" not in vars(cls):  # those of a base class's steps
        asked = cls.asked_schemes = None
    made = make_schemes(cls.__name__, found, slopes, asked, sources["threshold"], crossing)
    cls.schemes = made.functions
    if CROSSING not in made.functions:
        why = NO_CROSSING if asked is None else "its author chose these"
        cls.renamed_schemes = {**dict.fromkeys(NAMES, "its author chose these"), CROSSING: why}
    for part in WITHIN:
        setattr(cls, part, made.parts.get(part))
    return {**made.sources, **sources}


def _check_function(cls: "type[Model]", name: str, function: Any, kinds: tuple[str, ...]) -> Source:
    """Parse and check one model function."""
    function = _plain(function)
    source = read(function, cls.__name__)
    draws = name in (*cls.schemes, "threshold", "reset")
    got = Checker(source, conditions=(HELD,), draws=draws).check()
    if got != kinds:
        what = "one condition" if kinds == (BOOL,) else f"{', '.join(cls.states)} (numbers)"
        what = "one number, a part of the step" if name.startswith("crossing ") else what
        remedy = "return one value for each state, in the order of declaration"
        if _slope_of(cls, name):
            what, remedy = f"the change of {name[1:]} in a ms, one number", "return one number"
        raise ModelError(
            f"{source.name}, line {source.line} of {source.file}: must return {what} (got "
            f"{', '.join(got)}); {remedy}"
        )
    _check_arguments(cls, name, source)
    _check_conductance(source)
    if name in vars(cls) and not isinstance(vars(cls)[name], staticmethod):
        setattr(cls, name, staticmethod(function))
    return source


def _slope_of(cls: "type[Model]", name: str) -> bool:
    """Tell whether a function is the derivative of a state."""
    return name[:1] == "d" and name[1:] in cls.states


def _by_scheme(cls: "type[Model]", part: str, given: Any) -> dict[str, Any]:
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


def _check_arguments(cls: "type[Model]", function: str, source: Source) -> None:
    """Raise ModelError for an argument that names nothing the model has."""
    derive = getattr(cls, "derive", None)
    inputs = (*INPUTS, *cls.inputs)
    given = {"threshold": before(cls), "reset": ()}.get(function, inputs)
    if function.startswith("crossing "):
        given = (*inputs, *before(cls))
    elif function.startswith("resume "):
        given = (*inputs, PART)
    known = [*cls.states, *cls.parameters, *given, "dt"]
    if _slope_of(cls, function):
        known.remove("dt")
        if "dt" in source.arguments:
            raise ModelError(
                f"{source.name}, line {source.line} of {source.file}: a derivative is the change "
                "in a ms, whatever the step is (got the argument 'dt'); leave dt out"
            )
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


def before(cls: "type[Model]") -> tuple[str, ...]:
    """Return the names under which ``threshold`` gets the states before the step."""
    return tuple(f"{state}_before" for state in cls.states)


def check_refractory(cls: "type[Model]") -> None:
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

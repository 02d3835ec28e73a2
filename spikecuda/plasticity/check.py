"""Find, when a synapse rule is defined, what it may not do, and say so with the line."""

import inspect
import keyword
import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_real
from spikecuda.errors import (
    ModelError,
    SpikecudaError,
    SpikecudaTypeError,
    SpikecudaValueError,
    nearest,
)
from spikecuda.kernels.language.check import BOOL, REAL, Checker, Source, read
from spikecuda.models.bases import owners
from spikecuda.models.parameter import require_plain
from spikecuda.plasticity.combine import derives, join
from spikecuda.plasticity.parts import Modulator

# Names that a rule's functions may use beside what the rule declares.
COMMON = ("w_max", "w_min", "dt")
EVENTS: Mapping[str, tuple[str, ...]] = {
    "on_post": ("w", "elapsed", "uniform", "first"),
    "on_pre": ("w", "elapsed", "uniform", "paired"),
    "release": ("elapsed", "fresh"),
    "transmit": ("uniform",),
    "watch": (),
}
CONDITIONS = ("first", "paired", "fresh")
TAKEN = (
    *COMMON,
    "w",
    "elapsed",
    "uniform",
    *CONDITIONS,
    "timing",
    "name",
    "source",
    "sign",
    "params",
    "watched",
    "self",
)
# What ``connections`` lists beside the variables of synapses.
LISTED = ("source", "target", "weight", "delay")


def check_rule(
    cls: Any, members: Mapping[str, Any], taken: Collection[str]
) -> tuple[dict[str, Source], tuple[str, ...]]:
    """Return the sources of a rule's functions, and the names of the constants that they take.

    Args:
        cls: the class; what it declares is sorted by kind already.
        members: its attributes and those of its bases, by name.
        taken: names that a rule cannot declare.

    Raises:
        ModelError: a name is taken, a time constant is no parameter, or a function cannot be a
            kernel.
    """
    require_plain(cls.__name__, "derive", members.get("derive"))
    _check_names(cls, taken)
    parts = derives(cls)
    if len(parts) > 1:
        cls.derive = staticmethod(join(parts))
    elif parts and not isinstance(members["derive"], staticmethod):
        cls.derive = staticmethod(members["derive"])
    constants_too = _derived(cls)
    for name, member in members.items():
        if name.startswith("on_") and name not in EVENTS and callable(member):
            raise ModelError(
                f"{cls.__name__}.{name} would never be called{nearest(name, list(EVENTS))}; the "
                f"events are {', '.join(EVENTS)}"
            )
    sources: dict[str, Source] = {}
    used: dict[str, None] = {}
    for name, own in EVENTS.items():
        function = members.get(name)
        if function is None:
            continue
        plain = function.__func__ if isinstance(function, staticmethod) else function
        if not inspect.isfunction(plain):
            raise ModelError(
                f"{cls.__name__}.{name} must be a plain function, without self or cls (got "
                f"{plain!r:.80}); def {name}(...): ..."
            )
        source = sources[name] = read(plain, cls.__name__)
        if name in vars(cls) and not isinstance(function, staticmethod):
            setattr(cls, name, staticmethod(plain))
        known = _known(cls, name, own)
        constants = [*cls.parameters, *COMMON, *constants_too]
        for argument in source.arguments:
            if argument not in (*known, *constants):
                raise ModelError(
                    f"{source.name}, line {source.line} of {source.file}: unknown argument "
                    f"{argument!r}{nearest(argument, [*known, *constants])}; {name} takes "
                    f"{', '.join([*known, *constants])}"
                )
            if argument in constants:
                used[argument] = None
        _check_result(cls, name, source)
    if "release" in sources and not cls.source_variables:
        raise ModelError(
            f"{cls.__name__}.release needs a SourceVariable (got none); u = SourceVariable('U')"
        )
    if cls.source_variables and "release" not in sources:
        raise ModelError(
            f"{cls.__name__} has source variables and no release to change them (got "
            f"{', '.join(cls.source_variables)}); def release(...)"
        )
    if "on_pre" not in sources and "transmit" in sources:
        for name in sources["transmit"].arguments:
            if name in cls.variables:
                raise ModelError(
                    f"{cls.__name__}.transmit sees {name} as a spike of the source leaves it, and "
                    f"there is no on_pre (got {', '.join(sources)}); def on_pre(w, ...)"
                )
    if "watch" in sources and (cls.post_traces or not cls.target_states):
        raise ModelError(
            f"{cls.__name__}.watch makes the target's events of a TargetState, and its spikes "
            f"leave no traces then (got {len(cls.target_states)} target states and "
            f"{len(cls.post_traces)} post traces); u = TargetState('v')"
        )
    rates = [f"_k_{n}" for n in (*cls.pre_traces, *cls.post_traces)]
    rates += [f"_k_{n}" for n, v in cls.variables.items() if v.decay]
    always = ["w_max", "w_min", "dt"] if {"on_post", "on_pre"} & set(sources) else ["dt"]
    return sources, tuple(dict.fromkeys([*always, *used, *rates]))


def one_modulator(cls: Any, found: list[Modulator]) -> Modulator | None:
    """Return the modulator of a rule, or None.

    Raises:
        ModelError: there are several, or it names what the rule does not have.
    """
    if not found:
        return None
    if len(found) > 1:
        raise ModelError(f"{cls.__name__} can have one Modulator (got {len(found)})")
    part = found[0]
    names = [part.tau, *([part.baseline] if part.baseline else [])]
    for name in names:
        if name not in cls.parameters:
            raise ModelError(
                f"{cls.__name__}: a Modulator must name a parameter (got {name!r})"
                f"{nearest(name, list(cls.parameters))}; it has {', '.join(cls.parameters)}"
            )
    if cls.parameters[part.tau].above < 0:
        raise ModelError(
            f"{cls.__name__}.{part.tau} is a time constant and must be Parameter(..., above=0.0)"
        )
    variable = cls.variables.get(part.eligibility)
    if variable is None or not variable.decay:
        raise ModelError(
            f"{cls.__name__}: the eligibility of a Modulator must be a Variable that decays (got "
            f"{part.eligibility!r}); c = Variable(decay='tau_c')"
        )
    return part


def require_both(cls: Any) -> None:
    """Refuse a rule whose modulator would not act at some of the synapse's spikes.

    Raises:
        ModelError: a rule that learns has a modulator, and no function for spikes of one side.
    """
    missing = [name for name in ("on_pre", "on_post") if name not in cls.functions]
    if cls.modulator is not None and cls.learns and missing:
        kept = cls.modulator.eligibility
        raise ModelError(
            f"{cls.__name__} must have on_pre and on_post, since its modulator acts up to every "
            f"spike (got no {missing[0]}); add def {missing[0]}(w, {kept}): return w, {kept}"
        )


def _known(cls: Any, name: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that change from call to call and a function may take."""
    if name == "release":
        return (*own, *cls.source_variables)
    if name == "transmit":
        return (*own, *cls.variables)
    if name == "watch":
        return tuple(cls.target_states)
    if name in ("on_pre", "on_post"):
        own = (*own, *cls.target_states)
    if name == "on_post" and callable(getattr(cls, "watch", None)):
        own = (*own, "watched")
    return (*own, *cls.variables, *cls.pre_traces, *cls.post_traces)


def _check_names(cls: Any, taken: Collection[str]) -> None:
    """Raise ModelError for names that are taken and time constants that are no parameters."""
    if not isinstance(cls.name, str):
        raise ModelError(f"{cls.__name__}.name must be a text (got {cls.name!r})")
    if not isinstance(cls.bounded, bool):
        raise ModelError(
            f"{cls.__name__}.bounded must be True or False (got {cls.bounded!r}); False if weights "
            "have no upper bound"
        )
    for name in (*cls.parameters, *_changing(cls)):
        if name in TAKEN or name.startswith("_") or name in taken:
            raise ModelError(
                f"{cls.__name__}.{name}: the name is taken by the kernel; choose another name"
            )
    for name in cls.variables:
        if name in LISTED:
            raise ModelError(
                f"{cls.__name__}.{name}: the name is taken by connections(), which lists a "
                "synapse's variables beside it; choose another name"
            )
    for name, trace in {**cls.pre_traces, **cls.post_traces}.items():
        if not isinstance(trace.to_one, bool):
            raise ModelError(
                f"{cls.__name__}.{name}: to_one must be True or False (got {trace.to_one!r}); True "
                "if a spike sets the trace to 1"
            )
    decays = {n: t.tau for n, t in {**cls.pre_traces, **cls.post_traces}.items()}
    decays |= {n: v.decay for n, v in cls.variables.items() if v.decay}
    for name, tau in decays.items():
        if tau not in cls.parameters:
            raise ModelError(
                f"{cls.__name__}.{name} must name a parameter as its time constant (got {tau!r})"
                f"{nearest(str(tau), list(cls.parameters))}; it has {', '.join(cls.parameters)}"
            )
        if max(cls.parameters[tau].above, cls.parameters[tau].at_least) < 0:
            raise ModelError(
                f"{cls.__name__}.{tau} is a time constant and must be Parameter(..., above=0.0), "
                "or at_least=0.0"
            )
    for name, variable in cls.variables.items():
        try:
            usable = math.isfinite(as_real(name, variable.initial))
        except SpikecudaTypeError:
            usable = False
        if not usable:
            raise ModelError(
                f"{cls.__name__}.{name} must start at a finite number (got {variable.initial!r}); "
                f"{name} = {type(variable).__name__}(0.0)"
            )
    for name, own in cls.synapse_parameters.items():
        try:
            own.validate(f"{cls.__name__}.{name}", np.asarray(own.initial))
        except SpikecudaValueError as error:
            raise ModelError(f"{error}; start within its bounds") from None
    for name, seen in cls.target_states.items():
        if seen.later and seen.later not in cls.parameters:
            raise ModelError(
                f"{cls.__name__}.{name} must name a parameter as its delay (got {seen.later!r}); "
                f"it has {', '.join(cls.parameters)}"
            )
    for name, begins in cls.source_variables.items():
        if isinstance(begins.initial, str) and begins.initial not in cls.parameters:
            raise ModelError(
                f"{cls.__name__}.{name} must start at a number or a parameter (got "
                f"{begins.initial!r}); it has {', '.join(cls.parameters)}"
            )


def _derived(cls: Any) -> list[str]:
    """Return the names of the constants that ``derive`` returns, that of each base."""
    known = {name: p.default for name, p in cls.parameters.items()}
    known |= {"w_max": 1.0, "w_min": 0.0, "dt": 0.1}
    whose: dict[str, str] = {}
    for owner, function in derives(cls).items():
        wanted = inspect.signature(function).parameters
        for name in wanted:
            if name not in known:
                raise ModelError(
                    f"{owner.__name__}.derive: unknown argument {name!r}"
                    f"{nearest(name, list(known))}; it takes {', '.join(known)}"
                )
        for name in derived(cls, {name: known[name] for name in wanted}, function):
            if not name.isidentifier() or keyword.iskeyword(name):
                raise ModelError(
                    f"{cls.__name__}.derive must name constants as functions can take them (got "
                    f"{name!r}); return {{'step': ...}}"
                )
            declared = name in (*cls.parameters, *_changing(cls))
            if declared or name in TAKEN or name.startswith("_") or name in whose:
                by = f" by {owners(cls, name)[0].__name__}.{name}" if declared else ""
                by = f" by {whose[name]}.derive" if name in whose else by
                raise ModelError(
                    f"{owner.__name__}.derive: the name {name!r} is taken{by}; choose another name "
                    "for the constant"
                )
            whose[name] = owner.__name__
    return list(whose)


def derived(cls: Any, values: Mapping[str, float], function: Any = None) -> dict[str, float]:
    """Return what a rule's ``derive`` makes of parameters.

    Args:
        cls: the rule.
        values: of the arguments.
        function: the ``derive``; None: that of the class.

    Raises:
        ModelError: it returns no dict of numbers.
        SpikecudaValueError: it cannot work with these parameters.
    """
    try:
        with np.errstate(all="ignore"):
            found = (function or cls.derive)(**values)
    except SpikecudaError:
        raise
    except Exception as error:
        raise SpikecudaValueError(
            f"{cls.__name__}.derive must work for the parameters (got {type(error).__name__}: "
            f"{error} for {', '.join(f'{k}={v:g}' for k, v in values.items())}); change them, or "
            "derive"
        ) from error
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise ModelError(
            f"{cls.__name__}.derive must return a dict of constants by name (got {found!r:.80}); "
            "return {'step': ...}"
        )
    try:
        return {name: as_real(name, value) for name, value in found.items()}
    except SpikecudaTypeError as error:
        raise ModelError(f"{cls.__name__}.derive: {error}; return one number for each") from None


def _changing(cls: Any) -> tuple[str, ...]:
    """Return the names of what a rule declares beside its parameters."""
    return (
        *cls.variables, *cls.pre_traces, *cls.post_traces, *cls.source_variables,
        *cls.target_states,
    )  # fmt: skip


def _check_result(cls: Any, name: str, source: Source) -> None:
    """Raise ModelError unless a function returns what it should."""
    got = Checker(source, conditions=CONDITIONS).check()
    if name == "release":
        what = [*cls.source_variables, "the part of the weight that is sent"]
    elif name == "transmit":
        what = ["the part of the weight that is sent"]
    elif name == "watch":
        what = ["a number"]
    else:
        what = ["w", *(n for n in cls.variables if n not in cls.synapse_parameters)]
    if got != (REAL,) * len(what):
        raise ModelError(
            f"{source.name}, line {source.line} of {source.file}: must return "
            f"{', '.join(what)} (got {len(got)} values{' with a condition' * (BOOL in got)}); "
            "return one number for each, in the order of declaration"
        )

"""Models that give derivatives: their schemes, as functions and as source for kernels."""

import ast
import inspect
import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from spikecuda.errors import ModelError, nearest
from spikecuda.kernels import language
from spikecuda.kernels.language.check import Source
from spikecuda.kernels.language.differentiate import differentiate
from spikecuda.kernels.language.schemes import (
    BEND,
    BENT,
    CROSSING,
    NAMES,
    SLOPE,
    Writer,
    write_crossing,
)

LANGUAGE = {name: getattr(language, name) for name in language.__all__ if name[0].islower()}
LANGUAGE |= {"mul": lambda a, b: a * b, "div": lambda a, b: a / b}
NO_CROSSING = (
    "heun_crossing needs a threshold that returns one comparison of states, or a function crossing"
)


@dataclass
class Equations:
    """What follows from a model's derivatives.

    Attributes:
        sources: checked sources by name: ``slope v`` and ``bend v`` for a state v, each scheme, and
            the crossing and resume of one.
        functions: the schemes as plain functions by name.
        parts: ``crossing`` and ``resume``: dicts of scheme -> function.
    """

    sources: dict[str, Source] = field(default_factory=dict)
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    parts: dict[str, dict[str, Callable[..., Any]]] = field(default_factory=dict)


def derivatives(
    name: str, states: Mapping[str, Any], members: Mapping[str, Any]
) -> dict[str, Callable[..., Any]]:
    """Return the derivative of each state, in order; none where the model has no derivatives.

    Raises:
        ModelError: derivatives for some states only, of no state, or beside a step.
    """
    plain = {
        key: value.__func__ if isinstance(value, staticmethod) else value
        for key, value in members.items()
    }
    found = {s: plain[f"d{s}"] for s in states if inspect.isfunction(plain.get(f"d{s}"))}
    if not found:
        return {}
    for state in states:
        if state not in found:
            raise ModelError(
                f"{name} gives derivatives, and none of {state!r} (got {_names(found)}); write "
                f"def d{state}({state}, ...): return ..., real(0.0) if only reset changes it"
            )
    if "step" in members:
        raise ModelError(
            f"{name} gives both derivatives and a step (got step and {_names(found)}); leave one "
            "out"
        )
    for key, value in plain.items():
        other = key[:1] == "d" and key != "derive" and key[1:] not in states
        if other and inspect.isfunction(value):
            raise ModelError(
                f"{name}.{key} is the derivative of no state (got {key})"
                f"{nearest(key[1:], [*states])}; the states are {', '.join(states)}"
            )
    return found


def _names(found: Mapping[str, Any]) -> str:
    return ", ".join(f"d{state}" for state in found)


def chosen_schemes(name: str, chosen: object) -> tuple[str, ...]:
    """Return the schemes that a model's author asks for; None is all.

    Raises:
        ModelError: not a tuple of known names.
    """
    if chosen is None:
        return NAMES
    if isinstance(chosen, tuple | list) and chosen and all(s in NAMES for s in chosen):
        return tuple(dict.fromkeys(chosen))
    wrong = chosen
    if isinstance(chosen, tuple | list) and chosen:
        wrong = next(s for s in chosen if s not in NAMES)
    raise ModelError(
        f"{name}.schemes must be a tuple of schemes, which are made from its derivatives (got "
        f"{wrong!r:.80}){nearest(str(wrong), NAMES)}; choose from {', '.join(NAMES)}"
    )


def make_schemes(
    name: str,
    slopes: Mapping[str, Source],
    functions: Mapping[str, Callable[..., Any]],
    chosen: object,
    threshold: Source,
    crossing: object,
) -> Equations:
    """Return the schemes of a model.

    Args:
        name: of the model, for errors.
        slopes, functions: the derivatives, checked, in the order of the states.
        chosen: the schemes asked for; None: all.
        threshold: checked source.
        crossing: the model's own function, or None.

    Raises:
        ModelError: a scheme that cannot be made.
    """
    made, states = Equations(), tuple(slopes)
    space: dict[str, Any] = dict(LANGUAGE)
    for state, source in slopes.items():
        made.sources[f"{SLOPE} {state}"] = source
        space[f"_{SLOPE}_{state}"] = functions[state]
    wanted, bends = chosen_schemes(name, chosen), set()
    if set(BENT) & set(wanted):
        for state, source in slopes.items():
            called = f"_{BEND}_{state}"
            text = differentiate(source, state, called)
            if text is not None:
                bends.add(state)
                space[called], made.sources[f"{BEND} {state}"] = define(name, called, text, space)
    writer = Writer(slopes, bends)
    line = write_crossing(threshold, states) if crossing is None else ""
    for scheme in wanted:
        if scheme == CROSSING and line is None:
            if chosen is not None:
                raise ModelError(
                    f"{threshold.name}, line {threshold.line} of {threshold.file}: {NO_CROSSING} "
                    f"(got schemes = {chosen!r}); write crossing or leave the scheme out"
                )
            continue
        made.functions[scheme], made.sources[scheme] = define(
            name, scheme, writer.write(scheme), space
        )
    if CROSSING in made.functions:
        key = f"resume {CROSSING}"
        resume, made.sources[key] = define(name, "resume", writer.resume(), space)
        made.parts["resume"] = {CROSSING: resume}
        if line:
            key = f"crossing {CROSSING}"
            function, made.sources[key] = define(name, "crossing", line, space)
            made.parts["crossing"] = {CROSSING: function}
        else:
            made.parts["crossing"] = {CROSSING: crossing}  # type: ignore[dict-item]
    return made


def define(
    owner: str, called: str, text: str, space: dict[str, Any]
) -> tuple[Callable[..., Any], Source]:
    """Return a written function and its source; ``inspect.getsource`` shows it."""
    file = f"<{called} of {owner}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names: dict[str, Any] = {}
    exec(compile(text, file, "exec"), space, names)
    tree = ast.parse(text).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return names[called], Source(tree, file, 1, f"{owner}.{called}")

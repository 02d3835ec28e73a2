"""What a synapse rule has of several bases, and what it cannot have of both."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from spikecuda.errors import ModelError
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.parts import (
    Modulator,
    PostTrace,
    PreTrace,
    SourceVariable,
    TargetState,
    Variable,
)

PARTS = (Parameter, Variable, PreTrace, PostTrace, SourceVariable, TargetState, Modulator)
Derive = Callable[..., Any]


def owners(cls: type, name: str) -> list[Any]:
    """Return the classes whose attribute of a name none of their subclasses among these replaces.

    Args:
        cls: the class; it and its bases are asked, in the order of resolution.
        name: of the attribute.
    """
    found = [kind for kind in cls.__mro__ if name in vars(kind)]
    return [k for k in found if not any(o is not k and issubclass(o, k) for o in found)]


def check_bases(cls: type, events: Iterable[str], taken: Collection[str]) -> None:
    """Raise ModelError if two bases have different functions, or different parts, of one name.

    Args:
        cls: a rule's class; what it defines itself is in place of what its bases have.
        events: names of the functions.
        taken: names of what every rule has.
    """
    if len(cls.__bases__) < 2:
        return
    names = dict.fromkeys([*events, *(name for kind in cls.__mro__ for name in vars(kind))])
    for name in names:
        if name in taken:
            continue
        kept = owners(cls, name)
        values = [_plain(vars(kind)[name]) for kind in kept]
        if not values or all(value is values[0] for value in values):
            continue
        where = [f"{kind.__name__}.{name}" for kind in kept]
        if name in events:
            raise ModelError(
                f"{cls.__name__} has {name} from several bases, and only one would be called (got "
                f"{', '.join(where)}); use one of these bases, or write {name} in {cls.__name__}"
            )
        if any(isinstance(value, PARTS) for value in values):
            alike = len({type(value) for value in values}) == 1
            remedy = f", or declare {name} in {cls.__name__} if one serves both" * alike
            raise ModelError(
                f"{cls.__name__} has {name!r} from several bases, and they mean different things "
                f"(got {_listed(where, values)}); write a rule in which one of them has another "
                f"name{remedy}"
            )


def derives(cls: type) -> dict[type, Derive]:
    """Return every ``derive`` that a rule has, its own or those of its bases, by whose it is."""
    found: dict[type, Derive] = {}
    for kind in owners(cls, "derive"):
        function = _plain(vars(kind)["derive"])
        for whose, part in getattr(function, "_parts", {kind: function}).items():
            if all(part is not known for known in found.values()):
                found[whose] = part
    replaced = {k for k in found if any(o is not k and issubclass(o, k) for o in found)}
    return {whose: part for whose, part in found.items() if whose not in replaced}


def join(parts: Mapping[type, Derive]) -> Derive:
    """Return a ``derive`` that takes and returns what all of several take and return."""
    wanted = {whose: tuple(inspect.signature(part).parameters) for whose, part in parts.items()}

    def derive(**values: float) -> Any:
        found: dict[str, float] = {}
        for whose, part in parts.items():
            more = part(**{name: values[name] for name in wanted[whose]})
            if not isinstance(more, Mapping):
                return more
            found |= more
        return found

    names = dict.fromkeys(name for some in wanted.values() for name in some)
    keyword = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.Signature([inspect.Parameter(name, keyword) for name in names])
    derive.__signature__ = signature  # type: ignore[attr-defined]
    derive._parts = dict(parts)  # type: ignore[attr-defined]
    return derive


def _plain(value: Any) -> Any:
    return value.__func__ if isinstance(value, staticmethod) else value


def _listed(where: list[str], values: list[Any]) -> str:
    return ", ".join(f"{w}, a {type(v).__name__}" for w, v in zip(where, values, strict=True))

"""What a synapse rule with several bases derives: what each of them does."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from spikecuda.models.bases import owners, plain
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


def derives(cls: type) -> dict[type, Derive]:
    """Return every ``derive`` that a rule has, its own or those of its bases, by whose it is."""
    found: dict[type, Derive] = {}
    for kind in owners(cls, "derive"):
        function = plain(vars(kind)["derive"])
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

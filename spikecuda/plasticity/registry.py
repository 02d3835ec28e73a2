"""The synapse rules known by name."""

from typing import Any

from spikecuda.errors import SpikecudaValueError, nearest

_RULES: dict[str, type[Any]] = {}


def register(rule: type[Any]) -> None:
    """Make a rule known by its name; a later definition of the same name replaces it.

    Raises:
        SpikecudaValueError: the name belongs to a built-in rule.
    """
    known = _RULES.get(rule.name)
    ours = known is not None and known.__module__.startswith("spikecuda.")
    if ours and known is not None and known.__module__ != rule.__module__:
        raise SpikecudaValueError(
            f"the name {rule.name!r} belongs to a built-in rule; set name = 'my_{rule.name}'"
        )
    _RULES[rule.name] = rule


def find(name: str) -> type[Any]:
    """Return the rule of a name, upper or lower case."""
    import spikecuda.plasticity as built_in

    for public in built_in.__all__:
        getattr(built_in, public)
    rule = _RULES.get(name) or _RULES.get(name.lower())
    if rule is None:
        raise SpikecudaValueError(
            f"unknown synapse rule {name!r}{nearest(name.lower(), list(_RULES))}; known rules are "
            f"{', '.join(_RULES)}"
        )
    return rule


def names() -> list[str]:
    """Return the names of all known rules."""
    import spikecuda.plasticity as built_in

    for public in built_in.__all__:
        getattr(built_in, public)
    return list(_RULES)

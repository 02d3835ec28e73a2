"""What a model or a rule has of several bases, and what it cannot have of both."""

from collections.abc import Iterable
from typing import Any

from spikecuda.errors import ModelError


def owners(cls: type, name: str) -> list[Any]:
    """Return the classes whose attribute of a name none of their subclasses among these replaces.

    Args:
        cls: the class; it and its bases are asked, in the order of resolution.
        name: of the attribute.
    """
    found = [kind for kind in cls.__mro__ if name in vars(kind)]
    return [k for k in found if not any(o is not k and issubclass(o, k) for o in found)]


def check_bases(cls: type, root: type, functions: Iterable[str], kinds: tuple[type, ...]) -> None:
    """Raise ModelError if two bases have different functions, or different parts, of one name.

    Args:
        cls: of a model or a rule; what it defines itself is in place of what its bases have.
        root: ``Model`` or ``SynapseRule``; other bases replace what they have, as in Python.
        functions: their names.
        kinds: of parts, such as ``Parameter``.
    """
    if len(cls.__bases__) < 2:
        return
    names = dict.fromkeys([*functions, *(name for kind in cls.__mro__ for name in vars(kind))])
    for name in names:
        if name in vars(root) and name not in functions:
            continue
        kept = [kind for kind in owners(cls, name) if issubclass(kind, root)]
        values = [plain(vars(kind)[name]) for kind in kept]
        if not values or all(value is values[0] for value in values):
            continue
        where = [f"{kind.__name__}.{name}" for kind in kept]
        if name in functions:
            raise ModelError(
                f"{cls.__name__} has {name} from several bases, and only one would be called (got "
                f"{', '.join(where)}); use one of these bases, or write {name} in {cls.__name__}"
            )
        if any(isinstance(value, kinds) for value in values):
            alike = len({type(value) for value in values}) == 1
            remedy = f", or declare {name} in {cls.__name__} if one serves both" * alike
            raise ModelError(
                f"{cls.__name__} has {name!r} from several bases, and they mean different things "
                f"(got {_listed(where, values)}); write a class in which one of them has another "
                f"name{remedy}"
            )


def plain(value: Any) -> Any:
    """Return the function in a staticmethod, or the value itself."""
    return value.__func__ if isinstance(value, staticmethod) else value


def _listed(where: list[str], values: list[Any]) -> str:
    return ", ".join(f"{w}, a {type(v).__name__}" for w, v in zip(where, values, strict=True))

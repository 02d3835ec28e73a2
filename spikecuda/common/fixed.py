"""Objects that refuse assignments that would be stored and have no effect."""

from collections.abc import Mapping
from typing import Any, ClassVar

from spikecuda.errors import SpikecudaAttributeError, nearest


class Fixed:
    """Base of objects whose attributes are fixed once they are made.

    ``_fix()`` at the end of ``__init__`` fixes them.  From then on only names that begin with an
    underscore and properties with a setter can be assigned; anything else is refused, with what to
    do instead.  A user's subclass may have attributes of its own.

    Class attributes:
        _remedies: what to do instead of assigning an attribute, by name; "" for any other one.
    """

    _remedies: ClassVar[Mapping[str, str]] = {}
    _names: frozenset[str] | None = None

    def _fix(self) -> None:
        object.__setattr__(self, "_names", frozenset(vars(self)))

    def __setattr__(self, name: str, value: Any) -> None:
        if self._names is None or name.startswith("_") or _acts(type(self), name):
            object.__setattr__(self, name, value)
        elif name in self._names or _is_ours(_owner(type(self), name)):
            raise SpikecudaAttributeError(f"{self._what()}.{name} is fixed{self._remedy(name)}")
        elif _is_ours(type(self)):
            raise SpikecudaAttributeError(
                f"{self._what()} has no attribute {name!r} to assign"
                f"{nearest(name, self._public())}{self._remedy(name)}"
            )
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        ours = _is_ours(_owner(type(self), name)) or _is_ours(type(self))
        if not name.startswith("_") and (ours or name in (self._names or ())):
            raise SpikecudaAttributeError(f"{self._what()}.{name} cannot be deleted")
        object.__delattr__(self, name)

    def _what(self) -> str:
        """Return what messages call the object."""
        return type(self).__name__

    def _remedy(self, name: str) -> str:
        """Return what to do instead of assigning an attribute."""
        remedy = self._remedies.get(name) or self._remedies.get("", "")
        return f"; {remedy}" if remedy else ""

    def _public(self) -> list[str]:
        return sorted(n for n in {*vars(self), *dir(type(self))} if not n.startswith("_"))


def _owner(kind: type, name: str) -> type | None:
    """Return the class that has an attribute of a name, or None."""
    return next((base for base in kind.__mro__ if name in vars(base)), None)


def _is_ours(kind: type | None) -> bool:
    """Tell spikecuda's classes from users'."""
    return kind is not None and kind.__module__.split(".")[0] == "spikecuda"


def _acts(kind: type, name: str) -> bool:
    """Tell whether assigning an attribute does something: a property with a setter."""
    found = getattr(kind, name, None)
    return isinstance(found, property) and found.fset is not None

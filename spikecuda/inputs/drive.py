"""Drive: input that was added, whose numbers can be read, changed and taken away again."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Protocol

from spikecuda.common.fixed import Fixed
from spikecuda.errors import (
    SpikecudaAttributeError,
    SpikecudaError,
    SpikecudaValueError,
    nearest,
)

# What a constant current is called beside its own name, as that of a step.
OTHER_NAMES = {"amplitude": "value"}


class Driven(Protocol):
    """What input was added to: a network, a pool or a system."""

    def change_drive(self, drive: "Drive", value: object) -> None:
        """Let a drive have another input from the next step on, or raise and change nothing."""

    def remove_drive(self, drive: "Drive") -> None:
        """Take a drive away."""


class Drive(Fixed):
    """Input of a population, as ``drive`` returns it; its numbers are attributes.

    ``drive.rate``, ``weight``, ``amplitude``, ``start``, ``stop`` and all other arguments of its
    input can be read and assigned, as far as the input has them.  ``update`` changes several
    together.  A change acts from the next step on, and compiles no kernel unless the input gets
    another structure (one number becomes one for each neuron), which is said.

    Of several inputs that were added in one call, an argument can be assigned that only one has.

    Args:
        owner: what it drives.
        whose: what messages call that.
        inputs: the inputs.

    Attributes:
        input: what was added, or has been assigned since, a tuple if it is several; another input
            can be assigned.
    """

    def __init__(self, owner: Driven, whose: str, inputs: Sequence[Any]) -> None:
        self._owner, self._whose = owner, whose
        self._inputs: tuple[Any, ...] | None = tuple(inputs)
        self._fix()

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The inputs, one for each that was added together.

        Raises:
            SpikecudaError: they were removed.
        """
        if self._inputs is None:
            raise SpikecudaError(
                f"the drive of {self._whose} was removed (got a use of it); drive() adds another"
            )
        return self._inputs

    @property
    def input(self) -> Any:
        """The input; of several, a tuple.  Another one can be assigned."""
        return self.inputs[0] if len(self.inputs) == 1 else self.inputs

    @input.setter
    def input(self, value: object) -> None:
        _ = self.inputs
        self._owner.change_drive(self, value)

    def update(self, **values: Any) -> None:
        """Change arguments of the input together, all of them or none.

        Args:
            values: by name, such as ``start=5.0, stop=9.0``.

        Raises:
            SpikecudaAttributeError: the input has no such argument.
            SpikecudaValueError, SpikecudaTypeError: a value that the input refuses.
            SpikecudaError: a run is going on.
        """
        inputs = list(self.inputs)
        for place in range(len(inputs)):
            mine = {
                self._field(name): value
                for name, value in values.items()
                if self._place(name) == place
            }
            if mine:
                inputs[place] = replace(inputs[place], **mine)
        if values:
            self._owner.change_drive(self, inputs)

    def remove(self) -> None:
        """Take the input away, from the next step on.

        That changes the kernel, which may have to be compiled; a rate, amplitude or weight of 0
        does not.
        """
        _ = self.inputs
        self._owner.remove_drive(self)

    def settle(self, inputs: Sequence[Any] | None) -> None:
        """Take other inputs, None: it was removed; for its owner alone."""
        self._inputs = None if inputs is None else tuple(inputs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.inputs[self._place(name)], self._field(name))

    def __setattr__(self, name: str, value: Any) -> None:
        own = name.startswith("_") or name in vars(type(self))
        if own or (self.inputs and not self._has(name)):
            super().__setattr__(name, value)
        else:
            self.update(**{name: value})

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._arguments()]

    def __repr__(self) -> str:
        shown = "removed" if self._inputs is None else ", ".join(map(_short, self._inputs))
        return f"<drive of {self._whose}: {shown}>"

    def _what(self) -> str:
        return "drive"

    def _remedy(self, name: str) -> str:
        return f"; it has {', '.join(self._arguments()) or 'nothing to assign'}"

    def _arguments(self) -> list[str]:
        found = [name for term in self._inputs or () for name in _fields(term)]
        more = [alias for alias, name in OTHER_NAMES.items() if name in found]
        return list(dict.fromkeys([*found, *(name for name in more if name not in found)]))

    def _has(self, name: str) -> bool:
        return name in self._arguments()

    def _field(self, name: str) -> str:
        """Return the name of an argument as the input calls it."""
        found = {n for term in self.inputs for n in _fields(term)}
        return name if name in found else OTHER_NAMES.get(name, name)

    def _place(self, name: str) -> int:
        """Return the number of the input that has an argument."""
        field = self._field(name)
        places = [i for i, term in enumerate(self.inputs) if field in _fields(term)]
        if not places:
            known = self._arguments()
            if name == "input":
                raise SpikecudaAttributeError(
                    f"the drive of {self._whose} has 'input' to assign, not to update (got "
                    "update(input=...)); drive.input = value, of a replica "
                    "ensemble[i].own(drive).input = value"
                )
            raise SpikecudaAttributeError(
                f"the drive of {self._whose} has no {name!r}{nearest(name, known)}; it has "
                f"{', '.join(known) or 'nothing to assign'}"
            )
        if len(places) > 1:
            raise SpikecudaValueError(
                f"{len(places)} inputs of the drive of {self._whose} have {name!r} (got one value "
                "for all); add each by a call of its own, or assign drive.input"
            )
        return places[0]


def _fields(term: Any) -> list[str]:
    """Return the arguments of an input."""
    return [item.name for item in fields(term) if item.init] if is_dataclass(term) else []


def _short(term: Any) -> str:
    return type(term).__name__

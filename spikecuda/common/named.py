"""Values by name whose names complete in interactive shells."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, NoReturn, TypeVar

from spikecuda.errors import SpikecudaKeyError, SpikecudaTypeError, nearest

Value = TypeVar("Value")


class Named(Mapping[str, Value]):
    """A mapping by name, whose keys IPython and Jupyter complete.

    They complete ``pool.state["<Tab>``; where a property or an item stands before, as in
    ``net["E"].state["<Tab>``, only after ``%config Completer.evaluation = "unsafe"`` (IPython 9),
    or for a variable: ``s = net["E"].state; s["<Tab>``.
    """

    __slots__ = ()

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)


class Known(dict[str, Value]):
    """A dict that says what it has when it is asked for something else.

    Args:
        values: by name.
        what: what the values are, such as "spikes of populations".
        advice: how to get what is missing.
    """

    def __init__(self, values: Mapping[str, Value], what: str = "values", advice: str = "") -> None:
        super().__init__(values)
        self._what, self._advice = what, advice

    def __missing__(self, name: object) -> NoReturn:
        remedy = f"; {self._advice}" if self._advice else ""
        raise SpikecudaKeyError(
            f"{self._what} are there of {', '.join(self) or 'none'} (got {name!r})"
            f"{nearest(str(name), list(self))}{remedy}"
        )

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __reduce__(self) -> Any:
        return Known, (dict(self), self._what, self._advice)


class ReadOnly(Named[Value], Generic[Value]):
    """A mapping that refuses assignments.

    Args:
        values: by name; a copy is kept.
        why: what an error says, such as "counts stay as they are; make a new system".
    """

    __slots__ = ("_values", "_why")

    def __init__(self, values: Mapping[str, Value], why: str) -> None:
        self._values = dict(values)
        self._why = why

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def __setitem__(self, name: str, value: object) -> NoReturn:
        raise SpikecudaTypeError(f"{self._why} (got an assignment to {name!r})")

    def __delitem__(self, name: str) -> NoReturn:
        raise SpikecudaTypeError(f"{self._why} (got del of {name!r})")

"""Parameters of neurons by name: read, and changed between runs."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.fixed import Fixed
from spikecuda.common.given_copy import give_copy
from spikecuda.common.named import Named
from spikecuda.common.notebook import facts_html
from spikecuda.errors import SpikecudaKeyError, SpikecudaTypeError, nearest, shown


class Adjustable(Protocol):
    """What has parameters: a population of a network, or of a pool."""

    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return all of them by name: float64, shape () or (neurons,)."""

    def adjust(self, given: Mapping[str, Any], ids: np.ndarray | None) -> None:
        """Change some of them together, all or none; ``ids``: of which neurons, None: all."""

    @property
    def title(self) -> str:
        """What messages call it."""


class Parameters(Named[np.ndarray], Fixed):
    """The parameters of some neurons by name, to read and to change between runs.

    ``params["tau_m"]`` is a read-only float64 array of shape () or (neurons,).
    ``params["tau_m"] = value`` sets one number, one for each neuron, or a distribution, whose draws
    are those of new neurons with the same seed.  ``params.update(v_th=-45.0, v_reset=-60.0)``
    changes several together, where one alone would break a rule of the model.

    A change acts from the next step on; states stay as they are.  In float16, states are stored
    anew if their scale follows from the parameter.  No kernel is compiled, unless one number for
    all becomes one for each, which is said.

    Args:
        target: whose.
        ids: of which neurons; None: all.
    """

    def __init__(self, target: Adjustable, ids: np.ndarray | None = None) -> None:
        self._target, self._ids = target, ids
        self._fix()

    def __getitem__(self, name: str) -> np.ndarray:
        values = self._target.parameters()
        if not is_name(name, values):
            raise SpikecudaKeyError(self._unknown(name))
        value = values[name]
        if self._ids is not None:
            value = value[self._ids] if value.ndim else value
        return give_copy(np.asarray(value)[...])

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def update(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Change several parameters together, all of them or none.

        Args:
            values, more: by name, in the model's units: one number, one for each neuron, or a
                distribution.

        Raises:
            SpikecudaKeyError: a parameter that is not there.
            SpikecudaValueError, SpikecudaTypeError: a value that cannot be used, or that the
                kernel which was built has no place for; nothing is changed then.
            SpikecudaError: a run is going on.
        """
        if values is not None and not isinstance(values, Mapping):
            raise SpikecudaTypeError(f"update takes a dict of name: value (got {shown(values)})")
        given = {**(values or {}), **more}
        known = self._target.parameters()
        for name in given:
            if not is_name(name, known):
                raise SpikecudaKeyError(self._unknown(name))
        if given:
            self._target.adjust(given, self._ids)

    def __delitem__(self, name: str) -> None:
        raise SpikecudaTypeError(f"a parameter cannot be deleted (got {name!r}); assign its value")

    def __iter__(self) -> Iterator[str]:
        return iter(self._target.parameters())

    def __len__(self) -> int:
        return len(self._target.parameters())

    def __repr__(self) -> str:
        return repr({name: np.asarray(value) for name, value in self.items()})

    def _repr_html_(self) -> str:
        title = f"parameters of {self._target.title}"
        facts = [
            (name, f"{value:g}" if not value.ndim else f"{value.size:,} values")
            for name, value in self.items()
        ]
        return facts_html(title, facts)

    def _unknown(self, name: object) -> str:
        known = list(self)
        if name in getattr(self._target, "fixed", ()):
            return (
                f"{name} of {self._target.title} is fixed (got {name!r} as a parameter); give it "
                "where the rule is made, and use a new network"
            )
        return (
            f"{self._target.title} has no parameter {name!r}{nearest(str(name), known)}; it has "
            f"{', '.join(known)}"
        )

    def _what(self) -> str:
        return "params"

    def _remedy(self, name: str) -> str:
        return f'; use params["{name}"] = value' if name in self else ""

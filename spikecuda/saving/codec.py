"""Descriptions as trees of what JSON has, with arrays beside them, and back.

Only objects of known classes come back, made by their constructors, which check them.  Neuron
models and synapse rules are classes: a file has their names and, unless they are built in, a hash
of their source.  It has the same of functions of the distance.  Nothing in a file is executed.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from spikecuda.common.distributions import Distribution
from spikecuda.common.npz import FormatError
from spikecuda.devices.array_interop import GpuArray
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.inputs import ornstein_uhlenbeck, stimulus, trains, waveform
from spikecuda.inputs.input import Input
from spikecuda.inputs.rate import sampled_rate
from spikecuda.inputs.values import OnGpu
from spikecuda.models.base import Model
from spikecuda.models.registry import find as find_model
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.registry import find as find_rule
from spikecuda.saving.save_file import VALUE
from spikecuda.sweeps.fingerprint import fingerprint

# What marks an object of a tree, which has no other key.
ARRAY, TUPLE, DICT, SLICE, MADE, MODEL, RULE, FUNCTION = (
    "array", "tuple", "dict", "slice", "made", "model", "rule", "function"
)  # fmt: skip
PLAIN = (bool, int, float, str, type(None))


def ours(base: type) -> tuple[type, ...]:
    """Return what spikecuda has of a kind, without classes that are for others to derive from."""
    below: list[type] = type.__subclasses__(base)
    found = [kind for sub in below for kind in (sub, *ours(sub))]
    return tuple(k for k in found if _built_in(k) and not k.__name__.startswith("_"))


class Encoder:
    """Makes trees.

    Args:
        dt: ms; functions of time are kept as their samples at its steps.
        classes: of objects that a tree can have, besides those above.

    Attributes:
        values: the arrays that the trees name.
    """

    def __init__(self, dt: float, classes: Sequence[type] = ()) -> None:
        self._dt, self._classes = dt, (*CLASSES, *classes)
        self.values: dict[str, np.ndarray] = {}

    def tree(self, what: str, value: Any) -> Any:
        """Return a value as a tree.

        Args:
            what: what it is, for errors.
            value: anything of a description.

        Raises:
            SpikecudaTypeError: a file cannot hold it.
        """
        if isinstance(value, np.bool_ | np.integer | np.float64):
            value = value.item()
        if isinstance(value, PLAIN):
            return value
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
            return self._array(np.asarray(value))
        if isinstance(value, list):
            return [self.tree(what, item) for item in value]
        if isinstance(value, tuple):
            return {TUPLE: [self.tree(what, item) for item in value]}
        if isinstance(value, slice):
            return {SLICE: [self.tree(what, x) for x in (value.start, value.stop, value.step)]}
        if isinstance(value, Mapping):
            return {DICT: {str(k): self.tree(f"{what}[{k!r}]", v) for k, v in value.items()}}
        if isinstance(value, type) and issubclass(value, Model):
            return {MODEL: [value.name, _text_of(value)]}
        if isinstance(value, SynapseRule):
            return {RULE: self._rule(what, value)}
        if type(value) in self._classes:
            return self._made(what, value)
        raise self._refusal(what, value)

    def _array(self, array: np.ndarray) -> Any:
        name = f"{VALUE}{len(self.values)}"
        # Machines of the other byte order swap what they read.
        self.values[name] = np.array(array, array.dtype.newbyteorder("<"), order="C")
        return {ARRAY: name}

    def _made(self, what: str, value: Any) -> Any:
        kind, parts = type(value).__name__, {}
        for item in fields(value):
            if not item.init:
                continue
            part = getattr(value, item.name)
            if callable(part) and item.name == "rate":
                part = sampled_rate(value, self._dt)
            if item.metadata.get("by_source"):
                parts[item.name] = {FUNCTION: [*_place_of(part), fingerprint(part)]}
                continue
            parts[item.name] = self.tree(f"{item.name} of {what}", part)
        return {MADE: [kind, parts]}

    def _rule(self, what: str, value: SynapseRule) -> list[Any]:
        kind, given = value.made_from()
        try:
            again: object = kind(**given)
        except (TypeError, ValueError) as error:
            again = error
        if type(again) is not type(value) or repr(again) != repr(value):
            raise SpikecudaTypeError(
                f"{what} cannot be saved: made_from of {kind.__name__} must return the class and "
                f"the arguments that make it again (got {shown(again)}); override it"
            )
        return [kind.name, _text_of(kind), given]

    def _refusal(self, what: str, value: Any) -> SpikecudaTypeError:
        if isinstance(value, OnGpu | GpuArray):
            remedy = "copy it to the host"
        elif callable(value):
            remedy = "give the numbers that it returns"
        elif isinstance(value, Input):
            remedy = "use an input of spikecuda, such as a Waveform"
        else:
            remedy = "use what spikecuda has for it"
        return SpikecudaTypeError(f"{what} cannot be saved (got {shown(value)}); {remedy}")


class Decoder:
    """Makes values of trees.

    Args:
        arrays: of the file.
        classes: as for ``Encoder``.
        models: the user's own neuron models, synapse rules and functions of the distance; None are
            needed that are known by their names already.
    """

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        classes: Sequence[type] = (),
        models: Iterable[type | Callable[..., Any]] = (),
    ) -> None:
        self._arrays = arrays
        self._classes = {kind.__name__: kind for kind in (*CLASSES, *classes)}
        self._models = _by_name(models)

    def value(self, tree: Any) -> Any:
        """Return the value of a tree.

        Raises:
            FormatError: no encoder made it.
            SpikecudaValueError: a model or rule that is not there, or is another one now.
        """
        if isinstance(tree, PLAIN):
            return tree
        if isinstance(tree, list):
            return [self.value(item) for item in tree]
        if not isinstance(tree, dict) or len(tree) != 1:
            raise FormatError(f"its description has {shown(tree)}")
        ((mark, content),) = tree.items()
        if mark == ARRAY:
            if content not in self._arrays:
                raise FormatError(f"it has no array {content!r:.80}")
            return self._arrays[content]
        if mark == TUPLE:
            return tuple(self.value(item) for item in content)
        if mark == SLICE:
            return slice(*(self.value(item) for item in content))
        if mark == DICT:
            return {name: self.value(item) for name, item in content.items()}
        if mark == MODEL:
            name, text = content
            return self._known(Model, "neuron model", name, text, find_model)
        if mark == RULE:
            return self._rule(*content)
        if mark == FUNCTION:
            return self._function(*content)
        if mark == MADE and content[0] in self._classes:
            kind, parts = content
            return self._classes[kind](**{name: self.value(part) for name, part in parts.items()})
        raise FormatError(f"its description has {shown(tree)}")

    def _rule(self, name: str, text: str | None, given: dict[str, Any]) -> SynapseRule:
        kind = self._known(SynapseRule, "synapse rule", name, text, find_rule)
        made: SynapseRule = kind(**given)
        return made

    def _function(self, module: str, name: str, text: str) -> Callable[..., Any]:
        """Return a function by its place; raise unless it is there and has the same source."""
        function = self._models.get((Callable, name))
        if function is None:
            function = functools.reduce(
                lambda thing, part: getattr(thing, part, None), name.split("."),
                sys.modules.get(module),
            )  # fmt: skip
        if not inspect.isfunction(function):
            raise SpikecudaValueError(
                f"the function {name!r} is one of the user's own (got none of that "
                f"name in {module}); import the module that defines it first, or pass load(..., "
                "models=[...])"
            )
        if fingerprint(function) != text:
            raise SpikecudaValueError(
                f"the function {name!r} must have the source that it had when the "
                f"file was saved (got another one, of {function.__module__}); load with the "
                "function as it was: models=[...]"
            )
        return function

    def _known(self, base: type, what: str, name: str, text: str | None, find: Any) -> Any:
        """Return a class by its name; raise unless it is there and has the same source."""
        kind = self._models.get((base, name))
        if kind is None:
            try:
                kind = find(name)
            except SpikecudaValueError:
                kind = None
        if kind is None or (text is None) != _built_in(kind):
            raise SpikecudaValueError(
                f"the {what} {name!r} is one of the user's own (got no such class here); import "
                "the module that defines it first, or pass load(..., models=[...])"
                if text is not None
                else f"the {what} {name!r} must be the one of spikecuda (got none of that name)"
            )
        if text != _text_of(kind):
            raise SpikecudaValueError(
                f"the {what} {name!r} must have the source that it had when the file was saved "
                f"(got another one, of {kind.__module__}.{kind.__qualname__}); load with the class "
                "as it was: models=[...]"
            )
        return kind


def _by_name(models: Iterable[Any]) -> dict[tuple[Any, str], Any]:
    found: dict[tuple[Any, str], Any] = {}
    if isinstance(models, type | str | bytes) or not isinstance(models, Iterable):
        raise SpikecudaTypeError(
            f"models must be a list of Model and SynapseRule subclasses, and functions of the "
            f"distance (got {shown(models)}); pass models=[...]"
        )
    for kind in models:
        if inspect.isfunction(kind):
            found[Callable, _place_of(kind)[1]] = kind
            continue
        bases = [b for b in (Model, SynapseRule) if isinstance(kind, type) and issubclass(kind, b)]
        if not bases:
            raise SpikecudaTypeError(
                f"models must be Model and SynapseRule subclasses, or functions of the distance "
                f"(got {shown(kind)})"
            )
        found[bases[0], kind.name] = kind
    return found


def _place_of(function: Callable[..., Any]) -> tuple[str, str]:
    """Return the module and the name of a function."""
    return str(function.__module__), str(function.__qualname__)


def _built_in(kind: type) -> bool:
    return kind.__module__.split(".")[0] == "spikecuda"


def _text_of(kind: type) -> str | None:
    """Return a hash of a user's class; None: it is built in."""
    return None if _built_in(kind) else fingerprint(kind)


# Where inputs are, so that all of them exist by now.
INPUTS = (ornstein_uhlenbeck, stimulus, trains, waveform)
CLASSES = (*ours(Distribution), *ours(Input))

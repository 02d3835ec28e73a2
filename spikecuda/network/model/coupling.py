"""A coupling: what neurons receive in each step of the states of others."""

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from spikecuda.common.arguments import as_flag, as_real
from spikecuda.common.fixed import Fixed
from spikecuda.common.notebook import facts_html
from spikecuda.errors import ModelError, SpikecudaTypeError, SpikecudaValueError, nearest, shown
from spikecuda.kernels.language.check import REAL, Checker, Source, read, require_literals
from spikecuda.kernels.language.rewrite import rewrite
from spikecuda.kernels.network.rules import ALL_TO_ALL, NEAR, PROBABILITY
from spikecuda.models.base import Model
from spikecuda.network.model.coupled import Coupled
from spikecuda.network.model.handle import Handle
from spikecuda.network.model.population import Population, View
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.rule import Rule
from spikecuda.network.model.values import Values


class Candidates(Projection):
    """The pairs of a coupling, drawn as the synapses of a projection are."""

    def _find(self, target: View, receptor: str | None) -> tuple[str, int]:
        name = coupled_receptor(target.population, receptor)
        return name, list(target.population.receptors).index(name)


def coupled_receptor(population: Population, name: str | None) -> str:
    """Return the name of the ``Coupled`` receptor of a population; None: its only one."""
    population.require_neurons()
    ports = population.receptors
    known = [port for port, receptor in ports.items() if isinstance(receptor, Coupled)]
    if name is None and len(known) == 1:
        return known[0]
    if not known:
        raise SpikecudaValueError(
            f"{population.name} has no receptor for what it is coupled to (got "
            f"{', '.join(map(repr, ports)) or 'none'}); give the population receptors="
            '{"gap": Coupled()}'
        )
    if not isinstance(name, str) or name not in known:
        raise SpikecudaValueError(
            f"receptor must be one of {', '.join(known)} of {population.name}, which are Coupled() "
            f"(got {name!r}){nearest(str(name), known)}"
        )
    return name


# Bounds of the largest weight of those that are drawn, in float32 and with 31 bits.
LEAST_DRAWN, LARGEST_DRAWN = 2.0**-90, 2.0**120

# What the arguments of a function of both neurons of a pair end in.
PAIRED = ("_pre", "_post")


@dataclass(frozen=True, eq=False)
class CoupledValue:
    """What is read of a neuron: a state, or a function of states and parameters.

    Attributes:
        given: the state's name, or the function.
        takes: the names of states and parameters that it takes.
        source: the function's checked source; None for a state.
        sides: of a function of a pair "pre" or "post" for each that it takes: of which neuron.
    """

    given: Any
    takes: tuple[str, ...]
    source: Source | None = None
    sides: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The function's kernel source, called ``_value``; "" for a state."""
        return "" if self.source is None else rewrite(self.source, "_value")


@dataclass(frozen=True)
class ReadFunction:
    """A function that is read of neurons, as files keep it: by its name and source."""

    function: Callable[..., Any] = field(metadata={"by_source": True})


def as_value(value: object, source: Population, target: Population, both: bool) -> CoupledValue:
    """Return what is read of neurons.

    Args:
        value: the name of a state, or a function.
        source, target: the populations.
        both: whether what is read of a source is read of a target, too.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: it is no state, and no function.
        ModelError: the function cannot be a kernel; the message has the line.
    """
    populations = [source, target] if both and target is not source else [source]
    if isinstance(value, str):
        for population in populations:
            states = list(population.neurons.model.states)
            if value not in states:
                raise SpikecudaValueError(
                    f"value must be a state of {population.name}, or a function (got {value!r})"
                    f"{nearest(value, states)}; it has {', '.join(states)}"
                )
        return CoupledValue(value, (value,))
    if not inspect.isfunction(value):
        raise SpikecudaTypeError(
            "value must be the name of a state, or a plain function of states and parameters, "
            f"def f(r): ... (got {shown(value)})"
        )
    text = read(value, "couple")
    if Checker(text).check() != (REAL,) or not text.arguments:
        raise ModelError(
            f"{text.name}, line {text.line} of {text.file}: must take states or parameters and "
            f"return one number (got {', '.join(text.arguments) or 'no argument'}); "
            "def f(r): return ..."
        )
    real = source.neurons.precision.real
    require_literals([text], real, float(np.finfo(real).max))
    paired = all(name.endswith(PAIRED) for name in text.arguments)
    if paired and not any(name in _known(p) for p in populations for name in text.arguments):
        takes, sides = zip(*(name.rsplit("_", 1) for name in text.arguments), strict=True)
        sources, targets = ([source, target], [target, source]) if both else ([source], [target])
        for side, those in (("pre", sources), ("post", targets)):
            names = [name for name, own in zip(takes, sides, strict=True) if own == side]
            for population in those:
                _require_known(text, names, population)
        return CoupledValue(value, takes, text, sides)
    for population in populations:
        _require_known(text, text.arguments, population)
    return CoupledValue(value, text.arguments, text)


def _known(population: Population) -> list[str]:
    model = population.neurons.model
    return [*model.states, *model.parameters]


def _require_known(source: Source, names: Sequence[str], population: Population) -> None:
    """Raise ModelError unless a population has states or parameters of these names."""
    known = _known(population)
    for name in names:
        if name not in known:
            raise ModelError(
                f"{source.name}, line {source.line} of {source.file}: unknown argument {name!r}"
                f"{nearest(name, known)}; {population.name} has {', '.join(known)}, and a function "
                "of both neurons of a pair takes them as v_pre and v_post"
            )


def _require_kept(weight: Values, real: str) -> None:
    """Raise unless weights are numbers of the type, and drawn ones can have all of their bits."""
    size, limit = weight.largest, float(np.finfo(real).max)
    if not weight.exact:
        limit = LARGEST_DRAWN
        if 0.0 < size < LEAST_DRAWN:
            raise SpikecudaValueError(
                f"weights that are drawn, or follow from a distance, must reach {LEAST_DRAWN:g} "
                f"(got up to {size:g}); use larger ones and a small coupling.strength"
            )
    if size > limit:
        raise SpikecudaValueError(
            f"weight must be at most {limit:g} in size (got up to {size:g}); use smaller weights"
        )


def jumps(model: type[Model]) -> bool:
    """Tell whether a spike changes a neuron's states: unless ``reset`` returns them as they are."""
    if model.refractory and model.while_refractory == "clamp":
        return True
    body = model.functions["reset"].tree.body
    found = body[-1].value if isinstance(body[-1], ast.Return) else None
    values = found.elts if isinstance(found, ast.Tuple) else [found]
    names = [value.id if isinstance(value, ast.Name) else None for value in values]
    documented = len(body) == 2 and isinstance(body[0], ast.Expr)
    return names != list(model.states) or not (len(body) == 1 or documented)


class Coupling(Fixed):
    """What neurons receive of others' states in each step: what ``Network.couple`` returns.

    Args:
        handle: draws its pairs.
        dt: length of a step in ms.
        seed: of the network's wiring.
        number: what its draws are told from others by.
        source, target: the views.
        rule, weight, value, receptor, difference, symmetric, iterated, autapses, multapses: as for
            ``Network.couple``.

    Attributes:
        source, target: the views.
        rule, weight, difference, symmetric, iterated: as passed.
        receptor: name of the target's receptor; ``back``: of a symmetric one that of the source.
        value: what is read of a neuron.
        pairs: what its pairs are drawn from.
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        "weight": "coupling.strength = ... is a factor of all weights",
        "": "a coupling is settled by net.couple(...), but for its strength",
    }

    def __init__(
        self,
        handle: Handle,
        dt: float,
        seed: int,
        number: int,
        source: View,
        target: View,
        rule: Rule,
        weight: Any,
        value: Any,
        receptor: str | None,
        *,
        difference: bool,
        symmetric: bool,
        iterated: bool,
        autapses: bool,
        multapses: bool,
    ) -> None:
        self.handle = handle
        self.difference = as_flag("difference", difference)
        self.symmetric = as_flag("symmetric", symmetric)
        self.iterated = as_flag("iterated", iterated)
        for view in (source, target):
            view.population.require_neurons()
        ends = source.population, target.population
        self.value = as_value(value, *ends, both=self.difference or self.symmetric)
        if self.value.sides and self.difference:
            raise SpikecudaValueError(
                "difference is for what is read of one neuron (got True with the function "
                f"{value.__name__} of a pair); let the function take it off"
            )
        self.pairs = Candidates(
            handle, dt, seed, number, source, target, rule, weight, dt, receptor,
            autapses=autapses, multapses=multapses,
        )  # fmt: skip
        if not (np.isfinite(self.pairs.weight.least) and np.isfinite(self.pairs.weight.most)):
            raise SpikecudaValueError("weight must be finite (got infinity); give it bounds")
        _require_kept(self.pairs.weight, source.population.neurons.precision.real)
        self.source, self.target, self.rule = source, target, self.pairs.rule
        self.receptor = self.pairs.receptor
        self.back = coupled_receptor(source.population, receptor) if self.symmetric else ""
        p = self.pairs
        self.weight = p.drawn_from[0] or (p.weight.a if p.weight.given is None else p.weight.given)
        self._strength = 1.0
        self._drawn: dict[str, np.ndarray] | None = None
        self._fix()

    @property
    def name(self) -> str:
        """Its populations and receptor, in words."""
        sign = "<->" if self.symmetric else "->"
        a, b = self.source.population.name, self.target.population.name
        return f"{a} {sign} {b} at {self.receptor}"

    @property
    def expected(self) -> float:
        """The mean number of its synapses; a symmetric one has two for each pair."""
        return self.pairs.expected * (2.0 if self.symmetric and not self.looks_twice else 1.0)

    @property
    def looks_twice(self) -> bool:
        """Whether the rule looks at both orders of a pair, of which a symmetric one needs one."""
        return self.pairs.same and self.rule.code in (ALL_TO_ALL, PROBABILITY, NEAR)

    @property
    def strength(self) -> float:
        """A factor of all weights, 1 at first; another one acts from the next step on."""
        return self._strength

    @strength.setter
    def strength(self, value: object) -> None:
        found = as_real("strength", value)
        if not np.isfinite(found):
            raise SpikecudaValueError(f"strength must be finite (got {found!r})")
        with self.handle.turn.change():
            before, self._strength = self._strength, found
            try:
                self.handle.recouple()
            except BaseException:
                self._strength = before
                raise

    def take(self, drawn: dict[str, np.ndarray]) -> None:
        """Keep its pairs, so that they are drawn once."""
        object.__setattr__(self, "_drawn", drawn)

    @property
    def drawn(self) -> dict[str, np.ndarray] | None:
        """Its pairs, if they were drawn."""
        return self._drawn

    def connections(self) -> dict[str, np.ndarray]:
        """Return its pairs: arrays ``source``, ``target`` and ``weight``, one element for each.

        They are sorted by target, then source, which is the order of the sums.  Numbers are those
        of neurons within their populations; a symmetric coupling also acts the other way round.
        """
        found = self.handle.coupled_pairs(self)
        return {name: values.copy() for name, values in found.items()}

    def __len__(self) -> int:
        """Return the number of its pairs, which are drawn for it."""
        return int(self.handle.coupled_pairs(self)["source"].size)

    def __bool__(self) -> bool:
        """Return True: a coupling is there, with pairs or without."""
        return True

    def __repr__(self) -> str:
        return f"<{self.name}: {type(self.rule).__name__}, about {self.pairs.expected:,.0f} pairs>"

    def _repr_html_(self) -> str:
        return facts_html(self.name, [
            ("rule", type(self.rule).__name__), ("pairs", f"about {self.pairs.expected:,.0f}"),
            ("iterated", "yes" if self.iterated else "no"),
        ])  # fmt: skip


@dataclass(frozen=True, eq=False)
class CoupledRows:
    """What the neurons of one population receive of one coupling, by target.

    Attributes:
        coupling: whose.
        source, target: numbers of the populations.
        receptor: of the target.
        starts: int64 (neurons + 1,), first synapse of each target, and the end.
        sources: int32, ascending for each target.
        weights: reals, or None if all are the same.
        weight: that one.
    """

    coupling: Coupling
    source: int
    target: int
    receptor: str
    starts: np.ndarray
    sources: np.ndarray
    weights: np.ndarray | None
    weight: float

    def reads(self) -> list[tuple[int, CoupledValue]]:
        """Return what is read: number of a population, and what of it; sources' first."""
        value = self.coupling.value
        if value.sides:
            ends = {"pre": self.source, "post": self.target}
            return [
                (ends[side], CoupledValue(name, (name,)))
                for name, side in zip(value.takes, value.sides, strict=True)
            ]
        targets = [(self.target, value)] if self.coupling.difference else []
        return [(self.source, value), *targets]

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        weights = 0 if self.weights is None else self.weights.nbytes
        return self.starts.nbytes + self.sources.nbytes + weights

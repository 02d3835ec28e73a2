"""The base class of synapse rules, built in or the user's own."""

import copy
import inspect
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from spikecuda.common.arguments import as_real
from spikecuda.common.fixed import Fixed
from spikecuda.errors import (
    ModelError,
    SpikecudaError,
    SpikecudaTypeError,
    SpikecudaValueError,
    nearest,
)
from spikecuda.kernels.language.check import Source, require_literals
from spikecuda.kernels.learn_spec import NEST, TIMINGS, LearnSpec
from spikecuda.models.bases import check_bases, owners
from spikecuda.models.parameter import Parameter, require_made
from spikecuda.plasticity.check import EVENTS, check_rule, derived, one_modulator, require_both
from spikecuda.plasticity.combine import PARTS
from spikecuda.plasticity.parts import (
    Modulator,
    PostTrace,
    PreTrace,
    SourceVariable,
    SynapseParameter,
    TargetState,
    Variable,
)

# Steps of a time constant of 0 in time constants: after one, nothing is left.
GONE = 1e6


class SynapseRule(Fixed):
    """How synapses of a projection learn.  Subclass it and write one or two small functions.

    Class attributes that are ``Parameter``, ``Variable``, ``SynapseParameter``, ``PreTrace``,
    ``PostTrace``, ``SourceVariable``, ``TargetState`` or ``Modulator`` objects declare what the
    rule has.  The functions are plain (no ``self``).  The names of their arguments say what they
    need:

    - ``on_post`` is called when a spike of the target arrives at the synapse, ``on_pre`` when a
      spike of the source does.  Each returns the new weight and then the new value of every
      ``Variable``, in the order of declaration.  What is left out changes nothing.
    - ``release`` is called when a source spikes.  It returns the new value of every
      ``SourceVariable``, and then the part of the weight that is sent, from 0 to 1.
    - ``transmit`` is called at each synapse when a spike of the source is sent, after ``on_pre``
      and with the variables that it leaves.  It returns the part of the weight that this synapse
      sends, from 0 to 1.
    - ``watch`` is called for each target in each step, with its ``TargetState`` objects.  Where it
      returns a number above 0, that step is an event of the target in place of its spikes, and
      ``on_post`` is called with the number as ``watched``.
    - ``derive`` (optional) returns a dict of constants, computed once on the host in float64.

    A class with several bases has the parts and functions of all; those of one name are refused
    unless they are the same, or the class defines its own.  Each base's ``derive`` is called.

    Arguments can be: the weight ``w``, from ``w_min`` to ``w_max``; variables, as they are now;
    traces, as they are just before the jump that the spike makes; states of the target, for
    ``on_post`` as its spike left them, after the reset; parameters; what ``derive`` returns; ``dt``
    (ms); ``elapsed``, the time since the synapse's last event, or since weights, values or
    parameters were set (ms; for ``release``, since the source's last spike).  Spikes for which the
    rule has no function are no events.  ``on_post`` can take the condition ``first``: no other
    spike of the target arrived since the last spike of the source; ``on_pre`` the condition
    ``paired``: a spike of the target arrived since then; ``release`` the condition ``fresh``: it is
    the source's first spike.  All but ``release`` can take ``uniform``, a random number in [0, 1):
    a pure function of noise seed, trial, projection, source, target, delay and step, and of the
    ordinal among synapses that have all of these in common.

    After each event the weight is held within its bounds.  With the class attribute ``bounded =
    False`` there is no upper one: an event that would make the weight larger than ``w_max`` changes
    nothing, and the run raises SpikecudaError once it has ended.  So does an event, with
    NumericalError, of which any result is NaN or infinite.

    Args:
        w_max: the bound of the weights in the receptor's unit, not 0.  Where it is negative, the
            synapses are inhibitory: the rule sees magnitudes.  Rules with neither ``on_post`` nor
            ``on_pre`` change no weights and have no bound.
        w_min: the other bound, a magnitude from 0 to that of ``w_max``.  Where ``w_max`` is
            positive it can be negative: weights are of both signs then, and the rule sees them
            with their sign.  Rules that take powers of weights, with the class attribute
            ``both_signs = False``, do not have this.
        timing: "nest": at equal times the target's spike comes first, neither spike sees the other,
            and the weight that a spike of the source leaves is sent.  "brian": the source's spike
            comes first, the target's sees it, and the weight from before it is sent.
        params: the rule's parameters by name.

    Raises:
        ModelError: when the class is defined, with file and line, if a function does something that
            a kernel cannot do.
        SpikecudaValueError, SpikecudaTypeError: a value cannot be used.
    """

    name: ClassVar[str] = ""
    source: ClassVar[str] = ""
    parameters: ClassVar[dict[str, Parameter]] = {}
    variables: ClassVar[dict[str, Variable]] = {}
    synapse_parameters: ClassVar[dict[str, SynapseParameter]] = {}
    pre_traces: ClassVar[dict[str, PreTrace]] = {}
    post_traces: ClassVar[dict[str, PostTrace]] = {}
    source_variables: ClassVar[dict[str, SourceVariable]] = {}
    target_states: ClassVar[dict[str, TargetState]] = {}
    functions: ClassVar[dict[str, Source]] = {}
    constant_names: ClassVar[tuple[str, ...]] = ()
    releases: ClassVar[bool] = False
    learns: ClassVar[bool] = False
    watches: ClassVar[bool] = False
    random: ClassVar[bool] = False
    modulator: ClassVar[Modulator | None] = None
    bounded: ClassVar[bool] = True
    both_signs: ClassVar[bool] = True
    _remedies: ClassVar[Mapping[str, str]] = {"": "make a new rule with other numbers"}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.name = cls.__dict__.get("name") or cls.__name__.lower()
        members: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            members.update(vars(base))
        require_made(cls.__name__, members, PARTS)
        for kind, where in (
            (Parameter, "parameters"), (Variable, "variables"), (PreTrace, "pre_traces"),
            (PostTrace, "post_traces"), (SourceVariable, "source_variables"),
            (TargetState, "target_states"), (SynapseParameter, "synapse_parameters"),
        ):  # fmt: skip
            setattr(cls, where, {k: v for k, v in members.items() if isinstance(v, kind)})
        if isinstance(vars(cls).get("modulator"), Modulator):
            raise ModelError(f"{cls.__name__}.modulator: the name is taken; call it n")
        factors = [v for k, v in members.items() if isinstance(v, Modulator) and k != "modulator"]
        cls.modulator = one_modulator(cls, factors)
        check_bases(cls, SynapseRule, EVENTS, PARTS)
        cls.functions, cls.constant_names = check_rule(cls, members, vars(SynapseRule))
        cls.releases = "release" in cls.functions
        cls.random = any("uniform" in f.arguments for f in cls.functions.values())
        cls.watches = "watch" in cls.functions
        cls.learns = "on_post" in cls.functions or "on_pre" in cls.functions
        require_both(cls)
        if not cls.name.startswith("_"):
            from spikecuda.plasticity.registry import register

            register(cls)

    def __init__(
        self,
        *,
        w_max: float | None = None,
        w_min: float = 0.0,
        timing: str = NEST,
        **params: float,
    ) -> None:
        if type(self) is SynapseRule:
            raise SpikecudaValueError(
                "SynapseRule is the base of rules (got itself); use STDP(w_max=...) or another"
            )
        if not self.functions:
            raise SpikecudaValueError(
                f"{type(self).__name__} has no function and would do nothing (got none of "
                f"{', '.join(EVENTS)}); write one of them"
            )
        if not self.learns:
            if w_max is not None:
                raise SpikecudaValueError(
                    f"w_max is for rules that change weights (got {w_max!r} for "
                    f"{type(self).__name__}); leave it out"
                )
            w_max = math.inf
        elif w_max is None:
            raise SpikecudaTypeError(
                f"{type(self).__name__} needs w_max, the bound of the weights (got none); "
                f"{type(self).__name__}(w_max=...)"
            )
        self._bind(w_max, w_min)
        if timing not in TIMINGS:
            raise SpikecudaValueError(
                f"timing must be one of {', '.join(TIMINGS)} (got {timing!r})"
                f"{nearest(str(timing), TIMINGS) or '; leave it out for nest'}"
            )
        self.timing = timing
        if self.target_states and timing != NEST:
            raise SpikecudaValueError(
                f"timing must be 'nest' for {type(self).__name__}, which sees the target's states "
                f"(got {timing!r}); leave it out"
            )
        for name in params:
            if name not in self.parameters:
                raise SpikecudaValueError(
                    f"{type(self).__name__} has no parameter {name!r}"
                    f"{nearest(name, [*self.parameters, 'w_max', 'w_min', 'timing'])}; it has "
                    f"{', '.join(self.parameters)}"
                )
        self._take({n: params.get(n, p.default) for n, p in self.parameters.items()})
        self._check()
        self._fix()

    def changed(self, given: Mapping[str, Any]) -> "SynapseRule":
        """Return the same rule with other parameters.

        Args:
            given: parameters by name, ``w_max`` and ``w_min`` among them.

        Raises:
            SpikecudaValueError, SpikecudaTypeError: a value cannot be used.
        """
        other = copy.copy(self)
        object.__setattr__(other, "_names", None)
        bounds = {"w_max": self.w_max, "w_min": self.w_min, **given}
        other._bind(bounds["w_max"], bounds["w_min"])
        other._take({name: given.get(name, value) for name, value in self.params.items()})
        other._check()
        other._fix()
        return other

    def _bind(self, w_max: Any, w_min: Any) -> None:
        """Take bounds."""
        bound = as_real("w_max", w_max)
        if bound == 0 or (self.learns and not math.isfinite(bound)):
            raise SpikecudaValueError(
                f"w_max must be finite and not 0: it bounds the weights (got {bound:g}); give the "
                "largest weight"
            )
        self.w_max, self.w_min = bound, as_real("w_min", w_min)
        both = self.both_signs and self.learns and bound > 0
        if not (-math.inf if both else -0.0) <= self.w_min < abs(bound) or self.w_min == -math.inf:
            need = "finite and" if both else "a magnitude from 0 to"
            powers = not both and self.learns and bound > 0
            why = f", since {type(self).__name__} takes powers of weights" if powers else ""
            raise SpikecudaValueError(
                f"w_min must be {need} below that of w_max = {bound:g}{why} (got {self.w_min:g}); "
                "leave it out for 0"
            )

    def _take(self, given: Mapping[str, Any]) -> None:
        """Take parameters, all of them."""
        values = {}
        for name, parameter in self.parameters.items():
            value = as_real(name, given[name])
            parameter.validate(name, np.asarray(value))
            values[name] = value
        self._params = values

    def _check(self) -> None:
        """Check parameters together, by the ``check`` of each base."""
        for kind in owners(type(self), "check"):
            try:
                kind.check(self)
            except SpikecudaError:
                raise
            except Exception as error:
                raise SpikecudaValueError(
                    f"{kind.__name__}.check must work for the parameters (got "
                    f"{type(error).__name__}: {error} for {self!r}); change them, or check"
                ) from error

    def check(self) -> None:
        """Refuse parameters that do not go together; rules override it.

        Raises:
            SpikecudaValueError: they cannot be used.
        """

    @property
    def changing(self) -> list[str]:
        """Names of the variables of a synapse that events change: no parameters of it."""
        return [name for name in self.variables if name not in self.synapse_parameters]

    @property
    def params(self) -> Mapping[str, float]:
        """The parameters by name; they cannot be changed."""
        return MappingProxyType(self._params)

    def made_from(self) -> tuple[type["SynapseRule"], dict[str, Any]]:
        """Return the class and the arguments that make such a rule; rules with others say them."""
        bound = {"w_max": self.w_max} if self.learns else {}
        return type(self), {**bound, "w_min": self.w_min, "timing": self.timing, **self.params}

    @property
    def largest(self) -> float:
        """The largest magnitude of a weight; infinite for rules that change no weights."""
        return max(abs(self.w_max), -self.w_min)

    @property
    def crosses_zero(self) -> bool:
        """Whether weights are of both signs."""
        return self.w_min < 0

    @property
    def sign(self) -> float:
        """1 for excitatory synapses, -1 for inhibitory ones."""
        return math.copysign(1.0, self.w_max)

    def spec(self, real: str) -> LearnSpec:
        """Return the structure of the rule's kernels for a type of numbers."""
        return LearnSpec(type(self), real, self.timing)

    def constants(self, dt: float, real: str = "float64") -> dict[str, float]:
        """Return the kernels' constants by name, in float64.

        Args:
            dt: length of a step in ms.
            real: type of numbers in which they must be finite.

        Raises:
            SpikecudaValueError: one is not finite, or ``derive`` cannot give it.
        """
        known: dict[str, float] = {
            **self.params, "w_max": abs(self.w_max), "w_min": self.w_min, "dt": dt,
        }  # fmt: skip
        derive = getattr(type(self), "derive", None)
        if derive is not None:
            wanted = {name: known[name] for name in inspect.signature(derive).parameters}
            known |= derived(type(self), wanted)
        rates = {n: t.tau for n, t in self.pre_traces.items()}
        rates |= {n: t.tau for n, t in self.post_traces.items()}
        rates |= {n: v.decay for n, v in self.variables.items() if v.decay}
        known |= {f"_k_{n}": dt / known[tau] if known[tau] else GONE for n, tau in rates.items()}
        if missing := [name for name in self.constant_names if name not in known]:
            raise SpikecudaValueError(
                f"{type(self).__name__}.derive must return the same constants for any parameters "
                f"(got no {', '.join(missing)} for {self!r}); return them always"
            )
        require_literals(self.functions.values(), real, float(np.finfo(real).max))
        result = {name: known[name] for name in self.constant_names}
        for name, value in result.items():
            if not abs(value) <= float(np.finfo(real).max):
                what = f"dt / {rates[name[3:]]}" if name.startswith("_k_") else name
                raise SpikecudaValueError(
                    f"{what} of {type(self).__name__} must be finite in {real} (got {value!r} at "
                    f"dt = {dt:g} ms); change the parameters"
                )
        return result

    def start(self, name: str) -> float:
        """Return the start value of a variable of a synapse or a source."""
        if name in self.variables:
            return self.variables[name].initial
        initial = self.source_variables[name].initial
        return self.params[initial] if isinstance(initial, str) else initial

    def __repr__(self) -> str:
        bound = {"w_max": self.w_max} if self.learns else {}
        given = ", ".join(f"{k}={v:g}" for k, v in {**bound, **self.params}.items())
        return f"{type(self).__name__}({given})"

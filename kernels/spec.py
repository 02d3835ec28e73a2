"""What distinguishes one update kernel from another: its structure, never its numbers."""

import enum
import functools
import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from spikecuda.kernels.receptors import ReceptorSpec

# The streams of the counter-based generator: the last word of its counter.
STREAM_DITHER_STEP = 1
STREAM_DRAW = 256
STREAM_NOISE = 512
STREAM_POISSON = 768
# What models draw themselves.
STREAM_MODEL = 1024
# Spike trains that are drawn before a run, and what examples draw.
STREAM_GIVEN = 2048
# What is drawn on the host for runs: Ornstein-Uhlenbeck currents, renewal trains, and for
# correlated trains the common one and its copies, of which each input takes so many streams.
STREAM_OU, STREAM_RENEWAL, STREAM_COMMON, STREAM_COPIES = 4096, 8192, 12288, 1 << 20
COPY_STREAMS = 256
# In a network a block of random words serves four neurons in one step, not one in four steps.
STREAM_LANES = 128

# Steps between two in which what has decayed becomes 0, see ``numerics/tiny.py``: a power of two.
FLUSH_STEPS = 64

SHARED, NEURON = "shared", "neuron"
# Rates of Poisson input that change: one of all neurons for each step, or one for each neuron, too;
# numbers of events that come from outside; noise per neuron with a factor for each step.
COURSE, ROWS, EVENTS, GATED = "course", "rows", "events", "gated"
# A kernel on the CPU has code of its own for so many receptors and Poisson inputs together, and for
# receptors with so many arrays: of more, LLVM makes no vector loop (six to eight times the time).
FEW_INPUTS, FEW_ARRAYS = 8, 10
# The numbers of a state's float16 storage, see ``spikecuda.models.half_codec``.
CODEC = ("origin", "unit", "gain", "shift")


@dataclass(frozen=True)
class Precision:
    """The storage and compute types that a precision's name stands for.

    ``refrac`` counts refractory steps as long as no period is too long for it, else
    ``long_refrac``: half the memory, and as many neurons in a vector as there are reals.
    """

    name: str
    suffix: str
    real: str
    storage: str
    refrac: str
    long_refrac: str

    @property
    def half(self) -> bool:
        """Whether state is stored as float16."""
        return self.suffix == "f16"


PRECISIONS = {
    "float16": Precision("float16", "f16", "float32", "uint16", "int8", "int16"),
    "float32": Precision("float32", "f32", "float32", "float32", "int16", "int32"),
    "float64": Precision("float64", "f64", "float64", "float64", "int16", "int32"),
}


@dataclass(frozen=True)
class InputSpec:
    """The structure of a run's input.

    Attributes:
        bias: constant current: "", "shared" or "neuron".
        wave: whether a current per step, shared by all neurons, is added.
        gains: number of waves with a gain for each neuron.
        drive: whether a current per step and neuron is added.
        noises: for each Gaussian noise, whether its sigma is "shared", per "neuron", or "gated".
        pulses: for each Poisson input, the same for its weight, and whether its rate is "shared",
            per "neuron", a "course", or in "rows"; "events": what comes from outside.
        receptors: for each Poisson input, the receptor it arrives at; none without receptors.
    """

    bias: str = ""
    wave: bool = False
    gains: int = 0
    drive: bool = False
    noises: tuple[str, ...] = ()
    pulses: tuple[tuple[str, str], ...] = ()
    receptors: tuple[str, ...] = ()

    @property
    def changing(self) -> bool:
        """Whether something changes from step to step, the same for all neurons."""
        courses = any(rate == COURSE for rate, _ in self.pulses)
        return self.wave or bool(self.gains) or GATED in self.noises or courses

    @property
    def random(self) -> bool:
        """Whether a kernel draws random numbers for it."""
        return bool(self.noises) or any(rate != EVENTS for rate, _ in self.pulses)

    @property
    def rowed(self) -> bool:
        """Whether something has a number for each step and neuron."""
        return self.drive or any(rate in (ROWS, EVENTS) for rate, _ in self.pulses)


class Role(enum.Enum):
    """What an argument is to the host that launches a kernel."""

    VALUE = "found by its name, the same for all windows of a run"
    STEP = "input: some elements for each step of a window"
    STEP_CURRENT = "input: an element for each step and neuron"
    TRACE = "output: an element for each step and neuron"
    SPIKE_BITS = "output: a bit for each step and neuron"


# Arguments of which a kernel has one at most.
STEP_CURRENT, SPIKE_BITS, DITHER = "_step_current", "_bits", "_dither"


def trace_argument(state: str) -> str:
    """Return the name of the argument that a state is written out to."""
    return f"_trace_{state}"


def seen_argument(state: str) -> str:
    """Return the name of the argument with the states of recent steps, as rules see them."""
    return f"_seen_{state}"


@dataclass(frozen=True)
class Argument:
    """One argument of a kernel: an array or a scalar of a NumPy type."""

    name: str
    dtype: str
    array: bool
    role: Role = Role.VALUE


@dataclass(frozen=True)
class KernelSpec:
    """The structure of one update kernel.

    Attributes:
        model: a ``Model`` subclass.
        precision: one of ``PRECISIONS``.
        scheme: name of the model's integration scheme.
        substeps: integration steps within one time step.
        refractory: whether any neuron has a refractory period.
        varying: constants that have one value per neuron (``n_ref`` included).
        inputs: structure of the input.
        traces: states written out after every step.
        receptors: in a network: where synaptic input arrives; None outside networks.
        sections: in a network on CUDA: a launch covers several populations, and what differs
            between them only in value comes from tables with a row for each.
        long_refractory: whether a period takes more steps than ``precision.refrac`` counts.
        replicas: in an ensemble on CUDA: sections have keys, and input of each step, of their own.
        seen: in a network on CUDA: states that rules of synapses see, kept for some steps.
    """

    model: Any
    precision: Precision
    scheme: str
    substeps: int = 1
    refractory: bool = False
    varying: frozenset[str] = frozenset()
    inputs: InputSpec = field(default_factory=InputSpec)
    traces: tuple[str, ...] = ()
    receptors: tuple[ReceptorSpec, ...] | None = None
    sections: bool = False
    long_refractory: bool = False
    replicas: bool = False
    seen: tuple[str, ...] = ()

    @property
    def refrac(self) -> str:
        """Type of the counter of refractory steps."""
        return self.precision.long_refrac if self.long_refractory else self.precision.refrac

    @property
    def network(self) -> bool:
        """Whether the kernel belongs to a network."""
        return self.receptors is not None

    @property
    def many(self) -> bool:
        """Whether a network's kernel on the CPU goes receptor by receptor, see ``compile.many``."""
        inputs = len(self.synapses) + len(self.inputs.pulses)
        arrays = sum(1 + len(r.rules.states) for r in self.synapses)
        few = inputs <= FEW_INPUTS and arrays <= FEW_ARRAYS
        # Its passes know receptors by number, draw nothing for the model, and move no state of it.
        special = self.model.tells_receptors or self.draws or any(r.pushes for r in self.synapses)
        return self.network and not self.sections and not few and not special

    @property
    def draws(self) -> tuple[str, ...]:
        """The random numbers that the model calls for in a step, "normal" or "uniform"."""
        return self.model.draws(self.scheme) * self.substeps

    @property
    def random(self) -> bool:
        """Whether a kernel draws random numbers, for its input or the model."""
        return self.inputs.random or bool(self.draws)

    def anonymous(self) -> "KernelSpec":
        """Return the same kernel with numbers for the receptors' names: its code is the same.

        Not where the model tells receptors apart by their names.
        """
        if self.model.tells_receptors:
            return self
        names = {r.name: f"r{i}" for i, r in enumerate(self.synapses)}
        renamed = {
            f"{r.prefix}{c}": f"_x_{names[r.name]}_{c}"
            for r in self.synapses
            for c in r.rules.constants
        }
        return replace(
            self,
            receptors=tuple(
                replace(r, name=names[r.name], of=names.get(r.of, "")) for r in self.synapses
            ),
            varying=frozenset(renamed.get(name, name) for name in self.varying),
            inputs=replace(
                self.inputs, receptors=tuple(names.get(r, r) for r in self.inputs.receptors)
            ),
        )

    @property
    def synapses(self) -> tuple[ReceptorSpec, ...]:
        """The receptors, none outside networks."""
        return self.receptors or ()

    @property
    def name(self) -> str:
        """The kernel's name in PTX, profilers and stack traces."""
        return f"{self.model.name}_update_{self.precision.suffix}"

    @property
    def constants(self) -> tuple[str, ...]:
        """The model constants that the kernel takes."""
        names = self.model.kernel_arguments(self.scheme)
        return tuple(n for n in names if self.refractory or n != "v_reset" or self._reset_uses(n))

    def _reset_uses(self, name: str) -> bool:
        functions = self.model.functions
        return any(name in functions[f].arguments for f in self.model.step_functions(self.scheme))

    @property
    def dither_words(self) -> int:
        """Random words per step that float16 rounding takes: one for every two states."""
        return (len(self.model.states) + 1) // 2 if self.precision.half else 0

    @property
    def receptor_constants(self) -> tuple[str, ...]:
        """The receptors' constants under their kernel names."""
        return tuple(r.prefix + n for r in self.synapses for n in r.rules.constants)

    @property
    def section_reals(self) -> tuple[str, ...]:
        """The real numbers in a row of ``_reals``: what all neurons of a section share."""
        i = self.inputs
        names = (*self.constants, *self.receptor_constants)
        result = [n for n in names if n not in self.varying]
        result += [f"{receptor.prefix}scale" for receptor in self.synapses]
        if self.precision.half:
            result += [f"_{s}_{part}" for s in self.model.states for part in CODEC]
        if i.bias == SHARED:
            result.append("_bias")
        result += [f"_sigma{j}" for j, sigma in enumerate(i.noises) if sigma == SHARED]
        result += [f"_weight{j}" for j, (_, w) in enumerate(i.pulses) if w == SHARED]
        return tuple(result)

    @property
    def section_whole(self) -> int:
        """The whole numbers in a row of ``_whole``, see ``_sectioned``."""
        return 5 if self.replicas else 2

    @functools.cached_property
    def arguments(self) -> tuple[Argument, ...]:
        """The kernel's arguments, in order, the same on every target; see ``sections``."""
        if self.sections:
            return self._sectioned()
        p, i = self.precision, self.inputs
        result = [Argument(state, p.storage, True) for state in self.model.states]
        if self.refractory:
            result.append(Argument("refrac", self.refrac, True))
        result += [Argument(n, p.real, n in self.varying) for n in self.constants]
        if self.refractory:
            result.append(Argument("n_ref", self.refrac, "n_ref" in self.varying))
        for receptor in self.synapses:
            x, rules = receptor.prefix, receptor.rules
            result += [Argument(f"{x}{state}", p.real, True) for state in rules.states]
            result += [Argument(x + n, p.real, x + n in self.varying) for n in rules.constants]
            result += [Argument(f"{x}scale", p.real, False), Argument(f"{x}first", "int64", False)]
        if self.synapses:
            result += [
                Argument("_cells", "int32", True), Argument("_ring", "int64", False),
                Argument("_stride", "int64", False),
            ]  # fmt: skip
        if p.half:
            for state in self.model.states:
                result += [Argument(f"_{state}_{part}", p.real, False) for part in CODEC]
            result.append(Argument(DITHER, "uint32", True, Role.STEP))
        if i.bias:
            result.append(Argument("_bias", p.real, i.bias == NEURON))
        if i.wave:
            result.append(Argument("_wave", p.real, True, Role.STEP))
        for j in range(i.gains):
            result += [
                Argument(f"_gain{j}", p.real, True),
                Argument(f"_shape{j}", p.real, True, Role.STEP),
            ]
        if i.drive:
            result.append(Argument(STEP_CURRENT, p.real, True, Role.STEP_CURRENT))
        for j, sigma in enumerate(i.noises):
            result.append(Argument(f"_sigma{j}", p.real, sigma != SHARED))
            if sigma == GATED:
                result.append(Argument(f"_level{j}", p.real, True, Role.STEP))
        for j, (rate, weight) in enumerate(i.pulses):
            if rate == NEURON:
                result += [
                    Argument(f"_mean{j}", "float32", True),
                    Argument(f"_none{j}", "float32", True),
                    Argument(f"_some{j}", "float32", True),
                    Argument(f"_reciprocals{j}", "float32", True),
                ]
            elif rate == ROWS:
                result += [
                    Argument(f"_means{j}", "float32", True, Role.STEP_CURRENT),
                    Argument(f"_reciprocals{j}", "float32", True),
                ]
            elif rate == EVENTS:
                result.append(Argument(f"_events{j}", "float32", True, Role.STEP_CURRENT))
            elif rate == COURSE:
                result += [
                    Argument(f"_survival{j}", "float32", True, Role.STEP),
                    Argument(f"_levels{j}", "int64", False),
                ]
            else:
                result.append(Argument(f"_survival{j}", "float32", True))
            result.append(Argument(f"_weight{j}", p.real, weight == NEURON))
        result += [Argument(trace_argument(s), p.real, True, Role.TRACE) for s in self.traces]
        result += [Argument(seen_argument(s), p.real, True) for s in self.seen]
        if self.seen:
            result.append(Argument("_seen_ring", "int64", False))
        result.append(Argument(SPIKE_BITS, "uint32", True, Role.SPIKE_BITS))
        # The number of the window's first step lives on the device, so that a captured window can
        # be replayed.
        result.append(Argument("_clock", "int64", True))
        result += [Argument(n, "int64", False) for n in ("_first", "_last", "_count", "_steps")]
        result += [Argument(n, "uint32", False) for n in ("_identity", "_key0", "_key1")]
        return tuple(result)

    def _sectioned(self) -> tuple[Argument, ...]:
        """Return the arguments of a kernel that covers several populations.

        ``_section`` says for each word of 32 neurons which section it belongs to; a section's row
        of ``_whole`` holds ``n_ref`` and what makes a neuron's place its identity; with
        ``replicas`` also two keys, and the first row of its input of each step.  At the start
        of a window ``_mark`` takes the step and how far the list of spikes has come.
        """
        plain = replace(self, sections=False).arguments
        tables = {*self.section_reals, "n_ref", "_identity"} - self.varying
        if self.replicas:
            tables |= {"_key0", "_key1"}
        tables |= {f"{r.prefix}first" for r in self.synapses}
        result = []
        for argument in plain:
            if argument.name not in tables:
                result.append(argument)
            if argument.name.startswith("_survival") and argument.role is Role.VALUE:
                # Rows of the table, padded with levels that no number is below.
                number = argument.name.removeprefix("_survival")
                result.append(Argument(f"_levels{number}", "int64", False))
        return (
            Argument("_section", "uint16", True), Argument("_reals", self.precision.real, True),
            Argument("_whole", "int32", True), Argument("_mark", "int64", True), *result,
        )  # fmt: skip

    def bytes_per_neuron(self) -> int:
        """Bytes of state that one neuron takes."""
        width = {"int8": 1, "int16": 2, "uint16": 2, "int32": 4, "float32": 4, "float64": 8}
        held = width[self.refrac] if self.refractory else 0
        synaptic = sum(len(r.rules.states) for r in self.synapses) * width[self.precision.real]
        return len(self.model.states) * width[self.precision.storage] + held + synaptic


def digest(*texts: str) -> str:
    """Return 16 hexadecimal digits of a hash of the texts."""
    state = hashlib.sha256()
    for text in texts:
        state.update(text.encode())
        state.update(b"\0")
    return state.hexdigest()[:16]

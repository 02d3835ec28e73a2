"""Render a kernel spec to Python source, and import it as a real module."""

import functools
import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import jinja2
import numpy as np

from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.kernels.compile import between, learn, many
from spikecuda.kernels.compile.cache import cache_dir
from spikecuda.kernels.compile.dependencies import fingerprint
from spikecuda.kernels.compile.modules import import_source
from spikecuda.kernels.language import HELD
from spikecuda.kernels.language.rewrite import rewrite
from spikecuda.kernels.language.schemes import BEND, SLOPE
from spikecuda.kernels.learn_spec import LearnSpec
from spikecuda.kernels.routines import RoutineSpec, Spec
from spikecuda.kernels.spec import (
    CODEC,
    EVENTS,
    FLUSH_STEPS,
    GATED,
    NEURON,
    SHARED,
    STEP_CURRENT,
    STREAM_LANES,
    STREAM_MODEL,
    STREAM_NOISE,
    STREAM_POISSON,
    KernelSpec,
    digest,
)

KERNELS = Path(__file__).resolve().parents[1]
# Neurons of a chunk on the CPU: state, input and flags of a chunk stay in a 32 KB L1 cache.
CHUNK = 1024
# A network's kernel takes one step a call, mostly: a chunk costs more than it saves.
NETWORK_CHUNK = 4096
L1_BYTES = 28 << 10
# What can be rendered: kernels, and the loops of synapse rules.
Rendered = Spec | LearnSpec
TARGETS = ("cpu", "cuda", "cudasim")


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(KERNELS / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@functools.lru_cache(512)
def render(spec: Rendered, target: str) -> str:
    """Return the source of the module for a kernel on a target."""
    if isinstance(spec, RoutineSpec):
        options = dict(spec.options)
        if "learn" in options:
            options.update(learn.context(options.pop("learn"), target))
        return (
            _environment()
            .get_template(f"{spec.template}.py.j2")
            .render(name=spec.name, arguments=[a.name for a in spec.arguments], **options)
        )
    if isinstance(spec, LearnSpec):
        return _environment().get_template(spec.template).render(learn.context(spec, target))
    if spec.network and spec.sections == (target == "cpu"):
        raise SpikecudaValueError(
            f"sections must be {target != 'cpu'} for a network's kernel on {target} (got "
            f"{spec.sections}); use dataclasses.replace"
        )
    template = f"update_{'cpu' if target == 'cpu' else 'cuda'}.py.j2"
    if target == "cpu" and spec.many:
        template = "update_cpu_many.py.j2"
    return _environment().get_template(template).render(_context(spec, target))


def require_compilation() -> None:
    """Raise SpikecudaError where Numba was told not to compile: kernels are nothing else."""
    from numba.core import config

    if getattr(config, "DISABLE_JIT", False):
        value = os.environ.get("NUMBA_DISABLE_JIT", "1")
        raise SpikecudaError(
            f"kernels must be compiled, which is turned off (got NUMBA_DISABLE_JIT={value}); unset "
            "it before Python starts, and look at models with spikecuda.oracle instead"
        )


def module_path(spec: Rendered, target: str) -> tuple[Path, str]:
    """Return where a kernel's module belongs and its source.

    The file's name covers all that decides the machine code: see ``dependencies``.
    """
    source = render(spec, target)
    stem = f"{spec.name}_{target}_{key(spec, source)}"
    return cache_dir() / "rendered" / f"{stem}.py", source


def key(spec: Rendered, source: str) -> str:
    """Return the hash that a kernel is kept under: its source, its types, what it stands on."""
    # A kernel of many receptors has one argument, and its text is the same for any number of them.
    alike = isinstance(spec, KernelSpec) and spec.many
    return digest(source, "" if alike else repr(spec.arguments), fingerprint(source))


@functools.lru_cache(512)
def load(spec: Rendered, target: str) -> ModuleType:
    """Return the imported module of a kernel, rendering and writing it if needed."""
    require_compilation()
    path, source = module_path(spec, target)
    return import_source(path, source)


def cpu_loop_path(name: str) -> tuple[Path, str]:
    """Return where the copy of ``kernels/cpu_loops/<name>.py`` belongs, and its source."""
    source = (KERNELS / "cpu_loops" / f"{name}.py").read_text(encoding="utf-8")
    stem = f"host_{name}_{digest(source, fingerprint(source))}"
    return cache_dir() / "rendered" / f"{stem}.py", source


@functools.cache
def import_cpu_loop(name: str) -> ModuleType:
    """Return the module of loops ``kernels/cpu_loops/<name>.py``, imported from the cache."""
    require_compilation()
    return import_source(*cpu_loop_path(name))


def chunk_of(spec: KernelSpec) -> int:
    """Return how many neurons a CPU kernel takes at once, so that they stay in L1."""
    i = spec.inputs
    if spec.network and not spec.many:
        return NETWORK_CHUNK
    if i.noises or i.pulses or spec.many or spec.draws:
        return CHUNK
    arrays = len(spec.varying) + (i.bias == NEURON) + i.gains + i.drive
    real = 8 if spec.precision.real == "float64" else 4
    # float16 is widened at the start of a launch, and the halves are not touched until its end.
    widened = 2 * len(spec.model.states) if spec.precision.half else 0
    size = spec.bytes_per_neuron() + widened + real * arrays + 4 * spec.dither_words + 1
    return min(2 * CHUNK, max(CHUNK, L1_BYTES // size // 512 * 512))


def scratch(spec: KernelSpec) -> list[tuple[str, str, int, int]]:
    """Return the buffers that a CPU kernel needs for a chunk: name, type, first byte, elements.

    The first ``chunk + 32`` bytes, up to a multiple of 64, are for flags.
    """
    size = chunk_of(spec)
    wanted = [(f"_buffer{w}", "uint32", size) for w in range(spec.dither_words)]
    if spec.precision.half:
        wanted += [(f"_wide_{s}", "float32", size) for s in spec.model.states]
    for j in range(len(spec.inputs.noises)):
        wanted.append((f"_normals{j}", "float32", 4 * size))
    for j in range(len(spec.draws)):
        wanted.append((f"_draws{j}", "float32", 4 * size))
    drawn = [str(n) for n, (rate, _) in enumerate(spec.inputs.pulses) if rate != EVENTS]
    numbers = [""] if spec.many else drawn
    for n in numbers:
        wanted.append((f"_uniforms{n}", "float32", 4 * size))
        wanted += [(f"_{kind}{n}", "float32", size) for kind in ("counts", "survivals", "masses")]
    if spec.many:
        sums = ("current", "jump", "g", "g_e", "arrival")
        wanted += [(f"_{name}", spec.precision.real, size) for name in sums]
    result, at = [], size + 64
    for name, dtype, elements in wanted:
        result.append((name, dtype, at, elements))
        at += np.dtype(dtype).itemsize * elements
    return result


def scratch_bytes(spec: KernelSpec) -> int:
    """Return the bytes of scratch memory that a network's kernel is given on the CPU."""
    end = max((at + 8 * size for _, _, at, size in scratch(spec)), default=0)
    return max(end, chunk_of(spec) + 64)


def function_name(name: str) -> str:
    """Return what a model's function is called in a kernel: one of a scheme, or one of a state."""
    kind, *rest = name.split()
    return f"_{kind}_{rest[0]}" if kind in (SLOPE, BEND) else f"_{kind}"


def _context(spec: KernelSpec, target: str) -> dict[str, object]:
    """Return the template variables of a kernel."""
    model, inputs, p = spec.model, spec.inputs, spec.precision
    states = list(model.states)
    held = ["refrac"] if spec.refractory else []
    counts = ["n_ref"] if spec.refractory else []
    codec = [f"_{s}_{part}" for s in states for part in CODEC]
    conductance = model.takes_conductance(spec.scheme)
    lands = {r.name: s for r in spec.synapses for n, s in model.arrivals.items() if n == r.name}
    named = {name: [n for n in model.inputs if n[2:] == name] for name in model.named_receptors}
    couples = [
        r.rules.couples for r in spec.synapses if r.name not in lands and r.name not in named
    ]
    arrivals = inputs.receptors or ("",) * len(inputs.pulses)
    jumps = "jump" in couples or "" in arrivals
    moved = between.looked_back(spec)
    landed = list(dict.fromkeys(lands.values()))
    lanes = STREAM_LANES if spec.network else 0
    advance = [
        *states, *held, *counts, "current", *(["g_syn", "g_e_syn"] if conductance else []),
        *(f"_named_{name}" for name in model.inputs), *(["jump"] if jumps else []),
        *(f"_land_{state}" for state in landed),
        *(f"_was_{state}" for state in moved),
        *(f"_drawn{i}" for i in range(len(spec.draws))), *spec.constants,
    ]  # fmt: skip
    inputs_by_name = {name: f"_named_{name}" for name in model.inputs}
    numbers, at = {}, 0
    for name in model.drawing(spec.scheme):
        count = len(model.functions[name].draws)
        numbers[name] = [f"_draw{at + i}" for i in range(count)]
        at += count

    def call(name: str, renamed: dict[str, str]) -> str:
        renamed = {**inputs_by_name, **renamed}
        arguments = [renamed.get(a, a) for a in model.functions[name].arguments]
        return f"{function_name(name)}({', '.join([*arguments, *numbers.get(name, ())])})"

    new = {s: f"_new_{s}" for s in states}
    tested = {**new, **{f"{s}_before": s for s in states}}
    looked_back = {**tested, **{f"{s}_before": f"_was_{s}" for s in moved}}
    refrac_type = spec.refrac if target == "cpu" else "int32"
    crossing = model.part_of(spec.scheme, "crossing")
    resume = model.part_of(spec.scheme, "resume")
    now, later = ("_clamp", "_stay") if spec.refractory else ("False", "False")
    at_crossing = {s: f"_at_{s}" for s in states}
    resumed = {s: f"_after_{s}" for s in states}
    varying = [c for c in (*spec.constants, *counts) if c in spec.varying]
    sweep = _Sweep(spec)
    special: dict[str, object] = {}
    if target == "cpu" and spec.many:
        special = many.context(spec)
        special["many_arguments"], special["many_call"] = sweep.begin
        special["flush_rows"] = [f"{s}[_c:_e]" for s in states if not p.half]
        # No names and no number of receptors and inputs.
        plain = replace(spec, varying=spec.varying - set(spec.receptor_constants))
        plain = replace(plain, inputs=replace(inputs, pulses=(), receptors=()))
        special["spec_text"] = f"{describe(plain)}; many receptors"
    return {
        "spec_text": describe(spec),
        "functions": [
            rewrite(model.functions[f], function_name(f)) for f in model.step_functions(spec.scheme)
        ],
        "advance_arguments": advance,
        "advance_results": [*states, *held, "_spike"],
        "stepped": list(new.values()),
        "step_call": call(spec.scheme, {HELD: now}),
        "crossing": crossing is not None,
        "crossing_call": call(crossing, {**tested, HELD: now}) if crossing else "",
        "reset_at_crossing": call("reset", at_crossing),
        "resume": resume is not None,
        "resume_call": call(resume or spec.scheme, {**resumed, HELD: later, "part": "_left"}),
        "threshold_call": call("threshold", looked_back),
        "after": list(resumed.values()),
        "resumed": [f"_end_{s}" for s in states],
        "reset_call": call("reset", new),
        "states": states,
        "pulse": model.pulse,
        "refractory": spec.refractory,
        "while_refractory": model.while_refractory,
        "substeps": spec.substeps,
        "inputs": inputs,
        "conductance": conductance,
        "half": p.half,
        "flush_steps": FLUSH_STEPS,
        **_flushed(spec),
        "real": p.real,
        "exp": "exp64" if p.real == "float64" else "exp32",
        "expm1": "expm1_64" if p.real == "float64" else "expm1_32",
        "log": "log64" if p.real == "float64" else "log32",
        "pow": "pow64" if p.real == "float64" else "pow32",
        "storage": p.storage,
        # A GPU counts in a register of 32 bits, whatever it stores.
        "refrac_type": refrac_type,
        "constants": spec.constants,
        "shared": [c for c in (*spec.constants, *counts) if c not in spec.varying],
        "varying": varying,
        "codec": codec if p.half else [],
        "dither_words": spec.dither_words,
        "dither": {
            s: f"{('first', 'second')[i % 2]}_dither(_random{i // 2})" for i, s in enumerate(states)
        },
        # State and per-neuron constants live in registers under their own names on CUDA.
        "parameter_names": [
            f"_p{a.name}"
            if a.array and a.name.startswith("_x_")
            else f"_p_{a.name}"
            if a.array and not a.name.startswith("_")
            else a.name
            for a in spec.arguments
        ],
        "kernel_name": spec.name,
        "kernel_arguments": [a.name for a in spec.arguments],
        "traces": spec.traces,
        "seen": spec.seen,
        "sweep_arguments": sweep.arguments,
        "sweep_call": sweep.call,
        "per_neuron_inputs": sweep.loads,
        "drawn_pulses": [n for n, (rate, _) in enumerate(inputs.pulses) if rate != EVENTS],
        "random": spec.random,
        "draws": list(enumerate(spec.draws)),
        "draws_at_once": at,
        "stream_model": STREAM_MODEL + lanes,
        "inputs_by_name": [n for n in model.inputs if n[2:] not in {r.name for r in spec.synapses}],
        "named": named,
        "lands": lands,
        "landed": landed,
        **between.context(spec, refrac_type),
        "pulsed": jumps or bool(landed),
        "line": "_line" if spec.network else "_k",
        "stream_noise": STREAM_NOISE + lanes,
        "stream_poisson": STREAM_POISSON + lanes,
        "network": spec.network,
        "varying_receptors": [c for c in spec.receptor_constants if c in spec.varying],
        "sections": spec.sections,
        "section_reals": spec.section_reals,
        "section_whole": spec.section_whole,
        "replicas": spec.replicas,
        # The row of a step in input that changes from step to step, on CUDA.
        "row": "np.uint32(_line + _k)" if spec.network else "_k",
        "receptors": spec.synapses,
        "jumps": jumps,
        "conducting": "conductance" in couples,
        "entry_arguments": spec.arguments,
        "scratch": scratch(spec),
        "chunk": chunk_of(spec),
        # The simulator has no warp votes, and calls the numerics from plain Python.
        "ballot": target == "cuda",
        "inlined": "inlined" if target == "cpu" else 'njit(error_model="numpy", forceinline=True)',
        "m": "sim." if target == "cudasim" else "",
        **special,
    }


def _flushed(spec: KernelSpec) -> dict[str, list[str]]:
    """Return what holds the states that ``tiny.py`` is about: rows on the CPU, names on CUDA.

    A state kept as float16 is none: its smallest number above the origin is a normal float32.
    """
    states = [] if spec.precision.half else list(spec.model.states)
    states += [r.prefix + state for r in spec.synapses for state in r.rules.states]
    return {"flush_rows": [f"{s}[_c:_e]" for s in states], "flush_states": states}


class _Sweep:
    """The CPU's inner loop: its arguments, what it is called with, and what it loads."""

    def __init__(self, spec: KernelSpec) -> None:
        self.arguments: list[str] = []
        self.call: list[str] = []
        self.loads: list[tuple[str, str]] = []
        self.begin: tuple[list[str], list[str]] = [], []
        i = spec.inputs
        for name in (*spec.model.states, *(["refrac"] if spec.refractory else [])):
            wide = spec.precision.half and name != "refrac"
            self._add(f"_a_{name}", f"_wide_{name}[:_size]" if wide else f"{name}[_c:_e]")
        for name in (*spec.constants, *(["n_ref"] if spec.refractory else [])):
            if name in spec.varying:
                self._add(f"_a_{name}", f"{name}[_c:_e]")
            else:
                self._add(name, name)
        if spec.many:
            self._sums(spec)
            return
        for r in spec.synapses:
            for state in r.rules.states:
                self._add(f"_a{r.prefix}{state}", f"{r.prefix}{state}[_c:_e]")
            for name in (r.prefix + constant for constant in r.rules.constants):
                if name in spec.varying:
                    self._add(f"_a{name}", f"{name}[_c:_e]")
                    self.loads.append((name, f"_a{name}"))
                else:
                    self._add(name, name)
            self._add(f"{r.prefix}scale", f"{r.prefix}scale")
            first = f"_cell + {r.prefix}first"
            self._add(f"_a_cells_{r.name}", f"_cells[{first} + _c : {first} + _e]")
        self._currents(spec)
        line = "_line" if spec.network else "_k"
        for j, (rate, weight) in enumerate(i.pulses):
            self._input(f"i_weight{j}", f"_weight{j}", weight == NEURON)
            row = f"_events{j}[{line} * _count + _c : {line} * _count + _e]"
            self._add(f"_a_count{j}", row if rate == EVENTS else f"_counts{j}[:_size]")
            self.loads.append((f"i_count{j}", f"_a_count{j}"))
        self._add("_mask", "_flags[:_size]")

    def _currents(self, spec: KernelSpec) -> None:
        """Add the currents that no receptor gives."""
        i = spec.inputs
        step = "_line" if spec.network else "_k"
        if i.bias:
            self._input("i_bias", "_bias", i.bias == NEURON)
        if i.wave:
            self._add("i_wave", f"_wave[{step}]")
        for j in range(i.gains):
            self._input(f"i_gain{j}", f"_gain{j}", True)
            self._add(f"i_shape{j}", f"_shape{j}[{step}]")
        if i.drive:
            self._add("_a_drive", f"{STEP_CURRENT}[{step} * _count + _c : {step} * _count + _e]")
            self.loads.append(("i_drive", "_a_drive"))
        for j, sigma in enumerate(i.noises):
            self._input(f"i_sigma{j}", f"_sigma{j}", sigma != SHARED)
            if sigma == GATED:
                self._add(f"i_level{j}", f"_level{j}[{step}]")
            self._add(f"_a_normal{j}", f"_normals{j}[_slot : _slot + _size]")
            self.loads.append((f"i_normal{j}", f"_a_normal{j}"))
        for j in range(len(spec.draws)):
            self._add(f"_a_draws{j}", f"_draws{j}[_slot : _slot + _size]")
            self.loads.append((f"_f_draw{j}", f"_a_draws{j}"))

    def _sums(self, spec: KernelSpec) -> None:
        """Split the loop: sums of currents that are begun, added to receptor by receptor, used."""
        couples = [r.rules.couples for r in spec.synapses]
        arrivals = spec.inputs.receptors or ("",) * len(spec.inputs.pulses)
        sums = ["current"]
        if "jump" in couples or "" in arrivals:
            sums.append("jump")
        neurons, neurons_call = self.arguments, self.call
        self.arguments, self.call = [], []
        self._currents(spec)
        for name in sums:
            self._add(f"_a_{name}", f"_{name}[:_size]")
        self.begin = self.arguments, self.call
        self.arguments, self.call = neurons, neurons_call
        if "conductance" in couples:
            sums += ["g", "g_e"]
        for name in sums:
            self._add(f"_a_{name}", f"_{name}[:_size]")
        self._add("_mask", "_flags[:_size]")

    def _add(self, argument: str, value: str) -> None:
        self.arguments.append(argument)
        self.call.append(value)

    def _input(self, name: str, array: str, each: bool) -> None:
        """Add an input that is one number, or one per neuron."""
        if each:
            self._add(f"_a{array}", f"{array}[_c:_e]")
            self.loads.append((name, f"_a{array}"))
        else:
            self._add(name, array)


def describe(spec: KernelSpec) -> str:
    """Return one line that tells a kernel from its siblings."""
    parts = [f"{spec.name}: {spec.model.name}, scheme {spec.scheme}, {spec.precision.name}"]
    if spec.substeps > 1:
        parts.append(f"{spec.substeps} substeps")
    if spec.refractory:
        parts.append("refractory")
    if spec.varying:
        parts.append(f"per neuron: {', '.join(sorted(spec.varying))}")
    i = spec.inputs
    shown = [f"bias {i.bias}"] * bool(i.bias) + ["wave"] * i.wave + ["drive"] * i.drive
    shown += [f"{i.gains} gains"] * bool(i.gains) + [f"noise {s}" for s in i.noises]
    shown += [f"Poisson {r}/{w}" for r, w in i.pulses]
    parts.append(f"input: {', '.join(shown) or 'none'}")
    if spec.traces:
        parts.append(f"traces: {', '.join(spec.traces)}")
    return "; ".join(parts)

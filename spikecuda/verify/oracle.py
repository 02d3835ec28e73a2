"""Check a model's kernels against the model's own Python functions, with a derived bound.

The functions of a model are ordinary Python.  Here they run on ``Tracked`` numbers: the value in
extended precision, and beside it a bound of what the roundings of a float16, float32 or float64
kernel can have done to it (running error analysis: Wilkinson (1986) "Error analysis revisited";
Higham (2002) Accuracy and Stability of Numerical Algorithms, section 3.3).  This shares no code
with the rewriter, the templates or the numerics, so it also tests those.
"""

import dis
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from spikecuda.errors import NumericalError
from spikecuda.kernels.language import DRAWS, HELD
from spikecuda.kernels.language.schemes import BEND, SLOPE
from spikecuda.kernels.reference import noise
from spikecuda.models.base import Model, as_model
from spikecuda.pool.pool import GPUNeuronPool
from spikecuda.verify.tracked import Language, Tracked, Undecided, Wide


@dataclass
class CheckReport:
    """What ``check_model`` compared.

    Attributes:
        model: the model's name.
        compared: neurons compared, by (device, precision, scheme).
        undecided: neurons left out because a comparison was within the bound, likewise.
        spikes: neurons that spiked among those compared, likewise.
        worst: largest difference as a fraction of its bound, likewise; below 1.
    """

    model: str
    compared: dict[tuple[str, str, str], int] = field(default_factory=dict)
    undecided: dict[tuple[str, str, str], int] = field(default_factory=dict)
    spikes: dict[tuple[str, str, str], int] = field(default_factory=dict)
    worst: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.model}: kernels agree with the model's own functions"]
        for key, count in self.compared.items():
            lines.append(
                f"  {' '.join(key)}: {count} neurons ({self.spikes[key]} spikes, "
                f"{self.undecided[key]} undecided), largest difference {self.worst[key]:.2f} of "
                "its bound"
            )
        return "\n".join(lines)


def check_model(
    neuron_type: str | type[Model],
    *,
    neurons: int = 200,
    seed: int = 0,
    dt: float = 0.1,
    current: tuple[float, float] = (-100.0, 1000.0),
    spread: float = 30.0,
    precisions: Sequence[str] = ("float64", "float32", "float16"),
    devices: Sequence[str] = ("cpu",),
) -> CheckReport:
    """Compare one step of a model's kernels, from arbitrary states, with its own functions.

    Args:
        neuron_type: a model's name or class.
        neurons: how many states to try for each kernel.
        seed: of the states and currents.
        dt: ms.
        current: range that currents are drawn from, in the model's input unit.
        spread: states are drawn within this many units (times a random factor from 0 to 1, and
            from 0 to 4 for a quarter of them) of their origin.
        precisions: which kernels to check.
        devices: where; "cuda-emu" runs the compiled PTX.

    Returns:
        What was compared.

    Raises:
        NumericalError: a kernel differs from the model's functions by more than the bound.
    """
    model = as_model(neuron_type)
    report = CheckReport(model.name)
    for device in devices:
        for scheme in model.schemes:
            for precision in precisions:
                _check(
                    model, report, (device, precision, scheme), neurons, seed, dt, current, spread
                )
    return report


def _check(
    model: type[Model],
    report: CheckReport,
    key: tuple[str, str, str],
    neurons: int,
    seed: int,
    dt: float,
    current: tuple[float, float],
    spread: float,
) -> None:
    device, precision, scheme = key
    rng = np.random.default_rng(seed)
    unit = 2.0**-53 if precision == "float64" else 2.0**-24
    with GPUNeuronPool(
        neurons, model, precision=precision, scheme=scheme, device=device, dt=dt, seed=seed
    ) as pool:
        for name in model.states:
            factor = rng.uniform(0.0, 1.0, neurons)
            factor[::4] *= 4.0
            values = pool.state[name] + factor * rng.uniform(-spread, spread, neurons)
            pool.state[name] = values
        before = {name: pool.state[name] for name in model.states}
        drive = rng.uniform(*current, neurons).astype(pool.neuron_spec.precision.real)
        taken = drive if model.takes_current(scheme) else None
        spiked = pool.run(steps=1, input=taken).spikes.counts(neurons) > 0
        after = {name: pool.state[name] for name in model.states}
        functions = {
            name: _rebound(function, Language(unit).names())
            for name, function in _functions(model, scheme).items()
        }
        drawn = _drawn(model, scheme, pool)
        constants = {
            name: Tracked(value, abs(float(value)) * unit, unit)
            for name, value in model.constants(pool.params, dt).items()
        }
        counts = {"compared": 0, "undecided": 0, "spikes": 0}
        worst = 0.0
        for i in range(neurons):
            known: dict[str, Any] = dict(constants)
            known.update({n: Tracked(v[i], 0.0, unit) for n, v in before.items()})
            known["current"] = Tracked(drive[i], 0.0, unit)
            known["g_syn"] = known["g_e_syn"] = Tracked(0.0, 0.0, unit)
            known[HELD] = False
            for name, numbers in drawn.items():
                functions[name].__globals__.update(_replayed(functions[name], numbers[:, i], unit))
            try:
                expected, fired = _one_step(model, functions, scheme, known)
            except Undecided:
                counts["undecided"] += 1
                continue
            counts["compared"] += 1
            counts["spikes"] += fired
            for name, number in expected.items():
                bound = number.error + _storage_error(pool, name, number)
                difference = abs(Wide(after[name][i]) - number.value)
                if bound:
                    worst = max(worst, float(difference / bound))
                if fired != spiked[i] or not difference <= bound:
                    raise NumericalError(
                        f"{model.name} ({' '.join(key)}), neuron {i}: the kernel gives {name} = "
                        f"{after[name][i]!r}{' with a spike' * int(spiked[i])}, the model's "
                        f"functions {float(number.value)!r}{' with a spike' * fired} "
                        f"(bound {float(bound):.3g}); please report this"
                    )
    report.compared[key], report.undecided[key] = counts["compared"], counts["undecided"]
    report.spikes[key], report.worst[key] = counts["spikes"], worst


def _drawn(model: type[Model], scheme: str, pool: GPUNeuronPool) -> dict[str, np.ndarray]:
    """Return the random numbers (draws, neurons) of each function in the first step."""
    at, result, neurons = 0, {}, np.arange(pool.num_neurons) + pool.neuron_spec.identity
    for name in model.drawing(scheme):
        kinds = model.functions[name].draws
        if kinds:
            rows = [
                noise.draws(pool.neuron_spec.noise_seed, kind, at + i, 0, 1, neurons)[0]
                for i, kind in enumerate(kinds)
            ]
            result[name], at = np.array(rows), at + len(kinds)
    return result


def _replayed(function: Any, numbers: np.ndarray, unit: float) -> dict[str, Any]:
    """Return ``normal`` and ``uniform`` that give a function the numbers of a kernel.

    Which one a call is for is told by its place in the function's code.
    """
    code = function.__code__
    places = [i.offset for i in dis.get_instructions(code) if i.argval in DRAWS]

    def draw() -> Tracked:
        at = sys._getframe(1).f_lasti
        number = float(numbers[sum(place <= at for place in places) - 1])
        # Computed in float32 by polynomials: a few units in the last place of the largest, 6.7.
        return Tracked(number, 8 * 2.0**-24 * (1.0 + abs(number)), unit)

    return dict.fromkeys(DRAWS, draw)


def _one_step(
    model: type[Model], functions: dict[str, Any], scheme: str, known: dict[str, Any]
) -> tuple[dict[str, Tracked], bool]:
    """Return the states after a step and whether the neuron spiked."""

    def call(name: str, values: dict[str, Any]) -> Any:
        wanted = inspect.signature(functions[name]).parameters
        return functions[name](*[values[n] for n in wanted])

    def by_state(result: Any) -> dict[str, Tracked]:
        values = result if isinstance(result, tuple) else (result,)
        return dict(zip(model.states, values, strict=True))

    new = by_state(call(scheme, known))
    before = {f"{name}_before": known[name] for name in model.states}
    fired = bool(call("threshold", {**known, **new, **before}))
    if not fired:
        return new, False
    if "crossing" not in functions:
        return by_state(call("reset", {**known, **new})), True
    unit = next(iter(new.values())).unit
    part = call("crossing", {**known, **new, **before})
    language = Language(unit)
    part = language._min(language._max(part, language._real(0.0)), language._real(1.0))
    left = language._real(1.0) - part
    at = {n: language._fma(part, new[n] - known[n], known[n]) for n in new}
    after = by_state(call("reset", {**known, **at}))
    stays = bool(model.refractory and _refractory(model, known))
    resumed = "resume" if "resume" in functions else scheme
    end = by_state(call(resumed, {**known, **after, HELD: stays, "part": left}))
    if resumed == scheme:
        end = {n: language._fma(left, end[n] - after[n], after[n]) for n in end}
    if stays and model.while_refractory == "clamp":
        end["v"] = known["v_reset"]
    elif stays and model.while_refractory == "freeze":
        end = after
    return end, True


def _refractory(model: type[Model], known: dict[str, Any]) -> bool:
    """Tell whether a spike starts a refractory period of at least a step."""
    return bool(known["t_ref"].value / known["dt"].value > 0.5 - 1e-7)


def _functions(model: type[Model], scheme: str) -> dict[str, Any]:
    """Return a model's own functions: its scheme, threshold, reset, crossing and resume."""
    result = {
        scheme: model.schemes[scheme],
        "threshold": model.threshold,  # type: ignore[attr-defined]
        "reset": model.reset,  # type: ignore[attr-defined]
    }
    for part in ("crossing", "resume"):
        if model.part_of(scheme, part):
            given = getattr(model, part)
            result[part] = given[scheme] if isinstance(given, Mapping) else given
    return result


def _storage_error(pool: GPUNeuronPool, name: str, number: Tracked) -> Any:
    """Return what storing a state as float16 can add: one spacing, and the codec's roundings."""
    codec = pool.neuron_spec.codecs.get(name)
    if codec is None:
        return Wide(0.0)
    span, origin = abs(Wide(codec.span)), abs(Wide(codec.origin))
    scaled = abs((number.value - Wide(codec.origin)) / span) + number.error / span
    spacing = Wide(np.spacing(np.float16(min(float(scaled), 60000.0)))) * 2
    # encode: a rounded product, sum and difference of terms up to |value| + |origin| + span;
    # decode: one more fma
    roundings = 6 * number.unit * (abs(number.value) + 2 * origin + span * (scaled + 1))
    return span * spacing + roundings


def _rebound(function: Any, names: dict[str, Any]) -> Any:
    """Return a copy of a model function that calls the given functions, derivatives included."""
    slopes = {
        name: _rebound(inner, names)
        for name, inner in function.__globals__.items()
        if name.startswith((f"_{SLOPE}_", f"_{BEND}_")) and name in function.__code__.co_names
    }
    return FunctionType(
        function.__code__,
        {**function.__globals__, **names, **slopes},
        function.__name__,
        None,
        None,
    )

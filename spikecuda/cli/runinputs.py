"""Turn the inputs of a run's configuration into ``spikecuda.inputs`` objects."""

import math
from typing import TYPE_CHECKING, Any

from spikecuda.cli import values
from spikecuda.common.distributions import Distribution
from spikecuda.inputs.stimulus import Constant, Input, Noise, Poisson, Ramp, Step
from spikecuda.kernels.spec import STREAM_DRAW

if TYPE_CHECKING:
    from spikecuda.models import Model

# Draws for inputs count from here; pools draw states and parameters from the streams below.
STREAM_DRAW_INPUT = STREAM_DRAW + 128


class Inputs:
    """The inputs of a run and their description.

    Args:
        listed: (kind, parts) of each input; if there is none, a built-in model takes the drive
            that the report uses, so that a first run shows spikes.
        model: the pool's model.
        count: neurons.
        seed: what distributions are drawn with.

    Attributes:
        terms: what the pool takes as input.
        words: one line that says what the input is.
    """

    def __init__(
        self, listed: list[tuple[str, dict[str, Any]]], model: "type[Model]", count: int, seed: int
    ) -> None:
        self._count, self._seed, self._draws = count, seed, 0
        words = [f"{kind} {_shown(kind, parts, model.input_unit)}" for kind, parts in listed]
        if not listed:
            from spikecuda.report.workloads import WORKLOADS

            workload = WORKLOADS.get(model.name)
            if workload is not None and model.__module__.startswith("spikecuda."):
                text = f"uniform({workload.low:g},{workload.high:g})"
                listed = [("current", {"value": text})]
                words = [f"current {text} {workload.unit}, the model's example drive"]
        self.terms: list[Input] = [self._term(kind, parts) for kind, parts in listed]
        self.words = "; ".join(words) or "none"

    def _term(self, kind: str, parts: dict[str, Any]) -> Input:
        if kind == "current":
            return Constant(self._drawn(parts["value"], "current"))
        if kind == "noise":
            return Noise(self._drawn(parts["value"], "noise"))
        if kind == "poisson":
            rate = self._drawn(parts["rate"], "poisson rate")
            return Poisson(rate, self._drawn(parts["weight"], "poisson weight"))
        if kind == "ramp":
            names = ("first", "last", "start", "stop")
            return Ramp(*(values.number(parts[name], f"ramp {name}") for name in names))
        stop = parts.get("stop")
        return Step(
            self._drawn(parts["amplitude"], "step_current amplitude"),
            values.number(parts["start"], "step_current start"),
            math.inf if stop is None else values.number(stop, "step_current stop"),
        )

    def _drawn(self, text: object, name: str) -> Any:
        """Return a number or one per neuron; each drawn input has a stream of its own."""
        value = values.value(text, name)
        if isinstance(value, Distribution):
            self._draws += 1
            return value.draw(self._count, STREAM_DRAW_INPUT + self._draws, self._seed)
        return value


def _shown(kind: str, parts: dict[str, Any], unit: str) -> str:
    """Return an input's parts with their units."""
    names = {"sigma": f"{unit} sqrt(ms)", "rate": "Hz", "weight": "mV", "start": "ms", "stop": "ms"}
    words = []
    for name, value in parts.items():
        shown = f"[{len(value)} values]" if isinstance(value, list) else str(value)
        wanted = "sigma" if kind == "noise" else name
        words.append(f"{shown} {names.get(wanted, unit)}")
    return ", ".join(words)

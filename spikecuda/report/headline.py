"""What a report says in a few lines: headline figures and notes."""

from dataclasses import dataclass

import numpy as np

from spikecuda.report.results import Report, SpeedPoint
from spikecuda.report.workloads import DT

# Other programs that take more than this many cores are worth a note.
LOAD_WORTH_A_NOTE = 0.15
STEPS_PER_SECOND = 1000.0 / DT


@dataclass(frozen=True)
class Headline:
    """The best of a model.

    Attributes:
        model: its name.
        best: its fastest point.
        real_time: neurons that run in real time at this speed, to three digits.
        context: speed over the other machine's figure, or None.
        coincident: fraction of the reference's spikes that float32 has within 1 ms, constant
            input; None if not measured.
    """

    model: str
    best: SpeedPoint
    real_time: int
    context: float | None
    coincident: float | None


def headlines(report: Report) -> list[Headline]:
    """Return a headline for each model."""
    context = {figure.what: figure.rate for figure in report.context}
    result = []
    for model in dict.fromkeys(p.model for p in report.scaling):
        best = max((p for p in report.scaling if p.model == model), key=lambda p: p.median_rate)
        single = next(
            (p for p in report.accuracy
             if (p.model, p.precision, p.drive) == (model, "float32", "constant")), None
        )  # fmt: skip
        result.append(
            Headline(
                model=model,
                best=best,
                real_time=int(float(f"{best.median_rate / STEPS_PER_SECOND:.3g}")),
                context=best.median_rate / context[model] if model in context else None,
                coincident=single.coincident if single else None,
            )
        )
    return result


def make_notes(report: Report) -> list[str]:
    """Return what a reader should know before comparing figures."""
    notes = []
    others = other_load(report)
    if others is not None and others > LOAD_WORTH_A_NOTE:
        notes.append(
            f"Other programs kept about {others:.1f} of {report.machine.logical_cores} cores busy "
            "while speed was measured: an idle machine is faster, above all with many threads."
        )
    if report.machine.physical_cores == 1 or report.machine.usable_cores == 1:
        notes.append("Only one core can be used, so there is no thread scaling to show.")
    if report.level == "quick":
        notes.append(
            "Measured with --quick: fewer sizes and shorter runs, so figures scatter more."
        )
    return notes


def other_load(report: Report) -> float | None:
    """Return how many cores other programs kept busy during scaling; None if not sampled."""
    samples = report.utilisation.get("samples", {})
    time = np.array(samples.get("time", []), float)
    marks = {mark["name"]: mark["time"] for mark in report.utilisation.get("marks", [])}
    if "scaling" not in marks:
        return None
    after = [t for t in marks.values() if t > marks["scaling"]]
    end = min(after) if after else np.inf
    inside = (time >= marks["scaling"] + 0.5) & (time < end)
    if inside.sum() < 3:
        return None
    whole = np.array(samples["cpu_percent"], float)[inside] * report.machine.logical_cores
    own = np.array(samples["process_percent"], float)[inside]
    return max(0.0, float(np.median(whole - own)) / 100.0)

"""What a report says in a few lines: headline figures and notes."""

from dataclasses import dataclass

import numpy as np

from spikecuda.report.results import RealTimeResult, Report, SpeedPoint
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


@dataclass(frozen=True)
class RealTimeLine:
    """The largest network of a kind in real time, in words.

    Attributes:
        network: "Balanced network" or "Cortical microcircuit".
        where: the simulator, and the device of spikecuda.
        ours: whether it is spikecuda.
        neurons, synapses: in words, such as "163,000" and "13 million"; "-" without any.
        said: what else to know: the microcircuit's part, and "or more" with the reason.
    """

    network: str
    where: str
    ours: bool
    neurons: str
    synapses: str
    said: str


NETWORKS = {"balanced": "Balanced network", "microcircuit": "Cortical microcircuit"}
# Why a search ended before larger networks were too slow.
MORE = {
    "memory": "larger ones do not fit in memory",
    "time": "larger ones were not tried, for lack of time",
    "failure": "larger ones failed",
}


def realtime_lines(report: Report) -> list[RealTimeLine]:
    """Return a line for each network, simulator and device."""
    return [_realtime_line(r) for r in report.realtime]


def _realtime_line(r: RealTimeResult) -> RealTimeLine:
    best, said = r.largest, []
    ours = r.simulator == "spikecuda"
    if best is None:
        slowest = min((p.factor for p in r.points), default=None)
        said = ["none measured"] if slowest is None else [f"at best {slowest:.3g} times slower"]
    else:
        if best.scale is not None:
            said.append("all of it" if best.scale == 1.0 else f"{best.scale:.2g} of its size")
        if r.limit in MORE:
            said.append(MORE[r.limit])
    return RealTimeLine(
        network=NETWORKS[r.network],
        where=f"spikecuda, {r.device}" if ours else f"{r.simulator} {r.version}",
        ours=ours,
        neurons="-" if best is None else f"{int(float(f'{best.neurons:.3g}')):,}",
        synapses="-" if best is None else _count(best.synapses),
        said="; ".join(said),
    )


def _count(number: int) -> str:
    """Return 13068720 as "13.1 million"."""
    if number < 1_000_000:
        return f"{int(float(f'{number:.3g}')):,}"
    return f"{number / 1e6:.3g} million" if number < 999_500_000 else f"{number / 1e9:.3g} billion"


def make_notes(report: Report) -> list[str]:
    """Return what a reader should know before comparing figures."""
    notes = []
    others = max(other_load(report, phase) or 0.0 for phase in ("networks", "scaling"))
    if others > LOAD_WORTH_A_NOTE:
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


def other_load(report: Report, phase: str = "scaling") -> float | None:
    """Return how many cores other programs kept busy during a phase; None if not sampled.

    Other simulators are among the other programs: with any, the phase "networks" tells nothing.
    """
    if phase == "networks" and any(r.simulator != "spikecuda" for r in report.realtime):
        return None
    samples = report.utilisation.get("samples", {})
    time = np.array(samples.get("time", []), float)
    marks = {mark["name"]: mark["time"] for mark in report.utilisation.get("marks", [])}
    if phase not in marks:
        return None
    after = [t for t in marks.values() if t > marks[phase]]
    end = min(after) if after else np.inf
    inside = (time >= marks[phase] + 0.5) & (time < end)
    if inside.sum() < 3:
        return None
    whole = np.array(samples["cpu_percent"], float)[inside] * report.machine.logical_cores
    own = np.array(samples["process_percent"], float)[inside]
    return max(0.0, float(np.median(whole - own)) / 100.0)

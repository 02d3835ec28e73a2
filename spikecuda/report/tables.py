"""The report's tables, ready to print: texts only, the same for HTML and Markdown."""

from dataclasses import dataclass

from spikecuda.plots.style import model_name, rate_label
from spikecuda.report.results import Report


@dataclass(frozen=True)
class Table:
    """A table of texts; ``section`` is the plot it belongs to."""

    section: str
    title: str
    columns: list[str]
    rows: list[list[str]]


def tables(report: Report) -> list[Table]:
    """Return all tables that have rows."""
    found = [
        _realtime(report), _scaling(report), _accuracy(report), _threads(report),
        _memory(report), _mixed(report), _partitions(report), _startup(report), _compile(report),
        _context(report),
    ]  # fmt: skip
    return [table for table in found if table.rows]


def _realtime(report: Report) -> Table:
    columns = ["network", "simulator", "device", "threads", "neurons", "synapses", "scale",
               "wall / model time", "rate, Hz", "made in"]  # fmt: skip
    return Table("realtime", "All sizes measured", columns, [
        [r.network, f"{r.simulator} {r.version}", r.device, str(r.threads or "-"),
         f"{p.neurons:,}", f"{p.synapses:,}", "-" if p.scale is None else f"{p.scale:.3g}",
         f"{p.factor:.3g}", f"{p.mean_rate:.2f}", seconds(p.build_seconds)]
        for r in report.realtime for p in r.points
    ])  # fmt: skip


def _scaling(report: Report) -> Table:
    columns = ["model", "precision", "device", "neurons", "best, M/s", "median, M/s", "kernel, M/s",
               "ns per update", "rate, Hz", "memory, MB"]  # fmt: skip
    return Table("scaling", "All points", columns, [
        [model_name(p.model), p.precision, p.device, f"{p.neurons:,}", f"{p.best_rate / 1e6:,.1f}",
         f"{p.median_rate / 1e6:,.1f}", f"{p.kernel_rate / 1e6:,.1f}", f"{p.nanoseconds:.2f}",
         f"{p.mean_rate:.1f}", f"{p.memory / 1e6:.2f}"]
        for p in report.scaling
    ])  # fmt: skip


def _accuracy(report: Report) -> Table:
    columns = ["model", "input", "precision", "device", "spikes", "reference", "rate error",
               "same step", "within 1 ms", "median, ms", "99 %, ms", "max, ms"]  # fmt: skip
    return Table("precision", "Beside the reference, spike by spike", columns, [
        [model_name(p.model), p.drive, p.precision, p.device, f"{p.spikes:,}",
         f"{p.oracle_spikes:,}", _signed_percent(p.rate_error), percent(p.identical),
         percent(p.coincident), _number(p.time_error_median), _number(p.time_error_p99),
         _number(p.time_error_max)]
        for p in report.accuracy
    ])  # fmt: skip


def _threads(report: Report) -> Table:
    columns = ["model", "precision", "neurons", "threads", "best, M/s", "median, M/s"]
    return Table("threads", "All points", columns, [
        [model_name(p.model), p.precision, f"{p.neurons:,}", str(p.threads),
         f"{p.best_rate / 1e6:,.1f}", f"{p.median_rate / 1e6:,.1f}"]
        for p in report.threads
    ])  # fmt: skip


def _memory(report: Report) -> Table:
    columns = ["model", "precision", "device", "neurons", "state", "parameters", "input",
               "spike bits", "other"]  # fmt: skip
    return Table("memory", "Bytes per neuron", columns, [
        [model_name(p.model), p.precision, p.device, f"{p.neurons:,}",
         *(_bytes(size) for size in (p.state, p.parameters, p.input, p.spike_bits, p.other))]
        for p in report.memory
    ])  # fmt: skip


def _mixed(report: Report) -> Table:
    columns = ["type", "device", "neurons", "in the system, M/s", "pool alone, M/s", "ratio",
               "rate, Hz", "bytes per neuron"]  # fmt: skip
    return Table("systems", "Types of a system, beside pools of the same neurons alone", columns, [
        ["all" if p.model == "total" else model_name(p.model), p.device, f"{p.neurons:,}",
         f"{p.rate / 1e6:,.1f}", f"{p.single_rate / 1e6:,.1f}",
         "-" if p.ratio is None else f"{p.ratio:.2f}", f"{p.mean_rate:.1f}", f"{p.memory:.1f}"]
        for p in report.mixed
    ])  # fmt: skip


def _partitions(report: Report) -> Table:
    columns = ["device", "how many", "neurons", "best, M/s", "median, M/s"]
    return Table("systems", "Over several devices", columns, [
        ["CPU, a thread each" if p.device == "cpu" else p.device, str(p.devices),
         f"{p.neurons:,}", f"{p.best_rate / 1e6:,.1f}", f"{p.median_rate / 1e6:,.1f}"]
        for p in report.partitions
    ])  # fmt: skip


def _startup(report: Report) -> Table:
    columns = ["compiled kernels", "import spikecuda", "first pool", "first run", "second run",
               "whole process"]  # fmt: skip
    cached = {"warm": "in the cache", "empty": "none yet"}
    return Table("startup", "A fresh process: 1000 LIF neurons, 100 steps", columns, [
        [cached[p.cache], *(seconds(s) for s in (
            p.import_package, p.first_pool, p.first_run, p.second_run, p.whole_process))]
        for p in report.startup
    ])  # fmt: skip


def _compile(report: Report) -> Table:
    columns = ["kernel", "input", "target", "time", "from cache"]
    return Table("startup", "Building each kernel", columns, [
        [p.kernel, p.input or "-", p.target, seconds(p.seconds), "yes" if p.cached else "no"]
        for p in sorted(report.compile, key=lambda p: (p.target, p.input, p.kernel))
    ])  # fmt: skip


def _context(report: Report) -> Table:
    return Table("context", "", ["what", "neuron updates per second", "machine", "source"], [
        [c.what if c.what[0].isdigit() else model_name(c.what), rate_label(c.rate), c.machine,
         c.source] for c in report.context
    ])  # fmt: skip


def percent(fraction: float | None) -> str:
    """Return a fraction as a percentage, exact at both ends."""
    if fraction is None:
        return "-"
    if fraction in (0.0, 1.0):
        return f"{fraction:.0%}"
    # Never round a blemish away.
    return f"{min(max(fraction * 100, 0.01), 99.99):.2f} %".replace(" %", "%")


def _signed_percent(fraction: float | None) -> str:
    if fraction is None:
        return "-"
    return "0" if fraction == 0 else f"{fraction * 100:+.2g} %"


def _bytes(size: float) -> str:
    return "< 0.01" if 0.0 < size < 0.01 else f"{size:.3g}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def seconds(value: float) -> str:
    """Return a time in the unit that suits it."""
    if value < 1e-3:
        return f"{value * 1e6:.0f} µs"
    return f"{value * 1e3:.3g} ms" if value < 1.0 else f"{value:.3g} s"

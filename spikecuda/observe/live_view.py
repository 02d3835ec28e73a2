"""A display of a run in progress: progress, speed, rates, memory, devices."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from spikecuda.common.notebook import in_notebook
from spikecuda.common.screen import Screen
from spikecuda.common.terminal import console, human_bytes, human_rate, table
from spikecuda.observe.monitor import SystemMonitor

if TYPE_CHECKING:
    from rich.console import Console, Group, RenderableType

# Drawing takes 5 to 9 ms, so once a second costs less than a hundredth of a core.
INTERVAL = 1.0
BAR_WIDTH = 40


@dataclass(frozen=True)
class TypeFigures:
    """What the neurons of a type have done so far, since their last reset.

    Attributes:
        name: of the model.
        neurons: how many.
        spikes: of all of them.
        held: bytes of their buffers.
    """

    name: str
    neurons: int
    spikes: int
    held: int


@dataclass(frozen=True)
class DeviceFigures:
    """What a device does in the run.

    Attributes:
        name: such as "cpu:0".
        neurons: that it holds.
        held: bytes of their buffers.
        busy: seconds in kernels so far.
    """

    name: str
    neurons: int
    held: int
    busy: float


@dataclass(frozen=True)
class Snapshot:
    """A run at a moment.

    Attributes:
        steps: done since the last reset.
        dt: length of a step in ms.
        types: figures by type.
        devices: figures by device.
    """

    steps: int
    dt: float
    types: tuple[TypeFigures, ...]
    devices: tuple[DeviceFigures, ...]


class LiveView:
    """A display on stderr that is drawn anew every second; where that is no terminal, once.

    Args:
        title: of the run.
        total: steps of the run.
        look: returns the figures of the moment; called from another thread.
        screen: where to draw; None takes stderr.
    """

    def __init__(
        self,
        title: str,
        total: int,
        look: Callable[[], Snapshot],
        screen: "Console | None" = None,
    ) -> None:
        from rich.live import Live

        from spikecuda.observe.redrawn import Redrawn

        self._title, self._total, self._look = title, total, look
        self._monitor = SystemMonitor(INTERVAL / 2)
        self._begin = self._before = (time.perf_counter(), look())
        self._ended: float | None = None
        self._live: Live | Redrawn
        if screen is None and in_notebook():
            self._live = Redrawn(self.draw, INTERVAL)
        else:
            self._live = Live(
                get_renderable=self.draw, refresh_per_second=1 / INTERVAL,
                console=screen or console(stderr=True, expendable=True),
                redirect_stdout=Screen().isatty(),
            )  # fmt: skip

    def __enter__(self) -> "LiveView":
        self._begin = self._before = (time.perf_counter(), self._look())
        self._monitor.start()
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What stays on the screen are the figures of the whole run.
        from spikecuda.observe.redrawn import Redrawn

        self._ended, self._before = time.perf_counter(), self._begin
        self._monitor.stop()
        self._live.stop()
        if not (isinstance(self._live, Redrawn) or self._live.console.is_terminal):
            self._live.console.line()

    def draw(self) -> "Group":
        """Return the display: rates are those since the last drawing, at the end of the run."""
        from rich.console import Group

        now, then = (self._ended or time.perf_counter(), self._look()), self._before
        if self._ended is None:
            self._before = now
        parts: list[RenderableType] = [self._progress(*now), _types(now, then)]
        return Group(*parts, _devices(now, then), _machine(self._monitor))

    def _progress(self, at: float, now: Snapshot) -> "RenderableType":
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        start, first = self._begin
        done, elapsed = now.steps - first.steps, at - start
        model = done * now.dt
        words = f"{done / max(1, self._total):4.0%}  {model:,.1f} of {self._total * now.dt:,.1f} ms"
        if done:
            factor = elapsed / (model / 1000.0)
            words += f"  real-time factor {factor:.3g}"
            left = elapsed / done * (self._total - done)
            words += f"  {_clock(elapsed)} gone, {_clock(left)} to go"
        grid = Table.grid(padding=(0, 1))
        grid.add_row(self._title)
        bar = Table.grid(padding=(0, 2))
        bar.add_row(ProgressBar(max(1, self._total), done, BAR_WIDTH), words)
        grid.add_row(bar)
        return grid


Moment = tuple[float, Snapshot]


def _types(now: Moment, then: Moment) -> "RenderableType":
    """Return the rows of the types and of all of them."""
    seconds, steps = now[0] - then[0], now[1].steps - then[1].steps
    before = {figures.name: figures for figures in then[1].types}
    rows = []
    for figures in now[1].types:
        new = figures.spikes - before[figures.name].spikes
        rows.append((figures.name, figures.neurons, new, figures.spikes, figures.held))
    if len(rows) > 1:
        _, *columns = zip(*rows, strict=True)
        neurons, new, spikes, held = (sum(column) for column in columns)
        rows.append(("all", neurons, new, spikes, held))
    model = steps * now[1].dt / 1000.0
    shown = [
        (name, f"{n:,}", f"{new / (n * model):.3g} Hz" if model else "-", f"{spikes:,}",
         human_rate(n * steps / seconds) if seconds > 0 else "-", human_bytes(held))
        for name, n, new, spikes, held in rows
    ]  # fmt: skip
    return table("", ("type", "neurons", "rate", "spikes", "updates", "memory"), shown)


def _devices(now: Moment, then: Moment) -> "RenderableType":
    seconds = now[0] - then[0]
    before = {figures.name: figures for figures in then[1].devices}
    shown = []
    for figures in now[1].devices:
        busy = figures.busy - before[figures.name].busy
        part = f"{min(1.0, busy / seconds):.0%}" if seconds > 0 else "-"
        shown.append((figures.name, f"{figures.neurons:,}", part, human_bytes(figures.held)))
    return table("", ("device", "neurons", "in kernels", "memory"), shown)


def _machine(monitor: SystemMonitor) -> "RenderableType":
    """Return the machine's figures; what is absent is said to be."""
    from rich.console import Group

    latest = monitor.latest()
    rows: list[tuple[str, ...]] = []
    if latest:
        rows.append(
            ("CPU", f"{latest['cpu_percent']:.0f} %", f"{human_bytes(latest['ram'])} used", "", "")
        )
        for i, name in enumerate(monitor.gpus):
            rows.append((f"GPU {i}: {name}", *(
                form(latest[figure][i]) for figure, form in GPU_COLUMNS.items()
            )))  # fmt: skip
    parts: list[RenderableType] = []
    if rows:
        parts.append(table("", ("machine", "busy", "memory", "power", "temperature"), rows))
    parts += [f" {name.upper()}: absent ({why})" for name, why in monitor.absent.items()]
    return Group(*parts)


def _or_dash(form: str, scale: float = 1.0) -> Callable[[float], str]:
    return lambda value: "-" if value != value else form.format(value * scale)


GPU_COLUMNS: dict[str, Callable[[Any], str]] = {
    "gpu_percent": _or_dash("{:.0f} %"),
    "gpu_memory": _or_dash("{:.1f} GB", 1e-9),
    "gpu_power": _or_dash("{:.0f} W"),
    "gpu_temperature": _or_dash("{:.0f} °C"),
}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

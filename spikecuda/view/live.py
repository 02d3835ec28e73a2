"""What the server of a run that goes on shows."""

import time
from typing import Any

from spikecuda.observe.live_view import Snapshot
from spikecuda.observe.monitor import SystemMonitor
from spikecuda.view.blocks import Block
from spikecuda.view.feed import Feed
from spikecuda.view.protocol import Message

# Seconds between two samples of the machine, and after which a monitor begins anew.
SAMPLES, RENEW = 1.0, 3600.0


class Live:
    """The side of a feed that the server sees.

    Args:
        feed: of the run.
    """

    lossless = False

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._before: tuple[float, Snapshot] | None = None
        self._factor: float | None = None
        self._monitor: SystemMonitor | None = None
        self._renewed = 0.0

    def take(self) -> tuple[list[Block], int, dict[str, dict[str, Any]], list[str]]:
        """Return what arrived; see ``Feed.take``."""
        return self._feed.take()

    def count(self, pages: int, weights: bool) -> None:
        """Take notice of how many pages look on, and of whether any shows weights."""
        self._feed.pages, self._feed.weights_wanted = pages, weights
        if not pages and self._monitor is not None:
            self._monitor.stop()
            self._monitor = None

    def hear(self, message: Message) -> None:
        """Do what a page asks for."""
        if message.kind == "set":
            self._feed.ask(message.values["control"], message.values["value"])
        elif message.kind == "stop":
            self._feed.ask_stop()
        elif message.kind == "watch":
            self._feed.watch(**message.values)
        elif message.kind == "unwatch":
            self._feed.unwatch(message.values["watched"])

    def close(self) -> None:
        """End the thread that samples the machine."""
        self.count(0, False)

    def status(self) -> dict[str, Any]:
        """Return speed, populations, devices and the machine as they are now."""
        feed, now = self._feed, time.perf_counter()
        result: dict[str, Any] = {
            "state": feed.state, "ended": feed.ended, "total": feed.total, "done": feed.done,
            "pages": feed.pages, "machine": self._machine(now),
        }  # fmt: skip
        figures = feed.subject.figures()
        if figures is None:
            return result
        then, before = self._before or (now, figures)
        seconds, steps = now - then, figures.steps - before.steps
        running = feed.state == "running" and seconds > 0 and steps > 0
        # Asked again within a piece, it keeps to what it said.
        if running or feed.state != "running" or self._before is None:
            self._before = now, figures
        busy = {d.name: d.busy for d in before.devices}
        if running:
            self._factor = seconds / (1e-3 * steps * figures.dt)
        elif feed.state != "running":
            self._factor = None
        result.update({
            "steps": figures.steps, "time": figures.steps * figures.dt,
            "factor": self._factor,
            "populations": [
                {"name": t.name, "neurons": t.neurons, "spikes": t.spikes, "held": t.held}
                for t in figures.types
            ],
            "devices": [
                {"name": d.name, "neurons": d.neurons, "held": d.held,
                 "busy": min(1.0, (d.busy - busy.get(d.name, 0.0)) / seconds) if running else None}
                for d in figures.devices
            ],
        })  # fmt: skip
        return result

    def _machine(self, now: float) -> dict[str, Any]:
        if self._monitor is None or now - self._renewed > RENEW:
            if self._monitor is not None:
                self._monitor.stop()
            self._monitor, self._renewed = SystemMonitor(SAMPLES).start(), now
        latest = self._monitor.latest()
        if not latest:
            return {}
        gpus = [
            {"name": name, **{key: float(latest[f"gpu_{key}"][i]) for key in
                              ("percent", "memory", "power", "temperature")}}
            for i, name in enumerate(self._monitor.gpus)
        ]  # fmt: skip
        return {
            "cpu": latest["cpu_percent"], "process": latest["process_percent"],
            "ram": latest["ram"], "own": latest["process_memory"], "gpus": gpus,
            "absent": dict(self._monitor.absent),
        }  # fmt: skip

"""How much a report measures."""

from dataclasses import dataclass, field
from typing import Literal

from spikecuda.errors import SpikecudaValueError
from spikecuda.report.machine import usable_cores
from spikecuda.report.workloads import MODELS, PRECISIONS

Level = Literal["quick", "default", "full"]


@dataclass(frozen=True)
class Settings:
    """What a report measures and for how long.

    Attributes:
        level: name of the amount.
        sizes: neurons of the scaling points.
        seconds: least time that a point is measured for, all repeats together.
        repeats: least number of repeats of a point.
        accuracy_neurons: neurons of the accuracy runs.
        accuracy_duration: model time of the accuracy runs, ms.
        drives: inputs of the accuracy runs, "constant" and "noise".
        thread_counts: numbers of threads of the thread scaling; the largest is used elsewhere.
        thread_neurons: neurons of the thread scaling.
        system_neurons: neurons of the systems of several models.
        partition_counts: over how many devices of a kind they are spread.
        startup_repeats: fresh processes started.
        cold_start: whether a process with an empty cache is started too.
        realtime_networks: of which networks the largest in real time is searched: "balanced",
            "microcircuit".
        realtime_seconds: time for such a search; peer_seconds: the same in another simulator.
        realtime_duration: model time of a timed run of them, ms.
        peers: whether NEST and Brian2 are measured where they are installed.
        peer_pythons: interpreters that have them, by name; what is named here is always measured.
        models, precisions: what is measured.
        devices: device names; empty takes the CPU and every usable GPU.
        seed: of all randomness.
    """

    level: Level = "default"
    sizes: tuple[int, ...] = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
    seconds: float = 0.5
    repeats: int = 5
    accuracy_neurons: int = 500
    accuracy_duration: float = 2000.0
    drives: tuple[str, ...] = ("constant", "noise")
    thread_counts: tuple[int, ...] = ()
    thread_neurons: int = 500_000
    system_neurons: int = 1_000_000
    partition_counts: tuple[int, ...] = (1, 2, 4)
    startup_repeats: int = 3
    cold_start: bool = True
    realtime_networks: tuple[str, ...] = ("balanced", "microcircuit")
    realtime_seconds: float = 25.0
    realtime_duration: float = 500.0
    peer_seconds: float = 75.0
    peers: bool = True
    peer_pythons: tuple[tuple[str, str], ...] = ()
    models: tuple[str, ...] = MODELS
    precisions: tuple[str, ...] = PRECISIONS
    devices: tuple[str, ...] = field(default=())
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("sizes", "thread_counts", "partition_counts"):
            bad = [n for n in getattr(self, name) if n < 1]
            if bad:
                raise SpikecudaValueError(f"{name} must be >= 1 (got {bad[0]})")

    @property
    def threads(self) -> tuple[int, ...]:
        """The thread counts to measure: powers of two and all cores, unless they were given."""
        if self.thread_counts:
            return tuple(sorted(set(self.thread_counts)))
        cores = usable_cores()
        counts = {1, cores}
        n = 2
        while n < cores:
            counts.add(n)
            n *= 2
        return tuple(sorted(counts))


def settings_for(level: Level, **changes: object) -> Settings:
    """Return the settings of a level, with changes."""
    base: dict[str, object] = {"level": level}
    if level == "quick":
        base.update(
            sizes=(1_000, 10_000, 100_000), seconds=0.12, repeats=3, accuracy_neurons=200,
            accuracy_duration=500.0, drives=("constant",), thread_neurons=200_000,
            system_neurons=200_000, startup_repeats=1, cold_start=False, realtime_seconds=12.0,
            realtime_duration=200.0, peers=False,
        )  # fmt: skip
    elif level == "full":
        base.update(
            sizes=(*Settings.sizes, 3_000_000, 10_000_000), seconds=1.0, repeats=7,
            thread_neurons=1_000_000, startup_repeats=5, realtime_seconds=60.0,
            realtime_duration=1000.0, peer_seconds=240.0,
        )  # fmt: skip
    base.update(changes)
    return Settings(**base)  # type: ignore[arg-type]

"""What runs in real time here: the largest balanced network and microcircuit, beside peers."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spikecuda.common.distributions import Uniform
from spikecuda.devices.kinds import CPU, CUDA, kind_of
from spikecuda.errors import OutOfMemoryError
from spikecuda.examples import cuba, microcircuit
from spikecuda.network import ExpCurrent, FixedInDegree, Network
from spikecuda.report.peers.describe import describe
from spikecuda.report.peers.process import (
    PEERS,
    Peer,
    PeerError,
    PeerTimeoutError,
    interpreter,
    run_peer,
    version,
)  # fmt: skip
from spikecuda.report.results import RealTimePoint, RealTimeResult, Skipped
from spikecuda.report.search import Found, UnmeasuredError, search
from spikecuda.report.settings import Settings

OURS = "spikecuda"
# Synapses of each neuron of the balanced network: 2 % of 4,000, as in the benchmark.
EXCITATORY, INHIBITORY = 64, 16
# ms; with the benchmark's own 0.1 ms, NEST's threads would have to meet in every step.
DELAY = 1.5
SMALLEST, LARGEST = 400, 100_000_000
# Model time before the timed runs, ms, and how many of those there are.
WARM_UP, RUNS = 200.0, 3
# The first sizes: neurons, and part of the microcircuit.  Peers begin smaller.
STARTS = {"balanced": (50_000, 4_000), "microcircuit": (0.2, 0.03)}


@dataclass(frozen=True)
class Kind:
    """A network that there is of any size.

    Attributes:
        name: "balanced" or "microcircuit".
        make: called with a size and options of ``Network``.
        least, most: sizes.
    """

    name: str
    make: Callable[..., Network]
    least: float
    most: float


def balanced(size: float, **options: Any) -> Network:
    """Return CUBA with so many neurons and 80 synapses on each; it is active without input.

    Source: Brette et al. (2007) J Comput Neurosci 23:349, benchmark 2, with the weights and start
    values of Brian2's version, which stays active for good; in-degrees are fixed, delays 1.5 ms.

    Args:
        size: number of neurons.
        options: see ``Network``.
    """
    net = Network(0.1, **options)
    receptors = {"exc": ExpCurrent(cuba.TAU_E), "inh": ExpCurrent(cuba.TAU_I)}
    inhibitory = round(size / 5)
    for name, cells in (("E", round(size) - inhibitory), ("I", inhibitory)):
        start = {"v": Uniform(cuba.NEURON["v_reset"], cuba.NEURON["v_th"])}
        net.population(name, cells, "lif", cuba.NEURON, start, receptors=receptors)
    for target in ("E", "I"):
        net.connect("E", target, FixedInDegree(EXCITATORY), cuba.EXCITATION, DELAY, "exc")
        net.connect("I", target, FixedInDegree(INHIBITORY), cuba.INHIBITION["brian"], DELAY, "inh")
    return net


KINDS = {
    kind.name: kind
    for kind in (
        Kind("balanced", balanced, SMALLEST, LARGEST),
        Kind("microcircuit", microcircuit.network, 0.01, 1.0),
    )
}


def measure_realtime(
    settings: Settings, devices: list[str], tick: Callable[[str], None]
) -> tuple[list[RealTimeResult], list[Skipped]]:
    """Return the largest network of each kind on each device and of each peer; what lacks."""
    found: list[RealTimeResult] = []
    skipped: list[Skipped] = []
    real = [device for device in devices if kind_of(device) in (CPU, CUDA)]
    for device in devices:
        if device not in real:
            reason = "emulated and simulated devices tell nothing about speed"
            skipped.append(Skipped(f"networks in real time on {device}", reason))
    peers = _peers(settings, skipped)
    for name in settings.realtime_networks:
        for device in real:
            tick(f"{name}, {device}")
            found.append(_Own(KINDS[name], settings, device, tick).result(skipped))
        for peer, python, told in peers:
            tick(f"{name}, {peer.title}")
            theirs = _Theirs(KINDS[name], settings, tick, peer, python, told)
            found.append(theirs.result(skipped))
    return found, skipped


def _peers(settings: Settings, skipped: list[Skipped]) -> list[tuple[Peer, str, str]]:
    """Return the peers that are there, with interpreter and version."""
    there, given = [], dict(settings.peer_pythons)
    for peer in PEERS.values():
        python = interpreter(peer, given)
        if not settings.peers and peer.name not in given:
            reason = f"left out at level {settings.level}; --peers {peer.name}=PYTHON measures it"
            skipped.append(Skipped(f"networks in {peer.title}", reason))
            continue
        try:
            there.append((peer, python, version(peer, python)))
        except PeerError as error:
            skipped.append(Skipped(f"networks in {peer.title}", str(error)))
    return there


class _Measured:
    """A network of growing size in a simulator."""

    simulator, version, device = OURS, "", ""
    start, seconds = 0, 0.0

    def __init__(self, kind: Kind, settings: Settings, tick: Callable[[str], None]) -> None:
        from spikecuda import __version__

        self.kind, self.settings, self.tick = kind, settings, tick
        self.version = __version__
        self.threads = settings.threads[-1]
        self.points: list[tuple[float, RealTimePoint]] = []

    def result(self, skipped: list[Skipped]) -> RealTimeResult:
        """Search, and return what was found."""
        kind = self.kind
        start = STARTS[kind.name][self.start]
        found: Found = search(self.measure, start, kind.least, kind.most, self.seconds)
        best = next((p for size, p in self.points if size == found.size), None)
        where = f"{self.simulator} on {self.device}" if self.simulator == OURS else self.simulator
        if found.reason:
            what = f"larger {kind.name} network" if best else f"{kind.name} network"
            skipped.append(Skipped(f"{what} in {where}", found.reason))
        elif best is None:
            smallest = min((p.neurons for _, p in self.points), default=0)
            what = "that of" if found.limit == "speed" else "in the time that it had, those down to"
            reason = f"none is in real time; {what} {smallest:,} neurons is slower"
            skipped.append(Skipped(f"{kind.name} network in real time in {where}", reason))
        return RealTimeResult(
            network=kind.name, simulator=self.simulator, version=self.version, device=self.device,
            threads=self.threads, largest=best, limit=found.limit,
            points=[p for _, p in sorted(self.points, key=lambda item: item[0])],
        )  # fmt: skip

    def measure(self, size: float, left: float) -> float:
        """Return the real-time factor of a size; keep the point."""
        point = self.point(round(size) if self.kind.name == "balanced" else size, left)
        self.points.append((size, point))
        return point.factor

    def point(self, size: float, left: float) -> RealTimePoint:
        """Return a measured size."""
        raise NotImplementedError


class _Own(_Measured):
    def __init__(
        self, kind: Kind, settings: Settings, device: str, tick: Callable[[str], None]
    ) -> None:
        super().__init__(kind, settings, tick)
        self.device, self.seconds = device, settings.realtime_seconds
        if kind_of(device) != CPU:
            self.threads = 0

    def point(self, size: float, left: float) -> RealTimePoint:
        settings = self.settings
        on = {"devices": self.device} | ({"threads": self.threads} if self.threads else {})
        try:
            with self.kind.make(size, seed=settings.seed, **on) as net:
                neurons = sum(p.size for p in net.populations.values())
                self.tick(f"{self.kind.name} of {neurons:,} neurons, {self.device}")
                begin = time.perf_counter()
                net.build()
                build = time.perf_counter() - begin
                net.run(WARM_UP)
                seconds, spikes = [], 0
                for _ in range(RUNS):
                    begin = time.perf_counter()
                    spikes += net.run(settings.realtime_duration).num_spikes
                    seconds.append(time.perf_counter() - begin)
                synapses = net.metrics().synapses
        except OutOfMemoryError as error:
            raise UnmeasuredError("memory", str(error)) from None
        rate = spikes / neurons / (RUNS * settings.realtime_duration) * 1e3
        return make_point(
            self.kind, size, neurons, synapses, seconds, settings.realtime_duration, rate, build
        )


class _Theirs(_Measured):
    start, device = 1, CPU

    def __init__(
        self,
        kind: Kind,
        settings: Settings,
        tick: Callable[[str], None],
        peer: Peer,
        python: str,
        told: str,
    ) -> None:
        super().__init__(kind, settings, tick)
        self.peer, self.python = peer, python
        self.simulator, self.version = peer.title, told
        self.seconds = settings.peer_seconds

    def point(self, size: float, left: float) -> RealTimePoint:
        settings = self.settings
        with self.kind.make(size, seed=settings.seed, devices=CPU) as net:
            text = describe(net)
        sizes = {p["name"]: p["size"] for p in text["populations"]}
        neurons = sum(sizes.values())
        self.tick(f"{self.kind.name} of {neurons:,} neurons, {self.simulator}")
        begin = time.perf_counter()
        try:
            found = self._run(text, self.threads, left)
            # Small networks may be slower with threads: the first size decides.
            if not self.points and self.threads > 1 and not self.peer.compiles:
                alone = self._run(text, 1, left - (time.perf_counter() - begin))
                if statistics.median(alone["seconds"]) < statistics.median(found["seconds"]):
                    self.threads, found = 1, alone
        except PeerTimeoutError as error:
            raise UnmeasuredError("time", f"of {neurons:,} neurons: {error}") from None
        except PeerError as error:
            raise UnmeasuredError("failure", f"of {neurons:,} neurons: {error}") from None
        build = time.perf_counter() - begin - sum(found["seconds"])
        rate = sum(found["rates"][name] * n for name, n in sizes.items()) / neurons
        return make_point(
            self.kind, size, neurons, count_synapses(text), found["seconds"],
            settings.realtime_duration, rate, build,
        )  # fmt: skip

    def _run(self, text: dict[str, Any], threads: int, left: float) -> dict[str, Any]:
        duration = self.settings.realtime_duration
        return run_peer(self.peer, self.python, text, WARM_UP, duration, threads, RUNS, left)


def make_point(
    kind: Kind,
    size: float,
    neurons: int,
    synapses: int,
    seconds: list[float],
    duration: float,
    rate: float,
    build: float,
) -> RealTimePoint:
    """Return a point; the factor is that of the median run."""
    return RealTimePoint(
        neurons=neurons, synapses=synapses, scale=None if kind.name == "balanced" else size,
        duration=duration, factor=statistics.median(seconds) / (duration * 1e-3), mean_rate=rate,
        build_seconds=max(build, 0.0),
    )  # fmt: skip


def count_synapses(description: dict[str, Any]) -> int:
    """Return the number of synapses of a description, whose rules have a fixed number of them."""
    sizes = {p["name"]: p["size"] for p in description["populations"]}
    return sum(
        c["rule"]["N"] if "N" in c["rule"] else c["rule"]["indegree"] * sizes[c["target"]]
        for c in description["projections"]
    )

"""Replicas on a CUDA device: one engine, whose launches advance all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from spikecuda.common.exclusive_use import ExclusiveUse
from spikecuda.common.seed import Seeds
from spikecuda.devices.base import Device
from spikecuda.errors import NumericalError, SpikecudaError
from spikecuda.network.cuda.fused_populations import NOBODY
from spikecuda.network.cuda.partition import DevicePartition
from spikecuda.network.cuda.replicas import Replicas
from spikecuda.network.ensemble.group import BrokenOff
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.ensemble.wiring import share_wiring
from spikecuda.network.open_partitions import number
from spikecuda.network.results.make_result import make_result
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.partitioned_engine import PartitionedEngine
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.run.trace import Recorded
from spikecuda.network.run.window import window_on_devices
from spikecuda.network.synapses.blocks import Blocks, Share
from spikecuda.network.synapses.fixed_point import FixedPoint
from spikecuda.network.synapses.store import Wiring
from spikecuda.runtime.population import report_failures

# Kernels number the populations of a launch in 16 bits.
MOST_POPULATIONS = NOBODY


class DeviceReplicas:
    """Replicas whose populations follow each other on a device, as those of one large network.

    Population g of replica r has the number ``r populations + g`` in the engine; sources follow,
    likewise.  Neurons of replica r have the numbers of those of replica 0, and r times as many as a
    network has.

    Args:
        device: open.
        replicas: which.
        wirings: the synapses of each, by its own numbers.

    Attributes:
        replicas, turns, whole, clock, engines, threads, device_name: see ``Group``.
        engine: of all of them.
    """

    whole = True
    threads = 1

    def __init__(
        self,
        device: Device,
        replicas: Sequence[Replica],
        wirings: Sequence[Wiring],
    ) -> None:
        self.replicas, self.device = list(replicas), device
        self.turns: tuple[ExclusiveUse, ...] = (device.turn,)
        count = len(replicas)
        description = replicas[0]._describe()
        local, numbers = number(description)
        g, q = len(description.populations), len(description.sources)
        if count * g > MOST_POPULATIONS:
            raise SpikecudaError(
                f"the replicas on {device.name} must have at most {MOST_POPULATIONS:,} populations "
                f"(got {count:,} replicas of {g:,}); use fewer replicas, or more devices"
            )
        first: dict[int, int] = {}
        shifts: list[dict[int, int]] = []
        for r, replica in enumerate(replicas):
            replica.place(r * g, count * g + r * q)
            replica._describe()  # which numbers its sources
            own = [*range(r * g, (r + 1) * g), *range(count * g + r * q, count * g + (r + 1) * q)]
            shifts.append(dict(enumerate(own)))
            first |= {own[i]: r * numbers + local[i] for i in range(g + q)}
        sizes = np.array([population.size for population in description.populations])
        wiring = _joined(replicas, wirings, shifts)
        starts = np.zeros((count * g, 2), np.int64)
        starts[:, 1] = np.tile(sizes, count)
        share = Share(starts, range(wiring.blocks.count))
        each = Replicas(count, numbers, share.size // count)
        neurons = [Neurons(p) for replica in replicas for p in replica._populations()]
        window = window_on_devices(wiring)
        first = dict(sorted(first.items()))
        with report_failures(device, 0):
            partition = DevicePartition(
                device, share, neurons, wiring, first, count * numbers, window, each
            )
        self.engine = PartitionedEngine(
            neurons, first, count * numbers, wiring, [partition], window
        )

    @property
    def engines(self) -> Sequence[PartitionedEngine]:
        """The engine."""
        return [self.engine]

    @property
    def device_name(self) -> str:
        """Name of the device."""
        return self.device.name

    @property
    def clock(self) -> int:
        """Steps done since the last reset; -1 if that differs between replicas."""
        return -1 if self.engine.failed else self.engine.clock

    def engine_of(self, place: int) -> PartitionedEngine:
        """Return the engine of a replica, which is that of all."""
        return self.engine

    def advance(
        self, first: int, steps: int, total: int, report: Callable[[int], None]
    ) -> list[NetworkResult]:
        """Advance all replicas by a slice of a run; see ``Group``."""
        engine, start, seconds = self.engine, self.engine.clock, self.engine.seconds
        parts = [replica.asks(start, first, steps, total) for replica in self.replicas]
        external = np.concatenate([part.external for part in parts])
        external = external[np.lexsort(external.T[::-1])]
        chores = [chore for part in parts for chore in part.chores]
        sizes = [neurons.population.size for neurons in engine.neurons]
        pauses = Pauses([*chores, *(s for part in parts for s in part.samples)], sizes)

        def results(got: Recorded, done: int) -> list[NetworkResult]:
            spent, at, made = engine.seconds - seconds, 0, []
            for replica, part in zip(self.replicas, parts, strict=True):
                own = replace(got, traces=got.traces[at : at + len(part.traces)])
                at += len(part.traces)
                made.append(make_result(
                    replica._populations(), own, part.wanted, part.traces, start, done, spent,
                    part.samples,
                ))  # fmt: skip
            return made

        try:
            got = engine.run(
                steps, [drive for part in parts for drive in part.drives],
                [g for part in parts for g in part.spikes],
                [trace for part in parts for trace in part.traces],
                np.ascontiguousarray(external), report, pauses,
            )  # fmt: skip
        except BaseException as error:
            partial = None
            if engine.partial is not None and not engine.failed:
                partial = results(engine.partial, engine.clock - start)
            raise BrokenOff(self._whose(error), error, partial) from error
        finally:
            for chore, spikes in zip(chores, pauses.left_over(), strict=False):
                chore.keep(spikes)
        return results(got, steps)

    def restart(self, seeds: Sequence[Seeds]) -> None:
        """Go back to step 0, each replica with its seeds."""
        if any(replica.draws_learning for replica in self.replicas):
            self.engine.reset()  # what was learned in this trial is learned with its numbers
        for replica, own in zip(self.replicas, seeds, strict=True):
            replica.restart(own)
        self.engine.retune()
        self.engine.reset()

    def close(self) -> None:
        """Give everything back."""
        self.engine.close()

    def _whose(self, error: BaseException) -> int | None:
        """Return the replica that an error is about, if it is about one."""
        if isinstance(error, NumericalError):
            for neurons in self.engine.neurons:
                try:
                    neurons.check()
                except NumericalError:
                    return next(
                        replica.index for replica in self.replicas
                        if neurons.population in replica._populations()
                    )  # fmt: skip
        return None


def _joined(
    replicas: Sequence[Replica], wirings: Sequence[Wiring], shifts: Sequence[Mapping[int, int]]
) -> Wiring:
    """Return the synapses of all replicas, by the numbers that the engine has."""
    made = [
        share_wiring(wiring, {p: p for p in replica.wired}, shift)
        for replica, wiring, shift in zip(replicas, wirings, shifts, strict=True)
    ]
    blocks, count = made[0].blocks, len(made)
    every = Blocks(
        blocks.count, np.tile(blocks.starts, (count, 1)), np.tile(blocks.offsets, (count, 1)),
        blocks.sizes,
    )  # fmt: skip
    fixed_point = FixedPoint(
        {key: e for wiring in made for key, e in wiring.exponent.items()},
        {p: bits for wiring in made for p, bits in wiring.fixed_point.bits.items()},
    )
    return Wiring(
        every, [bundle for wiring in made for bundle in wiring.bundles], fixed_point,
        min((w.shortest for w in made if w.shortest), default=0), max(w.longest for w in made),
        sum(w.synapses for w in made), min((w.horizon for w in made if w.horizon), default=0),
    )  # fmt: skip

"""Open the devices of a network and give them partitions."""

import contextlib
from collections.abc import Callable, Mapping, Sequence

from spikecuda.common.cores import usable_cores
from spikecuda.devices.base import Device
from spikecuda.devices.kinds import CPU, CUDA
from spikecuda.devices.open import open_device
from spikecuda.errors import SpikecudaError
from spikecuda.network.cpu.partition import CpuPartition
from spikecuda.network.cuda.linked import LinkedPartitions, out_of_reach
from spikecuda.network.cuda.partition import DevicePartition
from spikecuda.network.device_names import on_cpu
from spikecuda.network.model.description import Description
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.partition import NetworkPartition
from spikecuda.network.run.partitioned_engine import PartitionedEngine
from spikecuda.network.run.route import HOST, NOWHERE, PEERS, Route
from spikecuda.network.run.window import window_on_devices, window_steps
from spikecuda.network.synapses.blocks import Owner, Share
from spikecuda.network.synapses.store import Wiring
from spikecuda.placement.update_costs import cost
from spikecuda.runtime.population import report_failures

# Tells the speeds of places, of which the processor works with some threads.
SpeedsOf = Callable[[Sequence[str | Device], int], list[float]]


class OpenPartitions:
    """The open devices of a network, a partition for each place.

    Args:
        places: names and open devices; the same one may come twice.
        processes: how many share the cores of this machine.
        threads: of the processor; None: the cores that there are.

    Attributes:
        devices: of each place.
        route: how spikes get from partition to partition, unless the engine knows better.

    Raises:
        DeviceError: one cannot be opened; those opened before are closed again.
    """

    def __init__(
        self, places: Sequence[str | Device], processes: int = 1, threads: int | None = None
    ) -> None:
        self._places = list(places)
        self.devices: list[Device] = []
        self.route = NOWHERE if len(places) == 1 else Route(HOST)
        self._own: list[Device] = []
        known: dict[str, Device] = {}
        sharing = processes * max(1, sum(map(on_cpu, places)))
        cores = threads or max(1, usable_cores() // sharing)
        try:
            for place in places:
                if isinstance(place, str) and place not in known:
                    device = open_device(place, cores if on_cpu(place) else None)
                    known[place] = device
                    self._own.append(device)
                self.devices.append(known[place] if isinstance(place, str) else place)
        except BaseException:
            self.close()
            raise

    def link(self, wanted: str | None) -> None:
        """Let devices copy spikes from each other where they can, and note how spikes go.

        Args:
            wanted: "host": they are not asked; "peers": they must; None: if they can.

        Raises:
            SpikecudaError: "peers" is wanted, and a device cannot copy from another one.
        """
        if len(self.devices) == 1:
            return
        where = f"spikes between {len(self.devices)} devices"
        reason = "as exchange='host' asks"
        if wanted != HOST:
            on_host = next((device.name for device in self.devices if on_cpu(device)), "")
            reason = f"{on_host} is a processor" if on_host else out_of_reach(self.devices)
        if not reason:
            words = f"{where}: copied from device to device, without the host"
            self.route = Route(PEERS, words)
            return
        if wanted == PEERS:
            raise SpikecudaError(
                f"exchange='peers' needs devices that reach each other's memory (got {reason}); "
                "leave exchange out, and spikes pass through the host"
            )
        self.route = Route(HOST, f"{where}: through the host ({reason})")

    def owners(
        self,
        description: Description,
        unlike: bool | None = None,
        speeds: SpeedsOf | None = None,
    ) -> list[Owner]:
        """Return the partitions before they have neurons, weighted by the devices' speed.

        Unlike devices are measured, as for systems: the time that an update of all populations
        takes, remembered from then on.  Deliveries are taken to be as much faster as updates.
        An emulated device is there to check, not to be fast, and keeps its nominal speed.

        Args:
            description: of the network.
            unlike: whether its devices differ, those of other processes included; None: there are
                no others.
            speeds: tells them instead; None: it is as said above.
        """
        weights = [device.speed for device in self.devices]
        if unlike is None:
            unlike = unlike_devices(self.kinds)
        if speeds is not None:
            threads = max((d.threads for d in self.devices if on_cpu(d)), default=1)
            weights = speeds(self._places, threads)
        elif unlike:
            weights = [1.0 / update_seconds(device, description) for device in self.devices]
        return [
            Owner(weight, device.threads if on_cpu(device) else 0)
            for device, weight in zip(self.devices, weights, strict=True)
        ]

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The kind and the description of each device."""
        return [(device.kind, device.description) for device in self.devices]

    def engine(
        self,
        description: Description,
        wiring: Wiring,
        shares: Sequence[Share],
        make: Callable[..., PartitionedEngine] = PartitionedEngine,
        agree: Callable[[int], int] = int,
    ) -> PartitionedEngine:
        """Return an engine with a partition on each device, which closes the devices with it.

        Args:
            description: of the network.
            wiring: the synapses.
            shares: the neurons of each partition.
            make: makes it of all but ``exchange``, see ``Partitions``.
            agree: returns the window of all processes, from that of this one.
        """
        first, numbers = number(description)
        neurons = [Neurons(population) for population in description.populations]
        on_host = all(map(on_cpu, self.devices))
        window = agree(window_steps(wiring) if on_host else window_on_devices(wiring))
        with contextlib.ExitStack() as stack:
            partitions: list[NetworkPartition] = []
            for device, share in zip(self.devices, shares, strict=True):
                partition: NetworkPartition
                with report_failures(device, 0):
                    if on_cpu(device):
                        partition = CpuPartition(device, share, neurons, wiring, first)
                    else:
                        partition = DevicePartition(
                            device, share, neurons, wiring, first, numbers, window,
                            whole=self.route.by == PEERS,
                        )  # fmt: skip
                stack.callback(partition.close)
                partitions.append(partition)
            more = {}
            if self.route.by == PEERS:
                own = [p for p in partitions if isinstance(p, DevicePartition)]
                more["linked"] = LinkedPartitions(own)
            engine = make(neurons, first, numbers, wiring, partitions, window, self.close, **more)
            engine.route = self.route
            engine.turns = tuple(device.turn for device in self.devices)
            stack.pop_all()
        return engine

    def close(self) -> None:
        """Close the devices that were opened here; let go of the others."""
        with contextlib.ExitStack() as stack:
            for device in self._own:
                stack.callback(device.close)
            if self.route.by == PEERS:
                for device in self.devices:
                    stack.callback(device.part)


def number(description: Description) -> tuple[Mapping[int, int], int]:
    """Return the number of the first neuron of each population, and one more than the last.

    A neuron's number is its identity in the random numbers; sources follow.
    """
    first, end = {}, 0
    for population in (*description.populations, *description.sources):
        if population.neuron_spec is not None:
            end = population.neuron_spec.identity
        first[population.number] = end
        end += -(-population.size // 32) * 32
    return first, end


def in_words(names: Sequence[str], owners: Sequence[Owner], shares: Sequence[Share]) -> str:
    """Return how neurons were dealt out: the speed of each device beside the fastest, its part."""
    fastest, sizes = max(owner.weight for owner in owners), [int(s.counts.sum()) for s in shares]
    each = [
        f"{name} has {size / sum(sizes):.0%} (speed {owner.weight / fastest:.2f})"
        for name, owner, size in zip(names, owners, sizes, strict=True)
    ]
    return f"neurons by speed: {', '.join(each)}"


def unlike_devices(kinds: Sequence[tuple[str, str]]) -> bool:
    """Tell whether devices differ and can be measured; see ``OpenPartitions.kinds``."""
    return len(set(kinds)) > 1 and all(kind in (CPU, CUDA) for kind, _ in kinds)


def update_seconds(device: Device, description: Description) -> float:
    """Return the seconds that a step of all neurons would take on a device."""
    return sum(
        population.size * cost(device, population.neurons) for population in description.populations
    )

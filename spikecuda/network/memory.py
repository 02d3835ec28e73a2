"""The memory that a network will need, computed before any is allocated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spikecuda.common.host_memory import available_memory, binding_limit
from spikecuda.common.terminal import human_bytes
from spikecuda.devices.base import Device
from spikecuda.errors import OutOfMemoryError
from spikecuda.network.device_names import on_cpu
from spikecuda.network.model.coupling import Coupling
from spikecuda.network.model.description import Description
from spikecuda.network.model.population import Population
from spikecuda.network.model.projection import Projection
from spikecuda.network.run.device_histories import history_bytes
from spikecuda.network.run.window import ring_steps, window_of
from spikecuda.network.synapses.blocks import Share, whole_words

# Bytes of a synapse that learns beside its numbers: target, and its share of a segment and of the
# histories of spikes.
LEARNED = 2.5
# Bytes of what arrives at a receptor in a step.
CELL = 4
LESS = (
    "use fewer, or a smaller max_indegree=; synapses that do not learn take less with one weight "
    "for all of a projection, or procedural=True"
)
SHORTER = "use shorter delays (high= on the distribution), a larger dt, or fewer receptors"


@dataclass(frozen=True)
class Need:
    """Bytes that a network, or a part of it, needs; what chance adds to it is not in it.

    Synapses are as many as ``max_indegree=`` lets grow.

    Attributes:
        neurons: state, constants, spike bits, positions for connections by distance; on devices
            also the histories of synapses that learn.
        synapses: stored rows.
        arrivals: what has been sent and has not arrived; ``steps`` of it, a cell for each neuron
            and receptor.
    """

    neurons: float
    synapses: float
    arrivals: float = 0.0
    steps: int = 0

    @property
    def total(self) -> float:
        """All of it."""
        return self.neurons + self.synapses + self.arrivals

    def __add__(self, other: "Need") -> "Need":
        return Need(
            self.neurons + other.neurons, self.synapses + other.synapses,
            self.arrivals + other.arrivals, max(self.steps, other.steps),
        )  # fmt: skip

    def parts(self) -> str:
        """Return what it is for, in words."""
        text = f"{human_bytes(self.neurons)} for neurons, {human_bytes(self.synapses)} for synapses"
        if self.arrivals:
            text += f", {human_bytes(self.arrivals)} for {self.steps:,} steps of delays"
        return text


def synapse_bytes(projection: Projection, bits: int) -> float:
    """Return the bytes of each synapse of a projection: target, weight, its share of a segment.

    Args:
        bits: of a weight, where weights differ.
    """
    if projection.procedural:
        return 0.0
    if projection.learns:
        return LEARNED + projection.learned_bytes()
    return 2.0 + (0 if projection.weight.kind == "FIXED" else bits // 8)


def coupled_bytes(coupling: Coupling) -> int:
    """Return the bytes of each synapse of a coupling: source, and weight where weights differ."""
    wide = coupling.target.population.neurons.precision.real == "float64"
    return 4 + (0 if coupling.pairs.weight.kind == "FIXED" else 8 if wide else 4)


def whole(description: Description, bits: Mapping[Projection, int]) -> Need:
    """Return what a network needs on the CPU.

    Args:
        description: of the network.
        bits: width of each projection's weights.
    """
    populations = description.populations
    neurons = sum(population.size * (neuron_bytes(population) + CELL * len(population.ports))
                  for population in populations)  # fmt: skip
    neurons += sum(p.near.nbytes for p in description.projections if p.near is not None)
    synapses = sum(p.room * synapse_bytes(p, bits[p]) for p in description.projections)
    synapses += sum(c.expected * coupled_bytes(c) for c in description.couplings)
    if not any(p.procedural for p in description.projections):
        return Need(neurons, synapses)
    # Rows that are drawn again are sent at once, whatever their delays.
    steps = _ring(description)
    places = int(whole_words(np.array([g.size for g in populations])).sum())
    return Need(neurons, synapses, places * _cells(populations) * steps, steps)


def part(description: Description, share: Share, bits: Mapping[Projection, int]) -> Need:
    """Return what a partition's neurons and the synapses onto them need on a CUDA device."""
    populations, steps = description.populations, _ring(description)
    counts = {
        population.name: int(n) for population, n in zip(populations, share.counts, strict=True)
    }
    neurons = sum(counts[population.name] * neuron_bytes(population) for population in populations)
    synapses = sum(
        p.room
        * synapse_bytes(p, bits[p])
        * counts[p.target.population.name]
        / p.target.population.size
        for p in description.projections
    )
    # A network that is coupled has one device for all of it.
    synapses += sum(c.expected * coupled_bytes(c) for c in description.couplings)
    neurons += sum(
        history_bytes(p, counts[p.target.population.name], window_of(shortest_delay(description)))
        for p in description.projections if p.plasticity is not None and (p.expected or p.grows)
    )  # fmt: skip
    neurons += sum(
        p.near.sent_bytes for p in description.projections if p.procedural and p.near is not None
    )
    return Need(neurons, synapses, share.size * _cells(populations) * steps, steps)


def require_memory(
    description: Description, bits: Mapping[Projection, int], share: float = 1.0, copies: int = 1
) -> None:
    """Raise OutOfMemoryError if the network cannot fit on the CPU, before anything is allocated.

    Args:
        description: of the network.
        bits: width of each projection's weights.
        share: the part of the synapses, and of what arrives, that a process has.
        copies: how many such processes run on this machine.
    """
    need = whole(description, bits)
    part = Need(need.neurons, share * need.synapses, share * need.arrivals, need.steps)
    _require("host", {"the CPU": part}, available_memory() // copies)


def require_on_devices(
    description: Description,
    devices: Sequence[Device],
    shares: Sequence[Share],
    bits: Mapping[Projection, int],
    share: float = 1.0,
    copies: int = 1,
) -> None:
    """Raise OutOfMemoryError if a device cannot hold its part, before anything is allocated.

    Neurons and synapses are on the host as well, and emulated devices share its memory.

    Args:
        description: whose neurons and synapses.
        devices: open ones, a partition each; the same one may come twice.
        shares: the neurons of each partition.
        bits: width of each projection's weights.
        share: the part of the synapses that this process has; ``copies``: such processes here.
    """
    on_host = whole(description, bits)
    homes = {"host": {"the host": Need(on_host.neurons, share * on_host.synapses)}}
    available = {"host": available_memory() // copies}
    for device, own in zip(devices, shares, strict=True):
        need = part(description, own, bits)
        if on_cpu(device):
            need = Need(0.0, 0.0, need.arrivals if on_host.arrivals else 0.0, need.steps)
        needs = homes.setdefault(device.home, {})
        needs[device.name] = needs.get(device.name, Need(0.0, 0.0)) + need
        free = device.available_memory() // (copies if device.home == "host" else 1)
        available[device.home] = min(available.get(device.home, free), free)
    for home, needs in homes.items():
        _require(home, needs, available[home])


def _require(home: str, needs: Mapping[str, Need], available: float) -> None:
    """Raise unless what is needed at a place fits."""
    if sum(need.total for need in needs.values()) <= available:
        return
    each = " and ".join(
        f"{human_bytes(need.total)} on {name} ({need.parts()})"
        for name, need in needs.items()
        if need.total
    )
    largest = max(needs.values(), key=lambda need: need.total)
    remedy = LESS
    if largest.arrivals > max(largest.synapses, largest.neurons):
        remedy = SHORTER
    limit = binding_limit()
    if home != "host":
        remedy, limit = remedy + ", or more devices", ""
    raise OutOfMemoryError(
        f"the network needs about {each} (available: {human_bytes(available)}{limit}); {remedy}"
    )


def require_arrivals(cells: int, steps: int, available: int, where: str) -> None:
    """Raise OutOfMemoryError unless the cells that input arrives in fit, now that delays are known.

    Args:
        cells: how many; ``steps``: for so many steps of delays.
        available: bytes.
        where: name of the device.
    """
    if CELL * cells > available:
        raise OutOfMemoryError(
            f"what has been sent and not arrived needs {human_bytes(CELL * cells)} on {where}, "
            f"{steps:,} steps of delays (available: {human_bytes(available)}); "
            f"{SHORTER}"
        )


def neuron_bytes(population: Population) -> float:
    """Return the bytes of a neuron but for the cells that its input arrives in."""
    states = sum(len(port.rules.states) for port in population.ports)
    return population.neurons.bytes_per_neuron() + 4.0 * states + 12.0


def _cells(populations: Sequence[Population]) -> int:
    """Return the bytes of a neuron's cells for one step: all neurons have as many."""
    return CELL * max((len(population.ports) for population in populations), default=0)


def shortest_delay(description: Description) -> int:
    """Return the shortest delay that the spikes of neurons can have, in steps; 0: there is none.

    Couplings are read in each step.
    """
    if description.couplings:
        return 1
    return min(
        (
            p.delay_steps()[0] for p in description.projections
            if (p.expected or p.grows)
            and (p.procedural or p.source.population.neuron_spec is not None)
        ),
        default=0,
    )  # fmt: skip


def _ring(description: Description) -> int:
    """Return the steps that a ring of arrivals has at least."""
    inner = [p for p in description.projections if p.expected or p.grows]
    shortest = shortest_delay(description)
    # Of drawn delays that are stored the longest that comes out counts, which is not known yet.
    longest = max((p.delay_steps()[1 if p.procedural else 0] for p in inner), default=0)
    return ring_steps(longest, window_of(shortest))

"""Build the synapses of replicas, each kind of them once."""

from collections.abc import Callable, Mapping, Sequence

from spikecuda.common.host_memory import available_memory, shortage
from spikecuda.common.terminal import human_bytes
from spikecuda.errors import OutOfMemoryError
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.ensemble.structure import same_wiring
from spikecuda.network.ensemble.wiring import share_wiring
from spikecuda.network.memory import whole
from spikecuda.network.network import Network
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.builder import Builder
from spikecuda.network.synapses.fixed_point import choose_fixed_point
from spikecuda.network.synapses.store import Wiring

# Bytes of tables and objects that a replica takes beside its neurons and synapses.
REPLICA_BYTES = 200_000


def kinds_of(replicas: Sequence[Replica], networks: Sequence[Network]) -> list[int]:
    """Return for each replica the first one that has the same synapses.

    Args:
        replicas: all of them.
        networks: that they were made from.
    """
    found: dict[int, list[int]] = {}
    result = []
    for i, replica in enumerate(replicas):
        others = found.setdefault(replica._seeds.wiring, [])
        for j in others:
            if same_wiring(networks[j], networks[i]):
                result.append(j)
                break
        else:
            others.append(i)
            result.append(i)
    return result


def require_room(network: Network, size: int, wirings: int) -> None:
    """Raise OutOfMemoryError unless the replicas fit, before any of them is made.

    Args:
        network: that they are made from.
        size: number of replicas; ``wirings``: how many of them have synapses of their own.
    """
    description = network._describe()
    need = whole(description, choose_fixed_point(description.wired).bits)
    learning = any(p.learns for p in description.wired)
    rows = need.synapses * (size if learning else wirings)
    each = need.neurons + need.arrivals + REPLICA_BYTES
    if size * each + rows <= available_memory():
        return
    raise OutOfMemoryError(
        f"an ensemble of {size:,} networks needs about {human_bytes(size * each)} for neurons and "
        f"{human_bytes(rows)} for synapses ({shortage()}); use fewer replicas, or one wiring_seed, "
        "with which replicas share synapses that do not learn"
    )


def build_wirings(
    replicas: Sequence[Replica],
    kinds: Sequence[int],
    blocks: Blocks,
    threads: int,
    report: Callable[[float, float], None],
) -> list[Wiring]:
    """Return the synapses of each replica; those of one kind share their rows.

    Args:
        replicas: all of them.
        kinds: see ``kinds_of``.
        blocks: the split of the neurons of one network.
        threads: how many work at once.
        report: is told (done, total).

    Raises:
        OutOfMemoryError: the synapses do not fit.
        SpikecudaValueError: weights that one scale cannot hold together.
    """
    firsts = sorted(set(kinds))
    built: dict[int, Wiring] = {}
    for number, i in enumerate(firsts):
        description = replicas[i]._describe()

        def told(done: float, total: float, number: int = number) -> None:
            report(number + done / total, len(firsts))

        builder = Builder(
            description.wired, description.sizes, blocks, description.dt, description.seed,
            threads, told,
        )  # fmt: skip
        built[i] = builder.build(choose_fixed_point(description.wired))
    return [
        built[kind] if kind == i else share_wiring(
            built[kind], dict(zip(replicas[kind].wired, replica.wired, strict=True)),
            same_numbers(replica),
        )
        for i, (replica, kind) in enumerate(zip(replicas, kinds, strict=True))
    ]  # fmt: skip


def same_numbers(replica: Replica) -> Mapping[int, int]:
    """Return the numbers of populations and sources, each as its own."""
    return {g: g for g in range(len(replica._populations()) + len(replica.trains))}

"""Measure what a plan needs to know of this machine."""

from collections.abc import Callable, Sequence
from dataclasses import fields

from spikecuda.common.cores import usable_cores
from spikecuda.common.host_memory import cpu_name, total_memory
from spikecuda.inputs.poisson import Poisson
from spikecuda.network.model.receptors import ExpCurrent
from spikecuda.network.network import Network
from spikecuda.plan import measure_node as node
from spikecuda.plan.machine import Costs, Machine
from spikecuda.plan.measure_rows import empty_costs, row_costs
from spikecuda.plan.measure_short import short_costs
from spikecuda.plan.measure_updates import Base, scan_costs, spike_costs, updates_of

# What neurons of a fixed load do, unless another kernel is named: LIF with Poisson input.
STANDARD = "lif exact float32 + ExpCurrent + Poisson"


def standard_network() -> Network:
    """Return a network of one population, which does what ``STANDARD`` says."""
    net = Network(0.1, 1, devices="cpu")
    net.population("neurons", 16_384, "lif", receptors={"syn": ExpCurrent(tau=5.0)})
    net.drive("neurons", Poisson(rate=8000.0, weight=40.0))
    return net


def measure(
    networks: Sequence[Network] = (),
    *,
    quick: bool = False,
    report: Callable[[str], None] = lambda what: None,
) -> Machine:
    """Return this machine, measured: about 20 s, in which nothing else should run.

    Args:
        networks: whose neurons' updates are measured; they stay as they are.
        quick: fewer figures, of less worth.
        report: is told what is measured.
    """
    cores = usable_cores()
    report("memory")
    cache, shared = node.caches()
    bandwidth = node.bandwidth(cores)
    report("rows")
    rows = row_costs(cache, shared, quick)
    report("short rows")
    rows |= short_costs(rows["found"][0], quick)
    report("spikes")
    spikes = {**spike_costs(), **scan_costs()}
    report("processes")
    exchange = node.messages()
    costs = Costs(
        **rows, **empty_costs(), **spikes, updates={}, barrier=node.barrier(cores),
        jitter=node.jitter(), process=node.process_bytes(),
    )  # fmt: skip
    machine = Machine(
        name=f"{cpu_name()}, {cores} cores", cores=cores, memory=float(total_memory()),
        cache=cache, shared_cache=shared, bandwidth=bandwidth, costs=costs, **exchange,
    )  # fmt: skip
    for network in (standard_network(), *networks):
        machine = measure_updates(machine, network, report=report)
    return machine


def measure_updates(
    machine: Machine, network: Network, *, report: Callable[[str], None] = lambda what: None
) -> Machine:
    """Return a machine that knows the updates of a network's neurons, too.

    Args:
        machine: this one; what it knows is not measured again.
        network: which stays as it is.
        report: is told what is measured.
    """
    known = machine.costs.updates
    base = Base(**{f.name: getattr(machine.costs, f.name) for f in fields(Base)})
    found = updates_of(network, base, known, report)
    return machine.with_updates(found)

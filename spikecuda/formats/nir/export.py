"""A Network as a NIR graph."""

import math
import os
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_path, shown
from spikecuda.common.files import replacing
from spikecuda.common.host_memory import require_memory
from spikecuda.common.packages import need
from spikecuda.common.time_grid import nearest_step
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.formats.nir.graph import EXTRA
from spikecuda.formats.nir.models import NEVER, TO_I, TO_V, NIRSynaptic
from spikecuda.formats.nir.neurons import SUBTRACT, VALUE
from spikecuda.formats.nir.timing import STEPS
from spikecuda.inputs.stimulus import Constant, Step
from spikecuda.network.model.population import Population
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.receptors import Delta
from spikecuda.network.network import Network

MODELS = ("lif", "lif_euler", "if", "nir_synaptic")


def to_nir(
    net: Network,
    path: str | os.PathLike[str] | None = None,
    *,
    output: str | None = None,
) -> Any:
    """Write a network as a graph of the Neuromorphic Intermediate Representation.

    Populations are of ``lif``, ``lif_euler`` or ``if`` with ``Delta`` receptors and t_ref = 0, or
    of the model that ``from_nir`` uses for CubaLIF.  Sources become inputs, synapses matrices,
    delays of more than a step delays, and constant currents the bias of a matrix.  The time
    constants of ``lif`` are written as those with which forward Euler takes the same steps.
    ``from_nir(path)`` needs no further arguments: the graph's metadata say dt, reset and timing
    ("steps": every edge carries the spikes of the step before).

    Args:
        net: the network; this builds it.
        path: of the file; None: none is written.
        output: the population that is the output; None: the last one.

    Returns:
        A ``nir.NIRGraph``.

    Raises:
        SpikecudaValueError: what NIR cannot say: a model, a receptor, a refractory period, an input
            that is no constant, synapses that learn; the message names it.
        MissingPackageError: nir is not installed.

    Source: Pedersen et al. (2024) Nat Commun 15:8122.
    """
    nir = need("nir", EXTRA, "NIR")
    if not isinstance(net, Network):
        raise SpikecudaTypeError(f"net must be a Network (got {shown(net)})")
    populations = [p for p in net.populations.values() if p.neuron_spec is not None]
    sources = [p for p in net.populations.values() if p.neuron_spec is None]
    if not populations or not sources:
        raise SpikecudaValueError(
            "net must have a population and a source, which is the graph's input (got "
            f"{', '.join(net.populations) or 'nothing'}); net.source(...) adds one"
        )
    if net.couplings:
        raise SpikecudaValueError(
            f"NIR has no continuous coupling (got {net.couplings[0].name}); export a network "
            "without couplings"
        )
    if len(net.wired) > len(net.projections):
        raise SpikecudaValueError(
            "drives with a SpikeTrain must be sources (got one); use net.source and net.connect"
        )
    resets = {_reset(p) for p in populations} - {""}
    if len(resets) > 1:
        raise SpikecudaValueError(
            f"populations must have one kind of reset (got {' and '.join(sorted(resets))})"
        )
    last = net[output].name if output is not None else populations[-1].name
    nodes: dict[str, Any] = {p.name: nir.Input(np.array([p.size])) for p in sources}
    nodes |= {p.name: _node(nir, net, p) for p in populations}
    nodes["output"] = nir.Output(np.array([net[last].size]))
    edges = [(last, "output")]
    bias = {p.name: _bias(net, p) for p in populations}
    for number, projection in enumerate(net.projections):
        target = projection.target.population
        if projection.receptor == TO_V and TO_I in target.receptors:
            continue  # the same synapses once more: what arrives at i acts on v, too
        _edges(nir, net, number, projection, bias, nodes, edges)
    for name, values in bias.items():
        if values.any():
            raise SpikecudaValueError(
                f"{name}: a constant current needs synapses to the population, whose bias it "
                "becomes (got none); connect a source"
            )
    metadata = {"dt": net.dt, "reset": next(iter(resets), VALUE), "timing": STEPS}
    graph = nir.NIRGraph(nodes, edges, metadata=metadata)
    if path is not None:
        with replacing(as_path(path)) as stream:
            nir.write(stream, graph)
    return graph


def _reset(population: Population) -> str:
    """Return the kind of reset of a population's neurons; "": they never spike."""
    params = population.neurons.params
    if "subtract" not in params or not params["subtract"].any():
        never = "subtract" in params and (params["v_th"] >= NEVER).all()
        return "" if never else VALUE
    if not params["subtract"].all():
        raise SpikecudaValueError(f"{population.name}: subtract must be 0 or 1 for all neurons")
    return SUBTRACT


def _steps(net: Network, part: np.ndarray, size: int) -> np.ndarray:
    """Return time constants in s from parts of a step, float64 (size,)."""
    return np.broadcast_to(net.dt * 1e-3 / part, size).astype(np.float64)


def _node(nir: Any, net: Network, population: Population) -> Any:
    """Return the node of a population."""
    spec, size = population.neurons, population.size
    where = population.name
    if spec.model.name not in MODELS or spec.substeps != 1:
        raise SpikecudaValueError(
            f"{where}: NIR takes {', '.join(MODELS)} with 1 substep (got {spec.model.name} with "
            f"{spec.substeps})"
        )
    values = {name: np.broadcast_to(v, size).astype(np.float64) for name, v in spec.params.items()}
    if spec.model.name == "lif":
        _require_plain(population, values)
        leak = -np.expm1(-net.dt / values["tau_m"])
        return nir.LIF(
            tau=_steps(net, leak, size), r=values["tau_m"] / values["c_m"],
            v_leak=values["v_rest"], v_threshold=values["v_th"], v_reset=values["v_reset"],
        )  # fmt: skip
    never = bool((values["v_th"] >= NEVER).all())
    ends = {} if never else {"v_threshold": values["v_th"], "v_reset": values["v_reset"]}
    if not issubclass(spec.model, NIRSynaptic):
        _require_plain(population, values)
        if spec.model.name == "if":
            return (nir.I if never else nir.IF)(r=net.dt / values["c_m"], **ends)
        return (nir.LI if never else nir.LIF)(
            tau=values["tau_m"] * 1e-3, r=values["tau_m"] / values["c_m"],
            v_leak=values["v_rest"], **ends,
        )  # fmt: skip
    leak = values["leak"]
    if not leak.all() or not values["leak_i"].all():
        raise SpikecudaValueError(f"{where}: leak and leak_i must be above 0 for all neurons")
    return (nir.CubaLI if never else nir.CubaLIF)(
        tau_syn=_steps(net, values["leak_i"], size), tau_mem=_steps(net, leak, size),
        r=values["gain"] / leak, w_in=1.0 / values["leak_i"], v_leak=values["drift"] / leak, **ends,
    )  # fmt: skip


def _require_plain(population: Population, values: dict[str, np.ndarray]) -> None:
    """Raise for what NIR's LIF and IF do not have."""
    if "t_ref" in values and values["t_ref"].any():
        raise SpikecudaValueError(
            f"{population.name}: t_ref must be 0 ms, since NIR has no refractory period (got "
            f"{values['t_ref'].max():g})"
        )
    kinds = [type(receptor).__name__ for receptor in population.receptors.values()]
    if any(not isinstance(receptor, Delta) for receptor in population.receptors.values()):
        raise SpikecudaValueError(
            f"{population.name}: {population.neurons.model.name} must have Delta receptors (got "
            f"{', '.join(kinds)})"
        )
    if "subtract" in values and (values["subtract"] * values["v_reset"]).any():
        raise SpikecudaValueError(
            f"{population.name}: v_reset must be 0 where the threshold is subtracted (got "
            f"{values['v_reset'].max():g})"
        )


def _scale(net: Network, population: Population) -> np.ndarray:
    """Return what a unit of NIR's input adds in a step, to v or i: float64 (neurons,)."""
    spec = population.neurons
    if issubclass(spec.model, NIRSynaptic):
        return np.ones(population.size)
    gain = net.dt / spec.params["c_m"]
    if spec.model.name == "lif":
        gain = -np.expm1(-net.dt / spec.params["tau_m"]) * spec.params["tau_m"] / spec.params["c_m"]
    return np.broadcast_to(gain, population.size).astype(np.float64)


def _bias(net: Network, population: Population) -> np.ndarray:
    """Return the constant input of a population, in NIR's unit."""
    total = np.zeros(population.size)
    for term, _ in net.inputs_of(population):
        value = term.value if isinstance(term, Constant) else None
        if isinstance(term, Step) and term.start == 0 and term.stop == math.inf:
            value = term.amplitude
        if value is None:
            raise SpikecudaValueError(
                f"{population.name}: inputs must be numbers or arrays (got {type(term).__name__}); "
                "a graph's input is given when it runs"
            )
        total = total + np.asarray(value, np.float64)
    return total


def _edges(
    nir: Any,
    net: Network,
    number: int,
    projection: Projection,
    bias: dict[str, np.ndarray],
    nodes: dict[str, Any],
    edges: list[tuple[str, str]],
) -> None:
    """Add the nodes of a projection: a matrix for each of its delays."""
    source, target = projection.source.population, projection.target.population
    if projection.plasticity is not None:
        raise SpikecudaValueError(
            f"{projection.name}: must not learn, since NIR has fixed weights (got "
            f"{shown(projection.plasticity)})"
        )
    if projection.late:
        raise SpikecudaValueError(
            f"{projection.name}: order must be 'nest', since NIR has spikes that arrive within a "
            f"step (got {projection.order!r}); connect with a delay of at least dt"
        )
    found = projection.connections()
    steps = np.array([nearest_step(float(d), net.dt) for d in np.unique(found["delay"])])
    delay = steps[np.searchsorted(np.unique(found["delay"]), found["delay"])]
    scale = _scale(net, target)
    for late in steps:
        require_memory(
            16.0 * source.size * target.size, f"the matrix of {projection.name}",
            "NIR has dense matrices; use smaller populations",
        )  # fmt: skip
        chosen = delay == late
        weight = np.zeros((target.size, source.size))
        rows, columns = found["target"][chosen], found["source"][chosen]
        np.add.at(weight, (rows, columns), found["weight"][chosen] / scale[rows])
        name = f"{source.name}_to_{target.name}_{number}_{late}"
        constant, bias[target.name] = bias[target.name], np.zeros(target.size)
        nodes[name] = nir.Affine(weight, constant) if constant.any() else nir.Linear(weight)
        before = source.name
        # A source's spikes arrive after their delay; those of populations are a step late anyway.
        extra = int(late) - (0 if source.neuron_spec is None else 1)
        if extra:
            nodes[f"{name}_delay"] = nir.Delay(np.full(source.size, extra * net.dt * 1e-3))
            edges.append((before, f"{name}_delay"))
            before = f"{name}_delay"
        edges += [(before, name), (name, target.name)]

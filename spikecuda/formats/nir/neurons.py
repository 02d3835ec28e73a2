"""Neuron nodes of NIR as populations: parameters in steps."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.formats.nir.graph import SILENT, Graph
from spikecuda.formats.nir.models import NEVER, NIRLeaky, NIRSynaptic
from spikecuda.models.base import Model

VALUE, SUBTRACT = "value", "subtract"


@dataclass(frozen=True, eq=False)
class Neurons:
    """What a neuron node becomes.

    Attributes:
        model: the model.
        params, initial: of its neurons, float64 (neurons,).
        drive: what a unit of input adds in a step, to v or, of synaptic models, to i.
        gain: what a unit of i adds to v in a step; None: the model has no i.
    """

    model: type[Model]
    params: dict[str, Any]
    initial: dict[str, Any]
    drive: np.ndarray
    gain: np.ndarray | None


def find_neurons(graph: Graph, name: str, size: int, dt: float, reset: str) -> Neurons:
    """Return the model and parameters of a neuron node.

    Args:
        graph: the graph.
        name: of the node.
        size: number of neurons.
        dt: length of a step, s.
        reset: "value" or "subtract".

    Raises:
        SpikecudaValueError: a parameter that is not possible; names the file and the node.
    """
    kind, node = graph.kind(name), graph.nodes[name]
    where = f"{graph.where}, {name}"

    def take(key: str) -> np.ndarray:
        values = np.asarray(getattr(node, key), np.float64)
        if not np.isfinite(values).all() or values.size not in (1, size):
            raise SpikecudaValueError(
                f"{where}: {key} must be finite, one number or one for each of {size:,} neurons "
                f"(got {values.size:,})"
            )
        return np.array(np.broadcast_to(values.ravel(), size))

    def rate(key: str) -> np.ndarray:
        tau = take(key)
        bad = ~(tau >= dt * (1.0 - 1e-9))
        if bad.any():
            raise SpikecudaValueError(
                f"{where}: {key} must be >= dt = {dt:g} s for Euler's method (got "
                f"{tau[int(bad.argmax())]:g}); use a smaller dt"
            )
        return np.minimum(dt / tau, 1.0)

    # All of them have one number for each neuron, so that they share a kernel.
    params = {"v_th": np.full(size, NEVER), "v_reset": np.zeros(size), "drift": np.zeros(size)}
    params["subtract"] = np.full(size, float(reset == SUBTRACT))
    if kind == "Threshold":
        params |= {"leak": np.ones(size), "v_th": take("threshold"), "subtract": np.zeros(size)}
        return Neurons(NIRLeaky, params, {"v": 0.0}, np.ones(size), None)
    if kind not in SILENT:
        params |= {"v_th": take("v_threshold"), "v_reset": take("v_reset")}
    if kind in ("IF", "I"):
        return Neurons(NIRLeaky, {**params, "leak": np.zeros(size)}, {"v": 0.0}, take("r"), None)
    rest = take("v_leak")
    if kind in ("LIF", "LI"):
        leak = rate("tau")
        params |= {"leak": leak, "drift": leak * rest}
        return Neurons(NIRLeaky, params, {"v": rest}, leak * take("r"), None)
    leak, fast = rate("tau_mem"), rate("tau_syn")
    gain = leak * take("r")
    params |= {"leak": leak, "drift": leak * rest, "leak_i": fast, "gain": gain}
    return Neurons(NIRSynaptic, params, {"i": 0.0, "v": rest}, fast * take("w_in"), gain)

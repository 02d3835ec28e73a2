"""Neuron nodes of NIR as populations: parameters in steps."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.formats.nir.graph import SILENT, Graph
from spikecuda.formats.nir.models import NEVER, NIRSynaptic
from spikecuda.models.base import Model
from spikecuda.models.integrate import IF, LIFEuler

VALUE, SUBTRACT = "value", "subtract"


@dataclass(frozen=True, eq=False)
class Neurons:
    """What a neuron node becomes.

    Attributes:
        model: the model.
        params, initial: of its neurons, float64 (neurons,).
        drive: what a unit of input is as a current of the model.
        jump: what a unit of a spike adds to v or, of synaptic models, to i.
        gain: what a unit of i adds to v in a step; None: the model has no i.
    """

    model: type[Model]
    params: dict[str, Any]
    initial: dict[str, Any]
    drive: np.ndarray
    jump: np.ndarray
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

    never, zero, one = np.full(size, NEVER), np.zeros(size), np.ones(size)
    # All parameters have one number for each neuron, so that nodes share a kernel.
    params = {"v_th": never, "v_reset": zero, "subtract": zero}
    if kind == "Threshold":  # a membrane that forgets within a step
        threshold = take("threshold")
        params |= {"v_th": threshold, "tau_m": one * dt * 1e3, "v_rest": zero}
        params["v_reset"] = np.minimum(0.0, threshold - 1.0)  # below it; forgotten, too
        params["c_m"] = params["tau_m"]
        return Neurons(LIFEuler, params, {"v": 0.0}, one, one, None)
    if kind not in SILENT:
        subtract = reset == SUBTRACT
        params = {"v_th": take("v_threshold"), "subtract": one * subtract}
        params["v_reset"] = zero if subtract else take("v_reset")
    if kind in ("IF", "I"):
        # The definition of both is dv/dt = r i; libraries that write IF mean r of a step.
        r = take("r") * (dt if kind == "I" else 1.0)
        return Neurons(IF, {**params, "c_m": one * dt * 1e3}, {"v": 0.0}, r, r, None)
    rest = take("v_leak")
    if kind in ("LIF", "LI"):
        leak, r = rate("tau"), take("r")
        tau = dt * 1e3 / leak  # a resistance of 1, so that r may have any sign
        params |= {"tau_m": tau, "c_m": tau, "v_rest": rest}
        return Neurons(LIFEuler, params, {"v": rest}, r, leak * r, None)
    leak, fast = rate("tau_mem"), rate("tau_syn")
    gain, jump = leak * take("r"), fast * take("w_in")
    params |= {"leak": leak, "drift": leak * rest, "leak_i": fast, "gain": gain}
    return Neurons(NIRSynaptic, params, {"i": 0.0, "v": rest}, jump, jump, gain)

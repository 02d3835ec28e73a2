"""Izhikevich's 1,000 neurons: all connected to all, driven by noise.

800 excitatory neurons from regular spiking to chattering, 200 inhibitory ones from fast spiking to
low-threshold spiking; dt is 1 ms.  A spike adds its weight to the current of the next step.

Source: Izhikevich (2003) IEEE Trans Neural Netw 14:1569, figure 3 and the program in the text.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.common.distributions import Uniform
from spikecuda.examples.example import Example, Expected
from spikecuda.inputs.stimulus import Noise
from spikecuda.kernels.spec import STREAM_GIVEN
from spikecuda.network.model.receptors import ExpCurrent
from spikecuda.network.model.rules import AllToAll
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult

N_E, N_I, DT = 800, 200, 1.0
NOISE = {"E": 5.0, "I": 2.0}
START = -65.0
# A current that is over within a step: what arrives decays to e^-100 of itself before the next
# one, so that a weight of DT / TAU w acts like the current w for one step.
TAU = 0.01
WEIGHT = {"E": Uniform(0.0, 0.5 * DT / TAU), "I": Uniform(-1.0 * DT / TAU, 0.0)}


def network(**options: Any) -> Network:
    """Return the network.

    Args:
        options: ``seed``, ``threads``, ``devices``, ...: see ``Network``.
    """
    net = Network(DT, **options)
    r = Uniform(0.0, 1.0).draw(N_E + N_I, STREAM_GIVEN + 1, net.seed)
    e, i = r[:N_E], r[N_E:]
    cells: dict[str, dict[str, Any]] = {
        "E": {"a": 0.02, "b": 0.2, "c": -65.0 + 15.0 * e**2, "d": 8.0 - 6.0 * e**2},
        "I": {"a": 0.02 + 0.08 * i, "b": 0.25 - 0.05 * i, "c": -65.0, "d": 2.0},
    }
    for name, size in (("E", N_E), ("I", N_I)):
        initial = {"v": START, "u": np.multiply(cells[name]["b"], START)}
        net.population(
            name, size, "izhikevich", cells[name], initial, receptors={"syn": ExpCurrent(TAU)}
        )
        net.drive(name, Noise(NOISE[name]))
    for source in ("E", "I"):
        for target in ("E", "I"):
            net.connect(source, target, AllToAll(), WEIGHT[source], DT)
    return net


def _rate(result: NetworkResult, start: float) -> float:
    """Return the mean rate of all neurons, Hz."""
    rates = result.rates(start=start)
    return (N_E * rates["E"] + N_I * rates["I"]) / (N_E + N_I)


def expected() -> Sequence[Expected]:
    """Return what the paper says."""
    return [Expected("rate of all", "Hz", 8.0, 8.0, _rate, "Izhikevich (2003): about 8 Hz")]


EXAMPLE = Example(
    "izhikevich2003", "1,000 Izhikevich neurons, all to all, with thalamic noise",
    "Izhikevich (2003) IEEE Trans Neural Netw 14:1569", network, expected, duration=1000.0,
    raster=None,
)  # fmt: skip

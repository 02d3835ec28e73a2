"""Izhikevich's 1,000 neurons: all connected to all, driven by noise.

800 excitatory neurons from regular spiking to chattering, 200 inhibitory ones from fast spiking to
low-threshold spiking; dt is 1 ms.  A spike adds its weight to the current of one step: as in the
paper's program, a spike of step k to that of step k + 1, which is a delay of 0.

Source: Izhikevich (2003) IEEE Trans Neural Netw 14:1569, figure 3 and the program in the text.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.common.distributions import Uniform
from spikecuda.examples.example import Example, Expected
from spikecuda.examples.setting import Setting, settle_options, size
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
SETTINGS = {
    "n_e": size(N_E, "excitatory neurons"), "n_i": size(N_I, "inhibitory neurons"),
    "excitation": Setting(
        0.5, "mV/ms", "largest weight of an excitatory synapse; they begin at 0", at_least=0.0
    ),
    "inhibition": Setting(
        -1.0, "mV/ms", "lowest weight of an inhibitory synapse; they end at 0", at_most=0.0
    ),
    "noise_e": Setting(NOISE["E"], "mV/ms", "standard deviation of the noise in E", at_least=0.0),
    "noise_i": Setting(NOISE["I"], "mV/ms", "the same in I", at_least=0.0),
    "delay": Setting(0.0, "ms", "delay of all synapses, a multiple of 1 ms", at_least=0.0),
}  # fmt: skip


def network(**options: Any) -> Network:
    """Return the network.

    Args:
        options: any of ``SETTINGS``; ``seed``, ``threads``, ``devices``, ...: see ``Network``.
    """
    p, options = settle_options("izhikevich2003", SETTINGS, None, options)
    net = Network(DT, **options)
    r = Uniform(0.0, 1.0).draw(p.n_e + p.n_i, STREAM_GIVEN + 1, net.seed)
    e, i = r[: p.n_e], r[p.n_e :]
    cells: dict[str, dict[str, Any]] = {
        "E": {"a": 0.02, "b": 0.2, "c": -65.0 + 15.0 * e**2, "d": 8.0 - 6.0 * e**2},
        "I": {"a": 0.02 + 0.08 * i, "b": 0.25 - 0.05 * i, "c": -65.0, "d": 2.0},
    }
    for name, count, noise in (("E", p.n_e, p.noise_e), ("I", p.n_i, p.noise_i)):
        initial = {"v": START, "u": np.multiply(cells[name]["b"], START)}
        net.population(
            name, count, "izhikevich", cells[name], initial, receptors={"syn": ExpCurrent(TAU)}
        )
        net.drive(name, Noise(noise))
    weights = {
        "E": Uniform(0.0, p.excitation * DT / TAU), "I": Uniform(p.inhibition * DT / TAU, 0.0)
    }  # fmt: skip
    for source in ("E", "I"):
        for target in ("E", "I"):
            net.connect(source, target, AllToAll(), weights[source], p.delay)
    return net


def _rate(result: NetworkResult, start: float) -> float:
    """Return the mean rate of all neurons, Hz."""
    rates, sizes = result.rates(start=start), result.sizes
    return sum(sizes[name] * rate for name, rate in rates.items()) / sum(sizes.values())


def expected() -> Sequence[Expected]:
    """Return what the paper says, and what its program gives."""
    program = "the paper's program in NumPy, seeds 0 to 119, 0 to 1000 ms"
    return [
        Expected("rate of all", "Hz", 8.0, 8.0, _rate, "Izhikevich (2003): about 8 Hz"),
        Expected("rate of all", "Hz", 7.12, 8.03, _rate, program),
    ]


EXAMPLE = Example(
    "izhikevich2003", "1,000 Izhikevich neurons, all to all, with thalamic noise",
    "Izhikevich (2003) IEEE Trans Neural Netw 14:1569", network, expected, duration=1000.0,
    raster=None, settings=SETTINGS,
)  # fmt: skip

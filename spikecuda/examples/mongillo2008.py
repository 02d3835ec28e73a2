"""Working memory in facilitated synapses: an item is remembered while its neurons are silent.

8,000 excitatory and 2,000 inhibitory neurons.  Five groups of 800 excitatory neurons stand for
items; synapses within a group are strong.  All excitatory synapses among excitatory neurons
facilitate for 1.5 s and depress for 0.2 s.  A cue excites one group for 350 ms.  After it all rates
are low again, but the group's synapses stay facilitated: a weak stimulus of all excitatory neurons
makes this group, and no other, fire together.  With more background the group does so by itself
every few hundred ms, and thereby refreshes its synapses.

Source: Mongillo, Barak & Tsodyks (2008) Science 319:1543, figures 1 and 2, supplement's table S1.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikecuda.analysis import population_counts
from spikecuda.common.distributions import Uniform
from spikecuda.errors import SpikecudaValueError
from spikecuda.examples.example import Example, Expected, as_variant
from spikecuda.examples.setting import Setting, settle_options, size, time
from spikecuda.inputs.stimulus import Noise, Step
from spikecuda.kernels.language import Real, exp, real, select
from spikecuda.models.parameter import Parameter
from spikecuda.network.model.receptors import Delta
from spikecuda.network.model.rules import FixedInDegree
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import SourceVariable

# Mean input of the excitatory neurons, mV.
BACKGROUND = {"silent": 23.1, "reactivated": 23.8}
SETTINGS = {
    "background": Setting(
        BACKGROUND["silent"], "mV", "mean input of excitatory neurons", by_variant=BACKGROUND
    ),
    "background_i": Setting(21.0, "mV", "mean input of inhibitory neurons"),
    "noise": Setting(1.0, "mV", "standard deviation of the membrane by noise", at_least=0.0),
    "n_e": size(8000, "excitatory neurons"), "n_i": size(2000, "inhibitory neurons"),
    "groups": size(5, "groups of neurons that stand for items"),
    "part": Setting(0.1, "", "part of the excitatory neurons in a group", above=0.0, at_most=1.0),
    "p": Setting(0.2, "", "probability that a pair has a synapse", above=0.0, at_most=1.0),
    "strong": Setting(0.45, "mV", "weight within groups", at_least=0.0),
    "weak": Setting(0.1, "mV", "weight between groups", at_least=0.0),
    "strong_part": Setting(
        0.1, "", "part of the synapses of other neurons that is strong", at_least=0.0, at_most=1.0
    ),
    "e_to_i": Setting(0.135, "mV", "weight from excitatory to inhibitory neurons", at_least=0.0),
    "i_to_e": Setting(0.25, "mV", "size of inhibitory weights to excitatory", at_least=0.0),
    "i_to_i": Setting(0.2, "mV", "size of inhibitory weights to inhibitory", at_least=0.0),
    "shortest": time(0.1, "shortest delay"), "longest": time(1.0, "longest delay"),
    "U": Setting(0.2, "", "release at rest", above=0.0, at_most=1.0),
    "tau_rec": time(200.0, "time constant of recovery"),
    "tau_fac": time(1500.0, "time constant of facilitation"),
    "cue_at": time(1000.0, "when the cue begins"), "cue_for": time(350.0, "how long it is"),
    "cue": Setting(0.15, "", "the cue, as a part of the background", at_least=0.0),
    "readout_at": time(2300.0, "when the readout begins"),
    "readout_for": time(250.0, "how long it is"),
    "readout": Setting(0.05, "", "the readout, as a part of the background", at_least=0.0),
    "tau_m_e": time(15.0, "membrane time constant of excitatory neurons"),
    "tau_m_i": time(10.0, "membrane time constant of inhibitory neurons"),
    "v_th": Setting(20.0, "mV", "threshold"),
    "v_reset_e": Setting(16.0, "mV", "potential of excitatory neurons after a spike"),
    "v_reset_i": Setting(13.0, "mV", "potential of inhibitory neurons after a spike"),
    "t_ref": Setting(2.0, "ms", "refractory period", at_least=0.0),
    "dt": time(0.1, "length of a step"),
}  # fmt: skip
# A group fires together if it has this rate in 20 ms.  It has 1 Hz otherwise, and 40 or more then.
TOGETHER, BIN = 10.0, 20.0
SOURCE = "Mongillo, Barak & Tsodyks (2008), figure 2"


def facilitate(
    u: Real, x: Real, elapsed: Real, fresh: bool, U: Real, tau_rec: Real, tau_fac: Real
) -> tuple[Real, Real, Real]:
    """Return u, x after the spike, and what is sent."""
    h = select(fresh, real(0), elapsed)
    x = real(1) - (real(1) - x) * exp(-h / tau_rec)
    u = U + (u - U) * exp(-h / tau_fac)
    u = u + U * (real(1) - u)
    sent = u * x
    return u, x - sent, sent


class Facilitation(SynapseRule):
    """A spike adds U (1 - u) to u, which falls back to U, and sends u x of the weight.

    x is what is left of the resources; the part u of them goes with each spike and recovers.

    Source: Mongillo, Barak & Tsodyks (2008) Science 319:1543, equations 1 and 2 of the supplement.
    """

    name = "_mongillo2008"

    U = Parameter(0.2, "", "release at rest", above=0.0, at_most=1.0)
    tau_rec = Parameter(200.0, "ms", "time constant of recovery", above=0.0)
    tau_fac = Parameter(1500.0, "ms", "time constant of facilitation", above=0.0)

    u = SourceVariable("U", doc="release, after the last spike")
    x = SourceVariable(1.0, doc="resources left after the last spike")

    release = facilitate


def network(variant: str = "silent", **options: Any) -> Network:
    """Return the network; the first ``part`` of the excitatory neurons is the item of the cue.

    Args:
        variant: "silent" (figure 2A: nothing is seen of the memory until the readout) or
            "reactivated" (figure 2B: the group fires together again and again).
        options: any of ``SETTINGS``, such as ``background``; ``seed``, ``threads``, ...: see
            ``Network``.

    Raises:
        SpikecudaValueError: the groups have more neurons than there are.
    """
    as_variant(variant, tuple(BACKGROUND))
    p, options = settle_options("mongillo2008", SETTINGS, variant, options)
    group = round(p.part * p.n_e)
    if group < 1 or group * p.groups > p.n_e:
        raise SpikecudaValueError(
            f"part must give each group from 1 to {p.n_e // p.groups} of {p.n_e} neurons (got "
            f"{p.part:g} for {p.groups} groups: {group} each); change part or groups"
        )
    net = Network(p.dt, **options)
    for name, n, mean in (("E", p.n_e, p.background), ("I", p.n_i, p.background_i)):
        tau = p[f"tau_m_{name.lower()}"]
        neuron = {
            # With a capacitance of tau_m, currents are in mV.
            "tau_m": tau, "c_m": tau, "v_rest": 0.0, "v_th": p.v_th, "t_ref": p.t_ref,
            "v_reset": p[f"v_reset_{name.lower()}"],
        }  # fmt: skip
        start = {"v": Uniform(0.0, p.v_th)}
        net.population(name, n, "lif", neuron, initial=start, receptors={"jump": Delta()})
        net.drive(name, Noise(p.noise * np.sqrt(2.0 * tau), mean))
    everyone = net["E"]
    cue, readout = p.background * p.cue, p.background * p.readout
    net.drive(everyone[:group], Step(cue, p.cue_at, p.cue_at + p.cue_for))
    net.drive("E", Step(readout, p.readout_at, p.readout_at + p.readout_for))

    delay = Uniform(p.shortest, p.longest)
    rule = Facilitation(U=p.U, tau_rec=p.tau_rec, tau_fac=p.tau_fac)
    number = np.arange(p.n_e) // group
    chosen = number < p.groups

    def connect(sources: np.ndarray, targets: np.ndarray, weight: float, part: float = 1.0) -> None:
        """Connect excitatory neurons: p of all pairs, or a part of these."""
        count = round(part * p.p * np.count_nonzero(sources))
        if count:
            pairs = FixedInDegree(count)
            net.connect(everyone[sources], everyone[targets], pairs, weight, delay, plasticity=rule)

    for item in range(p.groups):
        own = number == item
        connect(own, own, p.strong)
        connect(chosen & ~own, own, p.weak)
    if not chosen.all():
        connect(chosen, ~chosen, p.weak)
        connect(~chosen, chosen | ~chosen, p.weak, 1.0 - p.strong_part)
        connect(~chosen, chosen | ~chosen, p.strong, p.strong_part)
    of_e, of_i = FixedInDegree(round(p.p * p.n_e)), FixedInDegree(round(p.p * p.n_i))
    net.connect("E", "I", of_e, p.e_to_i, delay)
    net.connect("I", "E", of_i, -p.i_to_e, delay)
    net.connect("I", "I", of_i, -p.i_to_i, delay)
    return net


def group_rates(result: NetworkResult, item: int, start: float, stop: float) -> np.ndarray:
    """Return the rates of an item's neurons in pieces of 20 ms, Hz; items count from 0."""
    spikes, _, first, last = result.window("E", start, stop)
    group = round(SETTINGS["part"].default * result.sizes["E"])
    ids = np.arange(item * group, (item + 1) * group)
    return population_counts(spikes, ids, first, last, BIN) / (1e-3 * BIN * group)


def seen(items: Sequence[int], start: float, stop: float) -> Callable[..., str]:
    """Return a measure: whether one of the items fires together between two times, ms."""

    def measure(result: NetworkResult, _: float) -> str:
        if stop > result.stop:
            return "not reached"
        high = max(group_rates(result, item, start, stop).max() for item in items)
        return "fires together" if high > TOGETHER else "silent"

    return measure


def expected(variant: str = "silent") -> Sequence[Expected]:
    """Return what the paper's figure shows of the item that was cued, and of the others."""
    as_variant(variant, tuple(BACKGROUND))
    at = {name: setting.default for name, setting in SETTINGS.items()}
    # The cue's activity fades within two bins.
    delay = at["cue_at"] + at["cue_for"] + 2.0 * BIN, at["readout_at"]
    readout = at["readout_at"], at["readout_at"] + at["readout_for"]
    by_itself = {"silent": "silent", "reactivated": "fires together"}[variant]
    panel = f"{SOURCE}{'A' if variant == 'silent' else 'B'}"
    others = range(1, int(at["groups"]))
    return [
        Expected("item that was cued, delay", "", by_itself, by_itself, seen([0], *delay), panel),
        Expected("other items, delay", "", "silent", "silent", seen(others, *delay), panel),
        Expected(
            "item that was cued, readout", "", "fires together", "fires together",
            seen([0], *readout), panel,
        ),
        Expected("other items, readout", "", "silent", "silent", seen(others, *readout), panel),
    ]  # fmt: skip


EXAMPLE = Example(
    "mongillo2008", "working memory in synapses that facilitate, while neurons are silent",
    "Mongillo, Barak & Tsodyks (2008) Science 319:1543", network, expected, duration=2500.0,
    settle=500.0, variants=tuple(BACKGROUND), raster=None, settings=SETTINGS,
)  # fmt: skip

"""Digits, learned without a teacher: STDP, inhibition and thresholds that rise with each spike.

The grey levels of an image are rates of Poisson spikes, whose synapses onto all excitatory neurons
learn.  The neuron that spikes first inhibits all others and so keeps the image: its weights move
towards it, and its threshold rises, so that others get the next one.  Labels are only used
afterwards, to name what neurons respond to; ``spikecuda.examples.digits`` shows images and does
that.

In the paper a spike of an excitatory neuron makes an inhibitory one of its own spike, which
inhibits all others.  In the published code that takes one step of 0.5 ms, and inhibition acts from
the next step on.  Neurons that would spike meanwhile share the image, so this time matters.  Here
each synapse takes a step.  The variant "direct" has one synapse of the same delay in place of the
path; "interneurons" has the inhibitory neurons, with steps of 0.1 ms, and takes twice as long.

Source: Diehl & Cook (2015) Front Comput Neurosci 9:99, and the code published with it
(github.com/peter-u-diehl/stdp-mnist), which has the constants.  The membrane is solved as that of
``lif_cond``; the published code takes Euler's method.
"""

from collections.abc import Sequence
from typing import Any

from spikecuda.common.distributions import Uniform
from spikecuda.errors import SpikecudaValueError
from spikecuda.examples.adaptive_threshold import AdaptiveThreshold
from spikecuda.examples.example import Example, Expected, as_variant
from spikecuda.examples.setting import Setting, neuron_settings, settle_options, size, time
from spikecuda.network.model.receptors import ExpConductance
from spikecuda.network.network import Network
from spikecuda.plasticity.diehl_cook import DiehlCookSTDP

NEURON = {"c_m": 100.0, "g_l": 1.0, "e_l": -65.0, "v_reset": -65.0, "v_th": -52.0, "t_ref": 5.0}
INHIBITORY = {"c_m": 10.0, "g_l": 1.0, "e_l": -60.0, "v_reset": -45.0, "v_th": -40.0, "t_ref": 2.0}
E_EXC, E_INH = 0.0, -100.0
# nS, from an excitatory neuron to its inhibitory one, which spikes each time.
W_EXC = 10.4
VARIANTS = ("direct", "interneurons")
# Initial weights are drawn from this part of the largest one on.
LEAST_START = 0.01

SETTINGS = {
    "neurons": size(400, "excitatory neurons"),
    "inputs": size(784, "pixels of an image"),
    "w_start": Setting(0.3, "nS", "largest weight of inputs at the start", above=0.0, at_most=0.9),
    "w_inh": Setting(17.0, "nS", "weight of inhibition", at_least=0.0),
    "theta_start": Setting(20.0, "mV", "what the threshold has risen at the start", at_least=0.0),
    "theta_plus": Setting(0.05, "mV", "rise of the threshold at each spike", at_least=0.0),
    "tau_theta": time(1e7, "time constant of the rise's decay"),
    "eta_pre": Setting(1e-4, "nS", "step of depression", at_least=0.0),
    "eta_post": Setting(0.01, "nS", "step of potentiation", at_least=0.0),
    "tau_pre": time(20.0, "time constant of the trace of inputs"),
    "tau_post_1": time(20.0, "time constant of the trace that depresses"),
    "tau_post_2": time(40.0, "time constant of the trace that potentiates"),
    "tau_exc": time(1.0, "time constant of excitation"),
    "tau_inh": time(2.0, "time constant of inhibition"),
    "delay": time(10.0, "longest delay of inputs, drawn from one step on"),
    "dt": Setting(
        0.5, "ms", "length of a step", above=0.0, by_variant={"interneurons": 0.1},
    ),
    **neuron_settings(NEURON),
}  # fmt: skip


def network(variant: str = "direct", **options: Any) -> Network:
    """Return the network, without input: ``DigitLearner`` shows it images.

    Populations are "X" (inputs), "E", and "I" with interneurons; spikes of "E" are recorded.

    Args:
        variant: how neurons inhibit each other, "direct" or "interneurons".
        options: any of ``SETTINGS``, such as ``neurons``; ``seed``, ``threads``, ...: see
            ``Network``.  By default it is on one thread of the CPU: the network is small.
    """
    as_variant(variant, VARIANTS)
    p, options = settle_options("diehl2015", SETTINGS, variant, options)
    if options.get("precision") == "float16":
        raise SpikecudaValueError(
            "precision of diehl2015 must be float32 or float64 (got 'float16', which does not "
            "resolve how its thresholds change)"
        )
    if options.setdefault("devices", "cpu") == "cpu" and "partitions" not in options:
        options.setdefault("threads", 1)
    net = Network(p.dt, **options)
    neuron = {name: p[name] for name in (*NEURON, "theta_start", "theta_plus", "tau_theta")}
    exc, inh = ExpConductance(p.tau_exc, E_EXC), ExpConductance(p.tau_inh, E_INH)
    net.population("X", p.inputs, "parrot")
    net.population("E", p.neurons, AdaptiveThreshold, neuron, receptors={"exc": exc, "inh": inh})
    rule = DiehlCookSTDP(
        w_max=1.0, eta_pre=p.eta_pre, eta_post=p.eta_post, tau_pre=p.tau_pre,
        tau_post_1=p.tau_post_1, tau_post_2=p.tau_post_2,
    )  # fmt: skip
    start = Uniform(LEAST_START * p.w_start, (1.0 + LEAST_START) * p.w_start)
    delay = Uniform(p.dt, p.delay) if p.delay > p.dt else p.delay
    net.connect("X", "E", "all_to_all", start, delay, "exc", plasticity=rule)
    inhibits = "E"
    if variant == "interneurons":
        inhibits = "I"
        net.population("I", p.neurons, "lif_cond", INHIBITORY, receptors={"exc": exc})
        net.connect("E", "I", "one_to_one", W_EXC, p.dt, "exc")
    net.connect(inhibits, "E", "all_to_all", p.w_inh, p.dt, "inh", autapses=False)
    net.record("E", "spikes")
    return net


def expected(variant: str = "direct") -> Sequence[Expected]:
    """Return what the readme of the published code says of 400 neurons and 180,000 images.

    There the neurons are named by the images of the test, which adds to the accuracy; in the paper
    they are named by all images that were learned.
    """
    as_variant(variant, VARIANTS)
    return [
        Expected(
            "accuracy", "%", 89.0, 89.0, lambda tested, start: float(tested.accuracy),
            "the readme of the published code: 400 neurons, 3 passes, named by the tested images",
        ),
    ]  # fmt: skip


EXAMPLE = Example(
    "diehl2015", "digits that a network learns without a teacher",
    "Diehl & Cook (2015) Front Comput Neurosci 9:99", network, expected, duration=500.0,
    variants=VARIANTS, settings=SETTINGS, data="the four files of MNIST",
)  # fmt: skip

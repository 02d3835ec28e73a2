"""Inputs and receptors by name in a model, and states that arriving spikes add to."""

import numpy as np
import pytest

from spikecuda import Constant, GPUNeuronPool, Model, Network, Parameter, Poisson, State
from spikecuda.errors import ModelError, SpikecudaValueError
from spikecuda.kernels.compile.render import render
from spikecuda.kernels.reference import noise
from spikecuda.language import exp, fma, real, uniform
from spikecuda.network import NMDA, Delta, ExpConductance, ExpCurrent, SpikeTrain


class _Leaky(Model):
    """What both have: a leak, and states that show what was taken."""

    name = "_leaky_base"
    v = State("mV", initial=-65.0)
    s = State("pA", initial=0.0)
    seen_i = State("pA", initial=0.0)
    seen_g = State("nS", initial=0.0)
    rest = State("pA", initial=0.0)
    luck = State("", initial=0.0)
    keep = Parameter(0.98, "")

    def step(v, s, seen_i, seen_g, rest, luck, keep, current, g_syn, g_e_syn):
        leak = fma(keep, v + real(65.0), real(-65.0))
        return fma(real(0.0005), current + g_e_syn - g_syn * v, leak), s, current, g_syn, rest, luck

    def threshold(v):
        return v > real(1000.0)

    def reset(s, seen_i, seen_g, rest, luck):
        return real(-65.0), s, seen_i, seen_g, rest, luck


class Apart(_Leaky):
    """Tells three receptors apart, integrates the synapses of a fourth itself, and draws."""

    name = "_apart"
    inputs = ("i_exc", "g_nmda", "i_inh", "g_inh")
    arrivals = {"own": "s"}

    def step(
        v, s, seen_i, seen_g, rest, luck, keep, current, i_exc, g_nmda, i_inh, g_inh, g_syn,
        g_e_syn, dt,
    ):  # fmt: skip
        nmda = -(g_nmda * v)
        all_of_it = current + s + i_exc + nmda + i_inh + g_e_syn - g_syn * v
        leak = fma(keep, v + real(65.0), real(-65.0))
        fading = s * exp(-dt / real(5.0))
        return fma(real(0.0005), all_of_it, leak), fading, i_exc, g_nmda + g_inh, current, uniform()


def build(device, name, **options):
    """A population that tells receptors apart, or its twin that adds all of them up."""
    net = Network(devices=device, seed=3, **options)
    times = [np.arange(1.0, 40.0, 1.7 + i) for i in range(4)]
    ids = np.repeat(range(4), [t.size for t in times])
    net.source("src", 4, SpikeTrain(np.concatenate(times), ids))
    shared = {
        "exc": ExpCurrent(5.0), "nmda": NMDA(2.0, 50.0, 0.0, 0.5),
        "inh": ExpConductance(8.0, -80.0),
    }  # fmt: skip
    kinds = {
        "apart": (Apart, {**shared, "plain": ExpCurrent(5.0), "own": Delta()}),
        "twin": (_Leaky, {**shared, "own": ExpCurrent(5.0)}),
    }
    weights = {"exc": 90.0, "nmda": 2.0, "inh": 1.0, "plain": 60.0, "own": 120.0}
    model, receptors = kinds[name]
    net.population(name, 20, model, receptors=receptors)
    net.drive(name, Constant(np.linspace(100.0, 500.0, 20)))
    net.drive(name, Poisson(300.0, 30.0), "own")
    for port, weight in weights.items():
        where = "exc" if (name, port) == ("twin", "plain") else port
        net.connect("src", name, "all_to_all", weight, 1.3, receptor=where)
    return net


def states(device, name="apart", runs=(30.0,), **options):
    with build(device, name, **options) as net:
        for ms in runs:
            net.run(ms)
        return {(name, s): net[name].state[s] for s in net[name].state}


def test_the_same_as_one_sum_and_the_same_bits_everywhere():
    # Two networks, so that the neurons of both have the same random numbers.
    found = states("cpu", "apart", threads=1) | states("cpu", "twin", threads=1)
    assert (found["apart", "v"] > -64.0).all()
    # The twin adds the same in another order, and its own synapse is exact over the step.
    assert np.abs(found["apart", "v"] - found["twin", "v"]).max() < 0.3
    np.testing.assert_allclose(found["apart", "s"], found["twin", "i_own"], rtol=1e-5)
    drive = np.linspace(100.0, 500.0, 20)
    plain = found["apart", "rest"] - drive
    assert (plain > 0).all() and (found["apart", "seen_g"] > 0).all()
    np.testing.assert_allclose(found["apart", "seen_i"], 1.5 * plain, rtol=1e-4)
    np.testing.assert_allclose(
        found["twin", "seen_i"] - drive - found["apart", "seen_i"] - plain, own(found), rtol=2e-3
    )
    # Random numbers in a network: a quad of neurons shares a block in each step.
    np.testing.assert_allclose(
        found["apart", "luck"], noise.lane_draws(3, "u", 0, 299, 1, np.arange(20))[0], atol=2e-7
    )
    for device, options in (("cpu", {"threads": 2, "partitions": 3}), ("cuda-emu", {})):
        other = states(device, runs=(7.0, 23.0), **options)
        for key, values in other.items():
            np.testing.assert_array_equal(values, found[key], err_msg=str(key))


def own(found):
    """The twin's current of its own synapse in the last step: a step back, and the mean over it."""
    return found["twin", "i_own"] * np.exp(0.1 / 5.0) * -np.expm1(-0.1 / 5.0) / (0.1 / 5.0)


def test_a_pool_has_no_receptors():
    """Named inputs are 0 there, as ``g_syn`` is."""
    with GPUNeuronPool(3, Apart, device="cpu") as pool:
        text = render(pool.neuron_spec.spec(), "cpu")
    for name in Apart.inputs:
        assert f"_named_{name} = real(0.0)\n" in text


def test_a_population_must_have_what_its_model_names():
    kinds = {
        "exc": ExpCurrent(5.0), "nmda": NMDA(), "inh": ExpConductance(8.0, -80.0), "own": Delta(),
    }  # fmt: skip
    net = Network(devices="cpu")
    for missing in kinds:
        with pytest.raises(
            SpikecudaValueError, match=f"tells the receptor '{missing}' from others"
        ):
            net.population(
                "p", 2, Apart, receptors={k: v for k, v in kinds.items() if k != missing}
            )
    wrong = {
        "exc": (Delta(), "its i_exc and must be a current or conductance"),
        "inh": (ExpCurrent(5.0), "its g_inh and must be a conductance .*use ExpConductance"),
        "own": (ExpCurrent(5.0), r"adds to the state s of _apart and must be Delta\(\)"),
    }
    for name, (receptor, message) in wrong.items():
        with pytest.raises(SpikecudaValueError, match=message):
            net.population("p", 2, Apart, receptors={**kinds, name: receptor})
    net.close()


@pytest.mark.parametrize(
    "extra, message",
    [
        ("inputs = 'i_exc'", "inputs must be a tuple of names"),
        ("inputs = ('exc',)", r"must be i_ or g_ and a receptor's name, .*\(got 'exc'\)"),
        ("inputs = ('g_syn',)", r"\(got 'g_syn'\)"),
        ("inputs = ('i_exc',)", "arguments of every scheme .*'i_exc', which step does not take"),
        ("arrivals = {'a': 'w'}", r"arrivals must name states \(got 'w' for 'a'\)"),
        ("arrivals = ('a',)", "arrivals must be a dict"),
        ("inputs = ('i_a',); arrivals = {'a': 'v'}", r"other receptors \(got 'a' in both\)"),
    ],
)
def test_what_is_refused_at_definition(extra, message):
    from test_definition import define

    with pytest.raises(ModelError, match=message):
        define("return v", extra=extra)

"""What drives and recorders of a network refuse, and currents that do not fit."""

import numpy as np
import pytest
from test_bad_input import make

from spikecuda import GPUNeuronPool, SpikecudaError
from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.stimulus import Constant, Noise, PerStep, Poisson, Ramp, Step
from spikecuda.network import Network, SpikeTrain

DRIVE = {
    "negative rate": (("a", Poisson(-1.0, 1.0), "exc"), r"rate must be >= 0 Hz \(got -1\)"),
    "rate not a number": (("a", Poisson(np.nan, 1.0), "exc"), "rate must be finite"),
    "negative conductance": (
        ("a", Poisson(1.0, -1.0), "slow"), r"weight of 'slow' must be >= 0 nS"
    ),
    "no receptor named": (("a", Poisson(1.0, 1.0)), "receptor must be one of exc, slow"),
    "receptor of none": (("bare", Poisson(1.0, 1.0), "exc"), "bare has no receptors"),
    "train to none": (("bare", SpikeTrain([1.0])), "bare has no receptors"),
    "train with a negative conductance": (("a", SpikeTrain([1.0], weight=-1.0), "slow"), ">= 0 nS"),
    "train at time 0": (("b", SpikeTrain([0.0])), "times must be > 0 ms"),
    "train to a neuron beyond": (
        ("b", SpikeTrain([1.0], [5])), r"neurons must be from 0 to 4 \(got 5\)"
    ),
    "receptor for a current": (("a", 3.0, "exc"), "receptor is for spikes"),
    "current not a number": (("a", np.nan), "input must be finite"),
    "current of wrong shape": (("a", np.ones(3)), "10"),
    "noise": (("a", Noise(-1.0)), "sigma must be >= 0"),
    "a source": (("s", 1.0), "s is a source of spike trains and has no neurons"),
    "steps of a view": (None, "PerStep drives a whole population"),
}  # fmt: skip


@pytest.mark.parametrize("case", DRIVE)
def test_drive_refuses(case):
    net = make()
    arguments, message = DRIVE[case]
    with pytest.raises(SpikecudaError, match=message):
        net.drive(*(arguments or (net["a"][:3], PerStep(np.ones((10, 3))))))
    net.run(0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([np.nan],), "times must be a 1-D array of finite times"),
        (([[1.0]],), "times must be a 1-D array"),
        (([1.0], [0, 1]), "neurons must be one integer for each of the 1 times"),
        (([1.0], [0.5]), "neurons must be one integer"),
        (([1.0], None, np.nan), "weight must be finite"),
    ],
)
def test_trains_refuse(arguments, message):
    with pytest.raises(SpikecudaError, match=message):
        SpikeTrain(*arguments)


RECORD = {
    "unknown": (("a", "u"), {}, r"a has nothing called 'u' to record.*v, i_exc, g_slow"),
    "of a source": (("s",), {}, "s is a source"),
    "every": (("a", "v"), {"every": 0.25}, "every must be a multiple of dt"),
    "every zero": (("a", "v"), {"every": 0.0}, r"every must be >= dt"),
    "only beyond": (("a", "v"), {"only": [10]}, "a has the neurons 0 to 9"),
    "only of a view": (None, {"only": [1]}, "only is for a population"),
}


@pytest.mark.parametrize("case", RECORD)
def test_record_refuses(case):
    net = make()
    arguments, options, message = RECORD[case]
    with pytest.raises(SpikecudaError, match=message):
        net.record(*(arguments or (net["a"][:3], "v")), **options)


def test_variables_of_a_population_share_their_times():
    net = make()
    net.record("a", "v", every=0.2)
    with pytest.raises(SpikecudaValueError, match="at the same times for the same neurons"):
        net.record("a", "i_exc")
    net.record("a", "i_exc", every=0.2)


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize(
    "value",
    [
        1e40, Step(1e40), Ramp(0.0, 1e39, 0.0, 0.5), Ramp(0.0, 1e20, 0.0, 0.5, gain=1e20),
        Ramp(0.0, 1e20, 0.0, 0.5, gain=[1e20, 0.0, 0.0]), PerStep(np.full(10, 1e40)),
        PerStep(np.full((10, 3), 1e40)), Step(2e38) + Step(2e38), Constant(2e38) + Step(2e38),
        PerStep(np.full((10, 3), 2e38)) + PerStep(np.full(10, 2e38)),
    ],
    ids=lambda value: f"{value!r:.20}",
)  # fmt: skip
def test_currents_that_do_not_fit_are_refused_before_the_run(value, precision):
    with GPUNeuronPool(3, device="cpu", precision=precision) as pool:
        with pytest.raises(SpikecudaValueError, match="input must fit in float32"):
            pool.run(steps=10, input=value)
        assert pool.steps == 0
    net = Network(devices="cpu", precision=precision)
    net.population("a", 3)
    with pytest.raises(SpikecudaValueError, match="input must fit in float32"):
        # Each fits alone: their sum is refused by the run.
        net.drive("a", value)
        net.run(1.0)
    assert net.time == 0


@pytest.mark.parametrize(
    "rows", [np.ones((7, 7)), np.full((10, 3), np.nan), np.full(10, np.inf), np.ones((10, 1))]
)
def test_rows_that_no_run_could_take_are_refused_at_once(rows):
    net = Network(devices="cpu")
    net.population("a", 3)
    with pytest.raises(SpikecudaValueError, match="PerStep must"):
        net.drive("a", PerStep(rows))
    assert net.run(1.0).num_spikes == 0


def test_a_ramp_beyond_float64_is_refused():
    refused = pytest.raises(SpikecudaValueError, match=r"fit in float64 .*; use a smaller input")
    with GPUNeuronPool(3, device="cpu", precision="float64") as pool, refused:
        pool.run(steps=10, input=Ramp(-1e308, 1e308, 0.0, 0.5))

"""Parameters and trials of pools and systems: between runs, with the same bits everywhere."""

import numpy as np
import pytest

from spikecuda import Constant, GPUNeuronPool, MultiGPUNeuronSystem, Noise, Normal, SpikecudaError

N = 70
CURRENT = [Constant(900.0), Noise(400.0)]
START = {"v": Normal(-65.0, 3.0)}
SEQUENCE = [
    8.0, {"tau_w": 90.0}, 3.0, {"v_t": -48.0, "delta_t": 1.5}, 4.0, (3,), 5.0,
    {"tau_w": np.linspace(50.0, 150.0, N)}, 5.0, {"tau_w": 100.0, "e_l": -72.0}, 7.0, (None,), 6.0,
]  # fmt: skip


def pool(device="cpu", precision="float32", **options):
    return GPUNeuronPool(
        N, "adex", device=device, precision=precision, seed=5, initial=START, **options
    )


def steered(held, sequence=SEQUENCE, pieces=1):
    found = []
    for step in sequence:
        if isinstance(step, dict):
            held.params.update(step)
        elif isinstance(step, tuple):
            held.reset(*step)
        else:
            for _ in range(pieces):
                result = held.run(step / pieces, input=CURRENT)
                found.append((result.spikes.step, result.spikes.neuron))
            found.append((held.state["v"].copy(), held.state["w"].copy()))
    return found


def equal(a, b):
    return all(
        np.array_equal(x, y) for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True)
    )


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_the_same_bits_on_all_devices(precision):
    with pool(precision=precision, threads=1) as held:
        one = steered(held)
    assert sum(len(a) for a, _ in one[::2]) > 50
    for options in (
        {"threads": 2}, {"device": "cuda-emu"}, {"device": "cuda-emu", "out_of_core": True},
    ):  # fmt: skip
        if precision == "float64" and "out_of_core" in options:
            continue
        with pool(**{"precision": precision, **options}) as held:
            assert equal(one, steered(held)), options


def test_a_change_and_a_trial_are_those_of_a_new_pool():
    new = {"tau_w": 60.0, "e_l": -75.0, "v_reset": np.linspace(-75.0, -65.0, N)}
    for precision in ("float16", "float32"):
        told, held = pool(precision=precision, params=new, trial=4), pool(precision=precision)
        with told, held:
            held.run(5.0, input=CURRENT)
            held.params.update(new)
            held.reset(trial=4)
            assert held.trial == 4 == told.trial and held.seed == 5
            assert equal(steered(told, [20.0]), steered(held, [20.0]))


def test_seeds_of_a_pool_are_apart():
    def drawn(**seeds):
        with pool(params={"tau_w": Normal(144.0, 5.0)}, **seeds) as held:
            start = held.state["v"].copy()
            held.run(1.0, input=CURRENT)
            return held.params["tau_w"].copy(), start, held.state["v"]

    plain = drawn()
    for seeds, same in (
        ({}, (True, True, True)), ({"noise_seed": 1}, (True, True, False)),
        ({"start_seed": 1}, (True, False, False)), ({"wiring_seed": 1}, (False, True, False)),
    ):  # fmt: skip
        other = drawn(**seeds)
        assert tuple(np.array_equal(a, b) for a, b in zip(plain, other, strict=True)) == same


def test_systems_change_by_type():
    def run(devices, **options):
        with MultiGPUNeuronSystem(
            100, 40, ["lif", "adex"], devices=devices, seed=2, initial={"adex": START}, **options
        ) as system:
            found = []
            drive = {"lif": Constant(400.0), "adex": CURRENT}
            for change in ({}, {"adex": {"tau_w": 50.0}}, {"lif": {"t_ref": 1.0, "tau_m": 12.0}}):
                for name, values in change.items():
                    system.params[name].update(values)
                found.append(system.run(15.0, input=drive).spikes)
            system.reset(trial=2)
            assert system.trial == 2
            found.append(system.run(15.0, input=drive).spikes)
            return [(s.step, s.neuron) for s in found]

    one = run(["cpu:0"])
    assert sum(len(a) for a, _ in one) > 100
    assert equal(one, run(["cpu:0", "cuda-emu:0"]))
    with MultiGPUNeuronSystem(
        100, 40, ["lif", "adex"], devices=["cpu:0"], seed=2, initial={"adex": START}, trial=2,
        params={"adex": {"tau_w": 50.0}, "lif": {"t_ref": 1.0, "tau_m": 12.0}},
    ) as new:  # fmt: skip
        spikes = new.run(15.0, input={"lif": Constant(400.0), "adex": CURRENT}).spikes
        assert equal(one[-1:], [(spikes.step, spikes.neuron)])


def test_what_is_refused_changes_nothing():
    with pool() as held, pool() as other:
        held.run(3.0, input=CURRENT), other.run(3.0, input=CURRENT)
        for values in (
            {"tau": 1.0}, {"tau_w": -1.0}, {"c_m": 1.0, "g_l": np.ones(3)}, {"t_ref": 1.0},
            {"c_m": 100.0, "delta_t": "x"}, {"v_peak": -100.0},
        ):  # fmt: skip
            with pytest.raises(SpikecudaError):
                held.params.update(values)
        with pytest.raises(SpikecudaError, match="trial must be"):
            held.reset(trial=-1)
        assert equal(steered(held, [5.0]), steered(other, [5.0]))
        with pytest.raises(SpikecudaError, match="running"):
            held.run(1.0, progress=lambda *_: held.params.update(c_m=100.0))
        held.close()
        with pytest.raises(SpikecudaError, match="closed"):
            held.params["c_m"] = 100.0

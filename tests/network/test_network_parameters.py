"""Parameters that change between runs: the same bits everywhere, and all or nothing."""

import numpy as np
import pytest
from steered import DEVICES, bits, equal, network

from spikecuda import Normal, Uniform
from spikecuda.errors import (
    SpikecudaError,
    SpikecudaKeyError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.network import Delta, ExpCurrent, Network

CHANGES = [
    {"E": {"tau_m": 12.0, "t_ref": 0.5}},
    {"E": {"tau_exc": 4.0, "v_th": -52.0, "v_reset": -66.0}, "I": {"e_rev_exc": -5.0}},
    {"E": {"tau_m": np.linspace(8.0, 15.0, 70)}, "I": {"tau_w": 80.0, "delta_t": 1.5}},
    {"E": {"t_ref": 0.0, "tau_m": 10.0, "c_m": 150.0}},
]


def steered(net, changes=CHANGES, pieces=1):
    found = bits(net.run(12.0))
    for change in changes:
        for name, values in change.items():
            net[name].params.update(values)
        for _ in range(pieces):
            found += bits(net.run(12.0 / pieces))
    return found


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_changed_parameters_give_the_same_bits_on_all_devices(precision):
    with network(precision) as net:
        one = steered(net)
    assert sum(map(len, one[::5])) > 200 and sum(map(len, one[2::5])) > 30
    for devices, options in DEVICES if precision != "float64" else DEVICES[:1]:
        with network(precision, devices=devices, **{"threads": None, **options}) as net:
            assert equal(one, steered(net)), devices


def test_a_change_before_the_first_step_is_that_of_a_new_network():
    new = {"tau_m": 13.0, "v_th": -51.0, "v_rest": -66.0, "t_ref": np.linspace(0.5, 3.0, 70)}
    for precision in ("float16", "float32"):
        with network(precision, new) as told, network(precision) as changed:
            before = network(precision)
            before["E"].params.update(new)  # nothing is built yet
            changed.run(3.0)
            changed["E"].params.update(new)
            changed.reset()
            runs = [bits(net.run(20.0)) for net in (told, changed, before)]
            assert equal(runs[0], runs[1]) and equal(runs[0], runs[2])
            before.close()


def test_changes_keep_the_kernel_and_say_when_they_cannot(caplog):
    with network() as net:
        net.run(1.0)
        specs = [n.spec(*d) for n, d in _driven(net)]
        net["E"].params.update(tau_m=11.0, c_m=300.0, tau_inh=7.0)
        net["I"].params["tau_w"] = 50.0  # one number for each before
        net["E"].receptors["exc"] = ExpCurrent(3.0)
        assert [n.spec(*d) for n, d in _driven(net)] == specs
        assert "another kernel" not in caplog.text
        net["E"][:5].params["tau_m"] = 9.0
        assert "tau_m of E now differs between neurons" in caplog.text


def _driven(net):
    return [(n, net._drives.resolve(n.population, 10, 0, 10)) for n in net.build().neurons]


def test_draws_are_those_of_a_new_network():
    with network(params={"tau_m": Normal(15.0, 1.0)}) as told, network() as changed:
        changed["E"].params["tau_m"] = Normal(15.0, 1.0)
        assert np.array_equal(told["E"].params["tau_m"], changed["E"].params["tau_m"])
        view = changed["E"][10:20]
        view.params["c_m"] = Uniform(100.0, 200.0)
        drawn = Network(seed=3, devices="cpu").population(
            "E", 70, params={"c_m": Uniform(100, 200)}
        )
        assert np.array_equal(view.params["c_m"], drawn.params["c_m"][10:20])
        assert set(changed["E"].params["c_m"][20:]) == {200.0}


REFUSED = [
    ({"tau": 1.0}, SpikecudaKeyError, "has no parameter 'tau'; did you mean"),
    ({"tau_m": -1.0, "c_m": 100.0}, SpikecudaValueError, "tau_m must be > 0 ms"),
    ({"c_m": 100.0, "tau_m": [1.0, 2.0]}, SpikecudaValueError, "one number or one per neuron"),
    ({"c_m": 100.0, "v_th": -80.0}, SpikecudaValueError, "v_th"),
    ({"c_m": 100.0, "tau_exc": np.ones(69)}, SpikecudaValueError, r"tau of receptor 'exc' .*\(70,"),
    ({"c_m": 100.0, "tau_exc": Normal(5.0, 1.0)}, SpikecudaTypeError, "draw it with NumPy"),
    ({"c_m": 100.0, "tau_exc": 0.0}, SpikecudaValueError, "tau must be > 0"),
    ({"c_m": 100.0, "t_ref": 1e5}, SpikecudaValueError, "t_ref must be <= 3276.7 ms"),
    ({"c_m": "x"}, SpikecudaError, "c_m"),
]


@pytest.mark.parametrize("built", [False, True])
def test_what_is_refused_changes_nothing(built):
    with network() as net, network() as other:
        if built:
            other.run(5.0), net.run(5.0)
        before = repr(net["E"].params)
        for values, kind, match in REFUSED:
            if "t_ref" in values and not built:
                continue
            with pytest.raises(kind, match=match):
                net["E"].params.update(values)
        with pytest.raises(SpikecudaError, match="of kind ExpCurrent"):
            net["E"].receptors["exc"] = Delta()
        if built:
            with pytest.raises(SpikecudaValueError, match="built without a refractory period"):
                net["I"].params["t_ref"] = 1.0
        assert repr(net["E"].params) == before
        assert equal(bits(net.run(10.0)), bits(other.run(10.0)))
        with pytest.raises(SpikecudaError, match="running"):
            net.run(5.0, progress=lambda *_: net["E"].params.update(tau_m=5.0))
        net.close()
        with pytest.raises(SpikecudaError, match="closed"):
            net["E"].params["tau_m"] = 5.0


def test_a_source_has_no_parameters():
    with network() as net:
        from spikecuda.network import SpikeTrain

        net.source("s", 2, SpikeTrain([1.0]))
        with pytest.raises(SpikecudaError, match="has no neurons"):
            _ = net["s"].params


# Trials.


@pytest.mark.parametrize(("devices", "options"), [("cpu", {"threads": 1}), *DEVICES])
def test_a_trial_is_that_of_a_new_network(devices, options):
    with network(devices=devices, **{"threads": None, **options}) as net:
        first = bits(net.run(15.0))
        weights = net.projections[0].connections()
        seen = [first]
        for trial in (1, 2**64 - 1, 7):
            net.reset(trial=trial)
            assert net.trial == trial
            seen.append(bits(net.run(15.0)))
            with network(trial=trial) as new:
                assert equal(seen[-1], bits(new.run(15.0)))
                again = new.projections[0].connections()
                assert all(np.array_equal(weights[key], again[key]) for key in weights)
        assert len({tuple(found[0]) for found in seen}) == len(seen)
        net.reset()
        assert net.trial == 7 and equal(bits(net.run(15.0)), seen[-1])
        net.reset(trial=0)
        assert equal(bits(net.run(15.0)), first)


def test_seeds_are_apart():
    def drawn(**seeds):
        with network(**seeds) as net:
            start = net["E"].state["v"].copy()
            wiring = net.projections[0].connections()["target"]
            return [net["I"].params["tau_w"].copy(), wiring, start, bits(net.run(10.0))[4]]

    plain = drawn()
    assert equal(plain, drawn(wiring_seed=3, start_seed=3, noise_seed=3))
    for seeds, same in (
        ({"noise_seed": 9}, (True, True, True, False)),
        ({"start_seed": 9}, (True, True, False, False)),
        ({"wiring_seed": 9}, (False, False, True, False)),
        ({"trial": 9}, (True, True, False, False)),
    ):
        other = drawn(**seeds)
        assert tuple(np.array_equal(a, b) for a, b in zip(plain, other, strict=True)) == same


@pytest.mark.parametrize("trial", [-1, 2**64, 1.5, "1", True])
def test_odd_trials_are_refused(trial):
    with network() as net:
        before = bits(net.run(5.0))
        with pytest.raises(SpikecudaError, match="trial must be"):
            net.reset(trial=trial)
        net.reset()
        assert net.trial == 0 and equal(bits(net.run(5.0)), before)
    with pytest.raises(SpikecudaError, match="trial must be"):
        Network(trial=trial)
    with pytest.raises(SpikecudaError, match="noise_seed must be"):
        Network(noise_seed=trial)

"""The constants of receptors and models: exact at their limits, or refused before the build."""

import dataclasses
import math

import numpy as np
import pytest

from spikecuda import Network
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.kernels.reference import network as oracle
from spikecuda.models.registry import BUILT_IN
from spikecuda.network import (
    NMDA,
    AlphaConductance,
    AlphaCurrent,
    ExpConductance,
    ExpCurrent,
)
from spikecuda.network.model import receptors as module
from spikecuda.network.model.receptor import DECLARED, Receptor
from spikecuda.runtime.neuron_spec import resolve_neurons

KINDS = [k for k in vars(module).values() if isinstance(k, type) and issubclass(k, Receptor)]
# What a careless user may write for a time constant or a capacitance.
EXTREMES = (0.0, -1.0, math.nan, math.inf, 5e-324, 1e-300, 1e-40, 1e-10, 1e10, 1e40, 1e300)


def constants(receptor, model="lif", params=None, dt=0.1, precision="float64"):
    """Return a receptor's constants in a population of a network."""
    net = Network(dt=dt, precision=precision)
    spec = net.population("n", 3, model, params, receptors={"x": receptor}).neurons
    return receptor.cast_constants("x", spec.model, spec.params, dt, spec.precision.real)


@pytest.mark.parametrize("kind", KINDS)
def test_fields_declare_their_units(kind):
    declared = {f.name: f.metadata[DECLARED].unit for f in dataclasses.fields(kind)}
    known = {"tau": "ms", "tau_rise": "ms", "tau_decay": "ms", "e_rev": "mV", "mg": "mM"}
    assert declared == {name: known[name] for name in declared}


def test_a_number_in_float32_is_worked_with_in_float64():
    for a, b in ((ExpCurrent(np.float32(5)), ExpCurrent(5.0)), (ExpCurrent(5), ExpCurrent(5.0))):
        assert constants(a) == constants(b)


@pytest.mark.parametrize("kind", [ExpCurrent, AlphaCurrent])
@pytest.mark.parametrize(
    ("model", "params", "tau_m"),
    [("lif", {"tau_m": 10.0}, 10.0), ("lif_cond", {"c_m": 100.0, "g_l": 10.0}, 10.0),
     ("glif1", {"c_m": 100.0, "g_l": 10.0}, 10.0), ("glif5", {"c_m": 100.0, "g_l": 10.0}, 10.0),
     ("lif", {"tau_m": 1e-3}, 1e-3), ("lif", {"tau_m": 1e-4}, 1e-4), ("lif", {"tau_m": 1e4}, 1e4)],
)  # fmt: skip
@pytest.mark.parametrize("tau", [10.0, 10.0 * (1 + 2**-50), 10.0 * (1 - 1e-9), 2.0, 0.01, 500.0])
def test_currents_are_exact_where_time_constants_are_the_same(kind, model, params, tau_m, tau):
    """The constant current with the same effect, beside the oracle's 100 digits."""
    found = constants(kind(tau), model, params)
    unit = -tau_m * math.expm1(-0.1 / tau_m)  # what a constant current of 1 does, times c_m
    keep, of_i, _, of_di = oracle.constants(kind.kind, {"tau": tau}, tau_m, unit, 0.1)
    assert found["keep"] == pytest.approx(keep, rel=1e-14)
    assert found["to_i"] == pytest.approx(of_i, rel=1e-12)
    if kind is AlphaCurrent:
        assert found["to_di"] == pytest.approx(of_di, rel=1e-11)


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_time_constants_that_rounding_cannot_tell_apart_are_refused(precision):
    with pytest.raises(SpikecudaValueError, match=r"AlphaConductance\(tau, e_rev\)"):
        NMDA(100.0, 100.0)
    net = Network(precision=precision)
    for rise in (np.nextafter(100.0, 0.0), 100.0 * (1.0 - 1e-13)):
        with pytest.raises(SpikecudaValueError, match=r"receptor 'x' needs constants .* near"):
            net.population("n", 2, receptors={"x": NMDA(rise, 100.0)})
    assert not net.populations
    if precision == "float64":
        # The peak is 1: of n (e^(-t / decay) - e^(-t / rise)) at t = 100.
        peak = constants(NMDA(99.9999, 100.0))["peak"]
        at = 100.0
        assert peak * (math.exp(-at / 100) - math.exp(-at / 99.9999)) == pytest.approx(1.0, 1e-6)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_extremes_of_receptors_are_finite_or_refused(precision):
    makers = (
        ExpCurrent, AlphaCurrent, lambda t: ExpConductance(t, 0.0),
        lambda t: AlphaConductance(t, -80.0), lambda t: ExpConductance(5.0, t),
        lambda t: NMDA(t, 20.0), lambda t: NMDA(2.0, t), lambda t: NMDA(t, t), lambda t: NMDA(mg=t),
    )  # fmt: skip
    finite = 0
    for params in ({}, {"tau_m": 1e-4}, {"tau_m": 5e-324}, {"tau_m": 1e300}):
        for maker in makers:
            for value in (*EXTREMES, 20.0, "x", None, True, 1j, 10**400):
                try:
                    found = constants(maker(value), "lif", params, precision=precision)
                except SpikecudaError:
                    continue
                assert all(np.isfinite(v).all() for v in found.values())
                finite += 1
    assert finite > 100


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
@pytest.mark.parametrize("model", BUILT_IN)
def test_extremes_of_parameters_are_finite_or_refused(model, precision):
    from spikecuda.models.base import as_model

    declared = as_model(model).parameters
    if not declared:
        return
    finite = 0
    for name in declared:
        # The other parameters' values, too: equal rates, a threshold at rest.
        for value in (*EXTREMES, *(p.default for p in declared.values())):
            for dt in (0.1, 1e-6, 100.0):
                try:
                    spec = resolve_neurons(3, model, precision, dt, 0, params={name: value})
                except SpikecudaError:
                    continue
                assert all(np.isfinite(v).all() for v in spec.constants.values())
                finite += 1
    assert finite > 10

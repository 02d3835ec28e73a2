"""A model is driven by what its functions read; anything else is refused, not ignored."""

import numpy as np
import pytest

from spikecuda import (
    Constant,
    GPUNeuronPool,
    Model,
    MultiGPUNeuronSystem,
    Network,
    Noise,
    PerStep,
    Poisson,
    Ramp,
    SpikecudaError,
    State,
    Step,
)
from spikecuda.language import real
from spikecuda.models.base import as_model
from spikecuda.models.registry import BUILT_IN
from spikecuda.network import (
    NMDA,
    AlphaConductance,
    AlphaCurrent,
    Delta,
    ExpConductance,
    ExpCurrent,
    SpikeTrain,
)

CURRENTS = {
    "number": 3.0, "array": np.full(2, 3.0), "Constant": Constant(3.0), "Step": Step(3.0),
    "Ramp": Ramp(0.0, 3.0, 0.0, 1.0), "Noise": Noise(3.0), "PerStep": PerStep(np.full(10, 3.0)),
    "rows": np.full((10, 2), 3.0),
}  # fmt: skip
RECEPTORS = {
    "Delta": Delta(), "ExpCurrent": ExpCurrent(5.0), "AlphaCurrent": AlphaCurrent(5.0),
    "ExpConductance": ExpConductance(5.0, 0.0), "AlphaConductance": AlphaConductance(5.0, 0.0),
    "NMDA": NMDA(),
}  # fmt: skip


class Deaf(Model):
    """Ignores currents and forgets what arrives."""

    name = "_deaf"
    x = State("", 0.0)
    y = State("", 0.0)
    pulse = "x"

    def step(y):
        return real(0.0), y + real(1.0)

    def threshold(y):
        return y > real(5.0)

    def reset(y):
        return real(0.0), real(0.0)


class Direct(Model):
    """Takes conductances and no current."""

    name = "_direct"
    v = State("mV", -65.0)

    def step(v, g_syn, g_e_syn, dt):
        return v + dt * (g_e_syn - g_syn * v)

    def threshold(v):
        return v > real(0.0)

    def reset(v):
        return real(-65.0)


ALL = [*((name, scheme) for name in BUILT_IN for scheme in as_model(name).schemes),
       (Deaf, None), (Direct, None)]  # fmt: skip


def taken(model, scheme):
    """What a model takes, by its functions' own names."""
    model = as_model(model)
    scheme = scheme or model.default_scheme()
    read = {n for f in model.step_functions(scheme) for n in model.functions[f].arguments}
    return "current" in read, "g_syn" in read, model.pulse in read


@pytest.mark.parametrize(("model", "scheme"), ALL, ids=str)
def test_every_model_with_every_input(model, scheme):
    current, conductance, pulses = taken(model, scheme)
    net = Network(devices="cpu")
    net.population("p", 2, model, scheme=scheme)
    for what, value in CURRENTS.items():
        if current:
            net.drive("p", value)
        else:
            with pytest.raises(SpikecudaError, match=r"takes no currents \(got"):
                net.drive("p", value)
            assert not net._drives, what
    if pulses:
        net.drive("p", Poisson(1.0, 1.0))
    else:
        with pytest.raises(SpikecudaError, match="takes no pulses"):
            net.drive("p", Poisson(1.0, 1.0))
    for what, receptor in RECEPTORS.items():
        fits = {
            "Delta": pulses, "ExpCurrent": current, "AlphaCurrent": current,
        }.get(what, (current or conductance) and "v" in as_model(model).states)  # fmt: skip
        make = lambda r=receptor, w=what: net.population(  # noqa: E731
            f"p{w}", 2, model, receptors={"r": r}, scheme=scheme
        )
        if fits:
            make()
            net.drive(f"p{what}", SpikeTrain([1.0]), "r")
            net.drive(f"p{what}", Poisson(1.0, 1.0), "r")
        else:
            with pytest.raises(SpikecudaError, match=r"receptor 'r' .*; use "):
                make()
    net.close()


def test_the_advice_fits_the_model():
    net = Network(devices="cpu")
    net.population("parrot", 2, "parrot")
    net.population("lif", 2, "lif")
    with pytest.raises(SpikecudaError, match=r'receptors=\{"in": Delta\(\)\}'):
        net.connect("lif", "parrot", "all_to_all", 1.0, 1.0)
    with pytest.raises(SpikecudaError, match="ExpCurrent"):
        net.connect("parrot", "lif", "all_to_all", 1.0, 1.0)


def test_pools_and_systems_refuse_too_and_go_on():
    with GPUNeuronPool(2, "parrot", device="cpu") as pool:
        for value in CURRENTS.values():
            with pytest.raises(SpikecudaError, match="parrot takes no currents"):
                pool.run(steps=10, input=value)
            with pytest.raises(SpikecudaError, match="parrot takes no currents"):
                pool.run(steps=10, input=[Poisson(1.0, 1.0), value])
        assert pool.steps == 0
        assert pool.run(steps=10, input=Poisson(1e4, 1.0)).num_spikes > 0
    with MultiGPUNeuronSystem(40, 40, ["lif", "parrot"], devices="cpu") as system:
        with pytest.raises(SpikecudaError, match="parrot takes no currents"):
            system.run(steps=1, input=3.0)
        system.run(steps=1, input={"lif": 3.0, "parrot": Poisson(1.0, 1.0)})

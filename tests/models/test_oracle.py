"""The oracle harness: agrees with right kernels, and finds wrong ones."""

import numpy as np
import pytest

from spikecuda import Model, Parameter, State
from spikecuda.errors import NumericalError
from spikecuda.language import exp, fma, real
from spikecuda.verify.oracle import check_model
from spikecuda.verify.tracked import Tracked


@pytest.mark.parametrize(
    "model, current",
    [("lif", (-100.0, 4000.0)), ("adex", (-100.0, 3000.0)), ("izhikevich", (-20.0, 200.0))],
)
@pytest.mark.parametrize("device", ["cpu", "cuda-emu"])
def test_built_in_models_agree(model, current, device):
    report = check_model(model, current=current, neurons=120, devices=(device,), seed=2)
    for key, count in report.compared.items():
        assert count > 100
        assert 0 < report.worst[key] <= 1
    assert sum(report.spikes.values()) > 0
    assert model in str(report)


class Decay(Model):
    """Exponential decay, for planting mistakes."""

    name = "_decay"
    x = State("", initial=1.0)
    rate = Parameter(0.5)

    def step(x, rate, current, dt):
        return fma(x, exp(-rate * dt), current * real(1e-3))

    def threshold(x):
        return x > real(2.0)

    def reset(x):
        return x - real(1.0)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("relative", [1e-6, -1e-6])
def test_a_wrong_kernel_is_found(precision, relative, monkeypatch):
    check_model(Decay, neurons=50, precisions=(precision,), spread=3.0)

    monkeypatch.setitem(Decay.schemes, "step", _without_closure(1.0 + relative))
    with pytest.raises(NumericalError, match="the kernel gives x ="):
        check_model(Decay, neurons=50, precisions=(precision,), spread=3.0)


def _without_closure(factor):
    space = {"fma": fma, "exp": exp, "real": real}
    exec(
        "def step(x, rate, current, dt):\n"
        f"    return fma(x, exp(-rate * dt) * real({factor!r}), current * real(1e-3))\n",
        space,
    )
    return space["step"]


def test_a_wrong_threshold_is_found(monkeypatch):
    def lower(x):
        return x > real(1.9)

    monkeypatch.setattr(Decay, "threshold", staticmethod(lower))
    with pytest.raises(NumericalError, match="please report"):
        check_model(Decay, neurons=300, precisions=("float32",), spread=3.0)


def test_the_bound_covers_float32_arithmetic_and_little_more():
    rng = np.random.default_rng(1)
    ratio = []
    for _ in range(300):
        numbers = rng.normal(0.0, 10.0, 12).astype(np.float32)
        exact, rounded = Tracked(numbers[0], 0.0, 2.0**-24), numbers[0]
        for number in numbers[1:]:
            exact = exact * Tracked(0.75, 0.0, 2.0**-24) + Tracked(number, 0.0, 2.0**-24)
            rounded = rounded * np.float32(0.75) + number
        ratio.append(float(abs(np.longdouble(rounded) - exact.value) / exact.error))
    assert max(ratio) <= 1
    # The bound is useful: some sum comes within a factor of ten of it.
    assert max(ratio) > 0.1

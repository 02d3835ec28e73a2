"""What a pool does: run, step, record, state, reset, metrics."""

import numpy as np
import pytest

import spikecuda
from spikecuda import (
    Constant,
    GPUNeuronPool,
    LogNormal,
    Noise,
    Normal,
    PerStep,
    Poisson,
    Ramp,
    Step,
    Uniform,
)
from spikecuda.errors import SpikecudaError

LIF = dict(device="cpu", seed=7)


def test_the_original_call_works():
    with GPUNeuronPool(
        num_neurons=1000, neuron_type="adex", use_gpu=False, batch_size=100, precision="float32"
    ) as pool:
        result = pool.run(steps=500, input=1000.0)
        assert pool.precision == "float32"
        assert len(result.spikes) > 1000
        assert "adex" in repr(pool) and "1,000" in repr(pool)


def test_use_gpu_false_takes_the_cpu_and_says_so():
    with GPUNeuronPool(10, use_gpu=False) as pool:
        assert pool.device.name == "cpu"
        assert "on cpu (" in repr(pool)


def test_step_returns_who_spiked():
    with GPUNeuronPool(100, **LIF) as one, GPUNeuronPool(100, **LIF) as other:
        current = np.linspace(0.0, 4000.0, 100)
        stepped = [one.step(current) for _ in range(40)]
        run = other.run(steps=40, input=current)
        for k, neurons in enumerate(stepped):
            np.testing.assert_array_equal(neurons, run.spikes.neuron[run.spikes.step == k])
        assert sum(map(len, stepped)) == run.num_spikes > 0
        assert one.state["v"].tobytes() == other.state["v"].tobytes()


def test_spikes_are_sorted_and_timed():
    with GPUNeuronPool(300, **LIF) as pool:
        pool.run(steps=50)
        spikes = pool.run(steps=300, input=np.linspace(1000.0, 100.0, 300)).spikes
        keys = spikes.step * 300 + spikes.neuron
        assert np.all(np.diff(keys) > 0)
        assert spikes.step.min() >= 50
        np.testing.assert_allclose(spikes.time, (spikes.step + 1) * 0.1)
        np.testing.assert_array_equal(spikes.of(0), spikes.time[spikes.neuron == 0])
        counts = spikes.counts(300)
        assert counts.sum() == len(spikes) and counts.size == 300
        assert counts[0] > counts[150] > counts[299] == 0


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_traces_are_the_state_after_each_step(precision):
    with GPUNeuronPool(50, "adex", precision=precision, **LIF) as pool:
        current = np.linspace(0.0, 2000.0, 50)
        result = pool.run(steps=5, input=current, record=("v", "w"), spikes=False)
        assert result.recorded_spikes is None
        assert result.traces["v"].shape == (5, 50)
        np.testing.assert_array_equal(result.traces["v"][-1], pool.state["v"])
        np.testing.assert_array_equal(result.traces["w"][-1], pool.state["w"])
        np.testing.assert_allclose(result.time, [0.1, 0.2, 0.3, 0.4, 0.5])
        more = pool.run(steps=1, input=current, record="v")
        np.testing.assert_array_equal(more.traces["v"][0], pool.state["v"])
        np.testing.assert_allclose(more.time, [0.6])


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_state_round_trips(precision):
    with GPUNeuronPool(1000, "adex", precision=precision, **LIF) as pool:
        pool.run(steps=100, input=np.linspace(0.0, 2000.0, 1000))
        for name in pool.state:
            values = pool.state[name]
            pool.state[name] = values
            np.testing.assert_array_equal(pool.state[name], values)
        with pytest.raises(ValueError, match="read-only"):
            pool.state["v"][0] = 1.0


def test_a_saved_state_goes_on_where_it_was():
    current = Constant(np.linspace(0.0, 400.0, 200)) + Noise(200.0)
    with GPUNeuronPool(200, **LIF) as pool:
        pool.run(steps=77, input=current)
        saved, steps = dict(pool.state), pool.steps
        expected = pool.run(steps=200, input=current)
        pool.reset()
        assert pool.steps == 0
        pool.run(steps=77, input=0.0)
        for name, values in saved.items():
            pool.state[name] = values
        assert pool.steps == steps
        again = pool.run(steps=200, input=current)
        np.testing.assert_array_equal(again.spikes.step, expected.spikes.step)
        np.testing.assert_array_equal(again.spikes.neuron, expected.spikes.neuron)


def test_reset_starts_again():
    with GPUNeuronPool(100, initial={"v": Uniform(-65.0, -50.0)}, **LIF) as pool:
        first = pool.state["v"].copy()
        a = pool.run(steps=300, input=Noise(300.0, mean=140.0))
        pool.reset()
        np.testing.assert_array_equal(pool.state["v"], first)
        assert pool.metrics().spikes == 0 and pool.metrics().updates == 0
        b = pool.run(steps=300, input=Noise(300.0, mean=140.0))
        np.testing.assert_array_equal(a.spikes.step, b.spikes.step)
        np.testing.assert_array_equal(a.spikes.neuron, b.spikes.neuron)


def test_distributions_draw_what_they_say():
    n = 40_000
    initial = {"v": Normal(-60.0, 2.0, high=-55.0)}
    params = {"tau_m": LogNormal(20.0, 4.0), "c_m": Uniform(150.0, 250.0)}
    with GPUNeuronPool(n, initial=initial, params=params, precision="float64", **LIF) as pool:
        v, tau, c = pool.state["v"], pool.params["tau_m"], pool.params["c_m"]
        # five standard errors of the mean
        assert abs(v.mean() + 60.0) < 5 * 2.0 / np.sqrt(n) + 0.01
        assert v.max() <= -55.0
        assert abs(tau.mean() - 20.0) < 5 * 4.0 / np.sqrt(n)
        assert abs(tau.std() / 4.0 - 1.0) < 0.05
        assert 150.0 <= c.min() < 150.1 and 249.9 < c.max() < 250.0
        assert abs(np.corrcoef(tau, c)[0, 1]) < 5 / np.sqrt(n)
    with GPUNeuronPool(n, initial=initial, params=params, device="cpu", seed=8) as other:
        assert not np.array_equal(other.params["tau_m"], tau)
    with GPUNeuronPool(100, params=params, **LIF) as small:
        np.testing.assert_array_equal(small.params["tau_m"], tau[:100])


def final(value, steps=400, **options):
    with GPUNeuronPool(64, **{**LIF, **options}) as pool:
        result = pool.run(steps=steps, input=value)
        return (
            result.spikes.step.tobytes(),
            result.spikes.neuron.tobytes(),
            pool.state["v"].tobytes(),
        )


EACH = np.linspace(100.0, 400.0, 64)
RAMP = Ramp(0.0, 500.0, 5.0, 30.0)
EQUAL_INPUTS = {
    "a number and a constant": (300.0, Constant(300.0)),
    "a number and one per neuron": (300.0, np.full(64, 300.0)),
    "an array and Constant": (EACH, Constant(EACH)),
    "constants add up": (Constant(100.0) + Constant(EACH - 100.0), EACH),
    "a constant and one per step": (300.0, PerStep(np.full(400, 300.0))),
    "one per neuron and one per step and neuron": (EACH, np.tile(EACH, (400, 1))),
    "a step that is always on": (300.0, Step(300.0)),
    "a step per neuron": (EACH, Step(EACH)),
    "two steps in a row": (300.0, Step(300.0, 0.0, 20.0) + Step(300.0, 20.0)),
    "a step and its values": (
        Step(300.0, 5.0, 30.0),
        PerStep(np.where((np.arange(400) >= 50) & (np.arange(400) < 300), 300.0, 0.0)),
    ),
    "a flat ramp": (300.0, Ramp(300.0, 300.0, 0.0, 10.0)),
    "a ramp with gain 1 each": (RAMP, Ramp(0.0, 500.0, 5.0, 30.0, np.ones(64))),
    "noise of no strength": (Noise(0.0, mean=300.0), 300.0),
    "noise per neuron": (Noise(200.0, mean=EACH), [Noise(np.full(64, 200.0)), Constant(EACH)]),
    "Poisson per neuron": (Poisson(5000.0, 0.7), Poisson(np.full(64, 5000.0), np.full(64, 0.7))),
    "Poisson without weight": (Constant(EACH), Constant(EACH) + Poisson(5000.0, 0.0)),
    "a list and a sum": ([Constant(EACH), Noise(50.0)], Constant(EACH) + Noise(50.0)),
}  # fmt: skip


@pytest.mark.parametrize("a, b", EQUAL_INPUTS.values(), ids=EQUAL_INPUTS)
def test_inputs_that_mean_the_same_give_the_same_bits(a, b):
    one, other = final(a), final(b)
    assert one == other
    assert len(one[0]) > 0


def test_protocols_follow_model_time_over_runs():
    value = Step(300.0, 10.0, 30.0) + Ramp(0.0, 200.0, 5.0, 25.0)
    with GPUNeuronPool(4, **LIF) as whole, GPUNeuronPool(4, **LIF) as parts:
        a = whole.run(steps=400, input=value)
        b = [parts.run(steps=k, input=value) for k in (1, 99, 150, 150)]
        np.testing.assert_array_equal(a.spikes.step, np.concatenate([r.spikes.step for r in b]))
        assert len(a.spikes) > 0


def test_several_noises_are_independent():
    def one(value):
        with GPUNeuronPool(2000, params={"v_th": 1e6, "v_reset": -65.0}, **LIF) as pool:
            pool.run(steps=50, input=value)
            return pool.state["v"] + 65.0

    single, double = one(Noise(100.0)), one(Noise(100.0) + Noise(100.0))
    # The variances of independent noises add; their ratio has a relative error of 2 / sqrt(2000).
    ratio = double.var() / single.var()
    assert abs(ratio / 2.0 - 1.0) < 5 * 2.0 / np.sqrt(2000)


def test_metrics_are_exact():
    with GPUNeuronPool(1000, params={"c_m": Uniform(190, 210)}, **LIF) as pool:
        result = pool.run(duration=200.0, input=300.0)
        figures = pool.metrics()
        assert figures.steps == 2000 and figures.time == pytest.approx(200.0)
        assert figures.updates == 2_000_000
        assert figures.spikes == result.num_spikes == len(result.spikes) > 1000
        assert figures.mean_rate == pytest.approx(figures.spikes / 1000 / 0.2)
        assert figures.host_bytes["v"] == 4000 and figures.host_bytes["refrac"] == 2000
        # A capacitance per neuron makes one constant per neuron.
        assert figures.host_bytes["p_i"] == 4000
        assert figures.host_bytes["spike bits"] == 1024 * 32 * 4
        assert set(figures.host_bytes) == {"v", "refrac", "p_i", "spike bits", "clock"}
        assert figures.device_bytes == {}
        assert figures.state_bytes_per_neuron == 6
        assert 0 < figures.kernel_seconds <= figures.run_seconds
        assert figures.updates_per_second == pytest.approx(2e6 / figures.run_seconds)
        assert figures.compile_seconds > 0
        assert figures.as_dict()["steps"] == 2000


@pytest.mark.parametrize(
    "model, precision, size",
    [
        ("lif", "float16", 3), ("lif", "float32", 6), ("lif", "float64", 10),
        ("adex", "float16", 4), ("adex", "float32", 8), ("adex", "float64", 16),
        ("izhikevich", "float16", 4), ("izhikevich", "float32", 8), ("izhikevich", "float64", 16),
    ],
)  # fmt: skip
def test_bytes_of_state(model, precision, size):
    with GPUNeuronPool(10, model, precision=precision, **LIF) as pool:
        assert pool.metrics().state_bytes_per_neuron == size


@pytest.mark.parametrize("precision, t_ref, size", [("float16", 12.8, 4), ("float32", 3276.8, 8)])
def test_a_long_refractory_period_takes_a_wider_counter(target, precision, t_ref, size):
    """One step more than the usual counter holds; the other neurons keep their bits."""
    spikes = []
    for last in (2.0, t_ref):
        periods = np.full(100, 2.0)
        periods[-1] = last
        with GPUNeuronPool(100, precision=precision, params={"t_ref": periods}, **target) as pool:
            found = pool.run(steps=1500, input=400.0).spikes
            assert pool.metrics().state_bytes_per_neuron == (
                size if last == t_ref else size * 3 // 4
            )
            spikes.append((found.step, found.neuron))
            if last == t_ref:
                since = 1499 - found.step[found.neuron == 99][-1]
                assert pool.state["refrac"][-1] == max(0, round(t_ref * 10) - since)
    (step, neuron), (wide_step, wide_neuron) = spikes
    common, wide_common = neuron < 99, wide_neuron < 99
    np.testing.assert_array_equal(step[common], wide_step[wide_common])
    np.testing.assert_array_equal(neuron[common], wide_neuron[wide_common])
    assert (~wide_common).sum() < (~common).sum()


def test_compile_time_is_kept_apart():
    with GPUNeuronPool(100, **LIF) as pool:
        pool.run(steps=1)
        before = pool.metrics()
        pool.run(steps=1, input=Noise(1.0) + Noise(2.0) + Noise(3.0) + Step(np.ones(100)))
        after = pool.metrics()
        assert after.compile_seconds > before.compile_seconds
        assert after.run_seconds - before.run_seconds < after.compile_seconds


def test_record_nothing_still_counts():
    with GPUNeuronPool(100, **LIF) as pool:
        result = pool.run(steps=500, input=300.0, record=None)
        with pytest.raises(SpikecudaError, match="spikes were not recorded"):
            result.spikes  # noqa: B018
        assert result.recorded_spikes is None and result.traces == {} and result.num_spikes > 0


def test_empty_runs_do_nothing():
    with GPUNeuronPool(5, **LIF) as pool:
        before = pool.state["v"].tobytes()
        result = pool.run(steps=0, record=("spikes", "v"))
        assert len(result.spikes) == 0 and result.traces["v"].shape == (0, 5)
        assert pool.state["v"].tobytes() == before and pool.steps == 0


def test_progress_reaches_the_end(capsys):
    seen = []
    with GPUNeuronPool(50, **LIF) as pool:
        pool.run(steps=2500, progress=lambda done, steps: seen.append((done, steps)))
        assert seen[-1] == (2500, 2500) and [d for d, _ in seen] == sorted(d for d, _ in seen)
        pool.run(steps=100, progress=True)
    shown = capsys.readouterr()
    assert "lif neurons" in shown.err and not shown.out


def test_closing_gives_everything_back_many_times():
    for _ in range(200):
        with GPUNeuronPool(64, **LIF) as pool:
            pool.run(steps=2, input=1.0)
        assert pool.device.held() == {}


def test_a_hundred_million_neurons_fit_on_this_machine():
    from spikecuda.common.host_memory import available_memory

    needed = 100_000_000 * 8 + 16 * 12_500_000
    if available_memory() < 1.2 * needed:
        pytest.skip(f"needs {needed} bytes of free memory")
    with GPUNeuronPool(100_000_000, **LIF) as pool:
        pool.run(steps=16, input=3000.0, record=None)
        figures = pool.metrics()
        assert figures.updates == 1_600_000_000
        assert sum(figures.host_bytes.values()) <= 100_000_000 * (8 + 2 + 0.1)


def test_public_names_are_there():
    for name in spikecuda.__all__:
        assert getattr(spikecuda, name) is not None
    assert set(spikecuda.__all__) == set(dir(spikecuda))
    with pytest.raises(AttributeError):
        spikecuda.nothing  # noqa: B018
